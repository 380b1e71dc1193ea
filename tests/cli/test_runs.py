"""`sluice runs` on the runs that MLflow tells: what differs, what is best, and clear words where there is nothing."""

import io

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli.main import app
from cli.runs import comparison
from config.workload import Metric
from controls.runs.mlflow import Run


def run(number: int, **members: object) -> Run:
    given: dict[str, object] = {
        "id": f"r{number}",
        "status": "FINISHED",
        "started": 1_764_000_000_000,
        "ended": 1_764_000_060_000,
        "artifact_uri": "s3://b/a",
        "params": {"k": "10", "seed": str(number)},
        "metrics": {"purity": number / 10, "loss": 1.0},
        "tags": {"mlflow.runName": f"exec{number}", "sluice.model-package": f"arn:x:model-package/p/{number}"},
    }
    return Run(**{**given, **members})  # type: ignore[arg-type]


def shown(*found: Run, direction: str = "maximize") -> str:
    metric = Metric.model_validate({"name": "purity", "direction": direction})
    console = Console(file=io.StringIO(), width=160)
    console.print(comparison(list(found), metric, "sluice-dev", "digits"))
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_parameters_that_differ_are_shown_and_the_others_are_not() -> None:
    text = shown(run(1), run(2), run(3, params={}))
    assert " seed " in text and " k " not in text


@pytest.mark.parametrize(("direction", "best"), [("maximize", "0.3 *"), ("minimize", "0.1 *")])
def test_the_best_value_of_the_workloads_metric_is_marked(direction: str, best: str) -> None:
    text = shown(run(1), run(3), run(2), direction=direction)
    assert best in text and text.count("*") == 1


def test_version_status_and_time_are_told_and_what_is_missing_is_a_dash() -> None:
    text = shown(run(1), run(2, status="FAILED", metrics={}, tags={}))
    assert "2025-11-24 16:01" in text and "FAILED" in text
    [version] = [line for line in text.splitlines() if "version" in line]
    [purity] = [line for line in text.splitlines() if "purity" in line]
    assert version.split()[1:-1] == ["version", "│", "1", "│", "-"] and purity.split()[-2] == "-"


def test_a_run_without_metrics_or_parameters_is_shown() -> None:
    assert "exec1" in shown(run(1, params={}, metrics={}))


def test_an_unknown_workload_is_named_with_those_that_there_are() -> None:
    done = CliRunner().invoke(app, ["runs", "none"])
    assert done.exit_code == 2 and "no workload none; there are: digits" in done.output


def test_a_platform_without_mlflow_says_why() -> None:
    done = CliRunner().invoke(app, ["runs", "digits", "--config", "config/china.yaml"])
    assert done.exit_code == 2
    assert "cn-north-1 has no AWS::SageMaker::MlflowApp" in " ".join(done.output.split())
