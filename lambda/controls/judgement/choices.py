"""What a team has chosen about what may be ended, and what its choices mean."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from controls.judgement.hours import OffHours
from controls.resource import KEEP_TAG, PLATFORM_TAG, Rule, kept_until

_FIRST, _LAST = date(1970, 1, 1), date(9999, 12, 30)


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


def is_ours(tags: Mapping[str, str], policy: Policy) -> bool:
    """Whether the policy may look at what bears these tags: another platform's is never ours."""
    return tags.get(PLATFORM_TAG, policy.platform if not policy.own_only else "") == policy.platform


def is_kept(tags: Mapping[str, str], policy: Policy, now: datetime) -> bool:
    """Whether a person has it kept."""
    if KEEP_TAG not in tags:
        return False
    until = kept_until(tags[KEEP_TAG])
    # What is no date keeps for good: a person wanted it kept and mistyped.
    return until is None or now < end_of(until, policy)


def end_of(day: date, policy: Policy) -> datetime:
    """When a day that a tag names is over: at midnight where off-hours are told of, else in UTC."""
    zone = ZoneInfo(policy.off_hours.time_zone) if policy.off_hours else UTC
    named = min(max(day, _FIRST), _LAST)  # a mistyped year must not stop a sweep
    return datetime.combine(named + timedelta(days=1), time(), zone).astimezone(UTC)


def size_of(instance_type: str) -> str:
    """`gpu` with an accelerator (ml.g5.xlarge), `large` from 2xlarge on (ml.m5.4xlarge), else `small`: ml.t3.medium."""
    family, _, size = instance_type.removeprefix("ml.").partition(".")
    if re.match(r"(p|g|trn|inf)\d", family):
        return "gpu"
    return "large" if re.match(r"\d+xlarge|metal", size) else "small"
