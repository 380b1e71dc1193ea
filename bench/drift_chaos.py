"""Random schedules of a drift, its monitor, its pipeline and what goes wrong between them; and what may not come of it.

Tests ask for schedules that break nothing; the figure counts those that do.
"""

import os
import random
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import chain, pairwise, repeat
from typing import TypedDict

from bench.drift_chaos_world import World
from bench.figure import Figure

PROFILE = os.environ.get("SLUICE_PROFILE", "default")
EXAMPLES = {"default": 300, "nightly": 5_000}[PROFILE]
DAYS, COOL_DOWN, WEEK = 10, timedelta(hours=24), timedelta(days=7)


class Hour(TypedDict):
    """`looks`: how often the function is called; `by_others`: somebody starts a run; `by_hand`: a person approves."""

    drifts: bool
    monitored: bool
    looks: int
    by_others: bool
    by_hand: bool


QUIET: Hour = {"drifts": False, "monitored": True, "looks": 1, "by_others": False, "by_hand": False}


def drawn(seed: int) -> tuple[list[Hour], list[tuple[int, str]], list[str], int]:
    """(what happens in each hour, how long runs take and how they end, what calls meet, after how many days a drift
    expires), the same for the same seed.

    Drawn evenly, and all of the same length: who looks for the shortest world that fails sees few that are long.
    """
    chosen = random.Random(seed)
    schedule: list[Hour] = [
        {
            "drifts": chosen.random() < 1 / 16,
            "monitored": chosen.random() < 5 / 6,
            "looks": chosen.choice([0, 1, 1, 2, 3]),
            "by_others": chosen.random() < 1 / 21,
            "by_hand": chosen.random() < 1 / 30,
        }
        for _ in range(24 * DAYS)
    ]
    ends = [(chosen.randint(1, 30), chosen.choice(["won", "lost", "failed"])) for _ in range(6)]
    calls = chosen.choice([0, 200, 2_000])  # from a quiet world to one in which hardly a look ends well
    met = chosen.choices(["", "throttled", "before", "after", "beside"], [8, 2, 2, 2, 1], k=calls)
    return schedule, ends, met, chosen.choice([2, 7, 20])


def play(
    schedule: Iterable[Hour], ends: Iterable[tuple[int, str]], met: Iterable[str], expires_days: int
) -> tuple[World, list[str]]:
    """The world after the schedule and 22 days in which nothing goes wrong and each run wins; what was broken."""
    world, broken = World(chain(ends, repeat((2, "won"))), chain(met, repeat("")), expires_days), list[str]()
    for number, hour in enumerate(chain(schedule, repeat(QUIET, 24 * 22))):
        if number == 24 * DAYS:
            world.breaks = repeat("")
        world.drifted |= hour["drifts"]
        if hour["by_others"] and not world.executing():
            world.begin(mine=False)
        if hour["by_hand"]:
            world.decide_by_hand()
        world.hour(monitored=hour["monitored"])
        for _ in range(hour["looks"]):
            world.look()
            if len(world.executing()) > 1:
                broken.append("two runs of one model overlap")
    return world, [*broken, *_broken(world)]


def _broken(world: World) -> Iterator[str]:
    starts = sorted(run.began for run in world.runs.values() if run.mine)
    if world.red or world.drifted:
        yield "a drift that lasted was not answered"
    if any(after - before < COOL_DOWN for before, after in pairwise(starts)):
        yield "the cool-down was not held"
    if any(late - early < WEEK for early, late in zip(starts, starts[2:], strict=False)):
        yield "more than two runs in a week"
    if any(run.approval == "Approved" and run.ends != "won" for run in world.runs.values()):
        yield "what lost was approved"
    if world.left:
        yield "a winner was left"
    if len(world.mail) > len(world.opened) + world.unnoted:
        yield "a drift was told more than once"
    if len(world.mail) < len(world.opened):
        yield "a drift was not told"


def violations() -> list[Figure]:
    """How many of the schedules end with a rule broken."""
    failed = [seed for seed in range(EXAMPLES) if play(*drawn(seed))[1]]
    return [
        Figure(
            name="drift.chaos_violations",
            value=len(failed),
            unit="schedules",
            limit=0,
            against="answered, no overlap, cool-down, two a week, winners approved and none else, one message a drift",
            samples=EXAMPLES,
            profile=PROFILE,
        )
    ]
