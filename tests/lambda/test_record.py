"""Recording against an in-memory SageMaker, S3 and MLflow: one run for each execution, whatever the events."""

import dataclasses
import importlib
import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from controls import record
from controls.runs import results
from controls.runs.mlflow import MlflowError
from tests.answering import answered_by

# `lambda` is a keyword, so no import statement reaches this folder.
executions = importlib.import_module("tests.lambda.executions")
mlflow_server = importlib.import_module("tests.lambda.mlflow_server")
in_memory = importlib.import_module("tests.lambda.cloud")

APP = in_memory.arn("mlflow-app/app-1")
PIPELINE = {
    "source": "aws.sagemaker",
    "resources": [in_memory.arn("pipeline/sluice-dev-digits"), executions.EXECUTION],
    "detail": {
        "pipelineArn": in_memory.arn("pipeline/sluice-dev-digits"),
        "pipelineExecutionArn": executions.EXECUTION,
        "currentPipelineExecutionStatus": "Succeeded",
    },
}
MACHINE = "arn:aws:states:us-east-1:111122223333:execution:sluice-dev-titanic:abc123"
AUTOPILOT = {
    "source": "aws.states",
    "resources": [MACHINE],
    "detail": {
        "executionArn": MACHINE,
        "stateMachineArn": "arn:aws:states:us-east-1:111122223333:stateMachine:sluice-dev-titanic",
        "name": "abc123",
        "status": "SUCCEEDED",
        "startDate": 1000,
        "stopDate": 61000,
        "input": '{"target": "Survived", "nested": {}}',
        "output": json.dumps({"ModelPackageArn": in_memory.arn("model-package/sluice-dev-titanic/1")}),
    },
}


@pytest.fixture
def mlflow() -> Iterator[Any]:
    server = mlflow_server.Server()
    with mlflow_server.serving(server) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT", url)
        server.url = url
        yield server


@pytest.fixture
def cloud(session: None, recorded: list[Any], deployed: dict[str, Any], mlflow: Any) -> Iterator[Any]:
    variables = {**deployed["record"].environment, "SLUICE_APP_ARN": APP, "SLUICE_ARTIFACT_BUCKET": executions.BUCKET}
    with pytest.MonkeyPatch.context() as patch, answered_by(executions.Executions()) as made:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield made
    recorded.extend((call, made.tags) for call in made.calls)
    recorded.extend((in_memory.Call("sagemaker", "CallMlflowAppApi", {"Arn": APP}), {}) for _ in mlflow.calls)


def outcome(event: dict[str, Any] = PIPELINE) -> str:
    return record.handler(event, None)["outcome"]


def run_of(mlflow: Any) -> dict[str, Any]:
    [run] = [run for run in mlflow.runs.values() if "sluice.execution" in run["tags"] and "gone" not in run]
    return run


def test_a_run_tells_parameters_metrics_and_where_it_came_from(cloud: Any, mlflow: Any) -> None:
    assert outcome() == "recorded"
    run = run_of(mlflow)
    assert list(mlflow.experiments) == ["sluice-dev/digits"]
    assert run["params"] == {"Epochs": "5", "Seed": "1", "k": "10"}
    seconds = {"train/training_seconds": 60, "train/billable_seconds": 20}
    assert run["metrics"] == {"test:msd": 12.5, "purity": 0.79, "champion/purity": 0.7, **seconds}
    assert run["info"]["status"] == "FINISHED"
    assert run["info"]["end_time"] - run["info"]["start_time"] == 300_000
    assert run["tags"] == {
        "mlflow.runName": "abc123",
        "sluice.execution": executions.EXECUTION,
        "sluice.workload": "digits",
        "sluice.status": "Succeeded",
        "sluice.training-job": "train-1",
        "sluice.model-package": in_memory.arn("model-package/sluice-dev-digits/4"),
        "sluice.manifest": executions.MANIFEST,
        "sluice.champion-version": "3",
        "sluice.better": "True",
        "sluice.reason": "0.79 is better than 0.7",
        "sluice.recorded": run["tags"]["sluice.recorded"],
    }


