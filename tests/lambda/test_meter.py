"""The meter against an in-memory cloud, with the environment that its stack gives it."""

import importlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controls import clients, meter
from controls.ledger import Ledger
from controls.resource import Kind
from controls.spending import budget
from controls.spending.freeze import Freeze, thaw
from controls.spending.month import Month

budget_cloud = importlib.import_module("tests.lambda.budget_cloud")  # `lambda` is a keyword
OURS, OWNED = budget_cloud.OURS, budget_cloud.OWNED
BEGIN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DEAR = "ml.g5.12xlarge"
EXAMPLES = {"default": 60, "nightly": 1_000}[os.environ.get("SLUICE_PROFILE", "default")]


@pytest.fixture(autouse=True)
def setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget_cloud.in_memory, "Cloud", budget_cloud.Cloud)
    put(monkeypatch, budget_cloud.deployed()["meter"].environment)


def put(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def observing(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, budget_cloud.deployed("observe")["meter"].environment)


def read(minutes: float, begin: datetime = BEGIN) -> dict[str, Any]:
    return meter.handler({"time": (begin + timedelta(minutes=minutes)).isoformat()}, None)


def ledger(now: datetime = BEGIN) -> Ledger:
    table = budget_cloud.deployed()["meter"].environment["SLUICE_LEDGER_TABLE"]
    return Ledger(clients.client("dynamodb"), table, now=now)


def month(name: str = "2026-11") -> Month:
    found = budget.recall(ledger(), name)
    assert found
    return found


def spend(cloud: Any, usd: float) -> None:
    """A job that ended a minute from the beginning, on an ml.m5.xlarge at 0.23 USD an hour."""
    machine = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1}
    seconds = round(usd / 0.23 * 3600)
    end = BEGIN + timedelta(minutes=1)
    cloud.ended("TrainingJob", f"job-{usd}", end, BillableTimeInSeconds=seconds, ResourceConfig=machine)


def test_what_runs_is_counted_from_reading_to_reading(cloud: Any) -> None:
    cloud.desk("ada", BEGIN - timedelta(days=3))
    assert read(0)["SpentUSD"] == 0
    assert read(15) == {"outcome": "read", "SpentUSD": 0.0125, "RateUSDPerHour": 0.05}
    assert read(60)["SpentUSD"] == 0.05
    assert month().by_team == {"vision": 0.05} and month().by_workload == {"digits": 0.05}


def test_what_bears_no_tag_of_the_platform_is_not_counted(cloud: Any) -> None:
    cloud.desk("foreign", BEGIN, tags={"sluice:platform": "another"})
    read(0)
    assert read(15)["RateUSDPerHour"] == 0


def test_everything_that_runs_is_counted_by_the_prices_that_were_read_last(cloud: Any) -> None:
    cloud.one_of_each()
    rates = {"Studio,ml.t3.medium": 0.06, "Hosting,ml.m5.large": 0.3}
    rows = [f"us-east-1,{what},{usd},2026-11-20,AWS Price List API" for what, usd in rates.items()]
    table = "region,component,instance_type,usd_per_hour,as_of,source\n" + "\n".join(rows)
    bucket = budget_cloud.deployed()["meter"].environment["SLUICE_ARTIFACT_BUCKET"]
    cloud.put(bucket, "costs/prices.csv", table.encode())
    assert read(0)["RateUSDPerHour"] == pytest.approx(0.06 + 0.3 + 0.7)


def test_jobs_in_progress_are_shown_with_what_they_have_used(cloud: Any) -> None:
    phases = [("Starting", 9, 5), ("Training", 5, 3), ("Interrupted", 3, 2), ("Training", 2, 0)]
    told = [
        {"Status": status, "StartTime": BEGIN - timedelta(hours=begin)}
        | ({"EndTime": BEGIN - timedelta(hours=end)} if end else {})
        for status, begin, end in phases
    ]
    cloud.job(
        "TrainingJob",
        "spot",
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 86_400, "MaxWaitTimeInSeconds": 172_800},
        ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 2},
        SecondaryStatusTransitions=told,
    )
    assert read(0)["SpentUSD"] == pytest.approx(4 * 2 * 0.23)
    assert (month().spent_usd, month().in_progress_usd) == (0, pytest.approx(1.84))


def test_an_event_that_comes_twice_or_late_counts_nothing_more(cloud: Any) -> None:
    cloud.desk("ada", BEGIN)
    for minutes in (0, 30, 30):
        read(minutes)
    assert read(15) == {"outcome": "late"}
    assert month().spent_usd == 0.025


