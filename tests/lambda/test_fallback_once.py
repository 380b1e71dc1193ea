"""That a fallback is started exactly once, and all else done once, whatever comes in between.

300 examples each; 5,000 with `SLUICE_PROFILE=nightly`.
"""

import importlib
import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow  # hundreds of examples

jobs_cloud = importlib.import_module("tests.lambda.jobs_cloud")  # `lambda` is a keyword
governing = importlib.import_module("tests.lambda.governing")
look = governing.look
OURS, ENDING, training = jobs_cloud.OURS, jobs_cloud.ENDING, jobs_cloud.training
EXAMPLES = {"default": 300, "nightly": 5_000}[os.environ.get("SLUICE_PROFILE", "default")]
ONCE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=EXAMPLES, deadline=None)
JOBS = ("lacking", "never", "failed", "done", "on-demand", "search")


@pytest.fixture(autouse=True)
def setting(monkeypatch: pytest.MonkeyPatch) -> None:
    governing.set_up(monkeypatch)


def build(cloud: Any) -> None:
    """One job of each kind, all of them ended."""
    cloud.reset()
    cloud.lacking("lacking")
    cloud.lacking("never", tags=OURS | {"sluice:fallback": "never"})
    failed = {"TrainingJobStatus": "Failed", "FailureReason": "CapacityError: none"}
    cloud.lacking("failed", **failed)
    cloud.job("done", **training(spot=True), **ENDING | {"TrainingJobStatus": "Completed"})
    cloud.job("on-demand", **training(), **ENDING | {"TrainingJobStatus": "Completed"})
    cloud.search(finished=1, lacking=1)


def hear(cloud: Any, name: str, minutes: int = 0) -> str:
    return look(cloud, name, "HyperParameterTuningJob" if name == "search" else "TrainingJob", minutes=minutes)


def state(cloud: Any) -> dict[str, Any]:
    """All that is left, but for the times at which events came."""
    times = ("at", "day", "decided_at", "expires_at")
    kept = [{key: value for key, value in item.items() if key not in times} for item in cloud.ledger.values()]
    return {
        "jobs": sorted(cloud.answers),
        "kept": sorted(map(str, kept)),
        "told": sorted(cloud.subjects()),
        "created": sorted(cloud.created()),
    }


@pytest.fixture
def in_order(cloud: Any) -> dict[str, Any]:
    """What one event for each job leaves."""
    build(cloud)
    for name in JOBS:
        hear(cloud, name)
    return state(cloud)


@ONCE
@given(data=st.data())
def test_any_order_and_number_of_events_ends_in_the_same_state(cloud: Any, in_order: Any, data: st.DataObject) -> None:
    more = data.draw(st.lists(st.sampled_from(JOBS), max_size=4), label="again")
    build(cloud)
    for minutes, name in enumerate(data.draw(st.permutations([*JOBS, *more]), label="order")):
        hear(cloud, name, minutes)
    assert state(cloud) == in_order


def interrupted(cloud: Any, name: str, calls: Iterator[int]) -> int:
    """Let the function die after so many calls, again and again; how often it did."""
    crashes = 0
    for after in calls:
        cloud.crash_after = len(cloud.calls) + after
        try:
            hear(cloud, name, crashes)
        except jobs_cloud.CrashError:
            crashes += 1
    cloud.crash_after = None
    return crashes


@ONCE
@given(name=st.sampled_from(JOBS), crashes=st.lists(st.integers(1, 16), min_size=1, max_size=3))
def test_a_crash_between_any_two_calls_loses_nothing_and_repeats_nothing(
    cloud: Any, name: str, crashes: list[int]
) -> None:
    build(cloud)
    hear(cloud, name)
    wanted = state(cloud)
    build(cloud)
    died = interrupted(cloud, name, iter(crashes))
    hear(cloud, name, 9)
    found = state(cloud)
    told = Counter(found.pop("told"))
    found.pop("created")  # a second attempt finds the name taken
    assert found == {key: wanted[key] for key in found}
    assert {*told} == {*wanted["told"]}
    assert all(count <= 1 + died for count in told.values()), "only a message can come twice"


@ONCE
@given(name=st.sampled_from(JOBS), before=st.integers(0, 15), again=st.booleans())
def test_two_at_the_same_time_do_what_one_does(cloud: Any, name: str, before: int, again: bool) -> None:
    """While the one is about to make any of its calls, another one does all of its own, and then one more."""
    build(cloud)
    hear(cloud, name)
    wanted = state(cloud)
    build(cloud)
    cloud.intrude(before, lambda: [hear(cloud, name, minutes) for minutes in range(1, 2 + again)])
    hear(cloud, name)
    found = state(cloud)
    assert {*found.pop("told")} == {*wanted["told"]}
    found.pop("created")
    assert found == {key: wanted[key] for key in found}
