"""decide() over random resources and policies, and its off-hours against a clock that is walked minute by minute."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from controls.judgement.choices import Policy
from controls.judgement.hours import OffHours
from controls.judgement.policy import Action, Verdict, decide
from controls.judgement.rules import idle_limit
from controls.resource import Kind, Resource, Rule, Warned

pytestmark = pytest.mark.slow  # hundreds of examples

EXAMPLES = {"default": 300, "nightly": 5_000}[os.environ.get("SLUICE_PROFILE", "default")]
examples = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

NOW = datetime(2026, 11, 25, 19, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Auckland", "UTC"]
STATUSES = ["InService", "InService", "InProgress", "Started", "Updating", "Deleting", "Failed", "Stopped", "Pending"]

minutes = st.integers(0, 20_000)
times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))


def ago(most_days: int = 40) -> st.SearchStrategy[datetime]:
    return st.integers(0, most_days * 1440).map(lambda passed: NOW - passed * MINUTE)


lately = st.integers(0, 600).map(lambda passed: NOW - passed * MINUTE)


@st.composite
def hours(draw: st.DrawFn) -> OffHours:
    start, stop = sorted([draw(times), draw(times)])
    assume(start < stop)
    return OffHours(
        time_zone=draw(st.sampled_from(ZONES)),
        start_at=start,
        stop_at=stop,
        working_days=frozenset(draw(st.sets(st.integers(0, 6), min_size=1))),
        holidays=frozenset(draw(st.sets(st.dates(date(2026, 11, 15), date(2026, 11, 30)), max_size=3))),
    )


sizes = st.fixed_dictionaries(dict.fromkeys(("gpu", "large", "small"), st.integers(1, 3_000)))
policies = st.builds(
    Policy,
    platform=st.just("sluice-dev"),
    environment=st.sampled_from(["dev", "dev", "dev", "prod"]),
    studio_idle_minutes=sizes,
    endpoint_idle_minutes=sizes,
    longest_idle_minutes=st.integers(1, 5_000),
    grace_minutes=st.sampled_from([0, 1, 30, 60, 240, 1_440]),
    stuck_minutes=st.integers(1, 600),
    orphan_days=st.integers(1, 40),
    keep_versions=st.just(10),
    own_only=st.booleans(),
    production=st.sampled_from([frozenset[str](), frozenset({"digits"})]),
    enforced=st.frozensets(st.sampled_from(Rule)),
    off_hours=st.none() | hours(),
    frozen_since=st.none() | ago(),
)
tags = st.fixed_dictionaries(
    {"sluice:platform": st.sampled_from(["sluice-dev"] * 9 + ["sluice-prod", ""])},
    optional={
        "sluice:environment": st.sampled_from(["dev", "dev", "prod"]),
        "sluice:keep": st.dates(date(2026, 11, 1), date(2026, 12, 31)).map(str) | st.text(max_size=12),
        "sluice:ttl": st.dates(date(2026, 11, 1), date(2026, 12, 31)).map(str) | st.text(max_size=12),
        "sluice:idle-minutes": st.integers(0, 9_999).map(str) | st.text(max_size=6),
    },
)
resources = st.builds(
    Resource,
    kind=st.sampled_from(Kind),
    name=st.just("digits"),
    arn=st.just("arn"),
    region=st.just("us-east-1"),
    status=st.sampled_from(STATUSES),
    created_at=st.just(NOW - timedelta(days=50)),
    changed_at=ago(),
    tags=tags,
    instance_type=st.sampled_from(["ml.g5.xlarge", "ml.m5.4xlarge", "ml.t3.medium", ""]),
    usd_per_hour=st.sampled_from([0.0, 0.05, 1.408]),
    idle_since=st.none() | ago(),
    orphan_since=st.none() | ago(60),
    orphan=st.just("nothing names it"),
    deadline=st.none() | ago(),
    scales_to_zero=st.booleans(),
    warned=st.none() | st.builds(Warned, st.sampled_from(Rule), ago(3)),
)


# What costs by the hour, runs and is nobody's exception; half of it was told of by the rule that often holds.
idle_things = st.builds(
    lambda r, kind, idle_since, warned: replace(
        r,
        kind=kind,
        idle_since=idle_since,
        status="InService",
        tags={"sluice:platform": "sluice-dev"},
        usd_per_hour=1.0,
        scales_to_zero=False,
        deadline=None,
        orphan_since=None,
        warned=warned,
    ),
    resources,
    st.sampled_from([Kind.APP, Kind.NOTEBOOK_INSTANCE, Kind.ENDPOINT, Kind.INFERENCE_COMPONENT]),
    st.none() | lately | ago(),
    st.none() | st.builds(Warned, st.sampled_from([Rule.IDLE, Rule.OFF_HOURS]), lately),
)
open_policies = policies.map(lambda p: replace(p, environment="dev", frozen_since=None))


def acts(verdict: Verdict) -> bool:
    return verdict.action not in (Action.KEEP, Action.WARN)


@examples
@given(resources | idle_things, policies)
def test_what_is_protected_is_neither_ended_nor_told_of(r: Resource, p: Policy) -> None:
    if decide(r, p, NOW).action is Action.KEEP:
        return
    assert r.tags.get("sluice:platform", None if p.own_only else "sluice-dev") == "sluice-dev"
    assert "prod" not in (p.environment, r.tags.get("sluice:environment")) or "digits" in p.production
    if "sluice:keep" in r.tags:
        assert date.fromisoformat(r.tags["sluice:keep"].strip()[:10]) < NOW.date()
    assert not r.scales_to_zero or decide(r, p, NOW).rule not in (Rule.IDLE, Rule.OFF_HOURS)
    assert r.status not in ("Updating", "Deleting", "Failed", "Pending") or r.orphan_since or is_lasting(r)


def is_lasting(r: Resource) -> bool:
    """Of a kind whose status does not say whether it runs."""
    return r.kind in (Kind.SPACE, Kind.FILE_SYSTEM, Kind.MLFLOW_APP) or "config" in r.kind or r.kind in LASTING


LASTING = {Kind.MODEL, Kind.IMAGE, Kind.MONITORING_SCHEDULE, Kind.LOG_GROUP, Kind.MODEL_PACKAGE}


@examples
@given(resources | idle_things, policies)
def test_nothing_is_ended_before_its_time_or_within_a_grace_that_its_owner_was_told_of(r: Resource, p: Policy) -> None:
    verdict = decide(r, p, NOW)
    if not acts(verdict):
        return
    assert verdict.effective_at is not None and verdict.effective_at <= NOW
    if p.grace_minutes:
        assert r.warned is not None and r.warned.rule is verdict.rule
        assert r.warned.at + p.grace <= NOW


@examples
@given(resources, policies)
def test_people_s_files_are_only_ever_told_of(r: Resource, p: Policy) -> None:
    for kind in (Kind.SPACE, Kind.FILE_SYSTEM, Kind.MLFLOW_APP):
        assert not acts(decide(replace(r, kind=kind), p, NOW))


@examples
@given(resources | idle_things, policies)
def test_what_is_enforced_chooses_among_rules_that_hold_and_changes_nothing_else(r: Resource, p: Policy) -> None:
    observed, enforced = (decide(r, replace(p, enforced=rules), NOW) for rules in (frozenset[Rule](), frozenset(Rule)))
    assert observed == enforced
    chosen = decide(r, p, NOW)
    assert (chosen.action is Action.KEEP) == (observed.action is Action.KEEP)
    if chosen.rule in p.enforced:
        assert chosen == decide(r, replace(p, enforced=frozenset({chosen.rule})), NOW)
    else:
        assert chosen == observed


@examples
@given(idle_things, open_policies, minutes)
def test_what_idles_is_ended_at_its_limit_and_grace_or_later_and_then_for_good(
    r: Resource, p: Policy, later: int
) -> None:
    """With the idle rule alone; `later`: how many minutes pass without use and without another word."""
    p = replace(p, off_hours=None)
    now, soon = decide(r, p, NOW), decide(r, p, NOW + later * MINUTE)
    if acts(soon):
        assert soon.rule is Rule.IDLE and r.idle_since
        assert NOW + later * MINUTE >= max(r.idle_since, r.changed_at) + idle_limit(r, p)
    if acts(now):
        assert acts(soon)
    if now.action is Action.KEEP and acts(soon):
        assert p.grace_minutes == 0 or (r.warned and r.warned.at >= max(r.idle_since or NOW, r.changed_at))


@examples
@given(idle_things, open_policies, hours())
def test_off_hours_end_nothing_in_working_time_or_that_somebody_came_back_for(
    r: Resource, p: Policy, off: OffHours
) -> None:
    p = replace(p, off_hours=off)
    verdict = decide(r, p, NOW)
    if verdict.rule is Rule.OFF_HOURS and acts(verdict):
        assert not works(off, NOW)
        began = off.began(NOW)
        assert began is not None and r.changed_at <= began
        assert r.idle_since is None or r.idle_since <= NOW - p.grace


@examples
@given(idle_things, open_policies, st.sampled_from([Rule.IDLE, Rule.OFF_HOURS]), st.data())
def test_a_word_from_before_it_was_last_used_counts_for_nothing(
    r: Resource, p: Policy, rule: Rule, data: st.DataObject
) -> None:
    p = replace(p, grace_minutes=data.draw(st.integers(1, 120)))
    told = data.draw(st.integers(p.grace_minutes + 1, 600))
    used = data.draw(st.integers(1, told - 1))
    warned = Warned(rule, NOW - told * MINUTE)
    assert not acts(decide(replace(r, warned=warned, idle_since=NOW - used * MINUTE), p, NOW))
    assert not acts(decide(replace(r, warned=warned, changed_at=NOW - used * MINUTE), p, NOW))


@examples
@given(hours(), st.sampled_from([1, 30, 60, 240]), st.integers(0, 59), idle_things, open_policies)
def test_what_rests_when_off_hours_begin_is_ended_within_them_by_a_sweep_every_hour(
    off: OffHours, grace: int, minute: int, r: Resource, p: Policy
) -> None:
    assume(r.kind is not Kind.INFERENCE_COMPONENT)
    began = off.began(NOW)
    ends = off.next_start(NOW)
    assume(began is not None and ends is not None)
    assert began is not None and ends is not None
    assume(timedelta(minutes=grace + 120) < ends - began < timedelta(days=7))
    p = replace(p, off_hours=off, grace_minutes=grace, studio_idle_minutes=NEVER, endpoint_idle_minutes=NEVER)
    long_ago = began - timedelta(days=1)
    r = replace(r, changed_at=long_ago, idle_since=long_ago, warned=None, tags={"sluice:platform": "sluice-dev"})
    now = began - timedelta(minutes=grace + 120 - minute)
    while now < ends:
        verdict = decide(r, p, now)
        if acts(verdict):
            return
        if verdict.action is Action.KEEP:
            r = replace(r, warned=None)
        elif not verdict.told:
            r = replace(r, warned=Warned(Rule.OFF_HOURS, now))
        now += timedelta(hours=1)
    raise AssertionError(f"it runs from {began} to {ends}")


NEVER = dict.fromkeys(("gpu", "large", "small"), 1_000_000)


def works(off: OffHours, now: datetime) -> bool:
    """Whether it is working time by the clock on the wall, and by nothing else."""
    wall = now.astimezone(ZoneInfo(off.time_zone))
    works_today = wall.weekday() in off.working_days and wall.date() not in off.holidays
    return works_today and off.start_at <= wall.time() < off.stop_at


def walked(now: datetime, step: timedelta) -> Iterator[datetime]:
    for number in count():
        yield now + number * step


# Of each zone the days around its two changes of the clock in a year, and some ordinary ones.
CHANGES = {
    "Europe/Berlin": [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)],
    "America/New_York": [datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)],
    "Australia/Lord_Howe": [datetime(2026, 4, 4, 15, tzinfo=UTC), datetime(2026, 10, 3, 15, 30, tzinfo=UTC)],
    "Pacific/Auckland": [datetime(2026, 4, 4, 14, tzinfo=UTC), datetime(2026, 9, 26, 14, tzinfo=UTC)],
    "Asia/Kolkata": [datetime(2026, 3, 29, tzinfo=UTC)],
    "UTC": [datetime(2026, 12, 31, 23, tzinfo=UTC)],
}


@st.composite
def moments(draw: st.DrawFn) -> tuple[OffHours, datetime]:
    """Off-hours and a moment within days of a change of their clock, with holidays and weekends about."""
    off = draw(hours())
    change = draw(st.sampled_from(CHANGES[off.time_zone]))
    near = change + draw(st.integers(-4 * 1440, 4 * 1440)) * MINUTE
    holidays = {(change + timedelta(days=draw(st.integers(-6, 6)))).date() for _ in range(draw(st.integers(0, 3)))}
    # A time that the clock skips or shows twice is nobody's begin or end of work; each is a minute or an hour off.
    zone = ZoneInfo(off.time_zone)
    for at in (off.start_at, off.stop_at):
        for day in (change + timedelta(days=days) for days in (-1, 0, 1)):
            wall = datetime.combine(day.astimezone(zone).date(), at, zone)
            assume(wall.utcoffset() == wall.replace(fold=1).utcoffset())
    return replace(off, holidays=frozenset(holidays)), near


@examples
@given(moments())
def test_off_hours_begin_and_end_as_the_clock_on_the_wall_says(given_: tuple[OffHours, datetime]) -> None:
    off, now = given_
    began = off.began(now)
    assert (began is None) == works(off, now)
    if began is not None:
        last_worked = next(at for at in walked(now, -MINUTE) if works(off, at))
        assert began == last_worked + MINUTE
    following = next(at for at in walked(now + MINUTE, MINUTE) if works(off, at) and not works(off, at - MINUTE))
    assert off.next_start(now) == following


@settings(examples, max_examples=EXAMPLES // 10)
@given(moments())
def test_the_share_of_off_hours_is_that_of_the_minutes_of_a_week(given_: tuple[OffHours, datetime]) -> None:
    off, now = given_
    worked = sum(works(off, now - number * MINUTE) for number in range(1, 7 * 1440 + 1))
    assert abs(off.share(now) - (1 - worked / (7 * 1440))) < 1e-9
