"""The governor of jobs against an in-memory cloud, with the environment that its construct gives it."""

import importlib
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

jobs_cloud = importlib.import_module("tests.lambda.jobs_cloud")  # `lambda` is a keyword
governing = importlib.import_module("tests.lambda.governing")
NOW, OURS, training = jobs_cloud.NOW, jobs_cloud.OURS, jobs_cloud.training
look = governing.look
DEAR = {"instance_type": "ml.g5.xlarge"}  # 1.408 USD an hour


@pytest.fixture(autouse=True)
def setting(monkeypatch: pytest.MonkeyPatch) -> None:
    governing.set_up(monkeypatch)


@pytest.fixture
def observing(monkeypatch: pytest.MonkeyPatch) -> None:
    governing.set_up(monkeypatch, "observe")


def status(cloud: Any, name: str, noun: str = "TrainingJob") -> str:
    return cloud.answers[noun, name][f"{noun}Status"]


def test_a_dear_job_on_demand_is_stopped_and_its_owner_told_the_line_to_change(cloud: Any) -> None:
    cloud.job("dear", tags=OURS | {"sluice:workload": "digits", "sluice:owner": "ada"}, **training(**DEAR))
    assert look(cloud, "dear") == "done"
    assert status(cloud, "dear") == "Stopping"
    [message] = cloud.mail
    assert message["Subject"] == "[sluice-dev] dear was stopped"
    assert "on demand at 1.41 USD an hour, and costs.spot.on_demand_usd_per_hour allows 1" in message["Message"]
    assert "change: train.spot: true in workloads/digits/workload.yaml" in message["Message"]
    [entry] = cloud.entries()
    assert (entry["outcome"], entry["rule"], entry["action"], entry["owner"]) == ("done", "spot", "stop", "ada")


def test_the_prices_that_were_read_last_decide(cloud: Any) -> None:
    bucket = governing.deployed().environment["SLUICE_ARTIFACT_BUCKET"]
    cloud.price(bucket, "us-east-1,Training,ml.g5.xlarge,0.9")
    cloud.job("cheaper", **training(**DEAR))
    assert look(cloud, "cheaper") == "kept"


def test_what_is_stopped_was_recorded_first(cloud: Any) -> None:
    cloud.job("dear", **training(**DEAR))
    look(cloud, "dear")
    writes = [call for call in cloud.calls if call.writes]
    assert [call.operation for call in writes][:4] == ["PutItem", "PutItem", "StopTrainingJob", "PutItem"]
    assert writes[1].params["Item"]["outcome"] == {"S": "planned"}


@pytest.mark.parametrize("calls", range(1, 10))
@pytest.mark.parametrize("ends", [False, True])
def test_a_crash_after_any_call_leaves_a_job_that_is_stopped_and_told_of(cloud: Any, calls: int, ends: bool) -> None:
    cloud.job("dear", **training(**DEAR))
    cloud.crash_after = calls
    with pytest.raises(jobs_cloud.CrashError):
        look(cloud, "dear")
    cloud.crash_after = None
    if ends and status(cloud, "dear") == "Stopping":
        cloud.answers["TrainingJob", "dear"] |= jobs_cloud.ENDING | {"TrainingJobStatus": "Stopped"}
    look(cloud, "dear")
    assert status(cloud, "dear") in ("Stopping", "Stopped")
    assert [e["outcome"] for e in cloud.entries() if e.get("action") == "stop"] == ["done"]
    assert {*cloud.subjects()} == {"dear was stopped"} and len(cloud.mail) <= 2
    assert len([call for call in cloud.calls if call.operation == "StopTrainingJob"]) == 1
    assert [item["outcome"] for item in cloud.remembered("governed").values()] == ["done"]


def test_a_person_is_told_the_members_of_the_request(cloud: Any) -> None:
    cloud.job("dear", **training(**DEAR))
    look(cloud, "dear")
    assert "change: EnableManagedSpotTraining: true in the request of the job" in cloud.mail[0]["Message"]


