"""The last step of a monitor: what a window showed as metrics and as what is remembered."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from controls import conclude
from controls.monitors.windows import WindowError

WORKLOAD, VERSION = "tabular", 7
FOLDER = "tabular/monitor/endpoint/2026-11-23T12-15-00Z"
CANNOT = "the model cannot be asked: no code/inference.py"


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch, deployed: dict[str, Any]) -> str:
    for name, value in deployed["conclude"].environment.items():
        monkeypatch.setenv(name, value)
    return deployed["watch"].environment["SLUICE_ARTIFACT_BUCKET"]


def feature(name: str, *, drifted: bool = False, critical: bool = False) -> dict[str, Any]:
    return {"name": name, "drifted": drifted, "critical": critical}


def found(
    state: str = "examined",
    *,
    drifted: bool = False,
    version: int = VERSION,
    day: int = 23,
    faults: dict[str, str] | None = None,
    **kinds: Any,
) -> dict[str, Any]:
    features = [feature("alcohol", drifted=drifted, critical=True), feature("hue")]
    quality = {"drifted": drifted, "share": 0.5 * drifted, "features": features}
    return {
        "version": 1,
        "workload": WORKLOAD,
        "window": {"start": f"2026-11-{day - 1}T12:15:00Z", "end": f"2026-11-{day}T12:15:00Z"},
        "package_version": version,
        **({"faults": faults or {}} if state == "examined" else {}),
        "state": state,
        "rows": 900 if state == "examined" else 3,
        "skipped": {},
        "kinds": {"data-quality": quality, **kinds} if state == "examined" else {},
        "causes": ["data-quality: alcohol shifted"] if drifted else [],
    }


def labelled(*, drifted: bool, enough: bool = True) -> dict[str, Any]:
    told = {"drifted": drifted, "enough": enough, "unlabelled_share": 0.25}
    return {"model-quality": told | ({"value": 0.75} if enough else {})}


def run(cloud: Any, bucket: str, told: Any) -> str:
    cloud.put(bucket, f"{FOLDER}/metrics.json", told if isinstance(told, bytes) else json.dumps(told).encode())
    event = {"workload": WORKLOAD, "end": "2026-11-23T12:15:00Z", "now": "2026-11-23T12:40:00Z"}
    return conclude.handler({**event, "served": "true", "output": f"s3://{bucket}/{FOLDER}"}, None)["State"]


def unseen(served: str) -> str:
    event = {"workload": WORKLOAD, "end": "2026-11-24T12:15:00Z", "now": "2026-11-24T12:31:00Z"}
    return conclude.handler({**event, "served": served, "output": ""}, None)["State"]


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
        "Faults": 0,
        "DriftShare": 0,
        "Drifted alcohol": 0,
        "Unlabelled": 0.25,
        "Quality": 0.75,
        "Drifted": 0,
        "DataQualityDrifted": 0,
        "ModelQualityDrifted": 0,
    }


def test_drift_is_told_by_kind_and_by_critical_feature_and_remembered_with_its_cause(
    cloud: Any, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(cloud, bucket, found(drifted=True))
    told = metrics(capsys)
    assert (told["Drifted"], told["DataQualityDrifted"], told["Drifted alcohol"]) == (1, 1, 1)
    assert cloud.remembered("monitor")[WORKLOAD] | {"expires_at": 0} == {
        "subject": "monitor",
        "at": WORKLOAD,
        "expires_at": 0,
        "window": {"start": "2026-11-22T12:15:00+00:00", "end": "2026-11-23T12:15:00+00:00"},
        "end": "2026-11-23T12:15:00+00:00",
        "state": "examined",
        "causes": ["data-quality: alcohol shifted"],
        "faults": {},
        "report": f"s3://{bucket}/{FOLDER}/report.html",
        "package_version": VERSION,
        "rows": 900,
        "kinds": {"data-quality": True, "model-quality": False, "attribution": False},
        "found": {
            "data-quality": {
                "drifted": True,
                "end": "2026-11-23T12:15:00+00:00",
                "causes": ["data-quality: alcohol shifted"],
                "report": f"s3://{bucket}/{FOLDER}/report.html",
            },
        },
        "awaited": {},
        "told_at": "2026-11-23T12:40:00+00:00",
        "revision": 1,
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


def test_where_labels_are_too_few_the_drift_lasts_until_a_window_with_enough(
    cloud: Any, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(cloud, bucket, found(**labelled(drifted=True)))
    run(cloud, bucket, found(**labelled(drifted=False, enough=False)))
    told = metrics(capsys)
    assert told["Drifted"] == 1 and "ModelQualityDrifted" not in told
    run(cloud, bucket, found(**labelled(drifted=False)))
    assert metrics(capsys)["Drifted"] == 0


@pytest.mark.parametrize("state", ["examined", "too-little", "no-traffic"])
def test_the_drift_of_one_model_is_not_that_of_the_next_of_which_nothing_is_known_yet(
    cloud: Any, bucket: str, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    run(cloud, bucket, found(drifted=True, faults={"attribution": CANNOT}, **labelled(drifted=True)))
    run(cloud, bucket, found(state, version=VERSION + 1))
    told = metrics(capsys)
    assert (told["Drifted"], told["DataQualityDrifted"], told["ModelQualityDrifted"], told["Faults"]) == (0, 0, 0, 0)
    remembered = cloud.remembered("monitor")[WORKLOAD]
    assert (remembered["package_version"], remembered["faults"]) == (VERSION + 1, {})
    assert not any(remembered["kinds"].values())
    run(cloud, bucket, found("no-traffic", version=VERSION + 1))
    assert metrics(capsys) == {"Rows": 3}


def test_the_cause_of_a_kind_is_kept_while_it_holds_and_goes_when_it_does_not(cloud: Any, bucket: str) -> None:
    told = found(**labelled(drifted=True))
    told["causes"] = ["model-quality: log_loss is worse"]
    run(cloud, bucket, told)
    run(cloud, bucket, found(drifted=True, **labelled(drifted=False, enough=False)))
    both = ["data-quality: alcohol shifted", "model-quality: log_loss is worse"]
    assert cloud.remembered("monitor")[WORKLOAD]["causes"] == both
    run(cloud, bucket, found(**labelled(drifted=False)))
    assert cloud.remembered("monitor")[WORKLOAD]["causes"] == []


def test_of_the_first_window_ever_nothing_is_told_that_it_does_not_show(
    cloud: Any, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(cloud, bucket, found("no-traffic"))
    assert metrics(capsys) == {"Rows": 3}


def test_a_kind_that_could_not_be_examined_has_no_metric_and_is_remembered_with_the_reason(
    cloud: Any, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = {"model-quality": CANNOT, "attribution": CANNOT}
    run(cloud, bucket, found(faults=faults))
    told = metrics(capsys)
    assert told["Faults"] == 2 and told["Drifted"] == told["DataQualityDrifted"] == 0
    assert "ModelQualityDrifted" not in told and "AttributionDrifted" not in told
    run(cloud, bucket, found("too-little"))
    assert metrics(capsys) == {"Rows": 3}
    assert cloud.remembered("monitor")[WORKLOAD]["faults"] == faults, "it says nothing of them"
    run(cloud, bucket, found(version=VERSION + 1, faults=faults))
    assert "ModelQualityDrifted" not in metrics(capsys), "nor is the next model's quality known to be well"
    run(cloud, bucket, found(version=VERSION + 1))
    assert metrics(capsys)["Faults"] == 0 and cloud.remembered("monitor")[WORKLOAD]["faults"] == {}


def test_a_kind_that_drifted_and_cannot_be_examined_any_more_holds_the_alarm(
    cloud: Any, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(cloud, bucket, found(**labelled(drifted=True)))
    run(cloud, bucket, found(faults={"model-quality": CANNOT}, **labelled(drifted=False, enough=False)))
    told = metrics(capsys)
    assert (told["Drifted"], told["Faults"]) == (1, 1) and "ModelQualityDrifted" not in told


def test_a_critical_feature_that_the_model_does_not_have_counts_as_not_examined(
    cloud: Any, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = found(faults={"data-quality": "the model has no feature alcohol", "attribution": CANNOT})
    told["kinds"]["data-quality"]["features"] = [feature("hue")]
    run(cloud, bucket, told)
    shown = metrics(capsys)
    assert shown["Faults"] == 2 and "Drifted alcohol" not in shown
    assert shown["DataQualityDrifted"] == 0, "the others were examined"


def test_where_nothing_is_served_nothing_drifts(cloud: Any, bucket: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(cloud, bucket, found(drifted=True))
    assert unseen("false") == "absent"
    told = metrics(capsys)
    assert told["Rows"] == told["Faults"] == told["Drifted"] == told["DataQualityDrifted"] == 0


def test_an_endpoint_that_captures_nothing_is_no_sound_one_and_its_monitor_not_silent(
    cloud: Any, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert unseen("uncaptured") == "uncaptured"
    assert metrics(capsys) == {"Rows": 0, "Faults": 3}
    remembered = cloud.remembered("monitor")[WORKLOAD]
    assert remembered["state"] == "uncaptured" and "once a version is approved" in remembered["faults"]["endpoint"]
    run(cloud, bucket, found("too-little", day=25))
    assert metrics(capsys)["Faults"] == 0


@pytest.mark.parametrize("state", ["too-little", "no-traffic"])
def test_that_nothing_was_captured_is_over_with_the_first_window_that_was_be_it_of_the_same_version(
    cloud: Any, bucket: str, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    for known in ({}, {"attribution": CANNOT}):
        run(cloud, bucket, found(faults=known))
        unseen("uncaptured")
        run(cloud, bucket, found(state, day=25))
        assert metrics(capsys) == {"Rows": 3, "Faults": len(known)}
        assert cloud.remembered("monitor")[WORKLOAD]["faults"] == known
        cloud.ledger.clear()


def test_a_window_that_is_concluded_late_is_not_taken_for_the_last_nor_moves_an_alarm(
    cloud: Any, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(cloud, bucket, found(day=24))
    run(cloud, bucket, found(drifted=True, version=VERSION - 1))
    assert metrics(capsys) == {"Rows": 900}
    assert cloud.remembered("monitor")[WORKLOAD]["kinds"]["data-quality"] is False


@pytest.mark.parametrize("told", [b"no json", b"{}", b'{"state": "fine"}', b"[]"])
def test_a_result_of_another_shape_is_an_error_that_names_it(cloud: Any, bucket: str, told: bytes) -> None:
    with pytest.raises(WindowError, match=f"s3://{bucket}/{FOLDER}/metrics.json is no"):
        run(cloud, bucket, told)


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], deployed: dict[str, Any], compare: Callable[..., None]
) -> None:
    compare(recorded, deployed["conclude"])
