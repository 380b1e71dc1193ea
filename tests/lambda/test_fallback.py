"""The fallback of spot training jobs: what is started, of which jobs, under which conditions."""

import importlib
import re
from typing import Any

import pytest
from botocore.model import StructureShape
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from controls.governor import rerun
from controls.resource import Kind

jobs_cloud = importlib.import_module("tests.lambda.jobs_cloud")  # `lambda` is a keyword
governing = importlib.import_module("tests.lambda.governing")
look = governing.look
OURS, ENDING, training = jobs_cloud.OURS, jobs_cloud.ENDING, jobs_cloud.training
MODEL = get_session().get_service_model("sagemaker")
RUN = "pipelines-0abc1def2ghi-Train-0123456789"
WORKLOAD = OURS | {"sluice:workload": "digits"}


@pytest.fixture(autouse=True)
def setting(monkeypatch: pytest.MonkeyPatch) -> None:
    governing.set_up(monkeypatch)


def test_what_it_starts_is_the_same_job_on_demand(cloud: Any) -> None:
    cloud.lacking("train", tags=OURS | {"sluice:owner": "ada", "aws:cloudformation:stack-name": "s"})
    assert look(cloud, "train") == "started"
    [asked] = [call.params for call in cloud.calls if call.operation == "CreateTrainingJob"]
    assert {tag["Key"]: tag["Value"] for tag in asked.pop("Tags")} == {
        **OURS,
        "sluice:owner": "ada",
        "sluice:on-demand": "goes on for train",
        "sluice:fallback-of": "train",
    }
    assert asked == {
        **training(spot=False),
        "TrainingJobName": "train-od",
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }
    assert cloud.subjects() == ["train goes on on demand as train-od"]


def _members(name: str) -> Any:
    shape = MODEL.shape_for(name)
    assert isinstance(shape, StructureShape)
    return shape.members


def test_every_member_that_is_told_of_a_job_is_one_that_can_be_asked_for() -> None:
    for noun in ("TrainingJob", "HyperParameterTuningJob"):
        asked, told = _members(f"Create{noun}Request"), _members(f"Describe{noun}Response")
        assert [name for name in asked if name in told and asked[name].name != told[name].name] == []
        # A tuning session is no job of ours; tags are asked for by themselves.
        assert {*asked} - {*told} <= {"Tags", "SessionChainingConfig"}


@pytest.mark.parametrize(
    ("answer", "starts"),
    [
        ({}, True),
        ({"TrainingJobStatus": "Failed", "SecondaryStatus": "Failed", "FailureReason": "CapacityError: none"}, True),
        ({"TrainingJobStatus": "Failed", "SecondaryStatus": "Failed", "FailureReason": "AlgorithmError: 1"}, False),
        ({"SecondaryStatus": "Stopped"}, False),
        ({"SecondaryStatus": "MaxRuntimeExceeded"}, False),
        ({"TrainingJobStatus": "Completed", "SecondaryStatus": "Completed"}, False),
        ({"EnableManagedSpotTraining": False}, False),
        ({"TuningJobArn": "arn:aws:sagemaker:us-east-1:111122223333:hyper-parameter-tuning-job/s"}, False),
        ({"AutoMLJobArn": "arn:aws:sagemaker:us-east-1:111122223333:automl-job/s"}, False),
    ],
)
def test_only_a_spot_job_that_lacked_capacity_is_started_again(
    cloud: Any, answer: dict[str, Any], starts: bool
) -> None:
    cloud.lacking("train", **answer)
    look(cloud, "train")
    assert cloud.created() == (["CreateTrainingJob"] if starts else [])


@pytest.mark.parametrize(
    ("tags", "by_default", "outcome"),
    [
        ({}, "true", "started"),
        ({}, "false", "refused"),
        ({"sluice:fallback": "on-demand"}, "false", "started"),
        ({"sluice:fallback": "never"}, "true", "refused"),
        ({"sluice:fallback": "yes"}, "true", "refused"),
    ],
)
def test_its_tag_decides_and_without_one_the_platform(
    cloud: Any, monkeypatch: pytest.MonkeyPatch, tags: dict[str, str], by_default: str, outcome: str
) -> None:
    monkeypatch.setenv("SLUICE_FALLBACK", f'{{"by_default": {by_default}, "acts": true}}')
    cloud.lacking("train", tags=OURS | tags)
    assert look(cloud, "train") == outcome
    assert bool(cloud.created()) is (outcome == "started")
    assert len(cloud.mail) == 1


