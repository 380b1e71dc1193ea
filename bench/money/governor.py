"""Whether the platform's own governor lets a training job go on that was started on demand."""

from collections.abc import Callable
from functools import partial

from bench.money.traces import REGION
from bench.money.world import Job, moment
from controls.governor.job_policy import Limits, govern
from controls.jobs import jobs
from controls.judgement.choices import Policy
from controls.judgement.policy import Action
from controls.pricing.prices import Prices
from controls.resource import PLATFORM_TAG, Kind

_MANY = 1_000_000  # of run time, instances and trainings: the limits of the guardrails are not what is measured


def governor(policy: Policy, on_demand_usd_per_hour: float, prices: Prices) -> Callable[[Job], bool]:
    """Tells of a job whether it is stopped."""
    limits = Limits(on_demand_usd_per_hour, _MANY * 60, _MANY, _MANY, _MANY)
    return partial(_stops, policy=policy, limits=limits, prices=prices)


def _stops(job: Job, *, policy: Policy, limits: Limits, prices: Prices) -> bool:
    tags = {PLATFORM_TAG: policy.platform, **({jobs.ON_DEMAND_TAG: "cannot checkpoint"} if job.exempted else {})}
    told = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.name,
        "TrainingJobStatus": "InProgress",
        "CreationTime": moment(0),
        "ResourceConfig": {"InstanceType": job.instance_type, "InstanceCount": job.count},
        "EnableManagedSpotTraining": False,
    }
    resource = jobs.resource(Kind.TRAINING_JOB, told, tags, prices, REGION)
    verdict = govern(told, resource, policy, limits, prices, moment(0))
    return verdict.action is Action.STOP and verdict.rule in policy.enforced
