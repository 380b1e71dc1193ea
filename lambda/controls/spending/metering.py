"""What costs money now, and what jobs that have ended cost: a reading of one region, for the meter.

What cannot be read is named in the reading, and stops nothing else. Jobs that end meanwhile are left to AWS's bill.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from controls.inventory import Inventory
from controls.jobs import jobs
from controls.jobs.ended_jobs import PAID, bill, ended_of, enter_job
from controls.jobs.jobs import WORKLOAD_TAG
from controls.judgement.choices import Policy
from controls.ledger import Ledger
from controls.pricing.prices import Prices
from controls.resource import JOBS, OWNER_TAG, Kind, Resource
from controls.spending.counting import Ended, Reading, Running
from controls.spending.month import Group

logger = Logger(service="meter")

TROUBLES = (ClientError, BotoCoreError)
# Each starts anew without being made anew; what else there is costs from when it was made until it is gone.
_STARTS_AGAIN = {Kind.NOTEBOOK_INSTANCE, Kind.MLFLOW_SERVER}


@dataclass(frozen=True)
class Place:
    """A region of an account, by `client`, which makes the client of a service there."""

    client: Callable[[str], Any]
    region: str


def read(place: Place, ledger: Ledger, policy: Policy, prices: Prices, *, since: datetime, now: datetime) -> Reading:
    """All that costs in `place` at `now`, with the jobs that ended after `since`, whose cost is in `ledger` then."""
    inventory = Inventory(place.client, region=place.region, policy=policy, prices=prices, now=now)
    billed = list(inventory.billed())
    unread, ended = set(inventory.troubles), list[Ended]()
    for kind in PAID:
        try:
            found = list(ended_of(place.client("sagemaker"), kind, policy, since))
        except TROUBLES as error:
            logger.warning("jobs that ended are not known", region=place.region, kind=kind, reason=str(error))
            unread.add(kind)
            continue
        for job, tags in found:
            if jobs.ended_at(kind, job) <= since:
                continue
            # Whoever entered a job's cost before, it is counted here by when it ended: once, as the month advances.
            enter_job(ledger, job, kind, tags, prices, place.region)
            cost = bill(kind, job, prices, place.region).cost_usd
            ended.append(Ended(_group(place.region, kind, tags), cost, jobs.ended_at(kind, job)))
    return Reading(
        at=now,
        running=tuple(_running(each) for each in billed if each.kind not in JOBS),
        in_progress_usd=sum(_used_usd(each) for each in billed if each.kind in JOBS),
        ended=tuple(ended),
        unread=frozenset((place.region, str(kind)) for kind in unread),
    )


def unread(region: str, now: datetime) -> Reading:
    """That of a place which cannot be read at all: everything there is taken to run on."""
    return Reading(at=now, unread=frozenset((region, str(kind)) for kind in Kind))


def together(readings: list[Reading]) -> Reading:
    """Readings of several places at the same time, as one."""
    return Reading(
        at=readings[0].at,
        running=tuple(each for reading in readings for each in reading.running),
        ended=tuple(each for reading in readings for each in reading.ended),
        in_progress_usd=sum(reading.in_progress_usd for reading in readings),
        unread=frozenset().union(*(reading.unread for reading in readings)),
    )


def _running(resource: Resource) -> Running:
    since = resource.changed_at if resource.kind in _STARTS_AGAIN else resource.created_at
    group = _group(resource.region, resource.kind, dict(resource.tags))
    return Running(group, resource.usd_per_hour, since)


def _group(region: str, kind: Kind, tags: dict[str, str]) -> Group:
    return region, str(kind), tags.get("sluice:team", ""), tags.get(OWNER_TAG, ""), tags.get(WORKLOAD_TAG, "")


def _used_usd(job: Resource) -> float:
    """What a job in progress has used so far, at most: what spot saves is told when it has ended."""
    return job.usd_per_hour * float(job.detail.get("used_seconds", 0)) / 3600