@pytest.mark.parametrize(
    ("budget", "outcome", "told"),
    [
        ({"spent_usd": 99.77}, "started", "at most 0.23 USD on demand"),
        ({"spent_usd": 99.78}, "refused", "used 99.78 USD of 100.00 this month, and it may cost 0.23"),
        ({"spent_usd": 9, "in_progress_usd": 90.78}, "refused", "used 99.78 USD of 100.00 this month"),
        ({"spent_usd": 1, "frozen_since": "2026-11-20T00:00:00+00:00"}, "refused", "the month's budget is spent"),
    ],
)
def test_the_budget_must_allow_what_it_may_cost_at_most(
    cloud: Any, budget: dict[str, Any], outcome: str, told: str
) -> None:
    cloud.remember_budget(**budget)
    cloud.lacking("train")
    assert look(cloud, "train") == outcome
    assert told in cloud.mail[0]["Message"]


def test_what_others_that_go_on_may_cost_is_held_back_until_they_have_ended(cloud: Any) -> None:
    cloud.remember_budget(spent_usd=99.6)
    cloud.lacking("one")
    cloud.lacking("two")
    cloud.lacking("three")
    assert [look(cloud, name) for name in ("one", "one", "two")] == ["started", "started", "refused"]
    assert (
        "used 99.60 USD of 100.00 this month, other fallbacks may cost 0.23, and it may cost 0.23"
        in (cloud.mail[-1]["Message"])
    )
    cloud.answers["TrainingJob", "one-od"] |= ENDING | {"TrainingJobStatus": "Completed"}
    look(cloud, "one-od")
    assert look(cloud, "three") == "started"


@pytest.mark.parametrize("before", range(12))
def test_two_at_the_same_time_do_not_share_what_is_left_of_the_budget(cloud: Any, before: int) -> None:
    cloud.remember_budget(spent_usd=99.6)
    cloud.lacking("one")
    cloud.lacking("two")
    cloud.intrude(before, lambda: look(cloud, "two"))
    look(cloud, "one")
    assert cloud.created() == ["CreateTrainingJob"]


def test_what_is_held_back_for_a_job_whose_end_nobody_heard_of_is_let_go_after_its_longest_time(cloud: Any) -> None:
    cloud.lacking("one")
    look(cloud, "one")
    cloud.remember_budget(spent_usd=99.6)
    cloud.ledger["budget", "2026-12"] = {"subject": "budget", "at": "2026-12", "spent_usd": 99.6}
    cloud.lacking("two")
    assert look(cloud, "two", minutes=29 * 24 * 60) == "started"


def test_who_finds_it_all_done_by_another_tells_nobody_again(cloud: Any) -> None:
    cloud.lacking("train")
    cloud.intrude(5, lambda: look(cloud, "train"))  # its own five questions: the decision would come next
    assert look(cloud, "train") == "started"
    assert len(cloud.mail) == len(cloud.created()) == 1


def test_what_was_decided_first_stands_when_the_budget_changes(cloud: Any) -> None:
    cloud.lacking("train")
    cloud.crash_after = 9  # seven questions, what is held back, and the decision
    with pytest.raises(jobs_cloud.CrashError):
        look(cloud, "train")
    assert not cloud.created() and cloud.remembered("fallback")
    cloud.crash_after = None
    cloud.remember_budget(spent_usd=1_000)
    assert look(cloud, "train") == "started"
    cloud.lacking("later")
    assert look(cloud, "later") == "refused"
    cloud.remember_budget(spent_usd=0)
    assert look(cloud, "later") == "refused"


