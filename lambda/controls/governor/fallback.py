"""A spot job that ended for lack of capacity is started once more, on demand, from its checkpoint.

Exactly once, whatever is delivered twice, late or at the same time, and wherever a run of this breaks off:

1. What it may cost is held back from the budget (see `reserved`), and the decision is remembered by the job's ARN with
   a conditional put. The first one stands, whatever the budget is when the event comes again; who comes second carries
   out the first one's decision.
2. The job is created under a name that follows from the first job's. SageMaker gives a name once, so whoever creates
   it again finds it taken: by this job, as its tag says, or else by another one, and then it is told that it cannot be.
3. People are told, and the decision is remembered as done. From then on nothing is created any more, not even when
   somebody has deleted the job and with it freed its name.

After a break before 3 the event comes again and does 2 and 3 anew. Only the message can come twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from controls.governor import capacity, rerun
from controls.governor.capacity import Lack
from controls.governor.fallback_policy import Terms, decide
from controls.governor.reserved import Reserved
from controls.jobs import jobs
from controls.jobs.jobs import NOUNS, Answer
from controls.ledger import Item, Ledger
from controls.pricing.prices import Prices
from controls.refusals import is_taken
from controls.resource import Resource

TOPIC = "fallback"
BUDGET = "budget"  # remembered by month: `spent_usd`, and `frozen_since` while it is frozen
_OWN_METRICS = "metric definitions"  # AWS: "You can't override the metric definitions for Amazon SageMaker algorithms."

Tell = Callable[[str, list[str]], None]


class Fallback:
    """`tell(subject, lines)` reaches people."""

    def __init__(
        self,
        sagemaker: Any,
        tell: Tell,
        ledger: Ledger,
        *,
        platform: str,
        terms: Terms,
        prices: Prices,
        now: datetime,
    ) -> None:
        self._sagemaker, self._tell, self._ledger, self._platform = sagemaker, tell, ledger, platform
        self._terms, self._prices, self._now = terms, prices, now
        self._reserved = Reserved(ledger, now=now)

    def consider(self, job: Answer, resource: Resource) -> str:
        """What came of a job that ended: started | taken | refused | observed; nothing where capacity was not lacking.

        What SageMaker refuses for another reason than a name that is taken is raised: the event comes again.
        """
        known = self._ledger.recall(TOPIC, resource.arn)
        if known and known["done"]:
            return known["outcome"]
        execution = jobs.execution_of(resource, self._platform)
        lack = capacity.lack(self._sagemaker, job, resource, self._prices, execution=execution)
        if lack is None:
            return ""
        known = known or self._remembered(job, resource, lack, execution)
        if known["done"]:
            return known["outcome"]
        outcome = {"refuse": "refused", "observe": "observed"}.get(known["decision"]) or self._start(
            job, resource, lack
        )
        if outcome != "started":
            self._reserved.release(resource.arn)
        self._record(resource, known, outcome)
        if self._terms.acts and outcome != "observed":  # else the report tells of it
            self._tell(*_message(resource, known, outcome, lack))
        self._ledger.remember(TOPIC, resource.arn, **_members(known) | {"outcome": outcome, "done": True})
        return outcome

    def _remembered(self, job: Answer, resource: Resource, lack: Lack, execution: str) -> Item:
        """The decision: this run's, or that of who was faster."""
        budget = self._ledger.recall(BUDGET, f"{self._now:%Y-%m}")
        judge = partial(decide, resource, lack, self._terms, budget, execution)
        open_usd = 0.0
        if self._terms.acts and self._terms.usd_per_month:
            open_usd = self._reserved.hold(
                resource.arn, lack.most_usd, lambda others: judge(open_usd=others)[0] == "start"
            )
        decision, reason = judge(open_usd=open_usd)
        name = rerun.name_of(resource.kind, job)
        made = {"decision": decision, "reason": reason, "name": name, "decided_at": self._now.isoformat()}
        made |= {"outcome": "", "done": False}
        if self._ledger.remember_once(TOPIC, resource.arn, **made):
            return made
        known = self._ledger.recall(TOPIC, resource.arn)
        assert known is not None  # what is remembered is forgotten after more than a year
        return known

    def _start(self, job: Answer, resource: Resource, lack: Lack) -> str:
        noun = NOUNS[resource.kind]
        members = set(self._sagemaker.meta.service_model.operation_model(f"Create{noun}").input_shape.members)
        asked = rerun.request(resource.kind, job, resource.tags, members, lack.finished)
        create = getattr(self._sagemaker, xform_name(f"Create{noun}"))
        try:
            try:
                create(**asked)
            except ClientError as error:
                if _OWN_METRICS not in str(error) or "AlgorithmSpecification" not in asked:
                    raise
                create(**rerun.without_metrics(asked))
        except ClientError as error:
            if not is_taken(error):
                raise
            taken = jobs.tags_of(self._sagemaker, jobs.other_arn(resource.arn, asked[f"{noun}Name"]))
            return "started" if taken.get(jobs.FALLBACK_OF_TAG) == resource.name else "taken"
        return "started"

    def _record(self, resource: Resource, known: Item, outcome: str) -> None:
        """About the new job, by the time of the decision: the end of the old one is entered by itself."""
        self._ledger.enter(
            jobs.other_arn(resource.arn, known["name"]),
            at=known["decided_at"],
            day=known["decided_at"][:10],
            kind=resource.kind,
            name=known["name"] if outcome == "started" else resource.name,
            region=resource.region,
            owner=resource.owner,
            team=resource.tags.get("sluice:team", ""),
            workload=resource.tags.get("sluice:workload", ""),
            action="fallback",
            rule="spot",
            reason=known["reason"],
            fallback_of=resource.name,
            usd_per_hour=resource.usd_per_hour,
            estimated=resource.estimated,
            outcome=outcome,
        )

    def made(self, resource: Resource) -> bool:
        """Whether a job was started by this: its tag anybody may set, but not what is remembered of the first job."""
        of = resource.tags.get(jobs.FALLBACK_OF_TAG)
        known = self._ledger.recall(TOPIC, jobs.other_arn(resource.arn, of)) if of else None
        return bool(known and known["decision"] == "start" and known["name"] == resource.name)

    def follow(self, resource: Resource) -> None:
        """Tell, once, that a job which went on for another has ended, and how its run goes on."""
        of = resource.tags[jobs.FALLBACK_OF_TAG]
        parent = jobs.other_arn(resource.arn, of)
        known = self._ledger.recall(TOPIC, parent)
        if known is None or known.get("ended") or known["name"] != resource.name:
            return
        self._reserved.release(parent)
        lines = [f"job: {resource.name}", f"goes on for: {of}", f"status: {resource.status}"]
        execution = jobs.execution_of(replace(resource, name=of), self._platform)
        if execution and resource.status == "Completed":
            lines += _retry(execution)
        self._tell(f"{resource.name} has ended: {resource.status}", lines)
        self._ledger.remember(TOPIC, parent, **_members(known) | {"ended": resource.status})


def _retry(execution: str) -> list[str]:
    """Not verified: that a retried execution keeps its ID, by which its checkpoints are found (AWS says so)."""
    return [
        "The run that made the job has failed. Retried, its step trains again, as spot, and finds the last checkpoint:",
        f"aws sagemaker retry-pipeline-execution --pipeline-execution-arn {execution} "
        f"--client-request-token retry-of-{execution.rpartition('/')[2]}-after-fallback",
    ]


def _members(known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in known.items() if name not in ("subject", "at", "expires_at")}


def _message(resource: Resource, known: Item, outcome: str, lack: Lack) -> tuple[str, list[str]]:
    told = {
        "started": f"goes on on demand as {known['name']}",
        "taken": f"cannot go on: another job is named {known['name']}",
        "refused": "is not started again",
    }[outcome]
    lines = [f"job: {resource.name}", f"owner: {resource.owner or 'none'}", f"reason: {known['reason']}"]
    if outcome == "started" and lack.note:
        lines.append(f"note: {lack.note}")
    return f"{resource.name} {told}", lines
