"""What SageMaker's own monitors write, told by the same metrics: one kind at a time, four at once, in any order."""

import importlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controls import conclude
from controls.conclude import ContendedError
from controls.monitors.conclusion import PERIOD
from controls.monitors.windows import WindowError

KINDS = importlib.import_module("tests.lambda.native").KINDS  # `lambda` is a keyword
WORKLOAD, BUCKET = "tabular", "artifacts"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NAMES = ("alcohol", "hue", "ash", "proline", "flavanoids")
Violation = dict[str, str]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, deployed_natively: dict[str, Any]) -> None:
    for name, value in deployed_natively["conclude"].environment.items():
        monkeypatch.setenv(name, value)


def drifted(name: str, check: str = "baseline_drift_check") -> Violation:
    """One in the words of AWS's page."""
    text = "Baseline drift distance: 0.31 exceeds threshold: 0.1"
    return {"feature_name": name, "constraint_check_type": check, "description": text}


def worse(kind: str) -> Violation:
    if kind == "data-quality":
        return drifted("alcohol")
    of = {"facet": "origin", "facet_value": "north"} if kind == "bias" else {}
    return {**of, "metric_name": "accuracy", "constraint_check_type": "a check", "description": "0.8 is below 0.9"}


def written(cloud: Any, kind: str, violations: Any, *, minutes: int = 0, rows: int = 400) -> dict[str, Any]:
    """The event of what a job wrote so many minutes after noon; its files are there."""
    folder = f"{WORKLOAD}/monitor/native/{kind}/sluice-dev-tabular/schedule/{minutes}"
    statistics = {"dataset": {"item_count": rows}, "features": [{"name": name} for name in NAMES]}
    bucket = cloud.artifacts
    cloud.put(bucket, f"{folder}/statistics.json", json.dumps(statistics).encode())
    key = f"{folder}/constraint_violations.json"
    cloud.put(bucket, key, json.dumps({"version": 0, "violations": violations}).encode())
    at = f"{NOON + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"
    return {"time": at, "detail": {"bucket": {"name": bucket}, "object": {"key": key}}}


@pytest.fixture
def cloud(cloud: Any, deployed_natively: dict[str, Any]) -> Any:
    hosted = json.loads(deployed_natively["promote"].environment["SLUICE_WORKLOADS"])
    cloud.artifacts = hosted["sluice-dev-tabular"]["baseline"]["bucket"]
    return cloud


def configure(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    told = json.loads(os.environ["SLUICE_MONITORS"])
    told[WORKLOAD] |= changes
    monkeypatch.setenv("SLUICE_MONITORS", json.dumps(told))


def told(capsys: pytest.CaptureFixture[str]) -> Iterator[tuple[datetime, dict[str, float]]]:
    """When each conclusion's metrics say what."""
    for line in map(json.loads, capsys.readouterr().out.splitlines()):
        if "_aws" in line:
            [directive] = line["_aws"]["CloudWatchMetrics"]
            at = datetime.fromtimestamp(line["_aws"]["Timestamp"] / 1000, UTC)
            yield at, {metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]}


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    return list(told(capsys))[-1][1]