def test_it_is_only_recorded_until_it_may_act(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_FALLBACK", '{"by_default": true, "acts": false}')
    cloud.lacking("train")
    assert look(cloud, "train") == "observed"
    assert not cloud.created()
    assert not cloud.mail and [entry["outcome"] for entry in cloud.entries()] == ["saved", "observed"]


def test_what_goes_on_for_another_job_never_goes_on_once_more(cloud: Any) -> None:
    cloud.lacking("train-od", tags=OURS | {"sluice:fallback-of": "train"})
    look(cloud, "train-od")
    assert not cloud.created()


def test_what_was_started_is_not_started_again_after_somebody_deleted_it(cloud: Any) -> None:
    cloud.lacking("train")
    look(cloud, "train")
    del cloud.answers["TrainingJob", "train-od"]
    assert look(cloud, "train", minutes=60) == "started"
    assert cloud.created() == ["CreateTrainingJob"]


def test_a_strangers_job_of_its_name_is_told(cloud: Any) -> None:
    cloud.lacking("train")
    cloud.job("train-od")
    assert look(cloud, "train") == "taken"
    assert cloud.subjects() == ["train cannot go on: another job is named train-od"]


def test_what_sagemaker_refuses_is_raised_and_done_when_the_event_comes_again(cloud: Any, refusal: Any) -> None:
    cloud.lacking("train")
    cloud.faults["CreateTrainingJob", "train-od"] = refusal("The account-level limit is 0", "ResourceLimitExceeded")
    with pytest.raises(Exception, match="ResourceLimitExceeded"):
        look(cloud, "train")
    cloud.faults.clear()
    assert look(cloud, "train") == "started"


def test_metrics_of_sagemakers_own_algorithms_are_left_out(cloud: Any) -> None:
    metrics = [{"Name": "msd", "Regex": "msd=(.*)"}]
    own = {"TrainingImage": jobs_cloud.KMEANS, "TrainingInputMode": "File", "MetricDefinitions": metrics}
    cloud.lacking("train", AlgorithmSpecification=own)
    assert look(cloud, "train") == "started"
    assert "MetricDefinitions" not in cloud.answers["TrainingJob", "train-od"]["AlgorithmSpecification"]


def test_without_checkpoints_people_are_told_that_it_begins_anew(cloud: Any) -> None:
    cloud.lacking("train", CheckpointConfig={})
    assert look(cloud, "train") == "started"
    assert "note: it has no CheckpointConfig, so it begins anew" in cloud.mail[0]["Message"]


# Names


@given(names=st.lists(st.from_regex(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", fullmatch=True), max_size=5, unique=True))
def test_names_are_sagemakers_the_same_each_time_and_of_no_two_jobs(names: list[str]) -> None:
    for kind, noun, longest in (
        (Kind.TRAINING_JOB, "TrainingJob", 63),
        (Kind.TUNING_JOB, "HyperParameterTuningJob", 32),
    ):
        jobs = [{f"{noun}Name": name[:longest].rstrip("-"), f"{noun}Arn": f"arn/{name[:longest]}"} for name in names]
        made = [rerun.name_of(kind, job) for job in jobs]
        assert made == [rerun.name_of(kind, job) for job in jobs]
        assert len({*made}) == len({job[f"{noun}Name"] for job in jobs})
        pattern = MODEL.shape_for(f"{noun}Name").metadata["pattern"]
        assert all(re.fullmatch(pattern, name) and len(name) <= longest for name in made)


def test_of_fifty_tags_the_platforms_are_kept() -> None:
    tags = {f"a-{n}": "x" for n in range(48)} | {"sluice:platform": "p", "sluice:team": "t"}
    job = training(spot=True) | {"TrainingJobName": "train", "TrainingJobArn": "arn/train"}
    asked = rerun.request(Kind.TRAINING_JOB, job, tags, {"TrainingJobName"})
    kept = [tag["Key"] for tag in asked["Tags"]]
    assert len(kept) == 50
    assert {"sluice:platform", "sluice:team", "sluice:on-demand", "sluice:fallback-of"} <= {*kept}


# Pipelines


def test_a_run_is_told_how_to_go_on_once_the_job_has_completed(cloud: Any) -> None:
    cloud.lacking(RUN, tags=WORKLOAD)
    assert look(cloud, RUN) == "started"
    child = rerun.name_of(Kind.TRAINING_JOB, cloud.answers["TrainingJob", RUN])
    cloud.answers["TrainingJob", child] |= {"TrainingJobStatus": "Completed", **ENDING}
    for _ in range(3):
        look(cloud, child)
    assert cloud.subjects()[1:] == [f"{child} has ended: Completed"[: 100 - len("[sluice-dev] ")]]
    arn = "arn:aws:sagemaker:us-east-1:111122223333:pipeline/sluice-dev-digits/execution/0abc1def2ghi"
    assert f"aws sagemaker retry-pipeline-execution --pipeline-execution-arn {arn} " in cloud.mail[1]["Message"]


def test_a_step_that_its_pipeline_tries_again_by_itself_is_left_to_it(cloud: Any) -> None:
    failed = {"TrainingJobStatus": "Failed", "SecondaryStatus": "Failed", "FailureReason": "CapacityError: none"}
    cloud.lacking(RUN, tags=WORKLOAD, **failed)
    assert look(cloud, RUN) == "entered"
    assert not cloud.created()
