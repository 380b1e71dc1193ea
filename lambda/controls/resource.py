"""What costs money or lies about, as the policy sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

PLATFORM_TAG = "sluice:platform"
ENVIRONMENT_TAG = "sluice:environment"
OWNER_TAG = "sluice:owner"
KEEP_TAG = "sluice:keep"
TTL_TAG = "sluice:ttl"
IDLE_TAG = "sluice:idle-minutes"


class Kind(StrEnum):
    APP = "app"
    SPACE = "space"
    NOTEBOOK_INSTANCE = "notebook-instance"
    ENDPOINT = "endpoint"
    INFERENCE_COMPONENT = "inference-component"
    TRAINING_JOB = "training-job"
    TUNING_JOB = "hyper-parameter-tuning-job"
    PROCESSING_JOB = "processing-job"
    TRANSFORM_JOB = "transform-job"
    AUTOML_JOB = "automl-job"
    MLFLOW_SERVER = "mlflow-tracking-server"
    MLFLOW_APP = "mlflow-app"
    ENDPOINT_CONFIG = "endpoint-config"
    MODEL = "model"
    LIFECYCLE_CONFIG = "studio-lifecycle-config"
    NOTEBOOK_LIFECYCLE_CONFIG = "notebook-instance-lifecycle-config"
    IMAGE = "image"
    FILE_SYSTEM = "file-system"
    MONITORING_SCHEDULE = "monitoring-schedule"
    LOG_GROUP = "log-group"
    MODEL_PACKAGE = "model-package"


JOBS = frozenset({Kind.TRAINING_JOB, Kind.TUNING_JOB, Kind.PROCESSING_JOB, Kind.TRANSFORM_JOB, Kind.AUTOML_JOB})


# The states in which something runs, and costs by the hour; what else has a state is left alone in any other.
RUNNING = {
    Kind.APP: {"InService"},
    Kind.NOTEBOOK_INSTANCE: {"InService"},
    Kind.ENDPOINT: {"InService"},
    Kind.INFERENCE_COMPONENT: {"InService"},
    Kind.MLFLOW_SERVER: {"Created", "Started", "Updated", "MaintenanceComplete"},
    **{kind: {"InProgress"} for kind in JOBS},
}


class Rule(StrEnum):
    """Why something may be ended; each is observed or enforced by itself."""

    TTL = "ttl"
    BUDGET = "budget"
    OFF_HOURS = "off-hours"
    STUCK = "stuck"
    IDLE = "idle"
    ORPHAN = "orphan"
    SPOT = "spot"
    JOB_LIMIT = "job-limit"


@dataclass(frozen=True)
class Warned:
    """That its owner was told at `at` that `rule` would end it."""

    rule: Rule
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource as it is now.

    `usd_per_hour`: what it costs while it is as it is, 0 for what has no hourly price; `estimated` where the price is
    an upper estimate. `idle_since`: nothing has used it since then; None where that could not be measured.
    `orphan_since`: since when nothing needs it, with `orphan` in words why; None where something does, or nobody can
    tell. `deadline`: when a job should have ended by its own limits. `scales_to_zero`: an endpoint whose use its
    inference components tell of, and which may shrink with them. `detail`: what an action needs beside the name.
    """

    kind: Kind
    name: str
    arn: str
    region: str
    status: str
    created_at: datetime
    changed_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    instance_type: str = ""
    instance_count: int = 0
    usd_per_hour: float = 0.0
    estimated: bool = False
    idle_since: datetime | None = None
    orphan_since: datetime | None = None
    orphan: str = ""
    deadline: datetime | None = None
    scales_to_zero: bool = False
    warned: Warned | None = None
    detail: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def owner(self) -> str:
        return self.tags.get(OWNER_TAG, "")


def running(resource: Resource) -> bool:
    """Whether it is in a state in which it works or waits, and is billed."""
    return resource.status in RUNNING.get(resource.kind, ())


def kept_until(tag: str) -> date | None:
    """The day that a tag `2027-01-31` or `2027-01-31 by ada` names, which is still kept; None when it names no day."""
    try:
        return date.fromisoformat(tag.strip()[:10])
    except ValueError:
        return None
