"""What ended jobs cost and saved, entered once by whoever sees them first."""

import importlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls import clients
from controls.jobs import ended_jobs
from controls.jobs.ended_jobs import PAID, bill, ended_of, enter_job
from controls.jobs.jobs import NOUNS
from controls.judgement.choices import Policy, policy
from controls.ledger import Ledger
from controls.pricing.prices import Prices
from controls.resource import Kind

jobs_cloud = importlib.import_module("tests.lambda.jobs_cloud")  # `lambda` is a keyword
governing = importlib.import_module("tests.lambda.governing")
NOW, OURS, ENDING, training = jobs_cloud.NOW, jobs_cloud.OURS, jobs_cloud.ENDING, jobs_cloud.training
PRICES, REGION = Prices.read(), "us-east-1"
DONE = {"TrainingJobStatus": "Completed", **ENDING}


@pytest.fixture(autouse=True)
def setting(monkeypatch: pytest.MonkeyPatch) -> None:
    governing.set_up(monkeypatch)


def rules() -> Policy:
    return policy(governing.deployed().environment["SLUICE_POLICY"])


def ledger(now: datetime = NOW) -> Ledger:
    return Ledger(clients.client("dynamodb"), "table", now=now)


def settled(since: datetime = NOW - timedelta(minutes=15)) -> list[str]:
    """The names of jobs that were not entered before, entered as the meter does."""
    sagemaker, book = clients.client("sagemaker"), ledger()
    return [
        job[f"{NOUNS[kind]}Name"]
        for kind in PAID
        for job, tags in ended_of(sagemaker, kind, rules(), since)
        if enter_job(book, job, kind, tags, PRICES, REGION)
    ]


@given(trained=st.integers(0, 500_000), share=st.floats(0, 1), count=st.integers(1, 8))
def test_spot_saves_what_was_trained_and_not_billed(trained: int, share: float, count: int) -> None:
    billed = round(trained * share)
    times = {"TrainingTimeInSeconds": trained, "BillableTimeInSeconds": billed}
    found = bill(Kind.TRAINING_JOB, training("ml.m5.xlarge", count, spot=True) | times, PRICES, REGION)
    all_on_demand = trained / 3600 * count * 0.23
    assert found.cost_usd + found.saved_usd == pytest.approx(all_on_demand, abs=1e-5)
    if trained:
        assert found.saved_usd == pytest.approx((1 - billed / trained) * all_on_demand, abs=1e-5)


def test_billed_time_is_not_that_from_start_to_end() -> None:
    job = training("ml.m5.xlarge", spot=True) | DONE  # two hours and more from start to end, one of them trained
    assert bill(Kind.TRAINING_JOB, job, PRICES, REGION).billed_hours == 0.25


def test_on_demand_saves_nothing_and_a_warm_pool_is_billed_on() -> None:
    times = {"TrainingTimeInSeconds": 3600, "BillableTimeInSeconds": 1800}
    pool = {"WarmPoolStatus": {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 1800}}
    found = bill(Kind.TRAINING_JOB, training("ml.m5.xlarge") | times | pool, PRICES, REGION)
    assert (found.cost_usd, found.saved_usd) == (0.23, 0)


def test_instances_of_several_groups_are_billed_each_at_its_price() -> None:
    groups = [
        {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "InstanceGroupName": "a"},
        {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1, "InstanceGroupName": "b"},
    ]
    job = training() | {"ResourceConfig": {"InstanceGroups": groups}, "BillableTimeInSeconds": 3600}
    assert bill(Kind.TRAINING_JOB, job, PRICES, REGION).cost_usd == pytest.approx(2 * 0.23 + 1.408)


def test_of_a_job_that_chose_among_types_the_chosen_one_is_billed() -> None:
    choices = [{"InstanceType": "ml.p4d.24xlarge", "InstanceCount": 1}, {"InstanceType": "ml.m5.xlarge"}]
    config = {"InstancePreferences": choices, "SelectedInstanceType": "ml.m5.xlarge", "SelectedInstanceCount": 2}
    job = training() | {"ResourceConfig": config, "BillableTimeInSeconds": 3600}
    assert bill(Kind.TRAINING_JOB, job, PRICES, REGION).cost_usd == pytest.approx(0.46)


