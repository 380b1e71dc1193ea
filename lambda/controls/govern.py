"""Hears of jobs that begin and end: holds spot and limits against the first, enters what the others cost and saved.

What an event says is a reason to look, no more: SageMaker tells of a job at best effort, twice, or out of order, so
what is done follows from what the job is by now. A spot job that lacked capacity goes on on demand: see `fallback`.
"""

import os
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from controls import clients, settings
from controls.governor import job_policy
from controls.governor.fallback import Fallback
from controls.governor.fallback_policy import Terms
from controls.governor.job_policy import Limits
from controls.jobs import jobs
from controls.jobs.ended_jobs import enter_job
from controls.jobs.jobs import ENDED, FALLBACK_OF_TAG, NOUNS, Answer
from controls.judgement.choices import Policy, is_ours, policy
from controls.judgement.policy import Action, Verdict
from controls.ledger import Ledger
from controls.pricing import price_table
from controls.refusals import is_missing, is_over
from controls.resource import Kind, Resource

logger = Logger(service="govern")

TOPIC = "governed"
_PLANNED = "planned"
KINDS = {
    "SageMaker Training Job State Change": Kind.TRAINING_JOB,
    "SageMaker HyperParameter Tuning Job State Change": Kind.TUNING_JOB,
    "SageMaker Processing Job State Change": Kind.PROCESSING_JOB,
    "SageMaker Transform Job State Change": Kind.TRANSFORM_JOB,
}
_SUBJECT_CHARACTERS = 100  # AWS, API_Publish


@dataclass(frozen=True)
class Settings:
    """`limits` are those of `job_policy.Limits`, `fallback` those of `fallback.Terms`."""

    policy: str
    ledger_table: str
    artifact_bucket: str
    topic_arn: str
    limits: dict[str, Any]
    fallback: dict[str, Any]


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """What came of an event about a job, such as kept, observed, done, started or entered."""
    config = settings.read(Settings, os.environ)
    kind, now = KINDS[event["detail-type"]], datetime.fromisoformat(event["time"])
    name = event["detail"][f"{NOUNS[kind]}Name"]
    outcome = Governor(config, region=event["region"], now=now).look(kind, name, event["detail"][f"{NOUNS[kind]}Arn"])
    logger.info("looked", kind=kind, job=name, outcome=outcome)
    return {"outcome": outcome}


class Governor:
    def __init__(self, config: Settings, *, region: str, now: datetime) -> None:
        self._sagemaker, self._topic = clients.client("sagemaker"), config.topic_arn
        self._policy: Policy = policy(config.policy)
        self._limits = Limits(**config.limits)
        self._prices = price_table.load(clients.client("s3"), config.artifact_bucket)
        self._region, self._now = region, now
        self._ledger = Ledger(clients.client("dynamodb"), config.ledger_table, now=now)
        self._fallback = Fallback(
            self._sagemaker,
            self._tell,
            self._ledger,
            platform=self._policy.platform,
            terms=Terms(**config.fallback),
            prices=self._prices,
            now=now,
        )

    def look(self, kind: Kind, name: str, arn: str) -> str:
        # Not verified: that events tell the tags of every job, so they are asked for.
        tags = jobs.tags_of(self._sagemaker, arn)
        if not is_ours(tags, self._policy):
            return "foreign"
        job = jobs.describe(self._sagemaker, kind, name)
        if job is None:
            return "gone"
        resource = jobs.resource(kind, job, tags, self._prices, self._region)
        outcome = self._judged(job, resource)
        return self._ended(job, resource) if resource.status in ENDED else outcome

    def _judged(self, job: Answer, resource: Resource) -> str:
        known = self._ledger.recall(TOPIC, resource.arn)
        if known and known["outcome"] != _PLANNED:
            return known["outcome"]
        # Who was cut short after the stop finds the job about to end, and tells of it all the same.
        seen = replace(resource, status="InProgress") if known else resource
        goes_on = self._fallback.made(resource)
        verdict = job_policy.govern(job, seen, self._policy, self._limits, self._prices, self._now, goes_on=goes_on)
        if verdict.action is Action.KEEP:
            return "kept"
        outcome = "observed"
        if verdict.rule in self._policy.enforced:
            outcome = "warned" if verdict.action is Action.WARN else self._stop(resource, verdict)
        self._ledger.record(resource, verdict, outcome)
        if outcome != "observed":  # else the report tells of it
            change = job_policy.remedy(verdict, resource.kind, job, resource.tags, self._limits)
            self._tell(*_message(resource, verdict, outcome, change))
        self._ledger.remember(TOPIC, resource.arn, rule=verdict.rule, outcome=outcome)
        return outcome

    def _stop(self, resource: Resource, verdict: Verdict) -> str:
        if resource.status != "InProgress":
            return _was_stopped(resource.status)
        self._ledger.remember(TOPIC, resource.arn, rule=verdict.rule, outcome=_PLANNED)
        self._ledger.record(resource, verdict, _PLANNED)
        try:
            jobs.call(self._sagemaker, "stop", resource.kind, resource.name)
        except ClientError as error:
            if not is_missing(error) and not is_over(error):
                raise
            again = jobs.describe(self._sagemaker, resource.kind, resource.name)
            return _was_stopped(again[f"{NOUNS[resource.kind]}Status"] if again else "")
        return "done"

    def _ended(self, job: Answer, resource: Resource) -> str:
        outcome = self._fallback.consider(job, resource)
        if FALLBACK_OF_TAG in resource.tags:
            self._fallback.follow(resource)
        entered = enter_job(self._ledger, job, resource.kind, resource.tags, self._prices, self._region)
        return outcome or ("entered" if entered else "known")

    def _tell(self, subject: str, lines: list[str]) -> None:
        # SNS takes printable ASCII only.
        subject = re.sub(r"[^ -~]", "?", f"[{self._policy.platform}] {subject}")[:_SUBJECT_CHARACTERS]
        clients.client("sns").publish(TopicArn=self._topic, Subject=subject, Message="\n".join(lines))


def _was_stopped(status: str) -> str:
    """Of a job that should have been stopped: whether it was, by whoever was faster, or ended by itself."""
    return "done" if status in ("Stopping", "Stopped") else "gone"


def _message(resource: Resource, verdict: Verdict, outcome: str, change: str) -> tuple[str, list[str]]:
    done = {"done": "was stopped", "gone": "has ended by itself"}.get(outcome, "breaks a rule, and goes on")
    return f"{resource.name} {done}", [
        f"job: {resource.name} ({resource.kind}, {resource.status})",
        f"owner: {resource.owner or 'none'}",
        f"rule: {verdict.rule}",
        f"evidence: {verdict.evidence}",
        f"change: {change}",
        f"outcome: {outcome}",
    ]
