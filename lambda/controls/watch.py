"""The first step of a monitor: which window is examined, and what its model was trained with.

Nothing is remembered of it: what the endpoint serves says which package counts, and the package says where its baseline
lies. So whatever brings another version into service has the monitor compare with that one's rows from then on.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from controls import clients, settings
from controls.refusals import is_missing
from controls.registry import newest_approved

logger = Logger(service="watch")

ANSWERS = ("WatchUri", "CaptureUri", "BaselineUri", "ModelUri", "EvaluationUri", "LabelsUri", "OutputUri")
# How late what was captured may be written: rows that are younger wait for the next window.
MARGIN = timedelta(minutes=15)
_ABSENT = ("Creating", "Deleting")
_SERVING = ("InService", "Updating", "SystemUpdating", "RollingBack")
_NOTHING = "none.jsonl"  # has no line; SageMaker takes no manifest that lists nothing
_HOUR = timedelta(hours=1)
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class WatchError(RuntimeError):
    """What is served cannot be examined; the message says what would change that."""


class UncapturedError(WatchError):
    """The endpoint keeps nothing of what it is asked, as one that is older than its monitor."""


@dataclass(frozen=True)
class Settings:
    platform: str
    data_bucket: str
    artifact_bucket: str


@dataclass(frozen=True, kw_only=True)
class Served:
    """A version of a model package and where what it is asked lies: `<capture>yyyy/mm/dd/hh/`.

    `since`: when the endpoint last changed, before which another version may have answered.
    """

    package: dict[str, Any]
    capture: str
    since: datetime | None = None


@dataclass(frozen=True)
class Window:
    start: datetime
    end: datetime
    delay: timedelta

    def hours(self) -> Iterator[datetime]:
        """Whose folders may hold rows of the window, or of the one before by the labels' delay."""
        seen = set[datetime]()
        for start, end in ((self.start, self.end), (self.start - self.delay, self.end - self.delay)):
            hour = (start - _HOUR).replace(minute=0, second=0)  # of a file's first line: others may be of the next hour
            while hour <= end + MARGIN:  # or of when it was written
                if hour not in seen:
                    yield hour
                seen.add(hour)
                hour += _HOUR


def handler(event: dict[str, str], context: object) -> dict[str, str]:
    """Served (true | false | uncaptured), End (of the window) and, where it is true, the URIs of ANSWERS.

    `event`: workload, due (when the run should have begun; empty where somebody started it), began, source,
    window_hours, labels (a folder; empty: none), settings (JSON). Raises WatchError.
    """
    config = settings.read(Settings, os.environ)
    name = f"{config.platform}-{event['workload']}"
    sagemaker, s3 = clients.client("sagemaker"), clients.client("s3")
    state = "false"
    told: dict[str, str] = dict.fromkeys(ANSWERS, "")
    try:
        served = by_batch(sagemaker, name, event) if event["source"] == "batch" else by_endpoint(sagemaker, name)
        if served:
            state, told = "true", Notes(s3, config, event, served).written()
    except UncapturedError:
        state = "uncaptured"
    logger.info("watched", workload=event["workload"], served=state, found=told)
    return {"Served": state, "End": f"{ended(event):{_TIME}}", **told}


def ended(event: dict[str, str]) -> datetime:
    """When the window ended. By when its run was due, not when it began, it meets the one before to the second."""
    return datetime.fromisoformat(event["due"] or event["began"]).replace(microsecond=0) - MARGIN


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


def by_batch(sagemaker: Any, name: str, event: dict[str, str]) -> Served | None:
    """The newest approved version, which batches are answered by."""
    bucket = os.environ["SLUICE_ARTIFACT_BUCKET"]
    newest = newest_approved(sagemaker, name)
    if newest is None:
        return None
    package = sagemaker.describe_model_package(ModelPackageName=newest.arn)
    return Served(package=package, capture=f"s3://{bucket}/{event['workload']}/capture/batch/")


