"""What may be ended, by which rule, and when. Pure: no clock, no network; `now` is the event's own time."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from controls.hours import OffHours
from controls.resource import (
    ENVIRONMENT_TAG,
    IDLE_TAG,
    JOBS,
    KEEP_TAG,
    PLATFORM_TAG,
    TTL_TAG,
    Kind,
    Resource,
    Rule,
    kept_until,
)

HOURS_A_MONTH = 730
_AT_WORK = timedelta(minutes=15)  # who paused for less is still at work


class Action(StrEnum):
    KEEP = "keep"
    WARN = "warn"
    STOP = "stop"
    DELETE = "delete"
    SCALE_TO_ZERO = "scale_to_zero"


# The states in which something runs, and costs by the hour; what else has a state is left alone in any other.
RUNNING = {
    Kind.APP: {"InService"},
    Kind.NOTEBOOK_INSTANCE: {"InService"},
    Kind.ENDPOINT: {"InService"},
    Kind.INFERENCE_COMPONENT: {"InService"},
    Kind.MLFLOW_SERVER: {"Created", "Started", "Updated", "MaintenanceComplete"},
    **{kind: {"InProgress"} for kind in JOBS},
}
_ENDINGS = {
    Kind.APP: Action.DELETE,  # its space keeps the files
    Kind.NOTEBOOK_INSTANCE: Action.STOP,
    Kind.ENDPOINT: Action.DELETE,  # its configuration stays, and makes it again
    Kind.INFERENCE_COMPONENT: Action.SCALE_TO_ZERO,
    Kind.MLFLOW_SERVER: Action.STOP,
    **dict.fromkeys(JOBS, Action.STOP),
    **dict.fromkeys(
        (
            Kind.ENDPOINT_CONFIG,
            Kind.MODEL,
            Kind.LIFECYCLE_CONFIG,
            Kind.IMAGE,
            Kind.MONITORING_SCHEDULE,
            Kind.LOG_GROUP,
            Kind.MODEL_PACKAGE,
        ),
        Action.DELETE,
    ),
}
# Spaces and file systems hold people's files, and an MLflow App what was recorded: these are told of, never ended.


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What a team has chosen. Minutes by size, as `size_of` has it. `frozen_since`: since when the budget is spent.

    `production`: names of what may be ended in production all the same. `enforced`: rules that act; others only tell.
    """

    platform: str
    environment: str
    studio_idle_minutes: Mapping[str, int]
    endpoint_idle_minutes: Mapping[str, int]
    longest_idle_minutes: int
    grace_minutes: int
    stuck_minutes: int
    orphan_days: int
    keep_versions: int
    own_only: bool = True
    production: frozenset[str] = frozenset()
    enforced: frozenset[Rule] = frozenset()
    off_hours: OffHours | None = None
    frozen_since: datetime | None = None

    @property
    def grace(self) -> timedelta:
        return timedelta(minutes=self.grace_minutes)

    def longest_idle(self) -> timedelta:
        """How far back use must be known for any resource to be judged."""
        minutes = [*self.studio_idle_minutes.values(), *self.endpoint_idle_minutes.values(), self.longest_idle_minutes]
        return timedelta(minutes=max(minutes))


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


def policy(text: str) -> Policy:
    """The policy that a function's settings or a configuration hold as JSON; its members are those of `Policy`."""
    given = json.loads(text)
    hours = given.pop("off_hours", None)
    return Policy(
        **{
            **given,
            "production": frozenset(given.get("production", ())),
            "enforced": frozenset(Rule(name) for name in given.get("enforced", ())),
            "off_hours": _off_hours(hours) if hours else None,
        }
    )


def _off_hours(given: Mapping[str, Any]) -> OffHours:
    return OffHours(
        time_zone=given["time_zone"],
        start_at=time.fromisoformat(given["start_at"]),
        stop_at=time.fromisoformat(given["stop_at"]),
        working_days=frozenset(given["working_days"]),
        holidays=frozenset(map(date.fromisoformat, given["holidays"])),
    )


def decide(resource: Resource, policy: Policy, now: datetime) -> Verdict:
    """What to do with `resource` and why, or why not. Whatever is in doubt is kept."""
    protection = _protection(resource, policy, now)
    if protection:
        return Verdict(Action.KEEP, protection)
    reasons: list[str] = []
    for rule, judge in _RULES.items():
        found = judge(resource, policy, now)
        if isinstance(found, str):
            reasons.append(found)
        else:
            return _verdict(resource, rule, found, policy, now)
    return Verdict(Action.KEEP, next(filter(None, reasons), "nothing speaks against it"))


def is_ours(tags: Mapping[str, str], policy: Policy) -> bool:
    """Whether the policy may look at what bears these tags: another platform's is never ours."""
    return tags.get(PLATFORM_TAG, policy.platform if not policy.own_only else "") == policy.platform


def size_of(instance_type: str) -> str:
    """`gpu` with an accelerator (ml.g5.xlarge), `large` from 2xlarge on (ml.m5.4xlarge), else `small`: ml.t3.medium."""
    family, _, size = instance_type.removeprefix("ml.").partition(".")
    if re.match(r"(p|g|trn|inf)\d", family):
        return "gpu"
    return "large" if re.match(r"\d+xlarge|metal", size) else "small"


def running(resource: Resource) -> bool:
    """Whether it is in a state in which it works or waits, and is billed."""
    return resource.status in RUNNING.get(resource.kind, ())