def test_a_job_that_ended_is_counted_by_what_was_billed_and_entered_once(cloud: Any) -> None:
    read(0)
    spend(cloud, 100)
    assert [read(minutes)["SpentUSD"] for minutes in (15, 30)] == [100, 100]
    [entry] = cloud.entries("ended")
    assert entry["cost_usd"] == pytest.approx(100, abs=1e-3)
    assert month().by_owner["ada"] == pytest.approx(100, abs=1e-3)


def test_a_search_and_processing_and_transform_jobs_are_counted_too(cloud: Any) -> None:
    read(0)
    cluster = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2}
    begin, end = BEGIN + timedelta(minutes=2), BEGIN + timedelta(minutes=8)
    processing = {"ProcessingResources": {"ClusterConfig": cluster}, "ProcessingStartTime": begin}
    cloud.ended("ProcessingJob", "table", end, **processing)
    cloud.ended("TransformJob", "batch", end, TransformResources=cluster, TransformStartTime=begin)
    read(15)
    assert month().jobs_usd == pytest.approx(2 * 2 * 0.1 * 0.24, rel=0.2)


def test_a_level_is_told_of_once_and_of_several_at_once_the_highest(cloud: Any) -> None:
    read(0)
    spend(cloud, 820)
    for minutes in (15, 15, 30):
        read(minutes)
    [mail] = cloud.mail
    assert mail["Subject"] == "[sluice-dev] 80 % of the budget for 2026-11 is used"
    assert "820.00 of 1000.00 USD (82%)" in mail["Message"] and "820.00 USD  vision" in mail["Message"]
    assert [entry["action"] for entry in cloud.entries("warned")] == ["level-50", "level-80"]


def test_at_the_whole_budget_every_role_that_starts_compute_is_frozen_and_no_other(cloud: Any) -> None:
    for name in ("sluice-dev-studio-ada", "sluice-dev-training-digits", "sluice-dev-studio-grace"):
        cloud.role(name)
    cloud.role("sluice-dev-serving-promote", starts=False)
    cloud.role("other", bounded=False)
    read(0)
    assert cloud.frozen() == []
    spend(cloud, 1000.01)
    read(15)
    assert cloud.frozen() == ["sluice-dev-studio-ada", "sluice-dev-studio-grace", "sluice-dev-training-digits"]
    assert month().frozen_since == (BEGIN + timedelta(minutes=15)).isoformat()
    [entry] = cloud.entries("frozen")
    assert entry["roles"] == cloud.frozen()
    assert "sluice thaw" in cloud.mail[-1]["Message"]


def test_only_what_is_frozen_is_entered_as_frozen_and_the_rest_is_tried_again(cloud: Any, refusal: Any) -> None:
    for name in ("one", "two"):
        cloud.role(f"sluice-dev-{name}")
    read(0)
    spend(cloud, 2000)
    refused = refusal("Cannot exceed quota for PoliciesPerRole: 10", "LimitExceeded")
    cloud.faults["AttachRolePolicy", "sluice-dev-one"] = refused
    with pytest.raises(meter.MeterError, match=r"one: .*PoliciesPerRole"):
        read(15)
    assert cloud.frozen() == ["sluice-dev-two"] and [entry["roles"] for entry in cloud.entries("frozen")] == [
        ["sluice-dev-two"]
    ]
    cloud.faults.clear()
    read(30)
    assert [entry["roles"] for entry in cloud.entries("frozen")] == [["sluice-dev-two"], ["sluice-dev-one"]]


def test_a_role_that_is_made_later_is_frozen_as_well(cloud: Any) -> None:
    read(0)
    spend(cloud, 2000)
    read(15)
    cloud.role("sluice-dev-training-new")
    read(30)
    assert cloud.frozen() == ["sluice-dev-training-new"]


def frozen(cloud: Any) -> None:
    cloud.role("sluice-dev-training-digits")
    read(0)
    spend(cloud, 2000)
    read(15)
    assert cloud.frozen()


def test_a_new_month_thaws(cloud: Any) -> None:
    frozen(cloud)
    read(15, datetime(2026, 12, 1, tzinfo=UTC))
    assert cloud.frozen() == []
    assert month("2026-12").frozen_since == ""


def freeze() -> Freeze:
    environment = budget_cloud.deployed()["meter"].environment
    return Freeze(clients.client("iam"), environment["SLUICE_FREEZE_POLICY_ARN"], environment["SLUICE_BOUNDARY_ARN"])


