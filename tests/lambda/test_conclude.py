"""The last step of a monitor: what a window showed as metrics and as what is remembered."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from controls import conclude
from controls.windows import WindowError

WORKLOAD, VERSION = "tabular", 7
FOLDER = "tabular/monitor/endpoint/2026-11-23T12-30-00Z"


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch, deployed: dict[str, Any]) -> str:
    for name, value in deployed["conclude"].environment.items():
        monkeypatch.setenv(name, value)
    return deployed["watch"].environment["SLUICE_ARTIFACT_BUCKET"]


def feature(name: str, *, drifted: bool = False, critical: bool = False) -> dict[str, Any]:
    return {"name": name, "drifted": drifted, "critical": critical}


def found(state: str = "examined", *, drifted: bool = False, version: int = VERSION, **kinds: Any) -> dict[str, Any]:
    features = [feature("alcohol", drifted=drifted, critical=True), feature("hue")]
    quality = {"drifted": drifted, "share": 0.5 * drifted, "features": features}
    return {
        "version": 1,
        "workload": WORKLOAD,
        "window": {"start": "2026-11-22T12:30:00Z", "end": "2026-11-23T12:30:00Z"},
        "package_version": version,
        "state": state,
        "rows": 900 if state == "examined" else 3,
        "skipped": {},
        "kinds": {"data-quality": quality, **kinds} if state == "examined" else {},
        "causes": ["data-quality: alcohol shifted"] if drifted else [],
    }


def labelled(*, drifted: bool, enough: bool = True) -> dict[str, Any]:
    told = {"drifted": drifted, "enough": enough, "unlabelled_share": 0.25}
    return {"model-quality": told | ({"value": 0.75} if enough else {})}


def run(cloud: Any, bucket: str, told: Any, *, end: str = "2026-11-23T12:30:00Z") -> str:
    cloud.put(bucket, f"{FOLDER}/metrics.json", told if isinstance(told, bytes) else json.dumps(told).encode())
    event = {"workload": WORKLOAD, "end": end, "now": "2026-11-23T12:40:00Z", "output": f"s3://{bucket}/{FOLDER}"}
    return conclude.handler(event, None)["State"]


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """Those of the last window."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = [line for line in lines if "_aws" in line][-1]
    [directive] = told["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["Platform", "Workload"]]
    assert (told["Platform"], told["Workload"]) == ("sluice-dev", WORKLOAD)
    return {metric["Name"]: told[metric["Name"]] for metric in directive["Metrics"]}


def test_a_window_without_drift_is_told_in_noughts(cloud: Any, bucket: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(cloud, bucket, found(**labelled(drifted=False))) == "examined"
    assert metrics(capsys) == {
        "Rows": 900,
        "DriftShare": 0,
        "Drifted alcohol": 0,
        "Unlabelled": 0.25,
        "Quality": 0.75,
        "DataQualityDrifted": 0,
        "ModelQualityDrifted": 0,
        "AttributionDrifted": 0,
    }


def test_drift_is_told_by_kind_and_by_critical_feature_and_remembered_with_its_cause(
    cloud: Any, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(cloud, bucket, found(drifted=True))
    told = metrics(capsys)
    assert (told["DataQualityDrifted"], told["AttributionDrifted"], told["Drifted alcohol"]) == (1, 0, 1)
    assert cloud.remembered("monitor")[WORKLOAD] | {"expires_at": 0} == {
        "subject": "monitor",
        "at": WORKLOAD,
        "expires_at": 0,
        "window": {"start": "2026-11-22T12:30:00+00:00", "end": "2026-11-23T12:30:00+00:00"},
        "end": "2026-11-23T12:30:00+00:00",
        "state": "examined",
        "causes": ["data-quality: alcohol shifted"],
        "report": f"s3://{bucket}/{FOLDER}/report.html",
        "package_version": VERSION,
        "rows": 900,
        "kinds": {"data-quality": True, "model-quality": False, "attribution": False},
        "noted_at": "2026-11-23T12:40:00+00:00",
    }


@pytest.mark.parametrize("state", ["too-little", "no-traffic"])
def test_a_window_that_cannot_tell_says_nothing_of_drift_but_that_it_was_looked_at(
    cloud: Any, bucket: str, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    run(cloud, bucket, found(drifted=True))
    assert run(cloud, bucket, found(state)) == state
    assert metrics(capsys) == {"Rows": 3}
    assert cloud.remembered("monitor")[WORKLOAD]["kinds"]["data-quality"] is True


def test_where_labels_are_too_few_the_kind_stays_as_the_last_window_with_enough_left_it(
    cloud: Any, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(cloud, bucket, found(**labelled(drifted=True)))
    run(cloud, bucket, found(**labelled(drifted=False, enough=False)))
    assert metrics(capsys)["ModelQualityDrifted"] == 1
    run(cloud, bucket, found(version=VERSION + 1, **labelled(drifted=False, enough=False)))
    assert metrics(capsys)["ModelQualityDrifted"] == 0, "another model is in service, of which nothing is known"


def test_where_nothing_is_served_nothing_drifts(cloud: Any, bucket: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(cloud, bucket, found(drifted=True))
    event = {"workload": WORKLOAD, "end": "2026-11-24T12:30:00Z", "now": "2026-11-24T12:31:00Z", "output": ""}
    assert conclude.handler(event, None) == {"State": "absent"}
    told = metrics(capsys)
    assert told["Rows"] == told["DataQualityDrifted"] == 0


def test_a_window_that_is_concluded_late_is_not_taken_for_the_last(cloud: Any, bucket: str) -> None:
    run(cloud, bucket, found(), end="2026-11-24T12:30:00Z")
    run(cloud, bucket, found(drifted=True))
    assert cloud.remembered("monitor")[WORKLOAD]["kinds"]["data-quality"] is False


@pytest.mark.parametrize("told", [b"no json", b"{}", b'{"state": "fine"}', b"[]"])
def test_a_result_of_another_shape_is_an_error_that_names_it(cloud: Any, bucket: str, told: bytes) -> None:
    with pytest.raises(WindowError, match=f"s3://{bucket}/{FOLDER}/metrics.json is no"):
        run(cloud, bucket, told)


def native(cloud: Any, bucket: str, kind: str, violations: list[dict[str, str]], statistics: bool = True) -> None:
    """What SageMaker Model Monitor writes, and its event."""
    folder = f"tabular/monitor/native/{kind}/sluice-dev-tabular/schedule/2026/11/23/12"
    if statistics and kind == "data-quality":
        cloud.put(bucket, f"{folder}/statistics.json", json.dumps({"dataset": {"item_count": 400}}).encode())
    key = f"{folder}/constraint_violations.json"
    cloud.put(bucket, key, json.dumps({"version": 0, "violations": violations}).encode())
    detail = {"bucket": {"name": bucket}, "object": {"key": key}}
    conclude.handler({"time": "2026-11-23T12:40:00Z", "detail": detail}, None)


def violation(check: str, **names: str) -> dict[str, str]:
    return {"constraint_check_type": check, "description": "as it is told", **names}


def test_violations_of_sagemakers_own_jobs_are_told_by_the_same_metrics(
    cloud: Any, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    native(cloud, bucket, "data-quality", [violation("baseline_drift_check", feature_name=" alcohol")])
    told = metrics(capsys)
    assert (told["DataQualityDrifted"], told["Drifted alcohol"], told["Rows"]) == (1, 1, 400)
    assert cloud.remembered("monitor")[WORKLOAD]["causes"] == ["data-quality: alcohol: as it is told"]
    native(cloud, bucket, "model-quality", [violation("LessThanThreshold", metric_name="accuracy")])
    told = metrics(capsys)
    assert (told["DataQualityDrifted"], told["ModelQualityDrifted"]) == (1, 1), (
        "one kind's jobs know nothing of another's"
    )
    native(cloud, bucket, "data-quality", [])
    told = metrics(capsys)
    assert (told["DataQualityDrifted"], told["ModelQualityDrifted"], told["Drifted alcohol"]) == (0, 1, 0)


# As AWS's pages show them, for each kind of monitor.
@pytest.mark.parametrize(
    ("kind", "found", "named"),
    [
        ("data-quality", violation("missing_column_check", feature_name="Missing columns"), "Missing columns"),
        ("data-quality", violation("completeness_check", feature_name="hue"), "hue"),
        ("bias", violation("bias_drift_check", facet="Age", facet_value="40", metric_name="DPPL"), "Age 40 DPPL"),
        (
            "attribution",
            violation("feature_attribution_drift_check", label="label0", metric_name="shap"),
            "label0 shap",
        ),
        ("model-quality", violation("LessThanThreshold", metric_name="auc"), "auc"),
    ],
)
def test_any_violation_is_drift_of_its_kind_and_named_by_what_it_is_of(
    cloud: Any, bucket: str, kind: str, found: dict[str, str], named: str
) -> None:
    native(cloud, bucket, kind, [found])
    told = cloud.remembered("monitor")[WORKLOAD]
    assert told["causes"] == [f"{kind}: {named}: as it is told"]
    assert told["kinds"].get(kind, True) is True


def test_violations_whose_statistics_are_not_there_yet_are_told_when_it_is_tried_again(
    cloud: Any, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    drift = [violation("baseline_drift_check", feature_name="alcohol")]
    with pytest.raises(ClientError, match="NoSuchKey"):
        native(cloud, bucket, "data-quality", drift, statistics=False)
    assert WORKLOAD not in cloud.remembered("monitor")
    native(cloud, bucket, "data-quality", drift)
    assert metrics(capsys)["Drifted alcohol"] == 1


def test_what_is_no_result_of_a_monitor_is_refused(cloud: Any, bucket: str) -> None:
    for key in ("tabular/e1/train/constraint_violations.json", "tabular/monitor/native/constraint_violations.json"):
        detail = {"bucket": {"name": bucket}, "object": {"key": key}}
        with pytest.raises(WindowError, match="is not where violations lie"):
            conclude.handler({"time": "2026-11-23T12:40:00Z", "detail": detail}, None)


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], deployed: dict[str, Any], compare: Callable[..., None]
) -> None:
    compare(recorded, deployed["conclude"])
