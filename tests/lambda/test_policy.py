"""decide(): what is in doubt is kept, and nobody is surprised."""

import importlib
import json
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from config.costs import Costs, Sweep
from config.costs import OffHours as Configured
from config.nights import DAYS, too_short
from controls.judgement.choices import Policy, policy, size_of
from controls.judgement.hours import OffHours
from controls.judgement.policy import Action, decide
from controls.judgement.rules import idle_limit
from controls.resource import JOBS, RUNNING, Kind, Resource, Rule, Warned

worlds = importlib.import_module("tests.lambda.worlds")  # `lambda` is a keyword
NOW: datetime = worlds.NOW  # a Monday, at noon
SIZES = {"gpu": 30, "large": 120, "small": 240}
DEV = Policy(
    platform="sluice-dev",
    environment="dev",
    studio_idle_minutes=SIZES,
    endpoint_idle_minutes=SIZES,
    longest_idle_minutes=1440,
    grace_minutes=60,
    stuck_minutes=60,
    orphan_days=30,
    keep_versions=10,
    enforced=frozenset(Rule),
)
BERLIN = OffHours(
    time_zone="Europe/Berlin",
    start_at=time(7),
    stop_at=time(20),
    working_days=frozenset(range(5)),
    holidays=frozenset(),
)
LONG_AGO = NOW - timedelta(days=2)
OURS = {"sluice:platform": "sluice-dev"}
IDLE = Resource(
    kind=Kind.ENDPOINT,
    name="digits",
    arn="arn",
    region="us-east-1",
    status="InService",
    created_at=LONG_AGO,
    changed_at=LONG_AGO,
    tags=OURS,
    instance_type="ml.m5.large",
    usd_per_hour=0.115,
    idle_since=NOW - timedelta(minutes=241),
    warned=Warned(Rule.IDLE, NOW - timedelta(minutes=60)),
)
ENDS = {Action.STOP, Action.DELETE, Action.SCALE_TO_ZERO}


def ends(resource: Resource, rules: Policy = DEV, now: datetime = NOW) -> bool:
    return decide(resource, rules, now).action in ENDS


@worlds.PROPERTY
@given(worlds.resources, worlds.policies)
def test_nothing_protected_is_ever_ended_or_told_of(r: Resource, p: Policy) -> None:
    if decide(r, p, NOW).action is Action.KEEP:
        return
    assert r.tags.get("sluice:platform", "" if p.own_only else p.platform) == p.platform
    in_production = "prod" in (p.environment, r.tags.get("sluice:environment"))
    assert not in_production or r.name in p.production
    assert "sluice:keep" not in r.tags or r.tags["sluice:keep"][:10] < str(NOW.date())
    assert r.kind not in RUNNING or r.status in RUNNING[r.kind]
    assert not r.scales_to_zero or decide(r, p, NOW).rule not in (Rule.IDLE, Rule.OFF_HOURS)


@worlds.PROPERTY
@given(worlds.resources, worlds.policies)
def test_nothing_is_ended_within_its_grace_or_while_it_is_used(r: Resource, p: Policy) -> None:
    verdict = decide(r, p, NOW)
    if verdict.action not in ENDS:
        return
    if p.grace_minutes:
        assert r.warned and r.warned.rule is verdict.rule and r.warned.at + p.grace <= NOW
    assert r.kind not in (Kind.SPACE, Kind.FILE_SYSTEM, Kind.MLFLOW_APP)
    if verdict.rule is Rule.IDLE:
        assert r.idle_since and NOW - max(r.idle_since, r.changed_at) >= idle_limit(r, p)
        assert r.kind not in JOBS and r.usd_per_hour > 0
    if verdict.rule is Rule.OFF_HOURS:
        assert p.off_hours and p.off_hours.began(NOW)
        assert r.idle_since is None or NOW - r.idle_since >= max(p.grace, timedelta(minutes=15))
    if verdict.rule is Rule.STUCK:
        assert r.deadline and r.deadline + timedelta(minutes=p.stuck_minutes) <= NOW
    if verdict.rule is Rule.ORPHAN:
        assert r.orphan_since and NOW - r.orphan_since >= timedelta(days=p.orphan_days)