def test_its_documents_and_the_trainings_report_are_kept_with_it(cloud: Any, mlflow: Any) -> None:
    cloud.put("train/train-1/output/output.tar.gz", executions.archive(noise=b"x", inside__report_html=b"<p>"))
    outcome()
    place = "mlflow/1/run0/artifacts/"
    kept = {key.removeprefix(place): body for key, body in cloud.objects.items() if key.startswith(place)}
    assert kept == {
        "evaluation.json": json.dumps(executions.EVALUATION).encode(),
        "begin/manifest.json": b'{"objects": []}',
        "inside/report.html": b"<p>",
    }


def test_every_call_is_signed_for_the_app(cloud: Any, mlflow: Any) -> None:
    outcome()
    for _, headers in mlflow.calls:
        told = {name.lower(): value for name, value in headers.items()}
        assert told["x-sm-mlflow-app-arn"] == APP
        assert "/us-east-1/sagemaker/aws4_request" in told["authorization"]
        assert "x-sm-mlflow-app-arn" in told["authorization"]


def test_an_event_that_comes_twice_changes_nothing_the_second_time(cloud: Any, mlflow: Any) -> None:
    outcome()
    before = json.dumps(mlflow.runs)
    assert outcome() == "recorded-already"
    assert json.dumps(mlflow.runs) == before


def test_two_events_at_once_end_in_one_run(cloud: Any, mlflow: Any) -> None:
    mlflow.meanwhile["runs/create"] = outcome
    assert outcome() == "recorded-already"
    assert len([run for run in mlflow.runs.values() if "gone" not in run]) == 1
    assert run_of(mlflow)["info"]["status"] == "FINISHED"


def test_what_a_failed_attempt_left_half_done_is_completed(cloud: Any, mlflow: Any, refusal: Any) -> None:
    cloud.faults["PutObject", executions.BUCKET] = refusal("Rate exceeded", "SlowDown")
    with pytest.raises(Exception, match="Rate exceeded"):
        outcome()
    cloud.faults.clear()
    assert outcome() == "recorded"
    assert len(mlflow.runs) == 1


def test_a_retried_execution_is_recorded_anew_in_its_run(cloud: Any, mlflow: Any) -> None:
    cloud.status = "Failed"
    outcome()
    assert run_of(mlflow)["info"]["status"] == "FAILED"
    cloud.status = "Succeeded"
    assert outcome() == "recorded"
    assert run_of(mlflow)["info"]["status"] == "FINISHED"


def test_a_retry_with_other_hyperparameters_keeps_the_first_and_tells_the_new_ones(cloud: Any, mlflow: Any) -> None:
    cloud.status = "Failed"
    outcome()
    cloud.status = "Succeeded"
    cloud.train("train-1", {"k": "11", "init": "random"}, {"test:msd": 11.5})
    assert outcome() == "recorded"
    run = run_of(mlflow)
    assert run["params"] == {"Epochs": "5", "Seed": "1", "k": "10", "init": "random"}
    assert (run["tags"]["sluice.params-after-retry"], run["metrics"]["test:msd"]) == ("k=11", 11.5)


def test_an_event_of_an_execution_that_goes_on_again_is_left_alone(cloud: Any, mlflow: Any) -> None:
    cloud.status = "Executing"
    assert outcome() == "goes-on"
    assert not mlflow.calls


def test_a_failed_run_tells_the_step_and_its_reason(cloud: Any, mlflow: Any) -> None:
    cloud.status = "Failed"
    cloud.step("NotBetter", "Failed")["FailureReason"] = "0.5 is worse than 0.6"
    cloud.process("preprocess-1", executions.uri("preprocess/train"))
    cloud.jobs["preprocess-1"]["ExitMessage"] = "no column 'target'"
    cloud.step("Preprocess", "Failed", ProcessingJob={"Arn": in_memory.arn("processing-job/preprocess-1")})
    outcome()
    told = run_of(mlflow)["tags"]["sluice.failure"]
    assert told == "NotBetter: 0.5 is worse than 0.6; Preprocess: no column 'target'"


