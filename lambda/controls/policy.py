"""Which idle resources the sweep may end. Pure: no clock, no network; `now` is the event's own time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

PLATFORM_TAG = "sluice:platform"
ENVIRONMENT_TAG = "sluice:environment"
KEEP_TAG = "sluice:keep"


class Kind(StrEnum):
    ENDPOINT = "endpoint"
    NOTEBOOK_INSTANCE = "notebook-instance"


class Action(StrEnum):
    KEEP = "keep"
    DELETE_ENDPOINT = "delete-endpoint"
    STOP_NOTEBOOK_INSTANCE = "stop-notebook-instance"


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource as it is now. `activity` counts uses since `now - idle minutes`; None: it could not be measured."""

    kind: Kind
    name: str
    arn: str
    status: str
    changed_at: datetime
    tags: Mapping[str, str]
    activity: float | None
    costs_when_idle: bool = True


@dataclass(frozen=True, kw_only=True)
class Policy:
    platform: str
    environment: str
    endpoint_idle_minutes: int
    notebook_idle_minutes: int

    def idle_time(self, kind: Kind) -> timedelta:
        """How long a resource of this kind must have been unused, and unchanged, before it counts as idle."""
        minutes = self.endpoint_idle_minutes if kind is Kind.ENDPOINT else self.notebook_idle_minutes
        return timedelta(minutes=minutes)


@dataclass(frozen=True)
class Verdict:
    action: Action
    reason: str


_ENDINGS = {
    Kind.ENDPOINT: Action.DELETE_ENDPOINT,
    Kind.NOTEBOOK_INSTANCE: Action.STOP_NOTEBOOK_INSTANCE,
}


def decide(resource: Resource, policy: Policy, now: datetime) -> Verdict:
    """Whether to end `resource`, and why or why not. Whatever is in doubt is kept."""
    reason = _reason_to_keep(resource, policy, now)
    if reason:
        return Verdict(Action.KEEP, reason)
    idle = policy.idle_time(resource.kind)
    return Verdict(_ENDINGS[resource.kind], f"unused for {idle // timedelta(minutes=1)} minutes")


def is_ours(tags: Mapping[str, str], policy: Policy) -> bool:
    return tags.get(PLATFORM_TAG) == policy.platform


def _reason_to_keep(resource: Resource, policy: Policy, now: datetime) -> str:
    if not is_ours(resource.tags, policy):
        return "belongs to another platform"
    if "prod" in (policy.environment, resource.tags.get(ENVIRONMENT_TAG)):
        return "is in production"
    if KEEP_TAG in resource.tags and _still_kept(resource.tags[KEEP_TAG], now):
        return f"{KEEP_TAG} is {resource.tags[KEEP_TAG]}"
    if resource.status != "InService":
        return f"is {resource.status}"
    if not resource.costs_when_idle:
        return "costs nothing while idle"
    if now - resource.changed_at < policy.idle_time(resource.kind):
        return "is young"
    if resource.activity is None:
        return "its use could not be measured"
    return "is in use" if resource.activity > 0 else ""


def _still_kept(until: str, now: datetime) -> bool:
    """The day itself is still kept. What is no date keeps for good: a person wanted it kept and mistyped."""
    try:
        return now.date() <= date.fromisoformat(until)
    except ValueError:
        return True
