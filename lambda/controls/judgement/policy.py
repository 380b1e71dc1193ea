"""What may be ended, by which rule, and when. Pure: no clock, no network; `now` is the event's own time."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from controls.judgement.choices import Policy, is_kept, is_ours
from controls.judgement.rules import RULES, Found
from controls.resource import ENVIRONMENT_TAG, JOBS, KEEP_TAG, RUNNING, Kind, Resource, Rule, running

HOURS_A_MONTH = 730
_NEVER = datetime.max.replace(tzinfo=UTC)


class Action(StrEnum):
    KEEP = "keep"
    WARN = "warn"
    STOP = "stop"
    DELETE = "delete"
    SCALE_TO_ZERO = "scale_to_zero"


_ENDINGS = {
    Kind.APP: Action.DELETE,  # its space keeps the files
    Kind.NOTEBOOK_INSTANCE: Action.STOP,
    # Its configuration stays, and makes it again. Not verified: that inference components need not be deleted first.
    Kind.ENDPOINT: Action.DELETE,
    Kind.INFERENCE_COMPONENT: Action.SCALE_TO_ZERO,
    Kind.MLFLOW_SERVER: Action.STOP,
    **dict.fromkeys(JOBS, Action.STOP),
    **dict.fromkeys(
        (
            Kind.ENDPOINT_CONFIG,
            Kind.MODEL,
            Kind.LIFECYCLE_CONFIG,
            Kind.NOTEBOOK_LIFECYCLE_CONFIG,
            Kind.IMAGE,
            Kind.MONITORING_SCHEDULE,
            Kind.LOG_GROUP,
            Kind.MODEL_PACKAGE,
        ),
        Action.DELETE,
    ),
}
# Spaces and file systems hold people's files, and an MLflow App what was recorded: these are told of, never ended.


@dataclass(frozen=True)
class Verdict:
    """`action` at `effective_at`; until then, and where only told, it is WARN. `evidence` is for people.

    `saving`: USD a month, if it stays away as long as the rule holds. `told`: its owner knows of it already.
    """

    action: Action
    evidence: str
    rule: Rule | None = None
    effective_at: datetime | None = None
    saving: float = 0.0
    ending: Action = Action.KEEP
    told: bool = False


def decide(resource: Resource, policy: Policy, now: datetime) -> Verdict:
    """What to do with `resource` and why, or why not. Whatever is in doubt is kept."""
    protection = _protection(resource, policy, now)
    if protection:
        return Verdict(Action.KEEP, protection)
    found = {rule: judge(resource, policy, now) for rule, judge in RULES.items()}
    verdicts = [
        _verdict(resource, rule, holds, policy, now) for rule, holds in found.items() if isinstance(holds, Found)
    ]
    if not verdicts:
        reasons = [reason for reason in found.values() if isinstance(reason, str) and reason]
        return Verdict(Action.KEEP, next(iter(reasons), "nothing speaks against it"))
    # A rule that only tells must not hide one that acts, nor a later one an earlier.
    return min(verdicts, key=lambda each: (each.rule not in policy.enforced, each.effective_at or _NEVER))


def _protection(resource: Resource, policy: Policy, now: datetime) -> str:
    if not is_ours(resource.tags, policy):
        return "belongs to another platform"
    in_production = "prod" in (policy.environment, resource.tags.get(ENVIRONMENT_TAG))
    if in_production and resource.name not in policy.production:
        return "is in production"
    if is_kept(resource.tags, policy, now):
        return f"{KEEP_TAG} is {resource.tags[KEEP_TAG]}"
    if resource.kind in RUNNING and not running(resource):
        return f"is {resource.status}"
    return ""


def _verdict(resource: Resource, rule: Rule, found: Found, policy: Policy, now: datetime) -> Verdict:
    saving = resource.usd_per_hour * HOURS_A_MONTH * found.share
    ending = _ENDINGS.get(resource.kind, Action.WARN)
    # A warning from before it was last used, say, is of another time.
    warned = resource.warned
    told = warned is not None and warned.rule is rule and warned.at >= found.since
    if ending is Action.WARN:
        return Verdict(Action.WARN, found.evidence, rule, None, saving, ending, told)
    effective = max(found.due, (warned.at if warned and told else now) + policy.grace)
    action = ending if effective <= now else Action.WARN
    return Verdict(action, found.evidence, rule, effective, saving, ending, told)
