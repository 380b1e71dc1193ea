"""A job of SageMaker as the answer of its Describe operation tells of it: what it uses and costs, how it ended."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from controls.pricing.prices import Prices, Rate
from controls.refusals import is_missing
from controls.resource import Kind, Resource

NOUNS = {
    Kind.TRAINING_JOB: "TrainingJob",
    Kind.TUNING_JOB: "HyperParameterTuningJob",
    Kind.PROCESSING_JOB: "ProcessingJob",
    Kind.TRANSFORM_JOB: "TransformJob",
}
ENDED = ("Completed", "Failed", "Stopped")
ON_DEMAND_TAG = "sluice:on-demand"
FALLBACK_TAG = "sluice:fallback"
FALLBACK_OF_TAG = "sluice:fallback-of"
WORKLOAD_TAG = "sluice:workload"
DAY_SECONDS = 86_400  # AWS, StoppingCondition: what holds where MaxRuntimeInSeconds is left out

Answer = Mapping[str, Any]


def describe(sagemaker: Any, kind: Kind, name: str) -> dict[str, Any] | None:
    """What SageMaker tells of a job; None when it is gone."""
    try:
        return call(sagemaker, "describe", kind, name)
    except ClientError as error:
        if is_missing(error):
            return None
        raise


def call(sagemaker: Any, verb: str, kind: Kind, name: str) -> Any:
    """Describe or stop a job."""
    return getattr(sagemaker, xform_name(f"{verb.capitalize()}{NOUNS[kind]}"))(**{f"{NOUNS[kind]}Name": name})


def tags_of(sagemaker: Any, arn: str) -> dict[str, str]:
    """The tags of a job; none when it is gone."""
    try:
        pages = list(sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn))
    except ClientError as error:
        if is_missing(error):
            return {}
        raise
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def definitions(kind: Kind, job: Answer) -> list[Answer]:
    """What each training of it is like: of a training job itself, of a search one or several; of others none."""
    if kind is Kind.TRAINING_JOB:
        return [job]
    if kind is Kind.TUNING_JOB:
        return [*job.get("TrainingJobDefinitions", [])] or [job["TrainingJobDefinition"]]
    return []


def at_once(kind: Kind, job: Answer) -> int:
    """How many trainings go on at the same time."""
    return _limits(job)["MaxParallelTrainingJobs"] if kind is Kind.TUNING_JOB else 1


def trainings(kind: Kind, job: Answer) -> int | None:
    """How many trainings there will be; None for a grid that does not say."""
    return _limits(job).get("MaxNumberOfTrainingJobs") if kind is Kind.TUNING_JOB else 1


def is_spot(definition: Answer) -> bool:
    return bool(definition.get("EnableManagedSpotTraining"))


def run_seconds(definition: Answer) -> int:
    """How long it may run; a transform job has no such limit, and is not asked."""
    return definition.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DAY_SECONDS)


def clusters(kind: Kind, asked: Answer) -> list[list[tuple[str, int]]]:
    """The instances of a job, or of one training by its definition, as types and numbers of each.

    There are several clusters where SageMaker chooses among them, and an empty one where it shows none (serverless).
    """
    match kind:
        case Kind.PROCESSING_JOB:
            return [_counted([asked["ProcessingResources"]["ClusterConfig"]])]
        case Kind.TRANSFORM_JOB:
            return [_counted([asked["TransformResources"]])]
        case _:
            config = asked.get("HyperParameterTuningResourceConfig") or asked.get("ResourceConfig", {})
    if "SelectedInstanceType" in config:
        return [[(config["SelectedInstanceType"], config.get("SelectedInstanceCount", 1))]]
    if choices := config.get("InstanceConfigs") or config.get("InstancePreferences"):
        usual = config.get("InstanceCount", 1)
        return [_counted([{"InstanceCount": usual, **choice}]) for choice in choices]
    return [_counted(config.get("InstanceGroups") or [config])]


def _counted(groups: Iterable[Answer]) -> list[tuple[str, int]]:
    return [(group["InstanceType"], group["InstanceCount"]) for group in groups if group.get("InstanceType")]


def rate(kind: Kind, asked: Answer, prices: Prices, region: str) -> Rate:
    """What a job, or one training by its definition, costs by the hour on demand: of several clusters the dearest."""
    component = {Kind.PROCESSING_JOB: "Processing", Kind.TRANSFORM_JOB: "Transform"}.get(kind, "Training")
    totals: list[Rate] = []
    for cluster in clusters(kind, asked):
        rates = [(prices.rate(region, component, each), count) for each, count in cluster]
        usd = sum(each.usd_per_hour * count for each, count in rates)
        totals.append(Rate(usd, any(each.estimated for each, _ in rates), "; ".join(each.basis for each, _ in rates)))
    return max(totals, key=lambda total: total.usd_per_hour)


def size(kind: Kind, asked: Answer) -> int:
    """How many instances a job, or one training by its definition, has: of several clusters the largest."""
    return max(sum(count for _, count in cluster) for cluster in clusters(kind, asked))


def resource(kind: Kind, job: Answer, tags: Mapping[str, str], prices: Prices, region: str) -> Resource:
    """The job as the policy sees it; a search costs what its dearest trainings do, as many as go on at once."""
    noun = NOUNS[kind]
    asked = definitions(kind, job) or [job]
    dearest = max(asked, key=lambda each: rate(kind, each, prices, region).usd_per_hour)
    price = rate(kind, dearest, prices, region)
    types = {each for cluster in clusters(kind, dearest) for each, _ in cluster}
    return Resource(
        kind=kind,
        name=job[f"{noun}Name"],
        arn=job[f"{noun}Arn"],
        region=region,
        status=job[f"{noun}Status"],
        created_at=job["CreationTime"],
        changed_at=job.get("LastModifiedTime", job["CreationTime"]),
        tags=tags,
        instance_type=", ".join(sorted(types)),
        instance_count=size(kind, dearest),
        usd_per_hour=price.usd_per_hour * at_once(kind, job),
        estimated=price.estimated,
    )


def ended_at(kind: Kind, job: Answer) -> datetime:
    """When a job ended, in UTC; a training job that never got an instance tells it by its last transition alone."""
    stem = NOUNS[kind].removesuffix("Job")
    transitions = job.get("SecondaryStatusTransitions", [])
    last = transitions[-1]["StartTime"] if transitions else job.get("LastModifiedTime", job["CreationTime"])
    return job.get(f"{stem}EndTime", last).astimezone(UTC)  # botocore gives times in the zone of the machine


def other_arn(arn: str, name: str) -> str:
    """The ARN of another job of the same kind."""
    return f"{arn.rpartition('/')[0]}/{name}"


def execution_of(job: Resource, platform: str) -> str:
    """The ARN of the pipeline execution that made a workload's job; empty for what nobody's step made.

    By the job's name, `pipelines-<execution>-...`; a search's leaves the first word out, as public runs show.
    """
    first = "(pipelines-)?" if job.kind is Kind.TUNING_JOB else "(pipelines-)"
    found, workload = re.match(first + r"([a-z0-9]{12})-", job.name), job.tags.get(WORKLOAD_TAG)
    if not found or not workload:
        return ""
    return f"{job.arn.rpartition(':')[0]}:pipeline/{platform}-{workload}/execution/{found[2]}"


def _limits(job: Answer) -> Answer:
    return job["HyperParameterTuningJobConfig"]["ResourceLimits"]