def test_a_tuning_job_is_a_run_for_each_of_its_jobs_and_the_best_is_the_runs(cloud: Any, mlflow: Any) -> None:
    tries = {f"tune-{i}": ({"lr": str(i)}, None if i == 4 else i / 10) for i in range(1, 5)}
    cloud.tune("tune", tries, best="tune-3")
    cloud.step("Tune", TuningJob={"Arn": in_memory.arn("hyper-parameter-tuning-job/tune")})
    cloud.steps = [step for step in cloud.steps if step["StepName"] != "Train"]
    outcome()
    assert outcome() == "recorded-already"
    parent = run_of(mlflow)
    assert (parent["params"]["lr"], parent["params"]["max_depth"]) == ("3", "3")
    assert parent["metrics"]["validation:auc"] == 0.3
    children = [r for r in mlflow.runs.values() if r["tags"].get("mlflow.parentRunId") == parent["info"]["run_id"]]
    told = [(r["params"]["lr"], r["metrics"].get("validation:auc"), r["info"]["status"]) for r in children]
    assert told == [("1", 0.1, "FINISHED"), ("2", 0.2, "FINISHED"), ("3", 0.3, "FINISHED"), ("4", None, "FAILED")]


def test_autopilots_candidates_are_runs_of_their_own_and_the_best_is_the_runs(cloud: Any, mlflow: Any) -> None:
    candidates = [
        {"name": "a", "algorithm": "xgboost", "objective": 0.9, "metrics": {"f1": 0.8}, "model": "s3://m/a"},
        {"name": "b", "algorithm": "linear", "objective": 0.7, "metrics": None, "model": None},
    ]
    board = {"execution": "abc123", "job": "job", "objective": "AUC", "candidates": candidates}
    board["manifest"] = executions.MANIFEST
    cloud.objects["titanic/abc123/leaderboard/leaderboard.json"] = json.dumps(board).encode()
    assert outcome(AUTOPILOT) == "recorded"
    run = run_of(mlflow)
    assert list(mlflow.experiments) == ["sluice-dev/titanic"]
    assert run["params"] == {"target": "Survived", "algorithm": "xgboost"}
    assert run["metrics"] == {"AUC": 0.9, "f1": 0.8}
    assert run["tags"]["sluice.model-package"].endswith("sluice-dev-titanic/1")
    assert run["tags"]["sluice.manifest"] == executions.MANIFEST
    assert cloud.objects["mlflow/1/run0/artifacts/begin/manifest.json"] == b'{"objects": []}'
    assert [r["metrics"] for r in mlflow.runs.values()][1:] == [{"AUC": 0.9, "f1": 0.8}, {"AUC": 0.7}]


def test_a_search_that_ended_before_its_leaderboard_is_a_run_without_tries(cloud: Any, mlflow: Any) -> None:
    detail = {**AUTOPILOT["detail"], "status": "ABORTED", "output": None, "error": "Stopped", "cause": "by hand"}
    outcome({**AUTOPILOT, "detail": detail})
    assert (run_of(mlflow)["info"]["status"], len(mlflow.runs)) == ("KILLED", 1)
    assert run_of(mlflow)["tags"]["sluice.failure"] == "Stopped: by hand"


@pytest.mark.parametrize(
    ("path", "content", "told"),
    [
        ("evaluate/evaluation/evaluation.json", b"{", "evaluation.json is not of the shape that is agreed"),
        ("evaluate/evaluation/evaluation.json", b'{"metrics": []}', "evaluation.json is not of the shape"),
        ("evaluate/evaluation/bias.json", b"x" * 5_000_001, "bias.json has 5000001 bytes, more than 5000000"),
        ("train/train-1/output/output.tar.gz", b"no archive", "output.tar.gz is no archive"),
    ],
)
def test_what_cannot_be_kept_is_left_out_and_told(
    cloud: Any, mlflow: Any, path: str, content: bytes, told: str
) -> None:
    cloud.put(path, content)
    assert outcome() == "recorded"
    assert told in run_of(mlflow)["tags"]["sluice.left-out"]


