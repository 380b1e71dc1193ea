"""What an execution of an Autopilot state machine has left running is ended, and nothing else."""

import hashlib
import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from controls import cancel
from sluice.autopilot import stem

STEM = stem("sluice-dev-automl")
EXECUTION = "arn:aws:states:us-east-1:111122223333:execution:sluice-dev-automl:run-1"
RUN = f"{STEM}-{hashlib.sha256(EXECUTION.encode()).hexdigest()[:12]}"
ALL = [
    ("AutoMLJob", RUN),
    ("ProcessingJob", f"{RUN}-preprocess"),
    ("ProcessingJob", f"{RUN}-evaluate"),
    ("TransformJob", f"{RUN}-challenger"),
    ("TransformJob", f"{RUN}-champion"),
]


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited for, which pass at once."""
    waited: list[float] = []
    monkeypatch.setattr(cancel, "time", SimpleNamespace(sleep=waited.append))
    monkeypatch.setitem(os.environ, "SLUICE_STEM", STEM)
    return waited


def run(status: str = "ABORTED") -> list[str]:
    event = {"detail": {"executionArn": EXECUTION, "name": "run-1", "status": status}}
    return cancel.handler(event, None)["ended"]


def test_the_names_are_those_that_the_state_machine_gives() -> None:
    assert cancel.run_of(STEM, EXECUTION) == RUN and len(RUN) <= 32


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_each_job_that_runs_is_stopped(cloud: Any, kind: str, name: str) -> None:
    cloud.jobs = dict.fromkeys(ALL, "Completed") | {(kind, name): "InProgress"}
    assert run() == [f"{kind} {name}"]
    assert cloud.jobs[kind, name] == "Stopping"


def test_models_that_were_left_are_deleted(cloud: Any) -> None:
    cloud.models = {f"{RUN}-challenger": {}, f"{RUN}-champion": {}, f"{STEM}-other-challenger": {}}
    assert run("FAILED") == [f"Model {RUN}-challenger", f"Model {RUN}-champion"]
    assert list(cloud.models) == [f"{STEM}-other-challenger"]


def test_a_job_that_appears_after_the_abortion_is_stopped_as_well(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    late = SimpleNamespace(sleep=lambda seconds: cloud.jobs.update({("AutoMLJob", RUN): "InProgress"}))
    monkeypatch.setattr(cancel, "time", late)
    assert run("TIMED_OUT") == [f"AutoMLJob {RUN}"]


def test_an_execution_that_failed_is_looked_at_once(cloud: Any, slept: list[float]) -> None:
    run("FAILED")
    assert slept == []
    run("ABORTED")
    assert slept == [cancel.PAUSE_SECONDS]


def test_the_same_event_again_ends_nothing_more(cloud: Any) -> None:
    cloud.jobs = dict.fromkeys(ALL, "InProgress")
    assert len(run()) == len(ALL)
    assert run() == []


def test_what_cannot_be_stopped_is_an_error_that_lambda_repeats(cloud: Any, refusal: Callable[..., Exception]) -> None:
    cloud.jobs = dict.fromkeys(ALL, "InProgress")
    cloud.faults["StopAutoMLJob", RUN] = refusal("not authorized", "AccessDeniedException")
    with pytest.raises(Exception, match="not authorized"):
        run()


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], deployed: dict[str, Any], compare: Callable[..., None]
) -> None:
    compare(recorded, deployed["cancel"])
