"""The handler that answers drift, against an in-memory cloud: one run, one message, one approval."""

import importlib
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controls import retrain
from controls.retrain import RetrainError

base = importlib.import_module("tests.lambda.base")  # `lambda` is a keyword
# The function's clock is the machine's, and its events come later.
NOW, GROUP, ALARM = (
    datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1),
    "sluice-dev-tabular",
    "sluice-dev-tabular-drift",
)
PROVEN = {"better": True, "proven": True, "champion": {"version": "7"}}  # an evaluation


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, deployed: dict[str, Any]) -> None:
    for name, value in deployed["retrain"].environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def bucket(deployed: dict[str, Any]) -> str:
    """Of the artifacts."""
    return deployed["watch"].environment["SLUICE_ARTIFACT_BUCKET"]


def look(hours: float = 0) -> str:
    event = {"time": (NOW + timedelta(hours=hours)).isoformat(), "detail-type": "CloudWatch Alarm State Change"}
    return retrain.handler(event, None)["tabular"]


def ends(cloud: Any, status: str, *steps: dict[str, Any]) -> str:
    """The run that was started last ends with these steps."""
    arn = list(cloud.started.values())[-1]
    cloud.executions[arn]["PipelineExecutionStatus"] = status
    cloud.steps[arn] = list(steps)
    return arn


def wins(cloud: Any, bucket: str, evaluation: Any = PROVEN) -> str:
    """The run registers a model that is better than version 7, whose package it names; None: its evaluation is gone."""
    cloud.package(7, "Approved", GROUP)
    package, key = cloud.package(8, "PendingManualApproval", GROUP), "tabular/abc/evaluate/evaluation/evaluation.json"
    cloud.packages[package]["ModelMetrics"] = {"ModelQuality": {"Statistics": {"S3Uri": f"s3://{bucket}/{key}"}}}
    if evaluation:
        cloud.put(bucket, key, json.dumps(evaluation).encode())
    ends(cloud, "Succeeded", {"StepName": "Register", "Metadata": {"RegisterModel": {"Arn": package}}})
    return package


def loses(cloud: Any, bucket: str, evaluation: bytes | None) -> None:
    """The run's model is not better."""
    key = "tabular/abc/evaluate/evaluation/evaluation.json"
    told = f"not registered: reason lies in s3://{bucket}/{key}"
    ends(cloud, "Failed", {"StepName": "NotBetter", "StepStatus": "Failed", "FailureReason": told})
    if evaluation is not None:
        cloud.put(bucket, key, evaluation)


def drifts(cloud: Any) -> None:
    cloud.alarms[ALARM] = "ALARM"
    cloud.ledger["monitor", "tabular"] = {
        "subject": "monitor",
        "at": "tabular",
        "causes": ["data-quality: alcohol shifted"],
        "report": "s3://artifacts/report.html",
    }


def test_without_drift_nothing_is_done(cloud: Any) -> None:
    cloud.alarms[ALARM] = "OK"
    assert look() == "none"
    assert not [call for call in cloud.calls if call.writes]


def test_drift_is_answered_by_one_run_of_the_live_data_and_one_message(cloud: Any) -> None:
    drifts(cloud)
    assert [look(hours) for hours in (0, 0, 0.25)] == ["running"] * 3
    [started] = [call for call in cloud.calls if call.operation == "StartPipelineExecution"]
    assert started.params["PipelineName"] == GROUP and "PipelineParameters" not in started.params
    [mail] = cloud.mail
    assert "alcohol shifted" in mail["Message"] and "/s3/object/artifacts?region=" in mail["Message"]


def test_a_winner_is_approved_by_machine_and_closes_the_record(cloud: Any, bucket: str) -> None:
    drifts(cloud)
    look()
    package = wins(cloud, bucket)
    assert look(1) == "running"
    assert cloud.packages[package]["ModelApprovalStatus"] == "Approved"
    assert look(1.25) == "won"
    assert len(cloud.started) == 1


@pytest.mark.parametrize(
    "evaluation", [{**PROVEN, "proven": False}, {"better": True}, {**PROVEN, "champion": None}, [], None]
)
def test_a_winner_over_a_champion_that_could_not_be_measured_is_left_to_a_person(
    cloud: Any, bucket: str, evaluation: Any
) -> None:
    drifts(cloud)
    look()
    package = wins(cloud, bucket, evaluation)
    assert [look(1), look(1.25)] == ["running", "running"]
    assert cloud.packages[package]["ModelApprovalStatus"] == "PendingManualApproval"
    assert (
        "a person's approval: it was not compared with the champion of today"
        in cloud.remembered("drift")["tabular"]["why"]
    )
    cloud.packages[package]["ModelApprovalStatus"] = "Approved"  # by a person
    assert look(2) == "won"


