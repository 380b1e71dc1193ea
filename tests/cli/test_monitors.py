"""`sluice monitors status` on what the ledger remembers of a monitor, on nothing, and without any monitor."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bench.ledger_table import LedgerTable
from config.load import ROOT
from controls.ledger import Ledger
from controls.monitors.drift import Drift, State

CAUSE = "data-quality: worst area changed (median 686.5 -> 890, higher; Kolmogorov-Smirnov, p 1e-09)"
WINDOW: dict[str, Any] = {
    "window": {"start": "2026-11-26T01:00:00+00:00", "end": "2026-11-27T01:00:00+00:00"},
    "end": "2026-11-27T01:00:00+00:00",
    "state": "examined",
    "causes": [CAUSE],
    "faults": {"attribution": "the model cannot be asked: no code/inference.py"},
    "report": "s3://artifacts/tabular/monitor/endpoint/2026-11-27T01-00-00Z/report.html",
    "package_version": 3,
    "rows": 1240,
    "kinds": {"data-quality": True, "model-quality": False},
    "found": {"data-quality": {"drifted": True, "end": "2026-11-27T01:00:00+00:00"}},
    "noted_at": "2026-11-27T01:04:00+00:00",
}
DRIFT = Drift(
    workload="tabular",
    opened_at=datetime(2026, 11, 27, 1, 5, tzinfo=UTC),
    state=State.OPEN,
    why="cooling down until 2026-11-28 01:05 UTC",
    cause=CAUSE,
    tries=1,
    last="the challenger is not better: the champion stays (log_loss is worse)",
    execution="arn:aws:sagemaker:us-east-1:111122223333:pipeline/sluice-dev-tabular/execution/abc123",
)


@pytest.fixture
def config(tmp_path: Any) -> str:
    text = (ROOT / "config" / "team.yaml").read_text()
    chosen = tmp_path / "team.yaml"
    chosen.write_text(text.replace("workloads: [digits]", "workloads: [digits, tabular]"))
    assert "tabular" in chosen.read_text()
    return str(chosen)


@pytest.fixture
def remembered(cloud: Any) -> Any:
    """A drift that is answered by nobody yet, and an alarm of another workload whose name begins the same."""
    kept = LedgerTable()
    ledger = Ledger(kept, "ledger", now=datetime(2026, 11, 27, 2, tzinfo=UTC))
    ledger.remember("monitor", "tabular", **WINDOW)
    ledger.remember("drift", "tabular", **DRIFT.members, revision=2)
    cloud.fill(kept)
    cloud.alarms = {
        "sluice-dev-tabular-drift": "ALARM",
        "sluice-dev-tabular-faults": "ALARM",
        "sluice-dev-tabular-silent": "OK",
        "sluice-dev-tabular-two-drift": "INSUFFICIENT_DATA",
    }
    return cloud


def test_the_last_window_its_causes_and_the_report_are_shown(remembered: Any, run: Any, config: str) -> None:
    status, text = run("monitors", "status", "--config", config)
    assert status == 0
    assert "2026-11-26 01:00 to 2026-11-27 01:00" in text and "│ rows │ 1240 │" in text
    assert "│ drifted │ data-quality │" in text and CAUSE in text
    assert WINDOW["report"] in text


def test_what_stands_in_the_way_of_a_run_is_shown_with_the_last_run(remembered: Any, run: Any, config: str) -> None:
    _, text = run("monitors", "status", "tabular", "--config", config)
    assert "open (found 2026-11-27 01:05)" in text and "cooling down until 2026-11-28 01:05 UTC" in text
    assert "│ last run │ abc123 │" in text and f"│ came to │ {DRIFT.last} │" in text


def test_the_alarms_of_the_workload_are_shown_and_no_others(remembered: Any, run: Any, config: str) -> None:
    _, text = run("monitors", "status", "--config", config)
    assert "drift ALARM" in text and "faults ALARM" in text and "silent OK" in text and "INSUFFICIENT" not in text


def test_when_each_kind_was_last_judged_is_shown(remembered: Any, run: Any, config: str) -> None:
    _, text = run("monitors", "status", "--config", config)
    assert "│ last judged │ data-quality 2026-11-27 01:00 │ │ │ model-quality never │" in text


def test_what_could_not_be_examined_is_shown_with_the_reason(remembered: Any, run: Any, config: str) -> None:
    _, text = run("monitors", "status", "--config", config)
    assert "│ not examined │ attribution: the model cannot be asked: no code/inference.py │" in text


@pytest.mark.parametrize(
    ("noted", "told"),
    [(None, "no window yet"), ("2026-11-27T01:04:00+00:00", None), ("2026-11-20T01:04:00+00:00", "no window for too")],
)
def test_a_silent_monitor_is_told_from_one_that_has_not_begun(
    cloud: Any, run: Any, config: str, monkeypatch: pytest.MonkeyPatch, noted: str | None, told: str | None
) -> None:
    monkeypatch.setattr("cli.account.clock", lambda: datetime(2026, 11, 27, 2, tzinfo=UTC))
    kept = LedgerTable()
    if noted:
        Ledger(kept, "ledger", now=datetime.now(UTC)).remember("monitor", "tabular", **WINDOW | {"noted_at": noted})
    cloud.fill(kept)
    cloud.alarms = {"sluice-dev-tabular-silent": "INSUFFICIENT_DATA"}
    _, text = run("monitors", "status", "--config", config)
    assert f"silent: {told}" in text if told else "silent INSUFFICIENT_DATA" in text


def test_looking_writes_nothing(remembered: Any, run: Any, config: str) -> None:
    run("monitors", "status", "--config", config)
    assert not [call for call in remembered.calls if call.writes]


def test_a_monitor_that_has_examined_nothing_is_shown_as_that(cloud: Any, run: Any, config: str) -> None:
    status, text = run("monitors", "status", "--config", config)
    assert status == 0
    assert text.count("none yet") == 2 and "none. Next: cdk deploy --all" in text


def test_a_workload_without_a_monitor_is_told_with_what_to_type(cloud: Any, run: Any, config: str) -> None:
    status, text = run("monitors", "status", "digits", "--config", config)
    assert status == 2 and text == "digits has no monitor. Next: sluice monitors status tabular"


def test_a_platform_without_monitors_is_told_how_to_have_one(cloud: Any, run: Any) -> None:
    status, text = run("monitors", "status")
    assert status == 2 and "(workloads: digits). Next: `monitor: {}` in" in text and "docs/monitoring.md" in text


def test_where_monitors_are_left_out_the_reason_is_told(cloud: Any, run: Any, config: str) -> None:
    path = Path(config)
    path.write_text(path.read_text().replace("us-east-1", "cn-north-1"))
    status, text = run("monitors", "status", "--config", config)
    assert status == 2 and "their endpoints and monitors. cn-north-1 has no AWS::SageMaker::ModelPackageGroup" in text