@pytest.mark.usefixtures("observing")
def test_observe_writes_into_the_ledger_and_nowhere_else(cloud: Any) -> None:
    cloud.job("dear", **training(**DEAR))
    cloud.job("long", **training(spot=True, hours=25))
    cloud.lacking("train")
    cloud.lacking("never", tags=OURS | {"sluice:fallback": "never"})
    told = [look(cloud, name) for name in ("dear", "long", "train", "never")]
    assert told == ["observed", "observed", "observed", "refused"]
    assert status(cloud, "dear") == status(cloud, "long") == "InProgress"
    entered = [(entry["name"], entry["outcome"]) for entry in cloud.entries() if entry["outcome"] != "saved"]
    assert sorted(entered) == [(name, "observed") for name in ("dear", "long")] + [
        ("never", "refused"),
        ("train", "observed"),
    ]
    assert {call.operation for call in cloud.calls if call.writes} == {"PutItem"}


def test_a_job_is_told_of_once_however_often_it_is_heard_of(cloud: Any) -> None:
    cloud.job("dear", tags=OURS | {"sluice:keep": "2027-01-01"}, **training(**DEAR))
    assert {look(cloud, "dear", minutes=minute) for minute in range(4)} == {"warned"}
    assert len(cloud.mail) == len(cloud.entries()) == 1


@pytest.mark.parametrize(
    ("tags", "answer"),
    [
        (OURS, training(**DEAR, spot=True)),
        (OURS, training("ml.m5.xlarge")),
        (OURS | {"sluice:on-demand": "a demo at noon"}, training(**DEAR)),
        ({"sluice:platform": "another"}, training(**DEAR)),
        ({}, training(**DEAR)),
        (OURS, training(**DEAR) | {"TuningJobArn": "arn:aws:sagemaker:us-east-1:1:hyper-parameter-tuning-job/search"}),
        (OURS, training(**DEAR) | {"AutoMLJobArn": "arn:aws:sagemaker:us-east-1:1:automl-job/search"}),
        (
            OURS,
            training()
            | {
                "ResourceConfig": {
                    "InstanceType": "ml.p5.48xlarge",
                    "InstanceCount": 1,
                    "VolumeSizeInGB": 1,
                    "TrainingPlanArn": "arn:aws:sagemaker:us-east-1:111122223333:training-plan/paid",
                }
            },
        ),
        (OURS, training() | {"ResourceConfig": {"VolumeSizeInGB": 1}}),
    ],
    ids=["spot", "cheap", "exempted", "foreign", "untagged", "of-a-search", "of-autopilot", "plan", "none"],
)
def test_these_go_on_in_peace(cloud: Any, tags: dict[str, str], answer: dict[str, Any]) -> None:
    cloud.job("job", tags=tags, **answer)
    assert look(cloud, "job") in ("kept", "foreign")
    assert not cloud.mail and not cloud.ledger


def test_what_goes_on_for_another_job_may_be_on_demand(cloud: Any) -> None:
    cloud.lacking("train", **training(**DEAR, spot=True))
    assert [look(cloud, "train"), look(cloud, "train-od")] == ["started", "kept"]
    cloud.tags[cloud.answers["TrainingJob", "train-od"]["TrainingJobArn"]].pop("sluice:on-demand")
    assert look(cloud, "train-od") == "kept"


@pytest.mark.parametrize("name", ["dear", "train-od"])
def test_a_tag_alone_exempts_no_job(cloud: Any, name: str) -> None:
    cloud.lacking("train", tags=OURS | {"sluice:fallback": "never"})
    look(cloud, "train")
    cloud.job(name, tags=OURS | {"sluice:fallback-of": "train"}, **training(**DEAR))
    assert look(cloud, name) == "done"


def test_what_goes_on_for_another_job_keeps_its_limits(cloud: Any) -> None:
    cloud.lacking("train", **training(**DEAR, spot=True, hours=25))
    assert [look(cloud, "train"), look(cloud, "train-od")] == ["started", "done"]
    assert "guardrails.max_run_seconds allows" in cloud.mail[-1]["Message"]


def test_an_exemption_needs_a_reason(cloud: Any) -> None:
    cloud.job("dear", tags=OURS | {"sluice:on-demand": " "}, **training(**DEAR))
    assert look(cloud, "dear") == "done"


