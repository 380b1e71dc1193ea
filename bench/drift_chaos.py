"""Random schedules of a drift, its monitor, its pipeline and what goes wrong between them; and what may not come of it.

Tests ask for schedules that break nothing; the figure counts those that do.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain, pairwise, repeat
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.drift_chaos_world import World
from bench.figure import Figure

PROFILE = os.environ.get("SLUICE_PROFILE", "default")
EXAMPLES = {"default": 300, "nightly": 5_000}[PROFILE]
DAYS, COOL_DOWN, WEEK = 10, timedelta(hours=24), timedelta(days=7)
QUIET = {"drifts": False, "monitored": True, "looks": 1, "by_others": False}

_hours = st.fixed_dictionaries(
    {
        "drifts": st.sampled_from([False] * 15 + [True]),
        "monitored": st.sampled_from([True] * 5 + [False]),
        "looks": st.sampled_from([0, 1, 1, 2, 3]),
        "by_others": st.sampled_from([False] * 20 + [True]),
    }
)
schedules = st.lists(_hours, max_size=24 * DAYS)
endings = st.lists(st.tuples(st.integers(1, 30), st.sampled_from(["won", "lost", "failed"])), max_size=6)
breaks = st.lists(st.sampled_from(["", "", "", "", "throttled", "before", "after"]), max_size=200)


def play(schedule: list[dict[str, Any]], ends: Any, troubles: Any) -> tuple[World, list[str]]:
    """The world after the schedule and 22 days in which nothing goes wrong and each run wins; what was broken."""
    world, broken = World(ends=chain(ends, repeat((2, "won"))), breaks=chain(troubles, repeat(""))), list[str]()
    for hour in chain(schedule, repeat(QUIET, 24 * 22)):
        world.drifted |= hour["drifts"]
        if hour["by_others"] and not world.executing():
            world.begin(mine=False)
        world.hour(monitored=hour["monitored"])
        for _ in range(hour["looks"]):
            world.look()
            if len(world.executing()) > 1:
                broken.append("two runs of one model overlap")
    return world, [*broken, *_broken(world)]


def _broken(world: World) -> Iterator[str]:
    starts = sorted(run.began for run in world.runs.values() if run.mine)
    opened = {about for topic, about in world.items if topic == "drift/tabular"}
    if world.red or world.drifted:
        yield "a drift that lasted was not answered"
    if any(after - before < COOL_DOWN for before, after in pairwise(starts)):
        yield "the cool-down was not held"
    if any(late - early < WEEK for early, late in zip(starts, starts[2:], strict=False)):
        yield "more than two runs in a week"
    if any(run.approval == "Approved" and run.ends != "won" for run in world.runs.values()):
        yield "what lost was approved"
    if len(world.mail) > len(opened) + world.untold:
        yield "a drift was told more than once"


def violations() -> list[Figure]:
    """How many of the schedules end with a rule broken."""
    failed: list[list[str]] = []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(schedule=schedules, ends=endings, troubles=breaks)
    def count(schedule: Any, ends: Any, troubles: Any) -> None:
        if broken := play(schedule, ends, troubles)[1]:
            failed.append(broken)

    count()
    return [
        Figure(
            name="drift.chaos_violations",
            value=len(failed),
            unit="schedules",
            limit=0,
            against="answered, no overlap, cool-down, two a week, no loser approved, one message a drift",
            samples=EXAMPLES,
            profile=PROFILE,
        )
    ]
