"""Which version of a model answers, what it is compared with, and where what it is asked is captured."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from controls.refusals import is_missing
from controls.registry import newest_approved

_ABSENT = ("Creating", "Deleting")
_SERVING = ("InService", "Updating", "SystemUpdating", "RollingBack")


class WatchError(RuntimeError):
    """What is served cannot be examined; the message says what would change that."""


class UncapturedError(WatchError):
    """The endpoint keeps nothing of what it is asked, as one that is older than its monitor."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """A version of a model package and where what it is asked lies: `<capture>yyyy/mm/dd/hh/`.

    Of batches, manifests: `<capture>input/` and `<capture>output/`, with folders by hour in them.
    `since`: when the endpoint last changed, before which another version may have answered.
    """

    package: dict[str, Any]
    capture: str
    since: datetime | None = None


def by_endpoint(sagemaker: Any, name: str) -> Served | None:
    """What the endpoint `name` serves now. Raises UncapturedError, and WatchError where it cannot answer."""
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=name)
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    status = endpoint["EndpointStatus"]
    if status in _ABSENT:
        return None
    if status not in _SERVING:
        why = endpoint.get("FailureReason", "no reason given")
        raise WatchError(f"endpoint {name} is {status} ({why}): delete it and approve a version, be it the same again")
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    captured = config.get("DataCaptureConfig", {})
    if not captured.get("EnableCapture"):
        raise UncapturedError(f"endpoint {name} captures nothing")
    variant = config["ProductionVariants"][0]
    container = sagemaker.describe_model(ModelName=variant["ModelName"]).get("PrimaryContainer", {})
    if not container.get("ModelPackageName"):
        raise WatchError(f"endpoint {name} serves a model that is of no package: approve a version of {name}")
    package = sagemaker.describe_model_package(ModelPackageName=container["ModelPackageName"])
    capture = f"{captured['DestinationS3Uri'].rstrip('/')}/{name}/{variant['VariantName']}/"
    return Served(package=package, capture=capture, since=endpoint["LastModifiedTime"])


def by_batch(sagemaker: Any, name: str, capture: str) -> Served | None:
    """The newest approved version. What its jobs were asked is told by a folder of `capture` that has its number."""
    newest = newest_approved(sagemaker, name)
    if newest is None:
        return None
    package = sagemaker.describe_model_package(ModelPackageName=newest.arn)
    return Served(package=package, capture=f"{capture}{newest.version}/")


def compared(package: dict[str, Any], kinds: Collection[str]) -> dict[str, str]:
    """BaselineUri, ModelUri and EvaluationUri. Raises WatchError where the version lacks one that `kinds` need."""
    baselines = package.get("DriftCheckBaselines", {})
    containers = package.get("InferenceSpecification", {}).get("Containers", [{}])
    baseline = _uri(baselines, "ModelDataQuality")
    model, evaluation = containers[0].get("ModelDataUrl", ""), _uri(baselines, "ModelQuality")
    asked = {
        "baseline": baseline,
        "ModelDataUrl": model or {*kinds} == {"data-quality"},
        "statistics of ModelQuality": evaluation or "model-quality" not in kinds,
    }
    if lacking := [name for name, is_there in asked.items() if not is_there]:
        version = f"version {package['ModelPackageVersion']} of {package['ModelPackageGroupName']}"
        raise WatchError(f"{version} has no {' and no '.join(lacking)}: train and approve a new one")
    return {"BaselineUri": baseline.rpartition("/")[0] + "/", "ModelUri": model, "EvaluationUri": evaluation}


def _uri(baselines: dict[str, Any], kind: str) -> str:
    return baselines.get(kind, {}).get("Statistics", {}).get("S3Uri", "")