class _Found(NamedTuple):
    """A rule that holds: since when, from when on it may act, why, and the part of a month that it saves."""

    since: datetime
    due: datetime
    evidence: str
    share: float = 1.0


def _protection(resource: Resource, policy: Policy, now: datetime) -> str:
    if not is_ours(resource.tags, policy):
        return "belongs to another platform"
    in_production = "prod" in (policy.environment, resource.tags.get(ENVIRONMENT_TAG))
    if in_production and resource.name not in policy.production:
        return "is in production"
    if KEEP_TAG in resource.tags:
        until = kept_until(resource.tags[KEEP_TAG])
        # What is no date keeps for good: a person wanted it kept and mistyped.
        if until is None or now.date() <= until:
            return f"{KEEP_TAG} is {resource.tags[KEEP_TAG]}"
    if resource.kind in RUNNING and not running(resource):
        return f"is {resource.status}"
    return "its inference components are judged one by one" if resource.scales_to_zero else ""


def _verdict(resource: Resource, rule: Rule, found: _Found, policy: Policy, now: datetime) -> Verdict:
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


def _ttl(resource: Resource, policy: Policy, now: datetime) -> _Found | str:
    until = kept_until(resource.tags.get(TTL_TAG, ""))
    if until is None:
        return ""
    ends = datetime.combine(until, time(), UTC) + timedelta(days=1)  # the day itself is still lived
    if now < ends - policy.grace:
        return f"{TTL_TAG} is {until}"
    return _Found(ends - policy.grace, ends, f"{TTL_TAG} was {resource.tags[TTL_TAG]}")


def _budget(resource: Resource, policy: Policy, now: datetime) -> _Found | str:
    # What a search costs is told of its jobs, of which it would start others.
    costs = resource.kind in JOBS or (resource.kind in RUNNING and resource.usd_per_hour > 0)
    if policy.frozen_since is None or not costs:
        return ""
    return _Found(policy.frozen_since, policy.frozen_since, "the month's budget is spent")


def _off(resource: Resource, policy: Policy, now: datetime) -> _Found | str:
    hours = policy.off_hours
    if hours is None or resource.kind in JOBS or resource.kind not in RUNNING or resource.usd_per_hour == 0:
        return ""
    soon = now + policy.grace
    began = hours.began(soon)
    if began is None:
        return ""
    if resource.changed_at > began:  # somebody came back for it
        return "was started in off-hours"
    if resource.idle_since is None and resource.kind is not Kind.MLFLOW_SERVER:  # whose use nothing measures
        return "its use could not be measured"
    if resource.idle_since is not None and resource.idle_since > now - max(policy.grace, _AT_WORK):
        return "is in use in off-hours"
    # A word from before somebody used it again is of another time.
    since = max(began - policy.grace, resource.changed_at, resource.idle_since or resource.changed_at)
    return _Found(since, began, f"off-hours since {began:%Y-%m-%d %H:%M} UTC", hours.share(now))


def _stuck(resource: Resource, policy: Policy, now: datetime) -> _Found | str:
    if resource.deadline is None:
        return ""
    due = resource.deadline + timedelta(minutes=policy.stuck_minutes)
    if now < due:
        return f"may work until {resource.deadline:%Y-%m-%d %H:%M} UTC"
    return _Found(due, due, f"should have ended at {resource.deadline:%Y-%m-%d %H:%M} UTC")


def _idle(resource: Resource, policy: Policy, now: datetime) -> _Found | str:
    if resource.kind in JOBS or resource.kind not in RUNNING:
        return ""
    if resource.usd_per_hour == 0:
        return "costs nothing while idle"
    if resource.idle_since is None:
        return "its use could not be measured"
    since = max(resource.idle_since, resource.changed_at)
    limit = idle_limit(resource, policy)
    if now < since + limit:
        return "is in use" if resource.idle_since > resource.changed_at else "is young"
    minutes = limit // timedelta(minutes=1)
    return _Found(since, since + limit, f"unused since {since:%Y-%m-%d %H:%M} UTC, which is over {minutes} minutes")


def idle_limit(resource: Resource, policy: Policy) -> timedelta:
    """How long it may idle: what its owner's tag says, up to the longest allowed, else by purpose and size."""
    own = resource.tags.get(IDLE_TAG)
    if own is not None:
        # What is no number was meant to lengthen it.
        asked = int(own) if re.fullmatch(r"[0-9]{1,6}", own) else policy.longest_idle_minutes
        return timedelta(minutes=min(asked, policy.longest_idle_minutes))
    serves = resource.kind in (Kind.ENDPOINT, Kind.INFERENCE_COMPONENT)
    by_size = policy.endpoint_idle_minutes if serves else policy.studio_idle_minutes
    return timedelta(minutes=by_size[size_of(resource.instance_type)])


def _orphan(resource: Resource, policy: Policy, now: datetime) -> _Found | str:
    if resource.orphan_since is None:
        return ""
    due = resource.orphan_since + timedelta(days=policy.orphan_days)
    if now < due:
        return f"{resource.orphan}, for less than {policy.orphan_days} days"
    return _Found(resource.orphan_since, due, resource.orphan)


_RULES: dict[Rule, Callable[[Resource, Policy, datetime], _Found | str]] = {
    Rule.TTL: _ttl,
    Rule.BUDGET: _budget,
    Rule.OFF_HOURS: _off,
    Rule.STUCK: _stuck,
    Rule.IDLE: _idle,
    Rule.ORPHAN: _orphan,
}
