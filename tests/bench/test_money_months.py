"""The bench of what the controls save, on worlds drawn from a small trace; and what it says of a malformed one."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.money import figures, jobs
from bench.money.controlled import controlled
from bench.money.governor import governor
from bench.money.model import Model, rows
from bench.money.month import defaults, drawn, month, policy_of
from bench.money.observer import Observer
from bench.money.play import Played, foreseen, native, sweeps, uncontrolled
from bench.money.traces import TraceError, Traces, read
from bench.money.world import END, Thing
from config.load import ROOT
from controls.pricing.prices import Prices

MODEL, COSTS = Model(), defaults()
RULES = policy_of(COSTS)


def under_sluice(thing: Thing) -> tuple[Played, Observer]:
    observer = Observer(RULES.grace_minutes)
    return controlled(thing, RULES, sweeps(1, 30), observer), observer


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Traces:
    return read(written(tmp_path_factory.mktemp("traces")))


def written(folder: Path) -> Path:
    """A small trace: 400 jobs over 40 days."""
    arrivals = [f"{number * 8_640},{(1, 1, 4, 8, 16)[number % 5]}" for number in range(401)]
    (folder / "training_arrivals.csv").write_text("\n".join(["arrival_s,gpus", *arrivals]))
    (folder / "philly_runtime.csv").write_text("runtime\n0.0\n60.0\n3600.0\n200000.0\n")
    types = {f"g5.{size}": {"s": 60, "r": 4} for size in ("xlarge", "12xlarge", "48xlarge")}
    advisor = {"spot_advisor": {"us-east-1": {"Linux": {**types, "g4dn.xlarge": {"s": 64, "r": 3}}}}}
    (folder / "spot-advisor-data.json").write_text(json.dumps(advisor))
    return folder


def test_the_month_is_the_last_thirty_days_of_the_trace(traces: Traces) -> None:
    assert len(traces.arrivals) == 301
    assert traces.arrivals[0].seconds == 0 and traces.arrivals[-1].seconds == 30 * 86_400


@pytest.mark.parametrize("seed", range(3))
def test_no_regime_is_cheaper_than_foresight_and_none_is_dearer_than_no_controls(traces: Traces, seed: int) -> None:
    world = drawn(traces, MODEL, seed)
    for thing in world.things:
        played, observer = under_sluice(thing)
        again = thing.start_minutes * (len(played.runs) - 1)
        assert foreseen(thing).minutes() <= min(
            played.minutes(), native(thing).minutes(), uncontrolled(thing).minutes()
        )
        assert max(played.minutes() - again, native(thing).minutes() - again) <= uncontrolled(thing).minutes()
        assert not observer.wrong
    stops = governor(RULES, COSTS.spot.on_demand_usd_per_hour, Prices.read())
    for job in world.jobs:
        governed = jobs.governed(job, MODEL, stops(job))
        assert jobs.foreseen(job, MODEL).usd(job) <= min(governed.usd(job), jobs.on_demand(job).usd(job))
    one = month(world, MODEL, COSTS, seed)
    assert one.oracle.usd < one.sluice.usd < one.native.usd < one.none.usd


def test_everything_that_is_used_runs_while_it_is_used(traces: Traces) -> None:
    for thing in drawn(traces, MODEL, 0).things:
        for played in (uncontrolled(thing), native(thing), under_sluice(thing)[0], foreseen(thing)):
            for use in thing.uses:
                assert any(start <= use.start and min(use.end, END) <= stop for start, stop in played.runs)
            assert all(one[1] <= other[0] for one, other in zip(played.runs, played.runs[1:], strict=False))


def test_the_same_seed_makes_the_same_month_and_another_one_another(traces: Traces) -> None:
    first, again, other = (drawn(traces, MODEL, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert month(first, MODEL, COSTS, 1) == month(again, MODEL, COSTS, 1)


def test_the_figures_are_those_of_the_issue_and_say_their_samples(traces: Traces) -> None:
    months = [month(drawn(traces, MODEL, seed), MODEL, COSTS, seed) for seed in range(2)]
    told = {figure.name: figure for figure in figures.figures(months, people=7)}
    assert tuple(told) == figures.NAMES
    assert {figure.samples for figure in told.values()} == {2}
    bills = [told[f"cost.{name}_usd"].value for name in ("oracle", "sluice", "native_idle", "none")]
    assert bills == sorted(bills)
    share = (bills[1] - bills[0]) / (bills[3] - bills[0])
    assert told["cost.avoidable_share"].value == pytest.approx(share)
    assert told["cost.avoidable_share"].limit == 0.10 and told["cost.wrong_stops"].limit == 0


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "training_arrivals.csv",
            "arrival_s\n1\n",
            ":1: column gpus is missing; the first line must name arrival_s, gpus",
        ),
        (
            "training_arrivals.csv",
            "arrival_s,gpus\n0,1\nsoon,1\n",
            ":3: column arrival_s is 'soon'; allowed is seconds",
        ),
        (
            "training_arrivals.csv",
            "arrival_s,gpus\n0,1.5\n",
            ":2: column gpus is '1.5'; allowed is a whole number from 1",
        ),
        ("training_arrivals.csv", "arrival_s,gpus\n0,0\n", ":2: column gpus is '0'"),
        ("training_arrivals.csv", "arrival_s,gpus\n0,1,2\n", ":2: has 3 columns where the first line has 2"),
        ("training_arrivals.csv", "arrival_s,gpus\n0,1\n86400,1\n", ": column arrival_s spans 1.0 days; at least 30"),
        ("training_arrivals.csv", "arrival_s,gpus\n", ": holds no rows"),
        ("philly_runtime.csv", "runtime\n-1\n", ":2: column runtime is '-1'; allowed is seconds"),
        ("philly_runtime.csv", "runtime\nnan\n", ":2: column runtime is 'nan'"),
        ("spot-advisor-data.json", "{", ": is no JSON: Expecting property name enclosed in double quotes: line 1"),
        ("spot-advisor-data.json", "[]", ": spot_advisor.us-east-1.Linux must hold instance types"),
        (
            "spot-advisor-data.json",
            '{"spot_advisor": {"us-east-1": {"Linux": {"g5.xlarge": {"s": 60, "r": 5}}}}}',
            ": spot_advisor.us-east-1.Linux.g5.xlarge.r is 5; allowed is a band of interruption, 0 to 4",
        ),
    ],
)
def test_a_malformed_trace_is_refused_by_place_and_with_what_is_allowed(
    tmp_path: Path, name: str, content: str, told: str
) -> None:
    (written(tmp_path) / name).write_text(content)
    with pytest.raises(TraceError) as raised:
        read(tmp_path)
    assert str(raised.value).startswith(f"{tmp_path / name}{told}")


def test_a_trace_that_is_not_there_and_a_type_that_the_advisor_lacks_are_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"training_arrivals\.csv: cannot be read"):
        read(tmp_path)
    told = read(written(tmp_path))
    with pytest.raises(TraceError, match="lacks g5"):
        drawn(replace(told, spot={"g4dn.xlarge": told.spot["g4dn.xlarge"]}), MODEL, 0)


def test_the_model_in_the_documentation_is_the_one_that_is_played() -> None:
    text = (ROOT / "docs" / "money.md").read_text("utf-8")
    missing = [row[0] for row in rows() if f"| {' | '.join(row)} |" not in text]
    assert not missing
