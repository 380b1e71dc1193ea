"""The rules by which something may be ended, each a pure function. What speaks against it, they say in words."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from controls.judgement.choices import Policy, end_of, size_of
from controls.resource import IDLE_TAG, JOBS, RUNNING, TTL_TAG, Kind, Resource, Rule, kept_until

_AT_WORK = timedelta(minutes=15)  # who paused for less is still at work


class Found(NamedTuple):
    """A rule that holds: since when, from when on it may act, why, and the part of a month that it saves."""

    since: datetime
    due: datetime
    evidence: str
    share: float = 1.0


def _ttl(resource: Resource, policy: Policy, now: datetime) -> Found | str:
    until = kept_until(resource.tags.get(TTL_TAG, ""))
    if until is None:
        return ""
    ends = end_of(until, policy)  # the day itself is still lived
    if now < ends - policy.grace:
        return f"{TTL_TAG} is {until}"
    return Found(ends - policy.grace, ends, f"{TTL_TAG} was {resource.tags[TTL_TAG]}")


def _budget(resource: Resource, policy: Policy, now: datetime) -> Found | str:
    # What a search costs is told of its jobs, of which it would start others.
    costs = resource.kind in JOBS or (resource.kind in RUNNING and resource.usd_per_hour > 0)
    if policy.frozen_since is None or not costs:
        return ""
    return Found(policy.frozen_since, policy.frozen_since, "the month's budget is spent")


def _off(resource: Resource, policy: Policy, now: datetime) -> Found | str:
    hours = policy.off_hours
    if hours is None or resource.kind in JOBS or resource.kind not in RUNNING or resource.usd_per_hour == 0:
        return ""
    if resource.scales_to_zero:  # deleted, it would come back without its components
        return "its inference components are judged one by one"
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
    return Found(since, began, f"off-hours since {began:%Y-%m-%d %H:%M} UTC", hours.share(now))


def _stuck(resource: Resource, policy: Policy, now: datetime) -> Found | str:
    if resource.deadline is None:
        return ""
    due = resource.deadline + timedelta(minutes=policy.stuck_minutes)
    if now < due:
        return f"may work until {resource.deadline:%Y-%m-%d %H:%M} UTC"
    return Found(due, due, f"should have ended at {resource.deadline:%Y-%m-%d %H:%M} UTC")


def _idle(resource: Resource, policy: Policy, now: datetime) -> Found | str:
    if resource.kind in JOBS or resource.kind not in RUNNING:
        return ""
    if resource.scales_to_zero:
        return "its inference components are judged one by one"
    if resource.usd_per_hour == 0:
        return "costs nothing while idle"
    if resource.idle_since is None:
        return "its use could not be measured"
    # What came back in the morning has its whole limit again: nobody could use it by night.
    since = max(resource.idle_since, resource.changed_at)
    limit = idle_limit(resource, policy)
    if now < since + limit:
        return "is in use" if resource.idle_since > resource.changed_at else "is young"
    minutes = limit // timedelta(minutes=1)
    return Found(since, since + limit, f"unused since {since:%Y-%m-%d %H:%M} UTC, which is over {minutes} minutes")


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


def _orphan(resource: Resource, policy: Policy, now: datetime) -> Found | str:
    if resource.orphan_since is None:
        return ""
    due = resource.orphan_since + timedelta(days=policy.orphan_days)
    if now < due:
        return f"{resource.orphan}, for less than {policy.orphan_days} days"
    return Found(resource.orphan_since, due, resource.orphan)


RULES: dict[Rule, Callable[[Resource, Policy, datetime], Found | str]] = {
    Rule.TTL: _ttl,
    Rule.BUDGET: _budget,
    Rule.OFF_HOURS: _off,
    Rule.STUCK: _stuck,
    Rule.IDLE: _idle,
    Rule.ORPHAN: _orphan,
}
