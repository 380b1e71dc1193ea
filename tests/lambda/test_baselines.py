"""Once a version serves, SageMaker's own monitors find its baseline where their definitions look."""

import importlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from controls import promote
from controls.monitors.baselines import BaselineError
from controls.promote import PromotionError

native = importlib.import_module("tests.lambda.native")  # `lambda` is a keyword
NAME, TARGET = native.NAME, native.TARGET
SETTLED = {"detail": {"EndpointName": NAME, "EndpointStatus": "IN_SERVICE"}}
PLACE = "tabular/monitor/baseline"


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch, deployed_natively: dict[str, Any]) -> str:
    variables = deployed_natively["promote"].environment
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return json.loads(variables["SLUICE_WORKLOADS"])[NAME]["baseline"]["bucket"]


def reports(version: int) -> dict[tuple[str, str], tuple[str, Any]]:
    """By what a package calls them, the files that a run of the tabular workload leaves."""
    columns = ["alcohol", TARGET, "origin"]
    features = [{"name": name, "inferred_type": "Fractional"} for name in columns]
    north = {"value": "north", "rows": 20, "DPL": 0.1, "DPPL": 0.2, "DI": None, "AD": -0.1 * version}
    only = {"value": None, "rows": 3, "DPL": 0.3, "DPPL": 0.3, "DI": 1.0, "AD": 0.0}
    measured = {"log_loss": {"value": 0.3}, "accuracy": {"value": 0.9 - version / 100}}
    return {
        ("ModelDataQuality", "Statistics"): (
            "preprocess/baseline/statistics.json",
            {"version": 0, "dataset": {"item_count": version}, "features": features},
        ),
        ("ModelDataQuality", "Constraints"): (
            "preprocess/baseline/constraints.json",
            {"version": 0, "features": features},
        ),
        ("ModelQuality", "Statistics"): ("evaluate/evaluation/evaluation.json", {"metrics": measured}),
        ("Bias", "PostTrainingConstraints"): (
            "evaluate/evaluation/bias.json",
            {"segment": "origin", "positive": "A", "values": [north, only]},
        ),
    }


def approve(cloud: Any, bucket: str, version: int, **changed: Any) -> None:
    """A version that a run has registered; `changed` has, by the name of a file, what it says instead."""
    package, brought = cloud.package(version, group=NAME), dict[str, Any]()
    for (part, member), (place, content) in reports(version).items():
        key = f"tabular/e{version}/{place}"
        told = changed.get(place.rpartition("/")[2].removesuffix(".json"), content)
        cloud.put(bucket, key, json.dumps(told).encode())
        brought.setdefault(part, {})[member] = {"S3Uri": f"s3://{bucket}/{key}"}
    cloud.packages[package]["DriftCheckBaselines"] = brought


def handle(cloud: Any) -> str:
    """What is done about the cloud's last event."""
    return promote.handler(cloud.events[-1], None)["outcome"]


def serve(cloud: Any, bucket: str, version: int, **changed: Any) -> str:
    approve(cloud, bucket, version, **changed)
    handle(cloud)
    cloud.settle(NAME)
    return handle(cloud)


def compared(cloud: Any, bucket: str) -> dict[str, Any]:
    """By name, what the monitors compare with."""
    keys = [key for place, key in cloud.objects if place == bucket and key.startswith(f"{PLACE}/")]
    return {key.removeprefix(f"{PLACE}/"): json.loads(cloud.body(bucket, key)) for key in keys}


def test_a_version_brings_its_baseline_when_it_serves_and_not_before(cloud: Any, bucket: str) -> None:
    approve(cloud, bucket, 1)
    assert handle(cloud) == "created"
    assert compared(cloud, bucket) == {}
    cloud.settle(NAME)
    assert handle(cloud) == "serving"
    assert compared(cloud, bucket)["statistics.json"]["dataset"] == {"item_count": 1}
    assert serve(cloud, bucket, 2) == "serving"
    assert compared(cloud, bucket)["statistics.json"]["dataset"] == {"item_count": 2}