@pytest.mark.parametrize(
    "tags", [{"sluice:keep": "2027-01-01"}, {"sluice:keep": "for ever"}, {"sluice:environment": "prod"}]
)
def test_what_is_kept_or_in_production_is_only_told_of(cloud: Any, tags: dict[str, str]) -> None:
    cloud.job("dear", tags=OURS | tags, **training(**DEAR))
    assert look(cloud, "dear") == "warned"
    assert status(cloud, "dear") == "InProgress" and len(cloud.mail) == 1


def search(definition: dict[str, Any], most: int = 8, at_once: int = 4) -> dict[str, Any]:
    return {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "ResourceLimits": {"MaxNumberOfTrainingJobs": most, "MaxParallelTrainingJobs": at_once},
        },
        "TrainingJobDefinition": definition,
    }


def test_a_search_costs_what_its_trainings_do_together(cloud: Any) -> None:
    noun = "HyperParameterTuningJob"
    cloud.job("one", noun, **search(training("ml.m5.xlarge")))  # 0.23 each, 0.92 together
    cloud.job("two", noun, **search(training("ml.m5.xlarge"), at_once=5))
    cloud.job("spot", noun, **search(training("ml.p3.2xlarge", spot=True)))
    assert [look(cloud, name, noun) for name in ("one", "two", "spot")] == ["kept", "done", "kept"]
    assert "on demand at 1.15 USD an hour" in cloud.mail[0]["Message"]


def cluster(count: int) -> dict[str, Any]:
    config = {"InstanceType": "ml.m5.large", "InstanceCount": count, "VolumeSizeInGB": 1}
    return {"ProcessingResources": {"ClusterConfig": config}, "AppSpecification": {"ImageUri": "image"}}


