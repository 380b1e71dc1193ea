"""Whether a job that has begun may go on as it is: on demand or spot, and within the limits that IAM has no key for.

Pure, as `controls.judgement.policy` is. A search is judged as a whole, with as many trainings as go on at once; its
training jobs, and those of Autopilot, which takes no spot, are not judged again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controls.jobs import jobs
from controls.jobs.jobs import FALLBACK_OF_TAG, ON_DEMAND_TAG, WORKLOAD_TAG
from controls.judgement.choices import Policy, is_kept, is_ours
from controls.judgement.policy import Action, Verdict
from controls.pricing.prices import Prices
from controls.resource import ENVIRONMENT_TAG, Kind, Resource, Rule


@dataclass(frozen=True)
class Limits:
    """The guardrails for jobs, and above how many USD an hour a training must be spot."""

    on_demand_usd_per_hour: float
    max_run_seconds: int
    max_instances: int
    max_tuning_jobs: int
    max_parallel_jobs: int


@dataclass(frozen=True)
class Breach:
    """A field of the job's request beyond a limit, and the field of workload.yaml that it comes from."""

    field: str
    value: int
    limit: str
    allowed: int
    written_as: str


def govern(
    job: Mapping[str, Any],
    resource: Resource,
    policy: Policy,
    limits: Limits,
    prices: Prices,
    now: datetime,
    *,
    goes_on: bool = False,
) -> Verdict:
    """STOP for what breaks a rule; WARN where nothing may be ended: in production, or kept by its tag; else KEEP.

    `goes_on`: the platform itself started it on demand, for a spot job that lacked capacity.
    """
    if excuse := _excuse(job, resource, policy):
        return Verdict(Action.KEEP, excuse)
    found = list(breaches(resource.kind, job, limits))
    if found:
        told = "; ".join(
            f"{each.field} is {each.value}, and guardrails.{each.limit} allows {each.allowed}" for each in found
        )
        return _verdict(Rule.JOB_LIMIT, told, resource, policy, now)
    reason = resource.tags.get(ON_DEMAND_TAG, "").strip()
    usd = _on_demand_usd_per_hour(job, resource, prices)
    if usd <= limits.on_demand_usd_per_hour:
        return Verdict(Action.KEEP, "is spot, or cheap enough on demand")
    if goes_on:
        return Verdict(Action.KEEP, f"goes on for {resource.tags[FALLBACK_OF_TAG]}")
    if reason:
        return Verdict(Action.KEEP, f"{ON_DEMAND_TAG} is {reason}")
    told = f"on demand at {usd:.2f} USD an hour, and costs.spot.on_demand_usd_per_hour allows "
    return _verdict(Rule.SPOT, told + f"{limits.on_demand_usd_per_hour:g}", resource, policy, now)


def breaches(kind: Kind, job: Mapping[str, Any], limits: Limits) -> Iterator[Breach]:
    """What a job asks for beyond its limits."""
    for field, value, limit, written_as in _asked(kind, job):
        if value > (allowed := getattr(limits, limit)):
            yield Breach(field, value, limit, allowed, written_as)


def remedy(verdict: Verdict, kind: Kind, job: Mapping[str, Any], tags: Mapping[str, str], limits: Limits) -> str:
    """The line to change, in the workload's file where the job is a workload's."""
    workload = tags.get(WORKLOAD_TAG)
    place = f"workloads/{workload}/workload.yaml"
    if verdict.rule is Rule.JOB_LIMIT:
        changes = [
            f"{each.written_as if workload else each.field}: at most {each.allowed}"
            for each in breaches(kind, job, limits)
        ]
        return f"{'; '.join(changes)}{f' in {place}' if workload else ' in the request of the job'}"
    tagged = f"or give the job the tag {ON_DEMAND_TAG} with the reason as its value"
    if workload:
        return f"train.spot: true in {place}, {tagged}"
    return (
        "EnableManagedSpotTraining: true in the request of the job, with StoppingCondition.MaxWaitTimeInSeconds and a "
        f"CheckpointConfig, {tagged}"
    )


def _asked(kind: Kind, job: Mapping[str, Any]) -> Iterator[tuple[str, int, str, str]]:
    """Field, value, name of the limit, field of workload.yaml."""
    part = "process" if kind is Kind.PROCESSING_JOB else "train"
    each = jobs.definitions(kind, job) or [job]
    yield "InstanceCount", max(jobs.size(kind, one) for one in each), "max_instances", f"{part}.instance_count"
    if kind is not Kind.TRANSFORM_JOB:
        longest = max(map(jobs.run_seconds, each))
        yield "MaxRuntimeInSeconds", longest, "max_run_seconds", f"{part}.max_run_seconds"
    if kind is Kind.TUNING_JOB:
        yield "MaxNumberOfTrainingJobs", jobs.trainings(kind, job) or 0, "max_tuning_jobs", "tuning.max_jobs"
        yield "MaxParallelTrainingJobs", jobs.at_once(kind, job), "max_parallel_jobs", "tuning.parallel_jobs"


def _on_demand_usd_per_hour(job: Mapping[str, Any], resource: Resource, prices: Prices) -> float:
    """Of what trains on demand, in the dearest way; a training plan is paid for already, and takes no spot."""
    kind = resource.kind
    return jobs.at_once(kind, job) * max(
        (
            jobs.rate(kind, each, prices, resource.region).usd_per_hour
            for each in jobs.definitions(kind, job)
            if not jobs.is_spot(each) and "TrainingPlanArn" not in each.get("ResourceConfig", {})
        ),
        default=0.0,
    )


def _excuse(job: Mapping[str, Any], resource: Resource, policy: Policy) -> str:
    if not is_ours(resource.tags, policy):
        return "belongs to another platform"
    if resource.status != "InProgress":
        return f"is {resource.status}"
    if "TuningJobArn" in job or "AutoMLJobArn" in job:
        return "is judged with the search that it belongs to"
    return ""


def _verdict(rule: Rule, evidence: str, resource: Resource, policy: Policy, now: datetime) -> Verdict:
    production = "prod" in (policy.environment, resource.tags.get(ENVIRONMENT_TAG))
    spared = (production and resource.name not in policy.production) or is_kept(resource.tags, policy, now)
    action = Action.WARN if spared else Action.STOP
    return Verdict(action, evidence, rule, None if spared else now, ending=action)
