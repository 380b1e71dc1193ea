"""Whatever is lost, doubled, late or killed: a drift that lasts is answered, and nothing is done that should not be.

300 schedules; 5,000 with `SLUICE_PROFILE=nightly`.
"""

import importlib
import os
from datetime import timedelta
from itertools import chain, cycle, pairwise, repeat
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow  # hundreds of schedules

drifting = importlib.import_module("tests.lambda.drifting")  # `lambda` is a keyword
EXAMPLES = {"default": 300, "nightly": 5_000}[os.environ.get("SLUICE_PROFILE", "default")]
CHAOS = settings(suppress_health_check=list(HealthCheck), max_examples=EXAMPLES, deadline=None)
DAYS, COOL_DOWN, WEEK = 10, timedelta(hours=24), timedelta(days=7)

hours = st.fixed_dictionaries(
    {
        "drifts": st.sampled_from([False] * 15 + [True]),
        "monitored": st.sampled_from([True] * 5 + [False]),
        "looks": st.sampled_from([0, 1, 1, 2, 3]),
        "by_others": st.sampled_from([False] * 20 + [True]),
    }
)
endings = st.lists(st.tuples(st.integers(1, 30), st.sampled_from(["won", "lost", "failed"])), max_size=6)
breaks = st.lists(st.sampled_from(["", "", "", "", "throttled", "before", "after"]), max_size=200)


def play(schedule: list[dict[str, Any]], ends: Any, troubles: Any) -> Any:
    """The world after the schedule, and after a fortnight in which nothing goes wrong any more and each run wins."""
    quiet = {"drifts": False, "monitored": True, "looks": 1, "by_others": False}
    world = drifting.World(ends=chain(ends, repeat((2, "won"))), breaks=chain(troubles, repeat("")))
    for hour in chain(schedule, repeat(quiet, 24 * 22)):
        world.drifted |= hour["drifts"]
        if hour["by_others"] and not world.executing():
            world.begin(mine=False)
        world.hour(monitored=hour["monitored"])
        for _ in range(hour["looks"]):
            world.look()
            assert len(world.executing()) <= 1, "two runs of one model overlap"
    return world


@CHAOS
@given(schedule=st.lists(hours, max_size=24 * DAYS), ends=endings, troubles=breaks)
def test_every_drift_that_lasts_is_answered_and_no_rule_is_broken(schedule: Any, ends: Any, troubles: Any) -> None:
    world = play(schedule, ends, troubles)
    assert not world.red and not world.drifted, "a drift that lasted was not answered"
    starts = sorted(run.began for run in world.runs.values() if run.mine)
    assert all(after - before >= COOL_DOWN for before, after in pairwise(starts)), "the cool-down was not held"
    assert all(late - early >= WEEK for early, late in zip(starts, starts[2:], strict=False)), "too many in a week"
    assert all(run.ends == "won" for run in world.runs.values() if run.approval == "Approved")
    opened = {about for topic, about in world.items if topic == "drift/tabular"}
    assert len(world.mail) <= len(opened) + world.deaths, "only a message that broke off can come twice"


def test_a_schedule_without_trouble_has_one_run_and_one_message_for_a_drift() -> None:
    quiet = {"drifts": False, "monitored": True, "looks": 2, "by_others": False}
    world = play([quiet | {"drifts": True}, *repeat(quiet, 72)], cycle([(3, "won")]), [])
    assert (len(world.runs), len(world.mail)) == (1, 1)