@pytest.mark.parametrize(
    ("noun", "answer", "told", "change"),
    [
        (
            "TrainingJob",
            training("ml.m5.large", 9, spot=True, hours=25),
            "InstanceCount is 9, and guardrails.max_instances allows 8; "
            "MaxRuntimeInSeconds is 90000, and guardrails.max_run_seconds allows 86400",
            "train.instance_count: at most 8; train.max_run_seconds: at most 86400 in workloads/digits/workload.yaml",
        ),
        (
            "HyperParameterTuningJob",
            search(training(spot=True), 51, 11),
            "MaxNumberOfTrainingJobs is 51, and guardrails.max_tuning_jobs allows 50; "
            "MaxParallelTrainingJobs is 11, and guardrails.max_parallel_jobs allows 10",
            "tuning.max_jobs: at most 50; tuning.parallel_jobs: at most 10 in workloads/digits/workload.yaml",
        ),
        (
            "ProcessingJob",
            cluster(9),
            "InstanceCount is 9, and guardrails.max_instances allows 8",
            "process.instance_count: at most 8 in workloads/digits/workload.yaml",
        ),
        (
            "TransformJob",
            {"TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 9}},
            "InstanceCount is 9, and guardrails.max_instances allows 8",
            "train.instance_count: at most 8 in workloads/digits/workload.yaml",
        ),
    ],
)
def test_a_job_beyond_its_limits_is_stopped_and_told_each_of_them(
    cloud: Any, noun: str, answer: dict[str, Any], told: str, change: str
) -> None:
    cloud.job("big", noun, tags=OURS | {"sluice:workload": "digits"}, **answer)
    assert look(cloud, "big", noun) == "done"
    assert status(cloud, "big", noun) == "Stopping"
    assert f"evidence: {told}\nchange: {change}\n" in cloud.mail[0]["Message"]


def test_a_processing_job_within_its_limits_goes_on(cloud: Any) -> None:
    cloud.job("small", "ProcessingJob", **cluster(1))
    assert look(cloud, "small", "ProcessingJob") == "kept"


def test_a_job_that_ends_before_it_can_be_stopped_is_told_to_have_ended(cloud: Any) -> None:
    cloud.job("quick", **training(**DEAR))
    ended = cloud.answers["TrainingJob", "quick"] | {"TrainingJobStatus": "Completed"}
    cloud.meanwhile["StopTrainingJob"] = lambda: cloud.answers.update({("TrainingJob", "quick"): ended})
    assert look(cloud, "quick") == "gone"
    assert cloud.mail[0]["Subject"] == "[sluice-dev] quick has ended by itself"


@pytest.mark.parametrize("before", range(10))
def test_two_that_stop_a_job_at_the_same_time_say_the_same(cloud: Any, before: int) -> None:
    cloud.job("dear", **training(**DEAR))
    cloud.intrude(before, lambda: look(cloud, "dear"))
    look(cloud, "dear")
    assert status(cloud, "dear") == "Stopping"
    assert [entry["outcome"] for entry in cloud.entries()] == ["done"]
    assert {*cloud.subjects()} == {"dear was stopped"}


def test_a_job_that_is_gone_or_about_to_end_is_left_alone(cloud: Any) -> None:
    cloud.job("gone")
    del cloud.answers["TrainingJob", "gone"]
    cloud.job("stopping", **training(**DEAR) | {"TrainingJobStatus": "Stopping"})
    assert [look(cloud, "gone"), look(cloud, "stopping")] == ["gone", "kept"]
    assert not cloud.mail and not cloud.ledger


def test_an_event_of_the_start_that_comes_late_is_one_of_the_end(cloud: Any) -> None:
    cloud.job("late", **training(**DEAR), **jobs_cloud.ENDING | {"TrainingJobStatus": "Completed"})
    assert look(cloud, "late") == "entered"
    assert look(cloud, "late") == "known"


def test_an_ended_spot_job_is_entered_with_its_saving(cloud: Any) -> None:
    ended = {"TrainingJobStatus": "Completed", **jobs_cloud.ENDING}
    cloud.job("spot", **training("ml.m5.4xlarge", 2, spot=True), **ended)
    assert look(cloud, "spot") == "entered"
    [entry] = cloud.entries()
    assert entry["at"] == (NOW + timedelta(hours=2, minutes=7)).isoformat() and entry["day"] == "2026-11-23"
    assert (entry["outcome"], entry["rule"]) == ("saved", "spot")
    assert entry["saved_usd"] == pytest.approx(2 * 0.922 * 0.75) and entry["hours"] == pytest.approx(1.5)
    assert entry["cost_usd"] == pytest.approx(2 * 0.922 * 0.25)


def test_a_fallback_is_started_and_entered_beside_the_end_of_the_first_job(cloud: Any) -> None:
    cloud.lacking("train")
    assert look(cloud, "train") == "started"
    assert ("TrainingJob", "train-od") in cloud.answers
    assert [(e["name"], e["outcome"]) for e in cloud.entries()] == [("train", "saved"), ("train-od", "started")]


def test_a_search_that_lacked_capacity_goes_on_too(cloud: Any) -> None:
    ended = search(training(spot=True)) | {"HyperParameterTuningJobStatus": "Failed"}
    arn = cloud.job("search", "HyperParameterTuningJob", **ended)
    cloud.lacking("search-001", TuningJobArn=arn)
    assert look(cloud, "search", "HyperParameterTuningJob") == "started"
    assert ("HyperParameterTuningJob", "search-od") in cloud.answers


def test_a_fallbacks_name_that_is_taken_is_looked_at(cloud: Any) -> None:
    cloud.lacking("train")
    cloud.job("train-od", **training())
    assert look(cloud, "train") == "taken"


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], compare: Callable[..., None]
) -> None:
    compare(recorded, governing.deployed())


def test_an_observing_role_may_stop_and_start_nothing() -> None:
    actions = {action for each in governing.deployed("observe").statements for action in each.actions}
    verbs = {action.partition(":")[2][:4] for action in actions if action.startswith("sagemaker:")}
    assert verbs == {"List", "Desc"}
    assert "iam:PassRole" not in actions and "kms:CreateGrant" not in actions


@pytest.fixture(scope="module", autouse=True)
def deployment() -> SimpleNamespace:
    """Synthesized once, before the clocks of tests run."""
    return governing.deployed()
