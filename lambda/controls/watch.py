"""The first step of a monitor: which window is examined, and what its model was trained with.

Nothing is remembered of it: what the endpoint serves, or for batches the registry, says which package counts, and the
package says where its baseline lies. So whatever brings another version into service has the monitor compare with that
one's rows from then on.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger

from controls import clients, settings
from controls.monitors import transformed
from controls.monitors.served import Served, UncapturedError, WatchError, by_batch, by_endpoint, compared
from controls.monitors.transformed import split

logger = Logger(service="watch")

ANSWERS = ("WatchUri", "BaselineUri", "ModelUri", "EvaluationUri", "LabelsUri", "OutputUri")
CAPTURED = {"endpoint": ("CaptureUri",), "batch": ("AskedUri", "AnsweredUri")}  # further ones, by source
# How late what was captured may be written: rows that are younger wait for the next window.
MARGIN = timedelta(minutes=15)
_NOTHING = "none.jsonl"  # has no line; SageMaker takes no manifest that lists nothing
_HOUR = timedelta(hours=1)
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Settings:
    platform: str
    data_bucket: str
    artifact_bucket: str


@dataclass(frozen=True)
class Window:
    start: datetime
    end: datetime
    delay: timedelta

    @property
    def periods(self) -> tuple[tuple[datetime, datetime], ...]:
        """Start and end of the window, and of the one before by the labels' delay."""
        return (self.start, self.end), (self.start - self.delay, self.end - self.delay)

    def hours(self) -> Iterator[datetime]:
        """Whose folders may hold rows of the periods."""
        seen = set[datetime]()
        for start, end in self.periods:
            hour = (start - _HOUR).replace(minute=0, second=0)  # of a file's first line: others may be of the next hour
            while hour <= end + MARGIN:  # or of when it was written
                if hour not in seen:
                    yield hour
                seen.add(hour)
                hour += _HOUR


def handler(event: dict[str, str], context: object) -> dict[str, str]:
    """Served (true | false | uncaptured), End (of the window), and the URIs of ANSWERS and CAPTURED: empty unless true.

    `event`: workload, due (when the run should have begun; empty where somebody started it), began, source,
    window_hours, labels (a folder; empty: none), settings (JSON). Raises WatchError and ManifestError.
    """
    config = settings.read(Settings, os.environ)
    name = f"{config.platform}-{event['workload']}"
    sagemaker, s3 = clients.client("sagemaker"), clients.client("s3")
    capture = f"s3://{config.artifact_bucket}/{event['workload']}/capture/batch/"
    state = "false"
    told: dict[str, str] = dict.fromkeys((*ANSWERS, *CAPTURED[event["source"]]), "")
    try:
        served = by_batch(sagemaker, name, capture) if event["source"] == "batch" else by_endpoint(sagemaker, name)
        if served:
            state, told = "true", Notes(s3, config, event, served).written()
    except UncapturedError:
        state = "uncaptured"
    logger.info("watched", workload=event["workload"], served=state, found=told)
    return {"Served": state, "End": f"{ended(event):{_TIME}}", **told}


def ended(event: dict[str, str]) -> datetime:
    """When the window ended, in UTC. By when its run was due, not when it began, it meets the one before to the second.

    Raises WatchError.
    """
    told = event["due"] or event["began"]
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise WatchError(f"the run's parameter Due is {told}: give a time with its zone, as 2026-11-27T02:00:00Z")
    return moment.astimezone(UTC).replace(microsecond=0) - MARGIN


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
        trained = compared(package, self._settings["kinds"])
        self._put(_NOTHING, b"\n")
        captured, told = self._transformed() if self._event["source"] == "batch" else (self._captured(), {})
        window = {name: f"{getattr(self._window, name):{_TIME}}" for name in ("start", "end")}
        watch = {
            "version": 1,
            "workload": self._event["workload"],
            "package_version": package["ModelPackageVersion"],
            "window": window,
            "settings": self._settings,
            **told,
        }
        return {
            "WatchUri": self._put("watch.json", _json(watch)),
            **captured,
            **trained,
            "LabelsUri": self._labels(),
            "OutputUri": f"s3://{self._config.artifact_bucket}/{self._folder}",
        }

    def _captured(self) -> dict[str, str]:
        """Where the list of the window's files lies, which are in order of time."""
        bucket, prefix = split(self._served.capture)
        own = f"{self._event['workload']}/"
        if bucket != self._config.artifact_bucket or not prefix.startswith(own):
            raise WatchError(f"{self._served.capture} is not under s3://{self._config.artifact_bucket}/{own}")
        hours = sorted(self._window.hours())
        keys = [each["Key"] for hour in hours for each in self._listed(bucket, f"{prefix}{hour:%Y/%m/%d/%H}/")]
        return {"CaptureUri": self._put("capture.json", self._manifest(self._served.capture, keys))}

    def _transformed(self) -> tuple[dict[str, str], dict[str, Any]]:
        """Where the lists of the objects that jobs read and wrote lie; and when the jobs were complete, by object.

        Raises WatchError where a job has captured without telling of which version it is.
        """
        capture, periods = self._served.capture, self._window.periods
        stray = f"{capture.rstrip('/').rpartition('/')[0]}/input/"
        for bucket, key, _ in transformed.manifests(self._s3, stray, periods):
            raise WatchError(f"s3://{bucket}/{key} is of no version: what this one is asked is captured to {capture}")
        # Where the jobs of all versions may read and write, and the monitor's job may read.
        buckets = self._config.data_bucket, self._config.artifact_bucket
        asked, answered = (f"s3://{bucket}/{self._event['workload']}/batch/" for bucket in buckets)
        complete, answers = transformed.objects(self._s3, capture, asked, answered, periods)
        places = {
            "AskedUri": self._put("asked.json", self._list(asked, list(complete))),
            "AnsweredUri": self._put("answered.json", self._list(answered, answers)),
        }
        return places, {"complete": {name: f"{moment:%Y-%m-%dT%H:%M:%SZ}" for name, moment in complete.items()}}

    def _labels(self) -> str:
        """The manifest of the files that may have labels of the window's rows: those that came after them."""
        if not self._event["labels"]:
            return ""
        uri = f"s3://{self._config.data_bucket}/{self._event['workload']}/{self._event['labels']}"
        earliest = self._window.start - self._window.delay
        found = [
            each["Key"]
            for each in self._listed(*split(uri))
            if each["Key"].endswith(".csv") and each["LastModified"] >= earliest
        ]
        return self._put("labels.json", self._manifest(uri, found))

    def _listed(self, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from page.get("Contents", [])

    def _manifest(self, uri: str, keys: Sequence[str]) -> bytes:
        prefix = split(uri)[1]
        return self._list(uri, [key.removeprefix(prefix) for key in keys])

    def _list(self, uri: str, names: Sequence[str]) -> bytes:
        """Source of the form: AWS, API_S3DataSource, ManifestFile."""
        if not names:
            uri, names = f"s3://{self._config.artifact_bucket}/{self._folder}/watch/", [_NOTHING]
        return _json([{"prefix": uri}, *names])

    def _put(self, name: str, content: bytes) -> str:
        bucket, key = self._config.artifact_bucket, f"{self._folder}/watch/{name}"
        self._s3.put_object(Bucket=bucket, Key=key, Body=content)
        return f"s3://{bucket}/{key}"


def _json(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
