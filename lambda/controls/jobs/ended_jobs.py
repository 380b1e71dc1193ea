"""What jobs that have ended cost, and what spot saved, entered in the ledger once for each.

Source: AWS, DescribeTrainingJob: BillableTimeInSeconds times the number of instances is billed, at the price on
demand, and 1 - BillableTimeInSeconds / TrainingTimeInSeconds is what spot saved. For processing and transform jobs AWS
tells no billed time: here it is that from start to end. Not verified: that the billed time is final with the event.

The entry is written first, at the time of the job's end, and then remembered by the job's ARN: whoever comes in
between writes the same entry at the same place, and whoever comes later finds it remembered.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from botocore import xform_name

from controls.jobs import jobs
from controls.jobs.jobs import ENDED, NOUNS, Answer
from controls.judgement.choices import Policy, is_ours
from controls.ledger import Ledger
from controls.pricing.prices import Prices
from controls.resource import Kind

TOPIC = "ended-job"
# A search costs what its training jobs do, each of which ends by itself, and so is not among them.
PAID = (Kind.TRAINING_JOB, Kind.PROCESSING_JOB, Kind.TRANSFORM_JOB)


@dataclass(frozen=True)
class Bill:
    """`hours` of an instance that spot did not bill; `saved_usd` what they would have cost on demand."""

    cost_usd: float
    saved_usd: float
    hours: float
    billed_hours: float
    usd_per_hour: float
    estimated: bool


def bill(kind: Kind, job: Answer, prices: Prices, region: str) -> Bill:
    """What an ended job cost. A warm pool is billed on, at the price on demand, until it is let go or used again."""
    price, count = jobs.rate(kind, job, prices, region), jobs.size(kind, job)
    if kind is Kind.TRAINING_JOB:
        billed = job.get("BillableTimeInSeconds", 0)
        saved = max(0, job.get("TrainingTimeInSeconds", billed) - billed) if jobs.is_spot(job) else 0
        billed += job.get("WarmPoolStatus", {}).get("ResourceRetainedBillableTimeInSeconds", 0)
    else:
        stem = NOUNS[kind].removesuffix("Job")
        began, ended = job.get(f"{stem}StartTime"), job.get(f"{stem}EndTime")
        billed, saved = ((ended - began).total_seconds() if began and ended else 0), 0
    return Bill(
        cost_usd=round(billed / 3600 * price.usd_per_hour, 6),
        saved_usd=round(saved / 3600 * price.usd_per_hour, 6),
        hours=round(saved / 3600 * count, 6),
        billed_hours=round(billed / 3600 * count, 6),
        usd_per_hour=price.usd_per_hour,
        estimated=price.estimated,
    )


def enter_job(ledger: Ledger, job: Answer, kind: Kind, tags: Mapping[str, str], prices: Prices, region: str) -> bool:
    """Enter what a job that has ended cost; `job` is the answer of its Describe operation.

    False, with nothing entered, for what was entered before and for what costs nothing by itself. An entry's outcome
    is `saved`, by the rule `spot`, or `ended` without a rule.
    """
    if kind not in PAID:
        return False
    noun = NOUNS[kind]
    arn, ended = job[f"{noun}Arn"], jobs.ended_at(kind, job).isoformat()
    if ledger.recall(TOPIC, arn):
        return False
    found, spot = bill(kind, job, prices, region), kind is Kind.TRAINING_JOB and jobs.is_spot(job)
    ledger.enter(
        arn,
        at=ended,
        day=ended[:10],
        kind=kind,
        name=job[f"{noun}Name"],
        region=region,
        owner=tags.get("sluice:owner", ""),
        team=tags.get("sluice:team", ""),
        workload=tags.get("sluice:workload", ""),
        status=job[f"{noun}Status"],
        rule="spot" if spot else "",
        outcome="saved" if spot else "ended",
        reason=_told(job, found) if spot else "",
        **asdict(found),
    )
    return ledger.remember_once(TOPIC, arn, ended_at=ended, **asdict(found))


def _told(job: Answer, found: Bill) -> str:
    billed, trained = job.get("BillableTimeInSeconds", 0), job.get("TrainingTimeInSeconds", 0)
    share = f"{1 - billed / trained:.0%}" if trained else "nothing: it never ran"
    return f"billed {billed} of {trained} s, each at {found.usd_per_hour:.2f} USD an hour: spot saved {share}"


def ended_of(sagemaker: Any, kind: Kind, policy: Policy, since: datetime) -> Iterator[tuple[Answer, dict[str, str]]]:
    """The platform's jobs of a kind that changed after `since` and have ended, with their tags."""
    noun = NOUNS[kind]
    pages = sagemaker.get_paginator(xform_name(f"List{noun}s")).paginate(LastModifiedTimeAfter=since)
    for summary in (each for page in pages for each in page[f"{noun}Summaries"]):
        arn = summary[f"{noun}Arn"]
        if summary[f"{noun}Status"] not in ENDED:
            continue
        tags = jobs.tags_of(sagemaker, arn)
        job = jobs.describe(sagemaker, kind, summary[f"{noun}Name"]) if is_ours(tags, policy) else None
        if job:
            yield job, tags