def test_each_kind_finds_what_its_job_reads(cloud: Any, bucket: str) -> None:
    serve(cloud, bucket, 1)
    found = compared(cloud, bucket)
    assert {*found} == {
        *("statistics.json", "data-quality.json", "model-quality.json", "bias.json", "analysis_config.json")
    }
    for name in ("statistics.json", "data-quality.json"):
        assert [each["name"] for each in found[name]["features"]] == ["alcohol", "origin"], "no request has the target"
    assert found["model-quality.json"] == {
        "version": 0.0,
        "multiclass_classification_constraints": {
            "accuracy": {"threshold": pytest.approx(0.87), "comparison_operator": "LessThanThreshold"}
        },
    }
    assert found["analysis_config.json"] == {
        "version": "1.0",
        "headers": ["alcohol", "origin", TARGET],
        "label": TARGET,
        "label_values_or_threshold": ["A"],
        "facet": [{"name_or_index": "origin"}],
    }
    of = {"label": TARGET, "label_value_or_threshold": "A"}
    before, after = [{"name": "DPL", "value": 0.1}], [{"name": "DPPL", "value": 0.2}, {"name": "AD", "value": -0.1}]
    assert found["bias.json"] == {
        "version": "1.0",
        "pre_training_bias_metrics": {**of, "facets": {"origin": [{"value_or_threshold": "north", "metrics": before}]}},
        "post_training_bias_metrics": {**of, "facets": {"origin": [{"value_or_threshold": "north", "metrics": after}]}},
    }


def test_of_numbers_the_error_may_grow_a_little(cloud: Any, bucket: str) -> None:
    serve(cloud, bucket, 1, evaluation={"metrics": {"rmse": {"value": 2.0}, "r2": {"value": 0.8}}})
    constraint = {"rmse": {"threshold": 2.1, "comparison_operator": "GreaterThanThreshold"}}
    assert compared(cloud, bucket)["model-quality.json"] == {"version": 0.0, "regression_constraints": constraint}


def test_an_update_that_is_rolled_back_leaves_the_baseline_of_what_serves(cloud: Any, bucket: str) -> None:
    serve(cloud, bucket, 1)
    approve(cloud, bucket, 2)
    assert handle(cloud) == "updated"
    cloud.settle(NAME, failure="an alarm went off")
    with pytest.raises(PromotionError, match="rolled back"):
        handle(cloud)
    assert compared(cloud, bucket)["statistics.json"]["dataset"] == {"item_count": 1}


def test_a_version_that_lacks_something_is_told_of_and_changes_nothing(cloud: Any, bucket: str) -> None:
    serve(cloud, bucket, 1)
    approve(cloud, bucket, 2)
    [package] = [each for each in cloud.packages.values() if each["ModelPackageVersion"] == 2]
    del package["DriftCheckBaselines"]["Bias"]
    handle(cloud)
    cloud.settle(NAME)
    with pytest.raises(BaselineError, match="/2 has no PostTrainingConstraints of Bias: train and approve a new"):
        handle(cloud)
    assert compared(cloud, bucket)["statistics.json"]["dataset"] == {"item_count": 1}


@pytest.mark.parametrize(
    "changed",
    [
        {"evaluation": {"metrics": {"f1": {"value": 0.5}}}},
        {"evaluation": {"metrics": {"accuracy": {"value": None}}}},
        {"evaluation": {}},
        {"bias": {"segment": "origin", "positive": None, "values": []}},
        {"statistics": []},
    ],
)
def test_a_report_of_another_shape_is_told_of(cloud: Any, bucket: str, changed: dict[str, Any]) -> None:
    with pytest.raises(BaselineError, match=r"a report of .*/1 is not of the shape that is agreed"):
        serve(cloud, bucket, 1, **changed)
    assert compared(cloud, bucket) == {}


def test_where_our_own_engine_examines_nothing_is_copied(
    cloud: Any, bucket: str, monkeypatch: pytest.MonkeyPatch, deployed_natively: dict[str, Any]
) -> None:
    hosted = json.loads(deployed_natively["promote"].environment["SLUICE_WORKLOADS"])
    del hosted[NAME]["baseline"]
    monkeypatch.setenv("SLUICE_WORKLOADS", json.dumps(hosted))
    assert serve(cloud, bucket, 1) == "serving"
    assert compared(cloud, bucket) == {}


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], deployed_natively: dict[str, Any], compare: Callable[..., None]
) -> None:
    compare(recorded, deployed_natively["promote"])