def test_a_violation_is_drift_where_its_feature_is_critical(cloud: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert conclude.handler(written(cloud, "data-quality", [drifted("alcohol ")]), None) == {"State": "examined"}
    assert metrics(capsys) == {
        "Rows": 400,
        "DriftShare": 0.2,
        "Faults": 0,
        "Drifted alcohol": 1,
        "Drifted": 1,
        "DataQualityDrifted": 1,
    }
    cause = "data-quality: alcohol: Baseline drift distance: 0.31 exceeds threshold: 0.1"
    assert cloud.remembered("monitor")[WORKLOAD]["causes"] == [cause]


@pytest.mark.parametrize(
    ("violations", "drift", "share"),
    [
        ([], 0, 0),
        ([drifted("hue"), drifted("hue", "completeness_check")], 0, 0.2),
        ([drifted("hue"), drifted("ash")], 1, 0.4),
        ([drifted("Missing columns", "missing_column_check")], 1, 0),
        ([drifted("Extra columns", "extra_column_check")], 1, 0),
        ([drifted("hue", "missing_column_check")], 1, 0.2),
    ],
)
def test_other_violations_are_drift_where_enough_features_have_one_or_columns_are_not_the_same(
    cloud: Any, capsys: pytest.CaptureFixture[str], violations: list[Violation], drift: int, share: float
) -> None:
    conclude.handler(written(cloud, "data-quality", violations), None)
    found = metrics(capsys)
    assert (found["DataQualityDrifted"], found["DriftShare"], found["Drifted alcohol"]) == (drift, share, 0)
    assert len(cloud.remembered("monitor")[WORKLOAD]["causes"]) == drift


@pytest.mark.parametrize(("rows", "state"), [(0, "no-traffic"), (199, "too-little")])
def test_of_too_few_rows_nothing_is_judged(
    cloud: Any, capsys: pytest.CaptureFixture[str], rows: int, state: str
) -> None:
    conclude.handler(written(cloud, "data-quality", [drifted("alcohol")]), None)
    later = written(cloud, "data-quality", [], minutes=60, rows=rows)
    assert conclude.handler(later, None) == {"State": state}
    assert metrics(capsys) == {"Rows": rows}, "of faults nothing is known either"
    remembered = cloud.remembered("monitor")[WORKLOAD]
    assert (remembered["state"], remembered["rows"]) == (state, rows)
    assert remembered["kinds"]["data-quality"] is True


def test_a_critical_feature_that_the_model_does_not_have_is_a_fault_of_data_quality_alone(
    cloud: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, critical=["alcohol", "hew"])
    conclude.handler(written(cloud, "data-quality", []), None)
    found = metrics(capsys)
    assert found["Faults"] == 1 and "Drifted hew" not in found and found["Drifted alcohol"] == 0
    conclude.handler(written(cloud, "bias", [], minutes=1), None)
    faults = {"data-quality": "the model has no feature hew"}
    assert cloud.remembered("monitor")[WORKLOAD]["faults"] == faults


DAY = 1440  # minutes
SILENT = "its jobs have written nothing since 2026-11-23 12:00 UTC: look at the executions of its schedule"


@pytest.mark.parametrize("begun", [True, False])
def test_a_kind_whose_jobs_write_nothing_any_more_is_a_fault_once_two_of_them_are_missing(
    cloud: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, begun: bool
) -> None:
    """Its schedule died, never lived, or there are no labels and the merge fails: the others' results tell."""
    configure(monkeypatch, delay_hours=0)
    for kind in KINDS if begun else ("data-quality", "bias"):
        conclude.handler(written(cloud, kind, []), None)
    for day in (1, 2):
        conclude.handler(written(cloud, "data-quality", [], minutes=day * DAY), None)
        assert metrics(capsys)["Faults"] == 0
        conclude.handler(written(cloud, "bias", [], minutes=day * DAY + 1), None)
    conclude.handler(written(cloud, "data-quality", [], minutes=3 * DAY), None)
    assert metrics(capsys)["Faults"] == 1
    assert cloud.remembered("monitor")[WORKLOAD]["faults"] == {"model-quality": SILENT}
    conclude.handler(written(cloud, "data-quality", [], minutes=4 * DAY, rows=3), None)
    assert cloud.remembered("monitor")[WORKLOAD]["faults"] == {"model-quality": SILENT}
    conclude.handler(written(cloud, "model-quality", [], minutes=4 * DAY + 1), None)
    assert metrics(capsys)["Faults"] == 0 and cloud.remembered("monitor")[WORKLOAD]["faults"] == {}


def test_a_kind_whose_labels_come_late_is_not_awaited_before_they_can_be_there(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, delay_hours=24)
    for day in range(5):
        conclude.handler(written(cloud, "data-quality", [], minutes=day * DAY), None)
        conclude.handler(written(cloud, "bias", [], minutes=day * DAY + 1), None)
        assert [*cloud.remembered("monitor")[WORKLOAD]["faults"]] == (["model-quality"] if day == 4 else [])


def test_a_kind_that_tells_no_rows_leaves_those_that_are_known(cloud: Any) -> None:
    for kind, minutes in (("bias", 4), ("data-quality", 2), ("model-quality", 3)):
        conclude.handler(written(cloud, kind, [], minutes=minutes), None)
    remembered = cloud.remembered("monitor")[WORKLOAD]
    assert (remembered["rows"], remembered["state"], remembered["end"][14:16]) == (400, "examined", "02")


def test_each_kind_keeps_its_own_drift_cause_and_report(cloud: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for minutes, kind in enumerate(KINDS):
        conclude.handler(written(cloud, kind, [worse(kind)], minutes=minutes), None)
    remembered = cloud.remembered("monitor")[WORKLOAD]
    assert remembered["kinds"] == dict.fromkeys(KINDS, True)
    assert [cause.partition(":")[0] for cause in remembered["causes"]] == [*KINDS]
    conclude.handler(written(cloud, "data-quality", [], minutes=60), None)
    remembered = cloud.remembered("monitor")[WORKLOAD]
    assert remembered["causes"] == [
        "model-quality: accuracy: 0.8 is below 0.9",
        "bias: origin north accuracy: 0.8 is below 0.9",
    ]
    assert "/native/model-quality/" in remembered["report"]
    found = metrics(capsys)
    assert (found["DataQualityDrifted"], found["Drifted"]) == (0, 1)


def test_a_drift_that_is_written_while_another_kind_is_concluded_is_not_lost(
    cloud: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    first, then = written(cloud, "data-quality", [worse("data-quality")]), written(cloud, "bias", [], minutes=1)
    cloud.meanwhile["PutItem"] = lambda: conclude.handler(first, None)
    conclude.handler(then, None)
    assert cloud.remembered("monitor")[WORKLOAD]["kinds"]["data-quality"] is True
    (earlier, _), (at, values) = sorted(told(capsys))
    assert values["Drifted"] == 1 and at - earlier >= PERIOD


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations([(kind, hour) for kind in KINDS for hour in (0, 1)]),
    found=st.fixed_dictionaries({(kind, hour): st.booleans() for kind in KINDS for hour in (0, 1)}),
    late=st.lists(st.integers(0, 4), min_size=6, max_size=6),
    nested=st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_whatever_the_order_and_whoever_writes_in_between_no_kind_loses_what_its_last_window_said(
    cloud: Any,
    capsys: pytest.CaptureFixture[str],
    order: list[tuple[str, int]],
    found: dict[tuple[str, int], bool],
    late: list[int],
    nested: list[bool],
) -> None:
    cloud.ledger.clear()
    capsys.readouterr()
    waiting = [
        written(cloud, kind, [worse(kind)] if found[kind, hour] else [], minutes=60 * hour + minutes)
        for (kind, hour), minutes in zip(order, late, strict=True)
    ]
    between = iter(nested)

    def one() -> None:
        """The next event; between its reading and its writing of the ledger perhaps another one comes and goes."""
        if waiting:
            event = waiting.pop()
            if next(between):
                cloud.meanwhile["PutItem"] = one
            conclude.handler(event, None)

    while waiting:
        one()
    last = {kind: found[kind, 1] for kind in KINDS}
    remembered = cloud.remembered("monitor")[WORKLOAD]
    assert remembered["kinds"] == last
    assert {cause.partition(":")[0] for cause in remembered["causes"]} == {kind for kind in KINDS if last[kind]}
    # As the alarm sees it: the highest of each period, and of the periods the last.
    said = list(told(capsys))
    newest = max(at for at, _ in said)
    assert [values["Drifted"] for at, values in said if newest - at < PERIOD] == [any(last.values())]


def test_what_others_write_each_time_is_given_up_and_comes_again(cloud: Any) -> None:
    event = written(cloud, "data-quality", [])

    def others() -> None:
        item = cloud.ledger.get(("monitor", WORKLOAD), {"subject": "monitor", "at": WORKLOAD, "revision": 0})
        cloud.ledger["monitor", WORKLOAD] = {**REMEMBERED, **item, "revision": item["revision"] + 1}
        cloud.meanwhile["PutItem"] = others

    cloud.meanwhile["PutItem"] = others
    with pytest.raises(ContendedError, match="tabular is written by others each time"):
        conclude.handler(event, None)


REMEMBERED = {
    "window": {"start": "", "end": ""},
    "end": "",
    "state": "examined",
    "package_version": 0,
    "rows": 0,
    "report": "",
    "told_at": NOON.isoformat(),
}


@pytest.mark.parametrize(
    "key",
    [
        "tabular/e1/train/constraint_violations.json",
        "tabular/monitor/native/constraint_violations.json",
        "tabular/monitor/native/data-quality/constraints.json",
        "other/monitor/native/data-quality/a/constraint_violations.json",
    ],
)
def test_what_is_no_result_of_a_monitor_is_refused(cloud: Any, key: str) -> None:
    detail = {"bucket": {"name": cloud.artifacts}, "object": {"key": key}}
    with pytest.raises(WindowError, match="is not where violations lie"):
        conclude.handler({"time": "2026-11-23T12:40:00Z", "detail": detail}, None)


def test_files_of_another_shape_and_kinds_that_are_not_examined_are_refused(cloud: Any) -> None:
    with pytest.raises(WindowError, match="is of attribution, which is not examined of tabular"):
        conclude.handler(written(cloud, "attribution", []), None)
    for violations in (None, [{"feature_name": "hue"}], {"a": 1}):
        with pytest.raises(WindowError, match="is not of the shape that is documented"):
            conclude.handler(written(cloud, "data-quality", violations), None)
    assert cloud.remembered("monitor") == {}


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], deployed_natively: dict[str, Any], compare: Callable[..., None]
) -> None:
    compare(recorded, deployed_natively["conclude"])
