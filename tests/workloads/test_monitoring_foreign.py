"""What batch transform and SageMaker's Model Monitor write is read as their pages describe it."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from monitoring.scripts import batch, native

NOW = datetime(2022, 8, 30, 1, tzinfo=UTC)
FIRST, SECOND = "1f1d57b1-2e6f-488c-8c30-db4e6d757861", "22445434-0c67-45e9-bb4d-bd1bf26561e6"
TIME = "2022-08-30T00:49:15Z"
WATCH = {"workload": "churn", "package_version": 3, "window": {"start": "2022-08-30T00", "end": "2022-08-31T00"}}


def transformed(folder: Path, asked: bytes, answered: bytes | None) -> tuple[list[Any], dict[str, int]]:
    for name, content in (("in/a/0.csv", asked), ("out/a/0.csv.out", answered)):
        (folder / name).parent.mkdir(parents=True)
        if content is not None:
            (folder / name).write_bytes(content)
    skipped = Counter[str]()
    return list(batch.read(folder / "in", folder / "out", ["age", "sex"], skipped, {"a/0.csv": NOW})), dict(skipped)


@pytest.mark.parametrize(
    "answered",
    [
        f"0, {FIRST},{TIME}\n1, {SECOND},{TIME}\n",
        f"22,male,0,{FIRST},{TIME}\n38,female,1,{SECOND},{TIME}\n",
        "".join(
            json.dumps({"output": at, "SageMakerInferenceId": key, "SageMakerInferenceTime": TIME}) + "\n"
            for at, key in enumerate((FIRST, SECOND))
        ),
    ],
    ids=["csv", "csv joined with what was asked", "json lines"],
)
def test_rows_have_the_ids_that_a_transform_job_appends_and_the_time_when_it_was_complete(
    tmp_path: Path, answered: str
) -> None:
    found, skipped = transformed(tmp_path, b"22,male\n38,female\n", answered.encode())
    assert [(key, moment, row) for key, moment, row, _ in found] == [
        (FIRST, NOW, ("22", "male")),
        (SECOND, NOW, ("38", "female")),
    ]
    assert [str(next(iter(answer.values()))) for *_, answer in found] == ["0", "1"] and not skipped


def test_rows_without_ids_are_named_by_their_object_and_place(tmp_path: Path) -> None:
    found, skipped = transformed(tmp_path, b"sex,age\nmale,22\n", b"1,0.75\n")
    # Below a header in another order a line is no header, and its fields are in the model's order.
    assert [(key, moment, row) for key, moment, row, _ in found] == [("a/0.csv/0", NOW, ("male", "22"))]
    assert found[0][3] == {"class": "1", "probability": "0.75"} and not skipped


def test_what_cannot_be_read_keeps_its_place_beside_its_answer(tmp_path: Path) -> None:
    asked = b"1,male\n2\n3,m\xe4le\n\n4,female\n5,female\n"
    found, skipped = transformed(
        tmp_path, asked, b'{"output": 1}\n{"output": 2}\n{"output": 3}\n{"output": 4}\n{half\n'
    )
    assert [(row[0], answer and answer["output"]) for *_, row, answer in found] == [("1", 1), ("4", 4), ("5", None)]
    assert skipped == {"schema": 1, "encoding": 1, "answer": 1}


def test_objects_without_answers_are_counted_and_their_rows_are_there(tmp_path: Path) -> None:
    found, skipped = transformed(tmp_path, b"1,male\n", None)
    assert len(found) == 1 and skipped == {"object without answers": 1}


def test_only_objects_are_read_that_the_window_has_and_those_that_did_not_come_are_counted(tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_text("\n")
    skipped = Counter[str]()
    assert not [*batch.read(tmp_path, tmp_path, ["age"], skipped, {"a/0.csv": NOW})]
    assert skipped == {"object that is not there": 1}


def monitored(folder: Path, kind: str, violations: Any, statistics: Any = None, **settings: Any) -> dict[str, Any]:
    (folder / "constraint_violations.json").write_text(json.dumps({"version": "1.0", "violations": violations}))
    if statistics:
        (folder / "statistics.json").write_text(json.dumps(statistics))
    return native.read(folder, kind, {**WATCH, "settings": settings})


def described(*names: str, rows: int = 1000) -> dict[str, Any]:
    """statistics.json as its page has it, the sketch left out."""
    common = {"num_present": 900, "num_missing": 100}
    told = {"common": common, "mean": 1.0, "sum": 900.0, "std_dev": 1.0, "min": 0.0, "max": 2.0}
    features = [{"name": name, "inferred_type": "Fractional", "numerical_statistics": told} for name in names]
    return {"version": 0, "dataset": {"item_count": rows}, "features": features}


def test_data_quality_is_drift_by_the_same_rules_as_our_own(tmp_path: Path) -> None:
    text = "Baseline drift distance: 0.31 exceeds threshold: 0.1"
    violation = {"feature_name": "age", "constraint_check_type": "baseline_drift_check", "description": text}
    names = ("age", "fare", "class", "deck")
    found = monitored(tmp_path, "data-quality", [violation], described(*names), critical=["age"])
    assert found["state"] == "examined" and found["rows"] == 1000
    assert found["causes"] == [f"data-quality: age: {text}"]
    kind = found["kinds"]["data-quality"]
    assert kind["drifted"] and kind["share"] == 0.25
    assert [(one["name"], one["drifted"], one["missing"]) for one in kind["features"][:2]] == [
        ("age", True, 0.1),
        ("fare", False, 0.1),
    ]
    assert monitored(tmp_path, "data-quality", [violation], described(*names))["causes"] == []
    assert monitored(tmp_path, "data-quality", [violation], described(*names), drift_share=0.25)["causes"]
    gone = {**violation, "feature_name": "Missing columns", "constraint_check_type": "missing_column_check"}
    assert monitored(tmp_path, "data-quality", [gone], described(*names))["kinds"]["data-quality"]["drifted"]


def test_documented_violations_of_bias_and_attribution_are_drift(tmp_path: Path) -> None:
    bias = {
        "facet": "Age",
        "facet_value": "40",
        "metric_name": "DPPL",
        "constraint_check_type": "bias_drift_check",
        "description": "Value -0.0791244970125596 does not meet the constraint requirement",
    }
    ranks = {
        "label": "label0",
        "metric_name": "shap",
        "constraint_check_type": "feature_attribution_drift_check",
        "description": "Feature attribution drift 0.7639720923277322 exceeds threshold 0.9",
    }
    quality = {
        "metric_name": "auc",
        "constraint_check_type": "LessThanThreshold",
        "description": "auc 0.7 is below 0.8",
    }
    told = [bias, ranks, quality]
    assert monitored(tmp_path, "bias", told)["causes"] == [f"bias: Age 40 DPPL: {bias['description']}"]
    assert monitored(tmp_path, "attribution", told)["causes"] == [f"attribution: label0 shap: {ranks['description']}"]
    assert monitored(tmp_path, "model-quality", told)["causes"] == ["model-quality: auc: auc 0.7 is below 0.8"]
    assert monitored(tmp_path, "bias", [])["kinds"]["bias"] == {"drifted": False, "violations": 0}


def test_files_that_are_absent_or_damaged_are_counted(tmp_path: Path) -> None:
    found = native.read(tmp_path, "data-quality", WATCH)
    assert (found["state"], found["kinds"]) == ("no-traffic", {})
    assert found["skipped"] == {"no constraint_violations.json": 1, "no statistics.json": 1}
    (tmp_path / "constraint_violations.json").write_text("{half")
    assert native.read(tmp_path, "bias", WATCH)["skipped"] == {"constraint_violations.json is no JSON": 1}
    assert monitored(tmp_path, "data-quality", [], described("age", rows=50))["state"] == "too-little"
