"""What SageMaker knows, read from botocore's own model of its API: instance types for each use, and regions.

The files are read without importing botocore: its import and the decoding of the whole model (2.5 MB of JSON) take
0.15 s, a tenth of synthesis.
"""

import difflib
import gzip
import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator


@cache
def _data() -> Path:
    spec = find_spec("botocore")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "data"


@cache
def _model() -> str:
    [newest] = (_data() / "sagemaker").glob("*/service-2.json.gz")
    return gzip.decompress(newest.read_bytes()).decode("utf-8")


@cache
def _enum(shape: str) -> list[str]:
    """The values of one enumeration, decoded alone."""
    start = _model().index(f'"{shape}":{{') + len(f'"{shape}":')
    definition, _ = json.JSONDecoder().raw_decode(_model(), start)
    return definition["enum"]


@cache
def _partitions() -> dict[str, str]:
    """The partition of each region; the partitions' global pseudo regions have no number."""
    read = json.loads((_data() / "partitions.json").read_text("utf-8"))["partitions"]
    return {name: each["id"] for each in read for name in each["regions"] if name[-1].isdigit()}


def partition(region: str) -> str | None:
    """aws, aws-cn or aws-us-gov; None for what is in none of these."""
    found = _partitions().get(region)
    return found if found in ("aws", "aws-cn", "aws-us-gov") else None


@cache
def regions() -> frozenset[str]:
    """Every region of the three partitions that this platform is made for."""
    return frozenset(filter(partition, _partitions()))


def _is_a_region(region: str) -> str:
    if region not in regions():
        raise ValueError(f"must be one of {', '.join(sorted(regions()))}")
    return region


Region = Annotated[str, AfterValidator(_is_a_region)]


def _one_of(shape: str) -> AfterValidator:
    def check(value: str) -> str:
        known = _enum(shape)
        if value not in known:
            near = ", ".join(difflib.get_close_matches(value, known, n=3)) or ", ".join(sorted(known)[:3])
            raise ValueError(f"must be one of SageMaker's {len(known)} {shape} values, such as {near}")
        return value

    return AfterValidator(check)


Processing = Annotated[str, _one_of("ProcessingInstanceType")]
Training = Annotated[str, _one_of("TrainingInstanceType")]
Hosting = Annotated[str, _one_of("ProductionVariantInstanceType")]
StudioApp = Annotated[str, _one_of("AppInstanceType")]
