"""Whether a model still fits what it is asked: what is examined, how often, and what is done when it does not."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from config.processing import ProcessSettings
from config.schedule import Schedule, hours_apart
from config.section import Finding, Section, repeated
from config.windows import DAILY, HOURS, unfit
from config.wording import Shape

Kind = Literal["data-quality", "model-quality", "bias", "attribution"]
# Of these the model's answers are asked for anew, or compared with labels.
_OF_MODELS = ("model-quality", "bias", "attribution")
# What workloads/monitoring/scripts/quality.py measures.
MEASURED = ("auc", "accuracy", "r2", "log_loss", "rmse")
# Source: AWS, "Schedule model monitoring jobs", the cron expressions that it supports.
_NATIVE = re.compile(r"cron\(0 (?:(\*)|\d{1,2}(?:/(\d{1,2}))?) \? \* \* \*\)")
# Of an hourly execution with labels each of its two jobs has half the time; source: AWS, "Schedule model quality
# monitoring jobs".
_HALF_AN_HOUR = 1800
# Of the workload's folder: in the data bucket what batch transform jobs read, in the artifact bucket what they write.
BATCHES = "batch/"
Image = Annotated[
    str,
    Shape(
        r"^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[a-z0-9._/-]+:[\w.-]+$",
        "must be the whole URI of an image in ECR, from the account's number to the tag",
    ),
]
# CloudWatch takes no other characters in the name of a metric.
Feature = Annotated[
    str,
    StringConstraints(max_length=200),
    Shape(r"^[!-~]([ -~]*[!-~])?$", "must be of ASCII characters, with no space at an end, as names of metrics are"),
]
Folder = Annotated[
    str,
    Shape(
        r"^([A-Za-z0-9][A-Za-z0-9._-]*/)+$",
        "must be a folder, which ends in /: labels/; each part begins with a letter or digit, and has those and . _ -",
    ),
]


class Retrain(Section):
    """What is done about drift. `most_a_week` counts runs that were started for it.

    `margin` is what a challenger must be better by, `segment_limit` what it may be worse by on one segment.
    """

    mode: Literal["observe", "enforce"] = "observe"
    cool_down_hours: Annotated[int, Field(ge=1, le=720)] = 24
    most_a_week: Annotated[int, Field(ge=1, le=21)] = 2
    expires_days: Annotated[int, Field(ge=1, le=90)] = 7
    approve: Literal["person", "machine"] = "person"
    margin: Annotated[float, Field(ge=0, le=1_000_000)] = 0.0
    segment_limit: Annotated[float, Field(ge=0, le=1)] = 0.05

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        hours, days = raw.get("cool_down_hours", 24), raw.get("expires_days", 7)
        if not isinstance(hours, int) or not isinstance(days, int) or not 1 <= 24 * days <= hours:
            return
        if "cool_down_hours" in raw:
            yield ("cool_down_hours",), hours, f"must be below expires_days ({days}), {24 * days} hours"
        else:
            yield ("expires_days",), days, f"must be above cool_down_hours ({hours})"


class Monitor(Section):
    """`schedule`: when a window of `window_hours` is examined that ended a quarter of an hour before.

    `critical`: features of which each alone counts as drift, where otherwise it takes `drift_share` of all; each has a
    metric of its own. `labels`: the folder under the workload's prefix of the data bucket where labels come in, and
    `label_delay_hours` how late they may come. `image`: one that has Evidently, whose report is then written as well.
    """

    source: Literal["endpoint", "batch"] = "endpoint"
    schedule: Schedule = Schedule(expression=DAILY)
    window_hours: Annotated[int, Field(ge=1, le=168)] = HOURS
    kinds: tuple[Kind, ...] = Field(default=("data-quality",), min_length=1, strict=False)
    critical: tuple[Feature, ...] = Field(default=(), max_length=10, strict=False)
    minimum_rows: Annotated[int, Field(ge=30, le=20_000)] = 200
    false_alarm_rate: Annotated[float, Field(ge=0.0001, le=0.1)] = 0.01  # of one window without drift
    drift_share: Annotated[float, Field(ge=0.01, le=1)] = 0.3
    labels: Folder = "labels/"
    label_delay_hours: Annotated[int, Field(ge=0, le=2160)] = 0
    sampling_percent: Annotated[int, Field(ge=1, le=100)] = 100
    process: ProcessSettings = ProcessSettings(instance_type="ml.m5.large", volume_gb=20, max_run_seconds=3600)
    image: Image | None = None
    retrain: Retrain = Retrain()

    @property
    def wants_labels(self) -> bool:
        return bool({"model-quality", "bias"} & {*self.kinds})

    @property
    def looks_back_days(self) -> int:
        """How old what is captured may be when a window needs it, whose labels come late."""
        return -(-(self.window_hours + self.label_delay_hours) // 24) + 1

    @property
    def hours_apart(self) -> int:
        """Between two windows' ends, at most."""
        hours = hours_apart(self.schedule.expression)
        assert hours is not None
        return hours

    @property
    def silent_after_hours(self) -> int:
        """Without a window for so long, the monitor has fallen silent."""
        return self.hours_apart + 2

    @property
    def settles_hours(self) -> int:
        """For so long after a model was replaced, windows may end that tell of its answers."""
        return self.window_hours + self.label_delay_hours + self.silent_after_hours

    @property
    def overdue_after_hours(self) -> int:
        """Of SageMaker's own jobs: without a result of one kind for so long, more than one execution of it is missing.

        One may be, as of a window without labels, whose merge fails.
        """
        return self.silent_after_hours + self.hours_apart

    @property
    def metrics(self) -> list[str]:
        """The names of the CloudWatch metrics of the monitor: `controls.conclude` writes them."""
        kinds = [f"{kind.title().replace('-', '')}Drifted" for kind in self.kinds]
        asked = ["Unlabelled"] if self.wants_labels else []
        asked += ["Quality"] if "model-quality" in self.kinds else []
        features = [f"Drifted {name}" for name in self.critical]
        return ["Drifted", *kinds, "DriftShare", "Rows", "Faults", *asked, *features]

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        for field in ("kinds", "critical"):
            for place, value in repeated(raw.get(field)):
                yield (field, *place), value, "is given twice; keep one"
        kinds = raw.get("kinds", ("data-quality",))
        if isinstance(kinds, list | tuple) and "data-quality" not in kinds:
            yield ("kinds",), kinds, "must have data-quality, which is examined always"
        labels = raw.get("labels")
        if raw.get("source") == "batch" and isinstance(labels, str) and labels.startswith(BATCHES):
            yield ("labels",), labels, f"must not be in {BATCHES}, where what jobs are asked lies"
        yield from unfit(raw)
        process = raw.get("process")
        if isinstance(process, Mapping) and process.get("engine", "script") != "script":
            yield ("process", "engine"), process["engine"], "must be script: one instance examines a window"

    @property
    def native(self) -> "Monitor":
        """What SageMaker's own jobs examine of it.

        Attributions they cannot: Clarify asks an endpoint of its own for them, for which neither its job nor the model
        may be isolated from the network; source: AWS, "Give Amazon SageMaker Clarify Jobs Access to Resources in Your
        Amazon VPC". The permissions boundary isolates both.
        """
        return self.model_copy(update={"kinds": tuple(kind for kind in self.kinds if kind != "attribution")})

    def strange(self) -> Iterator[tuple[str, object, str]]:
        """What SageMaker's own jobs do not do: field, value, what is allowed."""
        found = _NATIVE.fullmatch(self.schedule.expression)
        hours = (1 if found[1] else int(found[2] or 24)) if found else None
        if not hours:
            told = "hourly, daily or every some hours: cron(0 2 ? * * *), cron(0 0/6 ? * * *)"
            yield "monitor.schedule.expression", self.schedule.expression, told
        elif self.window_hours != hours:
            yield "monitor.window_hours", self.window_hours, f"{hours}, the time between two executions"
        if self.schedule.time_zone != "UTC":
            yield "monitor.schedule.time_zone", self.schedule.time_zone, "UTC"
        if self.source != "endpoint":
            yield "monitor.source", self.source, "endpoint"
        if self.image:
            yield "monitor.image", self.image, "left out: SageMaker has an image of its own"
        if self.false_alarm_rate != type(self).model_fields["false_alarm_rate"].default:
            told = "left out: SageMaker compares with thresholds and tests nothing"
            yield "monitor.false_alarm_rate", self.false_alarm_rate, told
        if hours == 1 and self.wants_labels and self.process.max_run_seconds > _HALF_AN_HOUR:
            told = f"at most {_HALF_AN_HOUR} where it is hourly and has labels"
            yield "monitor.process.max_run_seconds", self.process.max_run_seconds, told