def test_what_a_person_thaws_stays_so_until_the_month_ends(cloud: Any) -> None:
    frozen(cloud)
    now = BEGIN + timedelta(minutes=20)
    assert thaw(ledger(now), freeze(), by="ada", now=now) == ["sluice-dev-training-digits"]
    read(30)
    assert cloud.frozen() == []
    assert (month().thawed_by, month().thawed_at, month().frozen_since) == ("ada", now.isoformat(), "")
    [entry] = cloud.entries("thawed")
    assert entry["owner"] == "ada"


def test_a_thaw_of_what_is_not_frozen_does_not_keep_it_from_being_frozen_later(cloud: Any) -> None:
    cloud.role("sluice-dev-training-digits")
    read(0)
    assert thaw(ledger(), freeze(), by="ada", now=BEGIN) == []
    spend(cloud, 2000)
    read(15)
    assert cloud.frozen()


def test_a_higher_limit_thaws_and_is_told_of_anew(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    frozen(cloud)
    monkeypatch.setenv("SLUICE_USD_PER_MONTH", "3000")
    read(30)
    assert cloud.frozen() == []
    assert cloud.mail[-1]["Subject"] == "[sluice-dev] 50 % of the budget for 2026-11 is used"


@pytest.mark.usefixtures("observing")
def test_observe_tells_and_touches_no_role(cloud: Any) -> None:
    cloud.role("sluice-dev-training-digits")
    read(0)
    spend(cloud, 2000)
    read(15)
    assert cloud.mail[-1]["Subject"] == "[sluice-dev] 100 % of the budget for 2026-11 is used"
    assert month().frozen_since == ""
    # The mail of a level is what a budget is for, in observe too; all else is the ledger.
    assert {call.operation for call in cloud.calls if call.writes} == {"PutItem", "Publish"}


def test_in_production_nothing_is_frozen(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, budget_cloud.deployed("enforce", "prod")["meter"].environment)
    cloud.role("sluice-dev-training-digits")
    read(0)
    spend(cloud, 2000)
    read(15)
    assert cloud.frozen() == [] and month().frozen_since == ""


def test_roles_that_stay_frozen_where_nothing_may_freeze_them_are_an_error(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen(cloud)
    put(monkeypatch, budget_cloud.deployed("observe")["meter"].environment)
    with pytest.raises(meter.MeterError, match="sluice-dev-training-digits; type sluice thaw"):
        read(30)
    assert month().read_until == BEGIN + timedelta(minutes=30)


def test_the_meter_is_raised_to_what_aws_billed_for_the_days_that_are_over_once_a_day(cloud: Any) -> None:
    cloud.desk("ada", BEGIN)
    cloud.billed_usd = 300.0
    for minutes in (0, 15, 30):
        read(minutes)
    assert month().spent_usd == pytest.approx(300.025)
    assert month().reconciled_usd == 300
    asked = [call.params for call in cloud.calls if call.operation == "GetCostAndUsage"]
    assert [each["TimePeriod"] for each in asked] == [{"Start": "2026-11-01", "End": "2026-11-23"}]
    cloud.billed_usd = 301.0
    read(24 * 60)
    # The day before was metered with 0.60 USD, and what AWS had more is 0.40.
    assert month().reconciled_usd == pytest.approx(300.4)
    assert [entry["usd"] for entry in cloud.entries("reconciled")] == [300, 0.4]


def test_a_bill_below_the_meter_changes_nothing(cloud: Any) -> None:
    cloud.desk("ada", BEGIN, kind=DEAR)
    cloud.billed_usd = 0.5
    read(0)
    before = read(24 * 60)["SpentUSD"]
    assert month().reconciled_usd == 0.5 and before > 100


@pytest.mark.parametrize(("billed", "currency"), [(None, "USD"), (1.0, "EUR")])
def test_a_bill_that_cannot_be_had_is_told_of_once_a_day_and_stops_nothing(
    cloud: Any, billed: float | None, currency: str
) -> None:
    cloud.billed_usd, cloud.currency = billed, currency
    for minutes in (0, 15):
        assert read(minutes)["outcome"] == "read"
    [entry] = cloud.entries("not-reconciled")
    assert entry["reason"]
    assert len([call for call in cloud.calls if call.operation == "GetCostAndUsage"]) == 1


def test_a_bill_without_the_tag_says_what_to_do(cloud: Any) -> None:
    cloud.desk("ada", BEGIN, kind=DEAR)
    cloud.billed_usd = 0.0
    read(0)
    read(24 * 60)
    assert "activate it as a cost allocation tag" in cloud.entries("not-reconciled")[-1]["reason"]


def test_a_long_silence_is_told_of(cloud: Any) -> None:
    cloud.desk("ada", BEGIN)
    read(0)
    read(30 * 60)
    [entry] = cloud.entries("not-metered")
    assert "6:00:00 of it are left to AWS's bill" in entry["reason"]
    assert month().spent_usd == pytest.approx(24 * 0.05)


def test_what_cannot_be_read_runs_on_and_is_raised_at_the_end(cloud: Any) -> None:
    cloud.desk("ada", BEGIN)
    read(0)
    cloud.broken["ListNotebookInstances"] = "User is not authorized"
    with pytest.raises(meter.MeterError, match=f"{Kind.NOTEBOOK_INSTANCE} in us-east-1 could not be read"):
        read(60)
    assert month().spent_usd == 0.05 and month().usd_per_hour == 0.05


def test_jobs_whose_list_is_refused_keep_nothing_else_from_being_counted(cloud: Any) -> None:
    cloud.desk("ada", BEGIN, kind=DEAR)
    read(0)
    cloud.broken["ListProcessingJobs"] = "User is not authorized"
    spend(cloud, 2000)
    cloud.role("sluice-dev-training-digits")
    with pytest.raises(meter.MeterError, match=r"^processing-job in us-east-1 could not be read$"):
        read(60)
    assert month().spent_usd > 2001 and cloud.frozen() == ["sluice-dev-training-digits"]


def test_an_account_that_lets_nobody_in_keeps_nothing_else_from_being_counted(
    cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    abroad = {"region": "eu-west-1", "role_arn": "arn:aws:iam::444455556666:role/sluice-swept"}
    monkeypatch.setenv("SLUICE_TARGETS", json.dumps([abroad]))
    cloud.broken["AssumeRole"] = "User is not authorized to perform sts:AssumeRole"
    cloud.desk("ada", BEGIN)
    for minutes in (0, 60):
        with pytest.raises(meter.MeterError, match=r"^everything in eu-west-1 could not be read$"):
            read(minutes)
    assert month().spent_usd == 0.05


def test_it_tells_two_metrics(cloud: Any, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.desk("ada", BEGIN)
    read(0)
    [line] = [line for line in capsys.readouterr().out.splitlines() if "CloudWatchMetrics" in line]
    [directive] = json.loads(line)["_aws"]["CloudWatchMetrics"]
    assert {metric["Name"] for metric in directive["Metrics"]} == {"SpentUSD", "RateUSDPerHour"}


@pytest.mark.slow
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(crashes=st.lists(st.integers(1, 45), max_size=6), thawed=st.booleans())
def test_wherever_runs_break_off_the_month_is_counted_once_told_of_and_frozen_in_the_end(
    new_cloud: Callable[[], Any], crashes: list[int], thawed: bool
) -> None:
    cloud = new_cloud()
    for name in ("one", "two", "three"):
        cloud.role(f"sluice-dev-training-{name}")
    cloud.desk("ada", BEGIN)
    cloud.billed_usd = 10.0
    read(0)
    spend(cloud, 2000)
    for minute, crash in enumerate(crashes, start=10):
        cloud.crash_after = len(cloud.calls) + crash
        with suppress(budget_cloud.CrashError):
            read(minute)
        cloud.crash_after = None
    if thawed:
        thaw(ledger(), freeze(), by="ada", now=BEGIN)
    read(60)
    was_frozen = thawed and month().thawed_by == "ada"
    assert len(cloud.frozen()) == (0 if was_frozen else 3)
    assert month().spent_usd == pytest.approx(2010.05, abs=0.001)
    assert {entry["action"] for entry in cloud.entries("warned")} == {"level-50", "level-80", "level-100"}
    assert len(cloud.entries("warned")) == 3 and len(cloud.entries("reconciled")) == len(cloud.entries("ended")) == 1
    read(15, datetime(2026, 12, 1, tzinfo=UTC))
    assert cloud.frozen() == []


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], compare: Callable[..., None]
) -> None:
    meter = [(call, tags) for call, tags in recorded if call.service != "pricing"]
    compare(meter, SimpleNamespace(statements=budget_cloud.deployed()["meter"].statements))
