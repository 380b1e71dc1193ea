"""What SageMaker knows, read from botocore's own model of its API: instance types for each use, and regions."""

import difflib
from functools import cache
from typing import Annotated

from botocore.loaders import Loader
from pydantic import AfterValidator


@cache
def _enums() -> dict[str, list[str]]:
    shapes = Loader().load_service_model("sagemaker", "service-2")["shapes"]
    return {name: shape["enum"] for name, shape in shapes.items() if "enum" in shape}


@cache
def regions() -> frozenset[str]:
    """Every region, of all partitions, that has a SageMaker endpoint."""
    partitions = Loader().load_data("endpoints")["partitions"]
    return frozenset(
        region
        for partition in partitions
        for region in partition["services"].get("api.sagemaker", {"endpoints": {}})["endpoints"]
        if region in partition["regions"]
    )


def _one_of(shape: str) -> AfterValidator:
    def check(value: str) -> str:
        known = _enums()[shape]
        if value not in known:
            near = ", ".join(difflib.get_close_matches(value, known, n=3)) or ", ".join(sorted(known)[:3])
            raise ValueError(f"must be one of SageMaker's {len(known)} {shape} values, such as {near}")
        return value

    return AfterValidator(check)


Processing = Annotated[str, _one_of("ProcessingInstanceType")]
Training = Annotated[str, _one_of("TrainingInstanceType")]
Hosting = Annotated[str, _one_of("ProductionVariantInstanceType")]
