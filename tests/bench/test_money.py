"""The bench of what the controls save, on things and jobs few enough to count by hand."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from bench.money import jobs, limits
from bench.money.controlled import controlled
from bench.money.governor import governor
from bench.money.model import Model
from bench.money.month import defaults, policy_of
from bench.money.observer import Observer
from bench.money.play import Played, foreseen, native, sweeps, uncontrolled
from bench.money.world import DAY, END, Job, Thing, Use, World
from controls.judgement.choices import Policy
from controls.judgement.policy import Action, Verdict, decide
from controls.pricing.prices import Prices
from controls.resource import Kind, Resource, Rule

MODEL, COSTS = Model(), defaults()
RULES = policy_of(COSTS)
NINE, TEN, EIGHT_IN_THE_EVENING = 9 * 60, 10 * 60, 20 * 60
APP = Thing(
    kind=Kind.APP,
    name="app",
    instance_type="ml.g5.xlarge",
    usd_per_hour=6.0,
    start_minutes=3,
    made=NINE,
    uses=(Use(NINE, TEN), Use(DAY + NINE, DAY + TEN)),
)
JOB = Job(
    name="job",
    minutes=600.0,
    instance_type="ml.g5.48xlarge",
    count=1,
    usd_per_hour=20.0,
    saving=0.7,
    around=False,
    exempted=False,
    waits=(0.0,),
    breaks=(),
)


def under_sluice(
    thing: Thing, judge: Callable[[Resource, Policy, datetime], Verdict] = decide
) -> tuple[Played, Observer]:
    observer = Observer(RULES.grace_minutes)
    return controlled(thing, RULES, sweeps(1, 0), observer, judge), observer


def test_each_regime_runs_an_app_as_long_as_it_says() -> None:
    """Used for an hour on two mornings: left on; a GPU's 30 minutes and an hour of grace, swept hourly; those hours."""
    assert uncontrolled(APP).runs == [(NINE, END)]
    played, _ = under_sluice(APP)
    assert played.runs == [(NINE, NINE + 180), (DAY + NINE, DAY + NINE + 180)]
    assert played.restarts == [DAY + NINE]
    assert foreseen(APP).runs == [(NINE, TEN), (DAY + NINE, DAY + TEN)]


def test_what_is_billed_is_what_ran_and_what_its_starts_took() -> None:
    played, _ = under_sluice(APP)
    assert played.minutes() == 2 * 180 + 2 * APP.start_minutes
    assert played.usd() == played.minutes() * 6.0 / 60
    before = replace(APP, made=-60, uses=(Use(-60, 60),))
    assert foreseen(before).minutes() == 60


def test_foresight_waits_through_a_pause_that_is_no_longer_than_a_start() -> None:
    paused = replace(APP, uses=(Use(NINE, TEN), Use(TEN + 3, TEN + 10), Use(TEN + 14, TEN + 20)))
    assert foreseen(paused).runs == [(NINE, TEN + 10), (TEN + 14, TEN + 20)]


def test_studio_s_own_shutdown_stops_no_app_with_an_open_kernel_and_none_that_was_never_opened() -> None:
    assert native(APP).runs == [(NINE, END)]
    assert native(replace(APP, uses=())).runs == [(NINE, END)]
    closed = replace(APP, uses=(Use(NINE, TEN, kernel=False), *APP.uses[1:]))
    assert native(closed).runs == [(NINE, TEN + 60), (DAY + NINE, END)]
    assert native(replace(closed, kind=Kind.NOTEBOOK_INSTANCE)).runs == [(NINE, END)]


def test_who_is_tidy_costs_nothing_more_under_any_regime() -> None:
    tidy = replace(APP, uses=(Use(NINE, TEN, tidied=True),))
    assert uncontrolled(tidy).runs == native(tidy).runs == under_sluice(tidy)[0].runs == foreseen(tidy).runs


def test_an_endpoint_that_off_hours_ended_is_back_in_the_morning_and_an_idle_one_is_not() -> None:
    used = replace(APP, kind=Kind.ENDPOINT, instance_type="ml.m5.xlarge", uses=(Use(NINE, 18 * 60),))
    played, observer = under_sluice(used)
    assert played.runs[0] == (NINE, EIGHT_IN_THE_EVENING)
    assert played.runs[1] == (DAY + 7 * 60, DAY + 12 * 60)
    assert len(played.runs) == 2 and not played.restarts and not observer.wrong


def test_production_is_left_alone() -> None:
    assert under_sluice(replace(APP, environment="prod"))[0].runs == [(NINE, END)]


def hasty(resource: Resource, policy: Policy, now: datetime) -> Verdict:
    return Verdict(Action.DELETE, "away with it", Rule.IDLE, now)


def test_what_is_ended_while_it_works_or_without_a_word_is_counted() -> None:
    busy = replace(APP, uses=(Use(NINE, 18 * 60),))
    assert "in use" in under_sluice(busy, hasty)[1].wrong[0]
    just_left = replace(APP, uses=(Use(NINE, TEN - 30),))
    assert any("until just before" in told for told in under_sluice(just_left, after(TEN))[1].wrong)
    rested = replace(APP, uses=(Use(NINE, TEN),))
    assert any("without a word" in told for told in under_sluice(rested, after(EIGHT_IN_THE_EVENING))[1].wrong)
    assert not under_sluice(busy)[1].wrong


def after(minute: int) -> Callable[[Resource, Policy, datetime], Verdict]:
    """Judges as `hasty`, from a minute of the first day on."""

    def judge(resource: Resource, policy: Policy, now: datetime) -> Verdict:
        passed = (now - resource.created_at).total_seconds() / 60 + NINE
        return hasty(resource, policy, now) if passed >= minute else Verdict(Action.KEEP, "not yet")

    return judge


def test_a_job_costs_what_it_works_and_loses_on_spot_and_all_of_it_where_capacity_does_not_come() -> None:
    assert jobs.on_demand(JOB).usd(JOB) == 200
    assert jobs.on_spot(JOB, MODEL).usd(JOB) == pytest.approx(60)
    broken = replace(JOB, waits=(5.0, 10.0), breaks=((300.0, 20.0),))
    assert jobs.on_spot(broken, MODEL) == jobs.Run(spot=620.0, waited=15.0)
    lacking = replace(JOB, waits=(5.0, None), breaks=((300.0, 20.0),))
    assert jobs.on_spot(lacking, MODEL) == jobs.Run(on_demand=320.0, spot=300.0, waited=60.0)


def test_the_governor_holds_spot_above_its_threshold_but_for_what_is_exempted() -> None:
    stops = governor(RULES, COSTS.spot.on_demand_usd_per_hour, Prices.read())

    def governed(job: Job) -> jobs.Run:
        return jobs.governed(job, MODEL, stops(job))

    assert governed(JOB) == jobs.Run(spot=600.0)
    assert governed(replace(JOB, around=True)) == jobs.Run(on_demand=MODEL.governed_after, spot=600.0)
    assert governed(replace(JOB, around=True, minutes=1.0)) == jobs.Run(on_demand=1.0)
    cheap = replace(JOB, instance_type="ml.m5.xlarge")
    assert governed(cheap) == governed(replace(JOB, exempted=True)) == jobs.Run(on_demand=600.0)


def test_a_limit_s_curve_passes_through_its_default() -> None:
    world = World((APP, replace(APP, kind=Kind.ENDPOINT, name="endpoint")), ())
    for curve in limits.curves([world], COSTS):
        at = {point.minutes: point for point in curve.points}
        assert at[curve.default.minutes] == curve.default
        shares = [point.avoidable_share for point in curve.points]
        assert shares == sorted(shares)
