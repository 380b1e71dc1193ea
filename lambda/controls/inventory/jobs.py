"""Jobs in progress: what they cost by the hour, and when they should have ended by their own limits."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from botocore import xform_name

from controls.inventory.place import Place, Row
from controls.jobs.jobs import DAY_SECONDS, NOUNS, clusters
from controls.jobs.used import used_seconds
from controls.resource import Kind, Resource

# How SageMaker writes each type of job.
_NOUNS = {**NOUNS, Kind.AUTOML_JOB: "AutoMLJob"}
_DESCRIBES = {Kind.AUTOML_JOB: "describe_auto_ml_job_v2"}
# What the instances of each are billed as. Jobs of tuning and AutoML are listed for themselves, and counted there.
_BILLED = {Kind.TRAINING_JOB: "Training", Kind.PROCESSING_JOB: "Processing", Kind.TRANSFORM_JOB: "Transform"}


def jobs(place: Place) -> Iterator[Resource]:
    """Each of ours that is in progress."""
    for kind, noun in _NOUNS.items():
        rows = place.listed(xform_name(f"List{noun}s"), f"{noun}Summaries", StatusEquals="InProgress")
        ours = (row for row in rows if place.ours(row[f"{noun}Arn"]))
        yield from place.each(kind, ours, partial(_row, place, kind))


def _row(place: Place, kind: Kind, row: Row) -> Resource | None:
    return job(place, kind, row[f"{_NOUNS[kind]}Name"])


def job(place: Place, kind: Kind, name: str) -> Resource | None:
    """The job as it is now; None when there is none."""
    noun = _NOUNS[kind]
    told = place.described(_DESCRIBES.get(kind, xform_name(f"Describe{noun}")), **{f"{noun}Name": name})
    if told is None:
        return None
    usd, estimated = 0.0, False
    instances = clusters(kind, told)[0] if kind in _BILLED else []
    for instance_type, count in instances:
        rate = place.prices.rate(place.region, _BILLED[kind], instance_type)
        # What spot capacity costs is told when the job has ended: until then it is at most this.
        estimated |= rate.estimated or told.get("EnableManagedSpotTraining", False)
        usd += count * rate.usd_per_hour
    return place.resource(
        kind,
        name,
        told[f"{noun}Arn"],
        status=told[f"{noun}Status"],
        created_at=told["CreationTime"],
        changed_at=told.get("LastModifiedTime", told["CreationTime"]),
        instance_type=max((instance_type for instance_type, _ in instances), default=""),
        instance_count=sum(count for _, count in instances),
        usd_per_hour=usd,
        estimated=estimated,
        deadline=_deadline(kind, told),
        detail={"used_seconds": str(used_seconds(noun, told, place.now))},
    )


def _deadline(kind: Kind, told: Row) -> datetime | None:
    """None where it has no limit, or waits for capacity, which costs nothing."""
    match kind:
        case Kind.TRAINING_JOB if told.get("EnableManagedSpotTraining"):
            # A spot job's limit covers waiting and running.
            return _after(told["CreationTime"], told["StoppingCondition"].get("MaxWaitTimeInSeconds"))
        case Kind.TRAINING_JOB:
            limit = told.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DAY_SECONDS)
            return _after(told.get("TrainingStartTime"), limit)
        case Kind.PROCESSING_JOB:
            limit = told.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DAY_SECONDS)
            return _after(told.get("ProcessingStartTime"), limit)
        case Kind.TUNING_JOB:
            limits = told["HyperParameterTuningJobConfig"]["ResourceLimits"]
            return _after(told["CreationTime"], limits.get("MaxRuntimeInSeconds"))
        case Kind.AUTOML_JOB:
            problems: list[dict[str, Any]] = list(told.get("AutoMLProblemTypeConfig", {}).values())
            limits = [problem.get("CompletionCriteria", {}) for problem in problems]
            return _after(told["CreationTime"], next(iter(limits), {}).get("MaxAutoMLJobRuntimeInSeconds"))
        case _:
            return None


def _after(start: datetime | None, seconds: int | None) -> datetime | None:
    return start + timedelta(seconds=seconds) if start and seconds else None