def test_processing_and_transform_are_billed_from_start_to_end(cloud: Any) -> None:
    cluster = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2}
    hour = {"StartTime": NOW, "EndTime": NOW + timedelta(hours=1)}
    processing = {f"Processing{name}": value for name, value in hour.items()}
    transform = {f"Transform{name}": value for name, value in hour.items()}
    resources = {"ProcessingResources": {"ClusterConfig": cluster}}
    assert bill(Kind.PROCESSING_JOB, resources | processing, PRICES, REGION).cost_usd == pytest.approx(0.46)
    resources = {"TransformResources": cluster}
    assert bill(Kind.TRANSFORM_JOB, resources | transform, PRICES, REGION).cost_usd == pytest.approx(0.46)


def test_what_never_ran_costs_nothing_and_is_entered_at_its_last_transition(cloud: Any) -> None:
    times = [NOW, NOW + timedelta(hours=2)]
    steps = [{"Status": "Starting", "StartTime": time} for time in times]
    job = {name: value for name, value in DONE.items() if name == "TrainingJobStatus"}
    cloud.job("idle", **training(spot=True) | job | {"SecondaryStatusTransitions": steps})
    assert settled() == ["idle"]
    [entry] = cloud.entries()
    assert (entry["cost_usd"], entry["saved_usd"], entry["at"]) == (0, 0, times[1].isoformat())
    assert "nothing: it never ran" in entry["reason"]


def test_a_missed_job_is_settled_once_and_a_foreign_one_never(cloud: Any) -> None:
    for name in ("one", "two", "three"):
        cloud.job(name, **training(), **DONE)
    cloud.job("foreign", tags={"sluice:platform": "another"}, **training(), **DONE)
    cloud.job("running", **training())
    cloud.job("old", **training(), **DONE | {"LastModifiedTime": NOW - timedelta(days=1)})
    cluster = {"ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1}}
    cloud.job("table", "ProcessingJob", ProcessingResources=cluster, ProcessingJobStatus="Failed")
    plain = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1}
    cloud.job("batch", "TransformJob", TransformResources=plain, TransformJobStatus="Stopped")
    assert settled() == ["one", "two", "three", "table", "batch"]
    assert settled() == []
    assert len(cloud.entries()) == 5
    assert len(cloud.remembered(ended_jobs.TOPIC)) == 5


def test_a_search_is_entered_by_its_trainings_alone(cloud: Any) -> None:
    job = {"HyperParameterTuningJobArn": "arn", "HyperParameterTuningJobName": "search"}
    assert not enter_job(ledger(), job, Kind.TUNING_JOB, OURS, PRICES, REGION)
    assert not cloud.ledger


def test_the_event_and_the_meter_count_a_job_once_whoever_comes_in_between(cloud: Any) -> None:
    """Before each call of the one, the other does all of its own."""
    for call in range(3):
        cloud.reset()
        cloud.job("job", **training(spot=True), **DONE)
        job = cloud.answers["TrainingJob", "job"]

        def other(job: dict[str, Any] = job) -> None:
            enter_job(ledger(NOW + timedelta(minutes=9)), job, Kind.TRAINING_JOB, OURS, PRICES, REGION)

        operation = ["GetItem", "PutItem", "PutItem"][call]
        skipped = [] if call < 2 else [lambda: cloud.meanwhile.update(PutItem=other)]
        cloud.meanwhile[operation] = skipped[0] if skipped else other
        enter_job(ledger(), job, Kind.TRAINING_JOB, OURS, PRICES, REGION)
        assert len(cloud.entries()) == 1 and len(cloud.remembered(ended_jobs.TOPIC)) == 1


@pytest.mark.parametrize("calls", [1, 2, 3])
def test_a_crash_after_any_call_loses_nothing_and_enters_nothing_twice(cloud: Any, calls: int) -> None:
    cloud.job("job", **training(spot=True), **DONE)
    job = cloud.answers["TrainingJob", "job"]
    cloud.crash_after = calls
    with pytest.raises(jobs_cloud.CrashError):
        enter_job(ledger(), job, Kind.TRAINING_JOB, OURS, PRICES, REGION)
    cloud.crash_after = None
    settled()
    assert len(cloud.entries()) == 1 and len(cloud.remembered(ended_jobs.TOPIC)) == 1


def test_times_of_another_zone_are_entered_in_utc(cloud: Any) -> None:
    zone = datetime.strptime("+0200", "%z").tzinfo
    cloud.job("job", **training(), **DONE | {"TrainingEndTime": datetime(2026, 11, 24, 1, 0, tzinfo=zone)})
    settled()
    [entry] = cloud.entries()
    assert (entry["at"], entry["day"]) == (datetime(2026, 11, 23, 23, tzinfo=UTC).isoformat(), "2026-11-23")
