"""Jobs in progress: what they cost by the hour, and when they should have ended by their own limits."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controls.inventory.place import Place, Row
from controls.resource import Kind, Resource
from controls.used import used_seconds

_DAY_SECONDS = 86_400  # SageMaker's own limit where a training or processing job names none


@dataclass(frozen=True)
class _Type:
    """How SageMaker writes this type of job, such as TrainingJob, and what its instances are billed as."""

    kind: Kind
    noun: str
    listing: str
    describing: str
    member: str
    component: str = ""


_TYPES = {
    each.kind: each
    for each in (
        _Type(
            Kind.TRAINING_JOB,
            "TrainingJob",
            "list_training_jobs",
            "describe_training_job",
            "TrainingJobSummaries",
            "Training",
        ),
        _Type(
            Kind.TUNING_JOB,
            "HyperParameterTuningJob",
            "list_hyper_parameter_tuning_jobs",
            "describe_hyper_parameter_tuning_job",
            "HyperParameterTuningJobSummaries",
        ),
        _Type(
            Kind.PROCESSING_JOB,
            "ProcessingJob",
            "list_processing_jobs",
            "describe_processing_job",
            "ProcessingJobSummaries",
            "Processing",
        ),
        _Type(
            Kind.TRANSFORM_JOB,
            "TransformJob",
            "list_transform_jobs",
            "describe_transform_job",
            "TransformJobSummaries",
            "Transform",
        ),
        _Type(
            Kind.AUTOML_JOB,
            "AutoMLJob",
            "list_auto_ml_jobs",
            "describe_auto_ml_job_v2",
            "AutoMLJobSummaries",
        ),
    )
}


def jobs(place: Place) -> Iterator[Resource]:
    """Each of ours that is in progress."""
    for each in _TYPES.values():
        rows = place.listed(each.listing, each.member, StatusEquals="InProgress")
        ours = (row for row in rows if place.ours(row[f"{each.noun}Arn"]))
        yield from place.each(each.kind, ours, lambda row, each=each: job(place, each.kind, row[f"{each.noun}Name"]))


def job(place: Place, kind: Kind, name: str) -> Resource | None:
    """The job as it is now; None when there is none."""
    each = _TYPES[kind]
    told = place.described(each.describing, **{f"{each.noun}Name": name})
    if told is None:
        return None
    usd, estimated, instances = 0.0, False, _instances(kind, told)
    for instance_type, count in instances:
        rate = place.prices.rate(place.region, each.component, instance_type)
        # What spot capacity costs is told when the job has ended: until then it is at most this.
        estimated |= rate.estimated or told.get("EnableManagedSpotTraining", False)
        usd += count * rate.usd_per_hour
    return place.resource(
        kind,
        name,
        told[f"{each.noun}Arn"],
        status=told[f"{each.noun}Status"],
        created_at=told["CreationTime"],
        changed_at=told.get("LastModifiedTime", told["CreationTime"]),
        instance_type=max((instance_type for instance_type, _ in instances), default=""),
        instance_count=sum(count for _, count in instances),
        usd_per_hour=usd,
        estimated=estimated,
        deadline=_deadline(kind, told),
        detail={"used_seconds": str(used_seconds(each.noun, told, place.now))},
    )


def _instances(kind: Kind, told: Row) -> list[tuple[str, int]]:
    """Type and count. Jobs of tuning and AutoML are listed for themselves, and what they cost is counted there."""
    match kind:
        case Kind.TRAINING_JOB:
            resources = told.get("ResourceConfig", {})
            groups = resources.get("InstanceGroups") or [resources]
        case Kind.PROCESSING_JOB:
            groups = [told["ProcessingResources"]["ClusterConfig"]]
        case Kind.TRANSFORM_JOB:
            groups = [told["TransformResources"]]
        case _:
            groups = []
    return [(group["InstanceType"], group.get("InstanceCount", 1)) for group in groups if "InstanceType" in group]


def _deadline(kind: Kind, told: Row) -> datetime | None:
    """None where it has no limit, or waits for capacity, which costs nothing."""
    match kind:
        case Kind.TRAINING_JOB if told.get("EnableManagedSpotTraining"):
            # A spot job's limit covers waiting and running.
            return _after(told["CreationTime"], told["StoppingCondition"].get("MaxWaitTimeInSeconds"))
        case Kind.TRAINING_JOB:
            limit = told.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DAY_SECONDS)
            return _after(told.get("TrainingStartTime"), limit)
        case Kind.PROCESSING_JOB:
            limit = told.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DAY_SECONDS)
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