def watched(monitor: Monitor, segment: str | None, metric: str) -> dict[str, str]:
    """What the first step of a compiled monitor.json is told of the settings; `settings` is JSON, for the scripts."""
    examined = {
        "kinds": list(monitor.kinds),
        "critical": list(monitor.critical),
        "minimum_rows": monitor.minimum_rows,
        "false_alarm_rate": monitor.false_alarm_rate,
        "drift_share": monitor.drift_share,
        "segment": segment,
        "metric": metric.rpartition(":")[2],
        "delay_hours": monitor.label_delay_hours,
        # Only an image of one's own has it.
        "evidently": monitor.image is not None,
    }
    return {
        "source": monitor.source,
        "window_hours": str(monitor.window_hours),
        "labels": monitor.labels if monitor.wants_labels else "",
        "settings": json.dumps(examined, separators=(",", ":"), sort_keys=True),
    }


class Monitoring(Section):
    """What examines. SageMaker Model Monitor, and with it Clarify, takes no new customers."""

    engine: Literal["evidently", "sagemaker-model-monitor"] = "evidently"

    @property
    def is_native(self) -> bool:
        return self.engine == "sagemaker-model-monitor"


def contradicted(
    monitor: Mapping[str, Any], algorithm: Mapping[str, Any], data: Mapping[str, Any], metric: Mapping[str, Any]
) -> Iterator[Finding]:
    """What a workload's other sections leave no room for."""
    kinds = monitor.get("kinds", ())
    kinds = [kind for kind in kinds if isinstance(kind, str)] if isinstance(kinds, list | tuple) else []
    name = str(metric.get("name")).rpartition(":")[2]
    if "bias" in kinds and data.get("segment") is None:
        yield ("monitor", "kinds"), kinds, "must not have bias where data.segment names no column"
    if "model-quality" in kinds and metric.get("name") is not None and name not in MEASURED:
        yield ("monitor", "kinds"), kinds, f"must not have model-quality where metric is none of {', '.join(MEASURED)}"
    asked = [kind for kind in kinds if kind in _OF_MODELS]
    if asked and algorithm.get("framework", "sklearn") != "sklearn":
        told = (
            f"must not have {' and '.join(asked)} where the framework is not sklearn, whose image the monitor runs on"
        )
        yield ("monitor", "kinds"), kinds, told
    critical = monitor.get("critical", ())
    if isinstance(critical, list | tuple) and data.get("target") in critical:
        yield ("monitor", "critical"), data["target"], "must not be data.target: a request does not have it"
