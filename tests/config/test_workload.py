"""What contradicts itself in a workload.yaml is refused, with what is allowed instead."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from config.load import ROOT, load_workload
from config.workload import Workload

PROCESS = {"instance_type": "ml.m5.large", "volume_gb": 10, "max_run_seconds": 60}
TRAIN = {**PROCESS, "instance_count": 1, "max_wait_seconds": 60}
RATE = {"type": "continuous", "min": 0.01, "max": 0.5}
KIND = {"type": "categorical", "values": ["a", "b"]}
TUNING: dict[str, Any] = {"max_jobs": 4, "parallel_jobs": 2, "ranges": {"rate": RATE}}
METRIC = {"name": "loss", "direction": "minimize", "pattern": "loss=([0-9.]+)"}
SCRIPT: dict[str, Any] = {
    "description": "A table",
    "data": {"path": "table.csv", "target": "y"},
    "algorithm": {"name": "script"},
    "metric": METRIC,
    "process": PROCESS,
    "train": TRAIN,
    "serve": {"instance_type": "ml.m5.large", "instance_count": 1},
}
AUTOPILOT = {"name": "autopilot", "candidates": 3, "search_seconds": 60, "candidate_seconds": 60}
KMEANS = {"name": "kmeans", "k": 3, "feature_dim": 2}
AUC, PURITY = ({"name": name, "direction": "maximize"} for name in ("auc", "purity"))


def problems(**changes: Any) -> list[str]:
    """Place and message of each problem of the script workload with `changes`, a member that is None left out."""
    raw = {name: value for name, value in {**SCRIPT, **changes}.items() if value is not None}
    try:
        Workload.model_validate(raw)
    except ValidationError as error:
        return [f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors()]
    return []


def tuned(**changes: Any) -> list[str]:
    return problems(tuning={**TUNING, **changes})


def clustered(**changes: Any) -> list[str]:
    return problems(**{"algorithm": KMEANS, "data": {"path": "x.csv"}, "metric": PURITY, **changes})


def ranged(**changes: Any) -> list[str]:
    return tuned(ranges={"rate": {**RATE, **changes}})


@pytest.mark.parametrize("name", ["digits", "tabular", "automl"])
def test_the_workloads_that_ship_are_valid(name: str) -> None:
    assert load_workload(ROOT / "workloads" / name / "workload.yaml").description


def test_what_the_tests_below_change_is_valid() -> None:
    assert problems() == tuned() == ranged() == []
    assert tuned(strategy="Grid", ranges={"kind": KIND, "more": KIND}) == []
    assert tuned(strategy="Hyperband", early_stopping=False) == []
    searched = {"metric": {"name": "auc", "direction": "maximize"}, "run": {"parallel_steps": 2, "retries": 0}}
    assert problems(algorithm=AUTOPILOT, train=None, **searched) == clustered() == []
    assert problems(schedule={"expression": "rate(12 hours)", "time_zone": "Asia/Tokyo"}) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"min": 0.5, "max": 0.01}, "min: must be below max (0.01); exchange the two"),
        ({"min": 0.5}, "min: must be below max (0.5)"),
        ({"type": "integer"}, "min: must be a whole number where type is integer"),
        ({"type": "integer", "min": 1, "max": float("inf")}, "max: must be a finite number"),
        ({"max": float("nan")}, "max: must be a finite number"),
        ({"min": 0, "scale": "Logarithmic"}, "min: must be above 0 where scale is Logarithmic"),
        ({"max": 1, "scale": "ReverseLogarithmic"}, "min: must, like max, be from 0 to below 1"),
        ({"scale": "Square"}, "scale: must be 'Auto', 'Linear', 'Logarithmic' or 'ReverseLogarithmic'"),
        ({"type": ["integer"]}, "rate: must have 'integer', 'continuous' or 'categorical' as type"),
    ],
)
def test_a_range_that_no_search_could_walk_is_refused(changes: dict[str, Any], expected: str) -> None:
    found = ranged(**changes)
    assert any(expected in line for line in found), found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"parallel_jobs": 5}, "tuning.parallel_jobs: must be at most max_jobs (4)"),
        ({"strategy": "Grid"}, "tuning.strategy: must be another one: Grid takes categorical ranges only"),
        ({"strategy": "Grid", "ranges": {"kind": KIND}}, "tuning.max_jobs: must be 2 where strategy is Grid"),
        ({"ranges": {"kind": {**KIND, "values": ["a", "b", "a"]}}}, "values.2: is given twice"),
        ({"strategy": "Hyperband"}, "tuning.early_stopping: must be false where strategy is Hyperband"),
        ({"ranges": {}}, "tuning.ranges: must have at least 1 item, not 0"),
        ({"ranges": {"kind": {**KIND, "values": []}}}, "values: must have at least 1 item"),
        ({"jobs_without_improvement": 2}, "jobs_without_improvement: must be greater than or equal to 3"),
    ],
)
def test_a_search_that_the_service_would_refuse_is_refused(changes: dict[str, Any], expected: str) -> None:
    found = tuned(**changes)
    assert any(expected in line for line in found), found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"train": None}, "train: is required"),
        ({"data": {"path": "table.csv"}}, "data.target: is required"),
        ({"data": {"path": "table.csv"}, "algorithm": AUTOPILOT, "train": None}, "data.target: is required"),
        ({"algorithm": AUTOPILOT}, "train: must be left out where the algorithm is autopilot: it trains by itself"),
        ({"algorithm": KMEANS, "tuning": TUNING}, "tuning: must be left out where the algorithm is kmeans"),
        *(
            (
                {"algorithm": AUTOPILOT, "train": None, **change},
                f"{field}: must be left out where the algorithm is autopilot",
            )
            for field, change in {
                "data.segment": {"data": {"path": "table.csv", "target": "y", "segment": "x"}},
                "metric.pattern": {},
                "process.engine": {"process": {**PROCESS, "engine": "spark", "instance_count": 2}},
                "run.cache_days": {"run": {"cache_days": 1}},
                "run.parallel_steps": {"run": {"parallel_steps": 3}},
            }.items()
        ),
        (
            {"algorithm": KMEANS, "watch": {"overfitting": "log"}},
            "watch: must be left out where the algorithm is kmeans",
        ),
        ({"tuning": TUNING, "debugger": ["Overfit"]}, "debugger: must be left out where there is tuning"),
        ({"tuning": TUNING, "metric": {"name": "loss", "direction": "minimize"}}, "metric.pattern: is required"),
        (
            {"metric": {"name": "loss", "direction": "minimize", "pattern": "loss=("}},
            "metric.pattern: must be a regular expression",
        ),
        (
            {"metric": {"name": "loss", "direction": "minimize", "pattern": "loss=.*"}},
            "metric.pattern: must have one group, which finds the number, not 0",
        ),
        ({"process": {**PROCESS, "instance_count": 2}}, "process.instance_count: must be 1 unless engine is spark"),
        ({"train": {**TRAIN, "instance_count": 2}}, "train.instance_count: must be 1 unless distributed is true"),
        ({"schedule": {"expression": "at(2026-01-01T00:00:00)"}}, "schedule.expression: must be a rate or a cron"),
        ({"tags": {"aws:x": "y"}}, "must not begin with aws: or sluice:"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(changes: dict[str, Any], expected: str) -> None:
    found = problems(**changes)
    assert any(expected in line for line in found), found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"algorithm": {"name": "script", "hyperparameters": {"target": 1}}}, "target: must have another name"),
        ({"algorithm": {"name": "script", "hyperparameters": {"sagemaker_program": "x"}}}, "must have another name"),
        ({"algorithm": {"name": "script", "hyperparameters": {"rate": float("nan")}}}, "rate"),
        ({"tuning": {**TUNING, "ranges": {"_rate": RATE}}}, "ranges._rate: must have another name"),
        ({"metric": {**METRIC, "worst": float("inf")}}, "metric.worst: must be a finite number"),
        ({"schedule": {"expression": "cron(0 3 * * *)"}}, "must have six fields"),
        ({"schedule": {"expression": "cron(0 3 * * MON *)"}}, "must have ? as day of month or as day of week"),
        ({"schedule": {"expression": "cron(0 24 ? * MON *)"}}, "has 24 as hours, where cron takes 0 to 23, *"),
        ({"schedule": {"expression": "rate(5 weeks)"}}, "must be a number and a unit"),
        (
            {"schedule": {"expression": "cron(foo 2 ? * * *)"}},
            "expression: has foo as minutes, where cron takes 0 to 59",
        ),
        (
            {"schedule": {"expression": "cron(0 0/0 ? * * *)"}},
            "expression: has 0/0 as hours, where cron takes 0 to 23, *",
        ),
        ({"schedule": {"expression": "cron(0 1- ? * * *)"}}, "expression: has 1- as hours"),
        ({"schedule": {"expression": "cron(0 1/ ? * * *)"}}, "expression: has 1/ as hours"),
        ({"schedule": {"expression": "cron(0 2 0 * ? *)"}}, "expression: has 0 as day-of-month"),
        ({"schedule": {"expression": "cron(0 2 32W * ? *)"}}, "expression: has 32W as day-of-month"),
        (
            {"schedule": {"expression": "cron(0 2 1 JAN-FOO ? *)"}},
            "has JAN-FOO as month, where cron takes 1 to 12 or JAN",
        ),
        (
            {"schedule": {"expression": "cron(0 2 ? * XYZ *)"}},
            "has XYZ as day-of-week, where cron takes 1 to 7 or SUN to",
        ),
        ({"schedule": {"expression": "cron(0 2 ? * MON#6 *)"}}, "expression: has MON#6 as day-of-week"),
        ({"schedule": {"expression": "cron(0 2 ? * MON 26)"}}, "expression: has 26 as year"),
        ({"schedule": {"expression": "rate(1 day)", "time_zone": "Europe/Bern"}}, "must be a time zone of the IANA"),
        ({"tags": {f"tag-{number}": "x" for number in range(41)}}, "tags: must have at most 40 items"),
        ({"debugger": ["Overfitting"]}, "debugger.0: must be one of AllZero"),
        ({"data": {"path": "table.csv", "target": "y", "segment": "y"}}, "must be another column than target"),
    ],
)
def test_what_nobody_would_take_is_refused(changes: dict[str, Any], expected: str) -> None:
    found = problems(**changes)
    assert any(expected in line for line in found), found


@pytest.mark.parametrize(("part", "value"), [("format", "parquet"), ("target", "y"), ("segment", "sex")])
def test_kmeans_refuses_what_it_would_not_look_at(part: str, value: str) -> None:
    [line] = clustered(data={"path": "x.csv", part: value})
    assert line.startswith(f"data.{part}: must be left out where the algorithm is kmeans")


@pytest.mark.parametrize(
    ("algorithm", "metric", "expected"),
    [
        (KMEANS, AUC, "metric.name: must be one of purity: the evaluation has no other"),
        (KMEANS, {**PURITY, "direction": "minimize"}, "metric.direction: must be maximize where the metric is purity"),
        (AUTOPILOT, PURITY, "metric.name: must be one of accuracy, balanced_accuracy, f1, auc, rmse, mae, r2"),
        ({**AUTOPILOT, "problem": "Regression"}, AUC, "metric.name: must be one of rmse, mae, r2"),
        ({**AUTOPILOT, "problem": "MulticlassClassification"}, AUC, "must be one of accuracy, balanced_accuracy, f1:"),
        (SCRIPT["algorithm"], {**METRIC, "direction": "maximize"}, "metric.direction: must be minimize"),
        (SCRIPT["algorithm"], {**METRIC, "name": "test:auc"}, "metric.pattern: must find auc, as the metric is called"),
    ],
)
def test_a_metric_that_the_algorithm_does_not_give_or_the_wrong_way_round_is_refused(
    algorithm: dict[str, Any], metric: dict[str, Any], expected: str
) -> None:
    found = problems(algorithm=algorithm, metric=metric)
    assert any(expected in line for line in found), found


def test_a_script_may_measure_what_it_likes() -> None:
    assert problems(metric={"name": "profit", "direction": "maximize", "pattern": "made ([0-9.]+)"}) == []
    assert problems(metric={**METRIC, "name": "validation:loss", "pattern": "x validation:loss=([0-9]+)"}) == []


def test_a_contradiction_hides_no_other_mistake_of_its_section() -> None:
    found = problems(process={**PROCESS, "instance_count": 2, "machines": 2})
    assert any(line.startswith("process.machines: is under an unknown key") for line in found)
    assert any(line.startswith("process.instance_count: must be 1") for line in found)


def test_a_script_trains_on_several_instances_where_it_says_that_it_shares_its_work() -> None:
    assert problems(train={**TRAIN, "instance_count": 2, "distributed": True}) == []
    assert clustered(train={**TRAIN, "instance_count": 2}) == []


def test_spark_shares_its_work_between_instances() -> None:
    assert problems(process={**PROCESS, "instance_count": 4, "engine": "spark"}) == []


def test_an_exception_has_a_rule_of_the_compiler_a_step_a_reason_and_a_day() -> None:
    waiver = {"rule": "spot", "step": "Train", "reason": "no capacity", "until": date(2999, 12, 31)}
    assert problems(exceptions=[waiver]) == []
    [line] = problems(exceptions=[{**waiver, "rule": "price"}])
    assert line.startswith("exceptions.0.rule: must be 'spot', 'checkpoint'")