@worlds.PROPERTY
@given(worlds.resources, worlds.policies)
def test_the_same_question_gets_the_same_answer_with_a_reason(r: Resource, p: Policy) -> None:
    verdict = decide(r, p, NOW)
    assert verdict == decide(r, p, NOW)
    assert verdict.evidence
    assert (verdict.rule is None) is (verdict.action is Action.KEEP)


@worlds.PROPERTY
@given(worlds.resources, worlds.policies)
def test_a_rule_that_only_tells_hides_none_that_acts(r: Resource, p: Policy) -> None:
    acting = decide(r, replace(p, enforced=frozenset(Rule)), NOW)
    for rule in Rule:
        alone = decide(r, replace(p, enforced=frozenset({rule})), NOW)
        if acting.rule is rule:
            assert alone == acting


@pytest.mark.parametrize(
    ("kind", "status", "action"),
    [
        (Kind.ENDPOINT, "InService", Action.DELETE),
        (Kind.APP, "InService", Action.DELETE),
        (Kind.NOTEBOOK_INSTANCE, "InService", Action.STOP),
        (Kind.INFERENCE_COMPONENT, "InService", Action.SCALE_TO_ZERO),
    ],
)
def test_what_idles_is_ended_so_that_it_can_come_back(kind: Kind, status: str, action: Action) -> None:
    assert decide(replace(IDLE, kind=kind, status=status), DEV, NOW).action is action


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tags": {}}, "another platform"),
        ({"tags": {"sluice:platform": "sluice-staging"}}, "another platform"),
        ({"tags": {**OURS, "sluice:environment": "prod"}}, "production"),
        ({"tags": {**OURS, "sluice:keep": "2026-11-23"}}, "sluice:keep"),
        ({"tags": {**OURS, "sluice:keep": "2026-11-24 by ada"}}, "sluice:keep"),
        ({"tags": {**OURS, "sluice:keep": "next week"}}, "sluice:keep"),
        ({"status": "Updating"}, "Updating"),
        ({"usd_per_hour": 0.0}, "costs nothing"),
        ({"changed_at": NOW - timedelta(minutes=239)}, "young"),
        ({"idle_since": None}, "could not be measured"),
        ({"idle_since": NOW - timedelta(minutes=239)}, "in use"),
        ({"tags": {**OURS, "sluice:idle-minutes": "300"}}, "in use"),
        ({"tags": {**OURS, "sluice:idle-minutes": "long"}}, "in use"),
        ({"scales_to_zero": True}, "one by one"),
    ],
)
def test_each_single_ground_keeps_an_otherwise_idle_resource(change: dict[str, Any], reason: str) -> None:
    assert ends(IDLE)
    verdict = decide(replace(IDLE, **change), DEV, NOW)
    assert verdict.action is Action.KEEP
    assert reason in verdict.evidence


def test_a_keep_tag_ends_with_its_day() -> None:
    kept = replace(IDLE, tags={**OURS, "sluice:keep": "2026-11-22"})
    assert ends(kept)
    assert not ends(kept, now=NOW - timedelta(hours=13))


@pytest.mark.parametrize(
    ("zone", "over"),
    [
        ("Asia/Tokyo", "2026-11-22T15:00+00:00"),
        ("America/New_York", "2026-11-23T05:00+00:00"),
        (None, "2026-11-23T00:00+00:00"),
    ],
)
def test_the_day_of_a_tag_ends_at_midnight_where_off_hours_are(zone: str | None, over: str) -> None:
    end = datetime.fromisoformat(over)
    rules = replace(DEV, off_hours=replace(BERLIN, time_zone=zone) if zone else None, grace_minutes=0)
    for tag in ("sluice:keep", "sluice:ttl"):
        tagged = replace(IDLE, tags={**OURS, tag: "2026-11-22"}, changed_at=LONG_AGO, idle_since=end)
        by_ttl = replace(rules, frozen_since=LONG_AGO if tag == "sluice:keep" else None)
        assert not ends(tagged, by_ttl, end - timedelta(minutes=1))
        assert ends(tagged, by_ttl, end)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_tag_with_a_year_at_the_end_of_time_stops_no_sweep(day: str) -> None:
    for zone in ("Asia/Tokyo", "America/New_York"):
        rules = replace(DEV, off_hours=replace(BERLIN, time_zone=zone), grace_minutes=10_080)
        for tag in ("sluice:ttl", "sluice:keep"):
            decide(replace(IDLE, tags={**OURS, tag: day}), rules, NOW)
    assert ends(replace(IDLE, tags={**OURS, "sluice:keep": "0001-01-01"}))
    assert not ends(replace(IDLE, tags={**OURS, "sluice:keep": "9999-12-31"}))