class Notes:
    """Writes down what the monitor's job reads, in the window's own folder."""

    def __init__(self, s3: Any, config: Settings, event: dict[str, str], served: Served) -> None:
        self._s3, self._config, self._event, self._served = s3, config, event, served
        self._settings = json.loads(event["settings"])
        end = ended(event)
        start = end - timedelta(hours=int(event["window_hours"]))
        start = max(start, served.since.replace(microsecond=0)) if served.since else start
        self._window = Window(min(start, end), end, timedelta(hours=self._settings["delay_hours"]))
        self._folder = f"{event['workload']}/monitor/{event['source']}/{end:%Y-%m-%dT%H-%M-%SZ}"

    def written(self) -> dict[str, str]:
        """The URIs of ANSWERS. Raises WatchError."""
        package = self._served.package
        baselines = package.get("DriftCheckBaselines", {})
        statistics = _uri(baselines, "ModelDataQuality", "Statistics")
        containers = package.get("InferenceSpecification", {}).get("Containers", [{}])
        if not statistics:
            version = f"version {package['ModelPackageVersion']} of {package['ModelPackageGroupName']}"
            raise WatchError(f"{version} has no baseline: train and approve a new one")
        self._put(_NOTHING, b"\n")
        window = {name: f"{getattr(self._window, name):{_TIME}}" for name in ("start", "end")}
        watch = {
            "version": 1,
            "workload": self._event["workload"],
            "package_version": package["ModelPackageVersion"],
            "window": window,
            "settings": self._settings,
        }
        return {
            "WatchUri": self._put("watch.json", _json(watch)),
            "CaptureUri": self._put("capture.json", self._manifest(self._served.capture, self._captured())),
            "BaselineUri": statistics.rpartition("/")[0] + "/",
            "ModelUri": containers[0].get("ModelDataUrl", ""),
            "EvaluationUri": _uri(baselines, "ModelQuality", "Statistics"),
            "LabelsUri": self._labels(),
            "OutputUri": f"s3://{self._config.artifact_bucket}/{self._folder}",
        }

    def _captured(self) -> list[str]:
        """The keys of the window's files, in order of time."""
        bucket, prefix = _split(self._served.capture)
        own = f"{self._event['workload']}/"
        if bucket != self._config.artifact_bucket or not prefix.startswith(own):
            raise WatchError(f"{self._served.capture} is not under s3://{self._config.artifact_bucket}/{own}")
        hours = sorted(self._window.hours())
        return [each["Key"] for hour in hours for each in self._listed(bucket, f"{prefix}{hour:%Y/%m/%d/%H}/")]

    def _labels(self) -> str:
        """The manifest of the files that may have labels of the window's rows: those that came after them."""
        if not self._event["labels"]:
            return ""
        uri = f"s3://{self._config.data_bucket}/{self._event['workload']}/{self._event['labels']}"
        earliest = self._window.start - self._window.delay
        found = [
            each["Key"]
            for each in self._listed(*_split(uri))
            if each["Key"].endswith(".csv") and each["LastModified"] >= earliest
        ]
        return self._put("labels.json", self._manifest(uri, found))

    def _listed(self, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from page.get("Contents", [])

    def _manifest(self, uri: str, keys: list[str]) -> bytes:
        """Source of the form: AWS, API_S3DataSource, ManifestFile."""
        if not keys:
            place = f"s3://{self._config.artifact_bucket}/{self._folder}/watch/"
            return _json([{"prefix": place}, _NOTHING])
        bucket, prefix = _split(uri)
        return _json([{"prefix": f"s3://{bucket}/{prefix}"}, *(key.removeprefix(prefix) for key in keys)])

    def _put(self, name: str, content: bytes) -> str:
        bucket, key = self._config.artifact_bucket, f"{self._folder}/watch/{name}"
        self._s3.put_object(Bucket=bucket, Key=key, Body=content)
        return f"s3://{bucket}/{key}"


def _uri(baselines: dict[str, Any], kind: str, name: str) -> str:
    return baselines.get(kind, {}).get(name, {}).get("S3Uri", "")


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _json(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
