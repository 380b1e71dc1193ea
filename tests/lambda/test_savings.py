"""What was saved is measured: the hours that something was away, at what it cost by the hour, each of them once."""

import importlib
from datetime import timedelta
from typing import Any

import pytest

sweeping = importlib.import_module("tests.lambda.sweeping")  # `lambda` is a keyword
NOW, OURS, run = sweeping.NOW, sweeping.OURS, sweeping.run
GONE = NOW + timedelta(minutes=61)
KEPT = {**OURS, "sluice:keep": "2027-12-31"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, deployed: dict[str, Any]) -> None:
    for name, value in deployed["sweep"].environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def ended(cloud: Any) -> Any:
    """A cloud whose only endpoint was ended at 13:01."""
    cloud.endpoint("digits", tags={**OURS, "sluice:owner": "ada", "sluice:team": "vision"})
    run(NOW)
    run(GONE)
    return cloud


def saved(cloud: Any) -> list[dict[str, Any]]:
    return [item for item in cloud.ledger.values() if item.get("outcome") == "saved"]


def hours(cloud: Any) -> float:
    return sum(item["hours"] for item in saved(cloud))


def test_the_hours_away_are_entered_once_a_day_with_whose_they_are(ended: Any) -> None:
    run(NOW + timedelta(hours=3))
    assert saved(ended) == []
    run(NOW + timedelta(hours=13))
    [entry] = saved(ended)
    assert entry["hours"] == pytest.approx(12 - 1 / 60)
    assert entry["saved_usd"] == pytest.approx(entry["hours"] * entry["usd_per_hour"])
    told = ("kind", "name", "rule", "owner", "team", "day")
    assert [entry[name] for name in told] == ["endpoint", "digits", "idle", "ada", "vision", "2026-11-23"]


def test_it_ends_when_it_is_there_again_and_later_hours_do_not_count(ended: Any) -> None:
    ended.endpoint("digits", tags=KEPT)
    ended.endpoints["digits"]["LastModifiedTime"] = GONE + timedelta(hours=2)
    run(GONE + timedelta(hours=5))
    run(GONE + timedelta(days=3))
    assert hours(ended) == pytest.approx(2)


def test_however_often_a_sweep_runs_each_hour_counts_once(ended: Any) -> None:
    for hour in (*range(1, 60), 59, 80):
        run(GONE + timedelta(hours=hour))
        run(GONE + timedelta(hours=hour))
    run(GONE + timedelta(days=7))
    assert hours(ended) == pytest.approx(7 * 24)


def test_after_a_month_nobody_knows_whether_it_would_still_be_there(ended: Any) -> None:
    for days in (10, 29, 31, 40):
        run(GONE + timedelta(days=days))
    assert hours(ended) == pytest.approx(30 * 24)
    assert not ended.remembered("ended")


def test_of_what_costs_nothing_and_of_jobs_nothing_is_entered(cloud: Any) -> None:
    cloud.job("TrainingJob", "train", StoppingCondition={"MaxRuntimeInSeconds": 60})
    run(NOW)
    run(GONE)
    run(GONE + timedelta(days=2))
    assert cloud.records["TrainingJobs"] and saved(cloud) == []