def test_an_archive_and_a_report_that_are_too_large_are_left_out(
    cloud: Any, mlflow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.put("train/train-1/output/output.tar.gz", executions.archive(inside__report_html=b"<p>"))
    monkeypatch.setattr(results, "REPORT_BYTES", 2)
    outcome()
    assert run_of(mlflow)["tags"]["sluice.left-out"] == "inside/report.html has 3 bytes, more than 2"
    monkeypatch.setattr(results, "ARCHIVE_BYTES", 5)
    mlflow.runs.clear()
    outcome()
    assert "more than 5" in run_of(mlflow)["tags"]["sluice.left-out"]


def test_hundreds_of_parameters_and_odd_names_are_taken(cloud: Any, mlflow: Any) -> None:
    cloud.parameters = {f"p{i}": "v" for i in range(250)} | {"long": "x" * 9000}
    cloud.train("train-1", {}, {"a@b=c": 1.0, "../up": 2.0, "nan": float("nan")})
    outcome()
    run = run_of(mlflow)
    assert len(run["params"]) == 251 and len(run["params"]["long"]) == 6000
    assert {"a_b_c", "_up"} <= run["metrics"].keys() and "nan" not in run["metrics"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_trouble_of_mlflow_is_outlasted(cloud: Any, mlflow: Any, status: int) -> None:
    mlflow.failures = [status]
    assert outcome() == "recorded"


def test_a_refusal_of_mlflow_is_raised(cloud: Any, mlflow: Any) -> None:
    mlflow.failures = [403]
    with pytest.raises(MlflowError, match="TEMPORARILY_UNAVAILABLE: as told"):
        outcome()


def test_a_run_of_a_monitor_is_recorded_beside_those_of_the_model_with_what_it_found(cloud: Any, mlflow: Any) -> None:
    quality = {"drifted": True, "share": 0.5, "features": []}
    told = {"kinds": {"data-quality": quality}, "rows": 900, "state": "examined", "causes": ["data-quality: hue"]}
    cloud.put("evaluate/evaluation/metrics.json", json.dumps({**told, "package_version": 7}).encode())
    cloud.put("evaluate/evaluation/report.html", b"<h1>Drift</h1>")
    cloud.put("evaluate/evaluation/labelled.csv", b"1")
    event = {**PIPELINE, "detail": {**PIPELINE["detail"]}}
    event["detail"]["pipelineArn"] += "-monitor"
    assert outcome(event) == "recorded"
    assert list(mlflow.experiments) == ["sluice-dev/digits-monitor"]
    run = run_of(mlflow)
    assert run["tags"]["sluice.workload"] == "digits-monitor"
    assert {"rows": 900, "data-quality/share": 0.5, "data-quality/drifted": 1}.items() <= run["metrics"].items()
    assert run["tags"]["sluice.state"] == "examined" and run["tags"]["sluice.causes"] == "data-quality: hue"
    kept = {key.rpartition("/")[2] for key in cloud.objects if key.startswith("mlflow/")}
    assert {"metrics.json", "report.html"} <= kept and "labelled.csv" not in kept


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], deployed: dict[str, SimpleNamespace], compare: Callable[..., None]
) -> None:
    """In the template, app and bucket have logical names."""
    own = deployed["record"]
    [bucket] = {r.removesuffix(".Arn") for s in own.statements for r in s.resources if "s3:ListBucket" in s.actions}
    known = {"Arn": own.environment["SLUICE_APP_ARN"], "Bucket": bucket}
    calls = [
        (
            dataclasses.replace(call, params={**call.params, **{n: v for n, v in known.items() if n in call.params}}),
            tags,
        )
        for call, tags in recorded
    ]
    compare(calls, own)