def test_a_winner_over_a_champion_that_was_replaced_meanwhile_is_left_to_a_person(cloud: Any, bucket: str) -> None:
    drifts(cloud)
    look()
    package = wins(cloud, bucket, {**PROVEN, "champion": {"version": "6"}})
    assert [look(1), look(1.25)] == ["running", "running"]
    assert cloud.packages[package]["ModelApprovalStatus"] == "PendingManualApproval"


def test_a_winner_that_a_machine_may_approve_is_approved_however_late(cloud: Any, bucket: str) -> None:
    drifts(cloud)
    look()
    package = wins(cloud, bucket)
    assert [look(24 * 7.1), look(24 * 7.2)] == ["running", "won"]
    assert cloud.packages[package]["ModelApprovalStatus"] == "Approved"


def test_of_looks_at_once_one_tells_and_the_other_gives_way(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    drifts(cloud)
    cloud.meanwhile["StartPipelineExecution"] = look
    with pytest.raises(RetrainError, match="somebody else"):
        look()
    assert look() == "running"
    assert (len(cloud.mail), len(cloud.started)) == (1, 1)


def test_a_message_that_cannot_be_sent_keeps_no_drift_from_being_answered(
    cloud: Any, bucket: str, refusal: Callable[..., Exception]
) -> None:
    drifts(cloud)
    topic = retrain.settings.read(retrain.Settings, os.environ).topic_arn
    cloud.faults["Publish", topic] = refusal("no such right", "AuthorizationError")
    with pytest.raises(RetrainError):
        look()
    package = wins(cloud, bucket)
    for hours in (1, 1.25):
        with pytest.raises(RetrainError):
            look(hours)
    assert cloud.packages[package]["ModelApprovalStatus"] == "Approved"
    assert cloud.remembered("drift")["tabular"]["state"] == "won"


def test_a_drift_that_ended_before_anybody_was_told_is_told(cloud: Any, refusal: Callable[..., Exception]) -> None:
    drifts(cloud)
    topic = retrain.settings.read(retrain.Settings, os.environ).topic_arn
    cloud.faults["Publish", topic] = refusal("Rate exceeded", "ThrottlingException")
    with pytest.raises(RetrainError):
        look()
    cloud.faults.clear()
    assert look(0.1) == "running" and not cloud.mail  # somebody may be telling it
    cloud.ledger["drift", "tabular"]["state"] = "expired"
    cloud.alarms[ALARM] = "OK"
    assert look(0.25) == look(0.5) == "expired"
    assert "It is over" in cloud.mail[0]["Message"] and len(cloud.mail) == 1


def test_a_package_that_names_no_evaluation_is_left_to_a_person(cloud: Any, bucket: str) -> None:
    drifts(cloud)
    look()
    package = wins(cloud, bucket)
    del cloud.packages[package]["ModelMetrics"]
    assert look(1) == "running"
    assert cloud.packages[package]["ModelApprovalStatus"] == "PendingManualApproval"


def test_a_challenger_that_lost_leaves_the_record_open_until_the_cool_down_is_over(cloud: Any, bucket: str) -> None:
    drifts(cloud)
    look()
    loses(cloud, bucket, b'{"reason": "log_loss is worse by 0.2"}')
    assert look(1) == "open"
    record = cloud.remembered("drift")["tabular"]
    assert "cooling down" in record["why"]
    assert record["last"] == "the challenger is not better: the champion stays (log_loss is worse by 0.2)"
    assert look(2) == "open" and cloud.remembered("drift")["tabular"]["last"] == record["last"]
    assert look(25) == "running"
    assert len(cloud.started) == 2


@pytest.mark.parametrize("evaluation", [None, b"{", b"[]", b"{}"])
def test_where_the_evaluation_cannot_be_read_the_record_says_what_the_run_said(
    cloud: Any, bucket: str, evaluation: bytes | None
) -> None:
    drifts(cloud)
    look()
    loses(cloud, bucket, evaluation)
    assert look(1) == "open"
    assert "not registered: reason lies in s3://" in cloud.remembered("drift")["tabular"]["last"]


def test_a_frozen_month_starts_nothing_and_is_looked_at_again(cloud: Any) -> None:
    drifts(cloud)
    month = {"read_until": NOW.isoformat(), "frozen_since": NOW.isoformat()}
    cloud.ledger["budget", f"{NOW:%Y-%m}"] = {"subject": "budget", "at": f"{NOW:%Y-%m}", **month}
    assert look() == "open"
    del cloud.ledger["budget", f"{NOW:%Y-%m}"]
    assert look(0.25) == "running"


def test_a_start_that_was_refused_is_asked_for_again_with_the_same_token(
    cloud: Any, refusal: Callable[..., Exception]
) -> None:
    drifts(cloud)
    cloud.faults["StartPipelineExecution", GROUP] = refusal("no such right", "AccessDeniedException")
    with pytest.raises(RetrainError, match=r"tabular: .*no such right"):
        look()
    cloud.faults.clear()
    assert look(0.25) == "running"
    tokens = {c.params["ClientRequestToken"] for c in cloud.calls if c.operation == "StartPipelineExecution"}
    assert len(tokens) == 1


def test_a_refused_start_is_told_and_not_asked_for_while_somebody_elses_run_goes_on(
    cloud: Any, refusal: Callable[..., Exception]
) -> None:
    drifts(cloud)
    cloud.faults["StartPipelineExecution", GROUP] = refusal("Rate exceeded", "ThrottlingException")
    with pytest.raises(RetrainError):
        look()
    assert "was refused; it is asked for again" in cloud.mail[0]["Message"]
    cloud.faults.clear()
    theirs = base.arn(f"pipeline/{GROUP}/execution/theirs")
    cloud.executions[theirs] = {"PipelineExecutionStatus": "Executing", "StartTime": NOW}
    assert look(0.25) == "open" and not cloud.started
    cloud.executions[theirs]["PipelineExecutionStatus"] = "Succeeded"
    assert look(0.5) == "running" and len(cloud.mail) == 1


def test_a_run_that_began_without_being_noted_is_found_by_its_token(cloud: Any) -> None:
    drifts(cloud)
    look()
    record = cloud.ledger["drift", "tabular"]
    record |= {"state": "starting", "execution": ""}
    assert look(0.25) == "running"
    assert cloud.remembered("drift")["tabular"]["execution"] == next(iter(cloud.started.values()))
    assert len([call for call in cloud.calls if call.operation == "StartPipelineExecution"]) == 1


def test_an_event_that_comes_late_is_looked_at_by_the_clock(cloud: Any) -> None:
    drifts(cloud)
    look(-30)
    assert cloud.remembered("drift")["tabular"]["opened_at"] >= (NOW - timedelta(hours=1)).isoformat()


def test_a_window_of_the_new_model_without_drift_counts_before_the_alarm_is_green(cloud: Any) -> None:
    drifts(cloud)
    cloud.ledger["monitor", "tabular"]["kinds"] = {"data-quality": False, "bias": False}
    assert look() == "none"


def test_after_a_win_the_red_of_the_old_model_opens_nothing_however_long_no_window_comes(
    cloud: Any, bucket: str
) -> None:
    drifts(cloud)
    cloud.ledger["monitor", "tabular"] |= {"package_version": 7, "kinds": {"data-quality": True}}
    look()
    wins(cloud, bucket)
    assert [look(hours) for hours in (1, 1.25, 49, 24 * 7)] == ["running", "won", "won", "won"]
    cloud.ledger["monitor", "tabular"]["package_version"] = 8
    assert look(24 * 7 + 1) == "running" and len(cloud.started) == 2


def test_of_windows_that_tell_no_version_the_red_is_the_old_models_while_its_answers_may_be_in_them(
    cloud: Any, bucket: str
) -> None:
    drifts(cloud)
    look()
    wins(cloud, bucket)
    settles = 24 + 24 + 26  # the window, the delay of labels, and until a daily monitor counts as silent
    hours = (1, 1.25, 1 + settles, 1.5 + settles)
    assert [look(each) for each in hours] == ["running", "won", "won", "running"]


def test_a_winner_that_nobody_approves_is_given_up(
    cloud: Any, bucket: str, deployed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = json.loads(deployed["retrain"].environment["SLUICE_MONITORS"])
    told["tabular"]["approves"] = False
    monkeypatch.setenv("SLUICE_MONITORS", json.dumps(told))
    drifts(cloud)
    look()
    wins(cloud, bucket)
    assert [look(hours) for hours in (1, 24 * 6, 24 * 8)] == ["running", "running", "expired"]
    assert "awaits its approval; unanswered" in cloud.remembered("drift")["tabular"]["why"]


def test_where_it_only_observes_people_are_told_and_nothing_runs(
    cloud: Any, deployed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = json.loads(deployed["retrain"].environment["SLUICE_MONITORS"])
    told["tabular"]["acts"] = False
    monkeypatch.setenv("SLUICE_MONITORS", json.dumps(told))
    drifts(cloud)
    assert [look(), look(0.25)] == ["open", "open"]
    assert not cloud.started
    assert "only observed" in cloud.mail[0]["Message"] and len(cloud.mail) == 1


def test_a_run_of_somebody_else_is_waited_for(cloud: Any) -> None:
    drifts(cloud)
    cloud.executions[base.arn(f"pipeline/{GROUP}/execution/theirs")] = {
        "PipelineExecutionStatus": "Executing",
        "StartTime": NOW,
    }
    assert look() == "open"
    assert not cloud.started


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], deployed: dict[str, Any], compare: Callable[..., None]
) -> None:
    compare(recorded, deployed["retrain"])
