"""A month's bill under each regime."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from random import Random

from bench.money import jobs, people
from bench.money.controlled import Decide, RememberedHours, controlled
from bench.money.governor import governor
from bench.money.model import Model
from bench.money.observer import Observer
from bench.money.play import Played, foreseen, native, sweeps, uncontrolled
from bench.money.traces import Traces
from bench.money.world import END, ZONE, World
from config.costs import Costs, OffHours
from config.load import ROOT, load
from controls.judgement.choices import Policy, policy
from controls.judgement.policy import decide
from controls.pricing.prices import Prices
from controls.resource import Kind

_WORKING_DAYS = 22  # of the month of `world`


def defaults() -> Costs:
    """The limits of config/team.yaml in force, with the off-hours that it shows in a comment."""
    return enforced(load(ROOT / "config" / "team.yaml").costs)


def enforced(costs: Costs) -> Costs:
    """The same with what is measured in force: idle limits, off-hours, spot and its fallback."""
    mode = {"mode": "enforce"}
    sweep = costs.sweep.model_copy(update={"idle": costs.sweep.idle.model_copy(update=mode)})
    hours = costs.off_hours or OffHours(time_zone=ZONE)
    return costs.model_copy(
        update={
            "sweep": sweep,
            "off_hours": hours.model_copy(update=mode),
            "spot": costs.spot.model_copy(update={**mode, "fallback_mode": "enforce"}),
        }
    )


def drawn(traces: Traces, model: Model, seed: int, prices: Prices | None = None) -> World:
    """The same of the same traces, model and seed."""
    prices = prices or Prices.read()
    return World(
        tuple(people.things(team(traces, model), model, seed, prices)),
        tuple(jobs.drawn(traces, model, seed, prices)),
    )


def team(traces: Traces, model: Model) -> int:
    """People who would ask for so many jobs."""
    return max(1, round(len(traces.arrivals) / _WORKING_DAYS / model.jobs_per_person_day))


@dataclass(frozen=True)
class Bill:
    """USD of the month by part; `restarts` that people had to do in it, `waited` hours of jobs for spot capacity."""

    studio: float = 0.0
    endpoints: float = 0.0
    training: float = 0.0
    restarts: int = 0
    waited: float = 0.0

    @property
    def idle(self) -> float:
        """What idling can cost: all but training."""
        return self.studio + self.endpoints

    @property
    def usd(self) -> float:
        return self.idle + self.training


@dataclass(frozen=True)
class Month:
    none: Bill
    native: Bill
    sluice: Bill
    oracle: Bill
    endings: int = 0
    wrong: list[str] = field(default_factory=list[str])


def month(world: World, model: Model, costs: Costs, seed: int, judge: Decide = decide) -> Month:
    stops = governor(policy_of(costs), costs.spot.on_demand_usd_per_hour, Prices.read())
    sluice, observer = swept(world, costs, seed, judge)
    all_on_demand = [jobs.on_demand(job).usd(job) for job in world.jobs]
    governed = [jobs.governed(job, model, stops(job)) for job in world.jobs]
    return Month(
        none=_bill(map(uncontrolled, world.things), all_on_demand),
        native=_bill(map(native, world.things), all_on_demand),
        sluice=replace(
            _bill(sluice, (run.usd(job) for run, job in zip(governed, world.jobs, strict=True))),
            waited=sum(run.waited for run in governed) / 60,
        ),
        oracle=_bill(map(foreseen, world.things), (jobs.foreseen(job, model).usd(job) for job in world.jobs)),
        endings=observer.endings,
        wrong=observer.wrong,
    )


def swept(world: World, costs: Costs, seed: int, judge: Decide = decide) -> tuple[list[Played], Observer]:
    rules = policy_of(costs)
    observer = Observer(rules.grace_minutes)
    minutes = sweeps(costs.sweep.every_hours, Random(f"sweep {seed}").randrange(60))
    return [controlled(thing, rules, minutes, observer, judge) for thing in world.things], observer


def policy_of(costs: Costs) -> Policy:
    rules = policy(json.dumps(costs.policy("sluice-dev", "dev")))
    hours = rules.off_hours
    return replace(rules, off_hours=RememberedHours(**vars(hours)) if hours else None)


def _bill(played: Iterable[Played], training: Iterable[float]) -> Bill:
    usd = {"studio": 0.0, "endpoints": 0.0}
    restarts = 0
    for each in played:
        usd["endpoints" if each.thing.kind is Kind.ENDPOINT else "studio"] += each.usd()
        restarts += sum(0 <= minute < END for minute in each.restarts)
    return Bill(**usd, training=sum(training), restarts=restarts)