def test_in_production_only_what_is_named_is_ended() -> None:
    production = replace(DEV, environment="prod")
    assert not ends(IDLE, production)
    assert ends(IDLE, replace(production, production=frozenset({"digits"})))


def test_a_gpu_idles_for_a_shorter_time_than_a_t3_and_its_owner_may_ask_for_more_up_to_the_longest() -> None:
    gpu = replace(IDLE, instance_type="ml.g5.xlarge", idle_since=NOW - timedelta(minutes=31))
    at_once = replace(DEV, grace_minutes=0)
    assert ends(gpu, at_once)
    assert not ends(replace(gpu, instance_type="ml.t3.medium"), at_once)
    assert not ends(replace(gpu, tags={**OURS, "sluice:idle-minutes": "60"}), at_once)
    assert idle_limit(replace(gpu, tags={**OURS, "sluice:idle-minutes": "99999"}), DEV) == timedelta(days=1)


@pytest.mark.parametrize(
    ("warned", "told"),
    [
        (None, False),
        (Warned(Rule.TTL, NOW - timedelta(hours=2)), False),
        (Warned(Rule.IDLE, IDLE.idle_since - timedelta(minutes=1)), False),  # type: ignore[operator]
        (Warned(Rule.IDLE, NOW - timedelta(minutes=59)), True),
    ],
)
def test_a_grace_counts_from_a_warning_of_what_holds_now(warned: Warned | None, told: bool) -> None:
    verdict = decide(replace(IDLE, warned=warned), DEV, NOW)
    assert (verdict.action, verdict.ending, verdict.told) == (Action.WARN, Action.DELETE, told)
    assert verdict.effective_at == NOW + timedelta(minutes=1 if told else 60)


def test_off_hours_warn_before_they_begin_and_spare_who_works() -> None:
    rules = replace(DEV, off_hours=BERLIN, enforced=frozenset({Rule.OFF_HOURS}))
    evening = datetime.fromisoformat("2026-11-23T19:00+00:00")
    quiet = replace(IDLE, idle_since=evening - timedelta(minutes=150), warned=None, changed_at=NOW)
    assert decide(quiet, rules, evening - timedelta(minutes=61)).action is Action.KEEP
    assert decide(quiet, rules, evening - timedelta(minutes=60)).effective_at == evening
    warned = replace(quiet, warned=Warned(Rule.OFF_HOURS, evening - timedelta(minutes=60)))
    assert ends(warned, rules, evening)
    for change in ({"idle_since": evening}, {"changed_at": evening + timedelta(minutes=1)}, {"idle_since": None}):
        assert decide(replace(warned, **change), rules, evening + timedelta(minutes=5)).action is Action.KEEP
    assert (
        decide(warned, rules, evening + timedelta(hours=11, minutes=1)).rule is not Rule.OFF_HOURS
    )  # the next morning


@worlds.PROPERTY
@given(
    start=st.integers(0, 11),
    stop=st.integers(12, 23),
    every=st.integers(1, 12),
    grace=st.integers(0, 900),
    data=st.data(),
)
def test_off_hours_act_whatever_grace_and_period_the_configuration_allows(
    start: int, stop: int, every: int, grace: int, data: st.DataObject
) -> None:
    times = {"start_at": f"{start:02}:00", "stop_at": f"{stop:02}:00", "working_days": DAYS}
    assume(not any(too_short({"off_hours": times, "sweep": {"every_hours": every, "grace_minutes": grace}})))
    hours = OffHours(
        time_zone="UTC",
        start_at=time(start),
        stop_at=time(stop),
        working_days=frozenset(range(7)),
        holidays=frozenset(),
    )
    rules = replace(DEV, off_hours=hours, grace_minutes=grace, enforced=frozenset({Rule.OFF_HOURS}))
    now = NOW.replace(hour=0) + timedelta(minutes=data.draw(st.integers(0, every * 60 - 1)))
    unused = replace(IDLE, idle_since=LONG_AGO, warned=None)
    while now < NOW + timedelta(days=2):
        verdict = decide(unused, rules, now)
        if verdict.action in ENDS:
            return
        if verdict.action is Action.WARN and not verdict.told:
            unused = replace(unused, warned=Warned(Rule.OFF_HOURS, now))
        now += timedelta(hours=every)
    raise AssertionError("nothing was ended in two nights")


def test_what_came_back_in_the_morning_has_its_whole_limit_again() -> None:
    morning = NOW - timedelta(minutes=239)
    back = replace(IDLE, idle_since=NOW - timedelta(hours=15), created_at=morning, changed_at=morning)
    evening = replace(back, warned=Warned(Rule.IDLE, NOW - timedelta(hours=14)))
    for each in (back, evening):
        assert decide(each, DEV, NOW).action is Action.KEEP
    later = decide(evening, DEV, NOW + timedelta(minutes=1))
    assert (later.action, later.told, later.effective_at) == (Action.WARN, False, NOW + timedelta(minutes=61))
    used = replace(back, idle_since=NOW)
    assert decide(used, DEV, NOW + timedelta(minutes=239)).action is Action.KEEP


def test_an_earlier_end_is_not_put_off_by_a_later_one() -> None:
    soon = datetime.fromisoformat("2026-11-23T18:30+00:00")
    idle = replace(IDLE, idle_since=soon - timedelta(hours=5), warned=Warned(Rule.IDLE, soon - timedelta(minutes=60)))
    verdict = decide(idle, replace(DEV, off_hours=BERLIN), soon)
    assert (verdict.rule, verdict.action) == (Rule.IDLE, Action.DELETE)


def test_a_spent_budget_ends_jobs_as_well_but_only_told_things_never() -> None:
    frozen = replace(DEV, frozen_since=NOW - timedelta(hours=2))
    warned = Warned(Rule.BUDGET, NOW - timedelta(hours=1))
    tuning = replace(IDLE, kind=Kind.TUNING_JOB, status="InProgress", usd_per_hour=0.0, warned=warned)
    assert decide(tuning, frozen, NOW).action is Action.STOP
    assert not ends(replace(tuning, tags={**OURS, "sluice:keep": "2026-12-31"}), frozen)
    space = replace(IDLE, kind=Kind.SPACE, warned=warned)
    assert decide(space, frozen, NOW).action is Action.KEEP


@pytest.mark.parametrize(
    ("instance_type", "size"),
    [
        ("ml.g5.xlarge", "gpu"),
        ("ml.p4d.24xlarge", "gpu"),
        ("ml.trn1.32xlarge", "gpu"),
        ("ml.inf2.xlarge", "gpu"),
        ("ml.m5.4xlarge", "large"),
        ("ml.r5.2xlarge", "large"),
        ("ml.m5.metal", "large"),
        ("ml.m5.xlarge", "small"),
        ("ml.t3.medium", "small"),
        ("", "small"),
    ],
)
def test_sizes(instance_type: str, size: str) -> None:
    assert size_of(instance_type) == size


def test_the_policy_of_a_configuration_is_read_as_it_was_meant() -> None:
    costs = Costs(
        sweep=Sweep(every_hours=2),
        off_hours=Configured(mode="enforce", time_zone="Europe/Berlin", holidays=("2026-12-25",)),
    )
    read = policy(json.dumps(costs.policy("sluice-dev", "dev")))
    assert read == replace(
        DEV,
        endpoint_idle_minutes={"gpu": 60, "large": 120, "small": 240},
        enforced=frozenset({Rule.OFF_HOURS}),
        off_hours=replace(BERLIN, holidays=frozenset({date(2026, 12, 25)})),
    )
