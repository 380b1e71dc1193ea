"""The fallback of spot jobs: what is started, and that it is started exactly once."""

import importlib
import os
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.model import StructureShape
from botocore.session import get_session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controls import govern, rerun
from controls.resource import Kind

jobs_cloud = importlib.import_module("tests.lambda.jobs_cloud")  # `lambda` is a keyword
NOW, OURS, ENDING, training = jobs_cloud.NOW, jobs_cloud.OURS, jobs_cloud.ENDING, jobs_cloud.training
EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "300"))  # 5,000: nightly
MODEL = get_session().get_service_model("sagemaker")
RUN = "pipelines-0abc1def2ghi-Train-0123456789"
WORKLOAD = OURS | {"sluice:workload": "digits"}


@pytest.fixture(autouse=True)
def setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_cloud.in_memory, "Cloud", jobs_cloud.Cloud)
    for name, value in jobs_cloud.deployed().environment.items():
        monkeypatch.setenv(name, value)


def look(cloud: Any, name: str, noun: str = "TrainingJob", **when: int) -> str:
    return govern.handler(cloud.event(name, noun, **when), None)["outcome"]


def created(cloud: Any) -> list[str]:
    return [call.operation for call in cloud.calls if call.operation.startswith("Create")]


def subjects(cloud: Any) -> list[str]:
    return [message["Subject"].removeprefix("[sluice-dev] ") for message in cloud.mail]


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
    assert subjects(cloud) == ["train goes on on demand as train-od"]


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
    assert created(cloud) == (["CreateTrainingJob"] if starts else [])


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
    assert bool(created(cloud)) is (outcome == "started")
    assert len(cloud.mail) == 1


@pytest.mark.parametrize(
    ("budget", "outcome", "told"),
    [
        ({"spent_usd": 99.77}, "started", "at most 0.23 USD on demand"),
        ({"spent_usd": 99.78}, "refused", "spent 99.78 USD of 100.00 this month, and it may cost 0.23"),
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


def test_who_finds_it_all_done_by_another_tells_nobody_again(cloud: Any) -> None:
    cloud.lacking("train")
    cloud.intrude(4, lambda: look(cloud, "train"))  # tags, description, memory, budget: the decision would come next
    assert look(cloud, "train") == "started"
    assert len(cloud.mail) == len(created(cloud)) == 1


def test_what_was_decided_first_stands_when_the_budget_changes(cloud: Any) -> None:
    cloud.lacking("train")
    cloud.crash_after = 5  # tags, description, memory, budget, decision
    with pytest.raises(jobs_cloud.CrashError):
        look(cloud, "train")
    assert not created(cloud) and cloud.remembered("fallback")
    cloud.crash_after = None
    cloud.remember_budget(spent_usd=1_000)
    assert look(cloud, "train") == "started"
    cloud.lacking("later")
    assert look(cloud, "later") == "refused"
    cloud.remember_budget(spent_usd=0)
    assert look(cloud, "later") == "refused"


def test_it_only_tells_until_it_may_act(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_FALLBACK", '{"by_default": true, "acts": false}')
    cloud.lacking("train")
    assert look(cloud, "train") == "observed"
    assert not created(cloud)
    assert subjects(cloud) == ["train would go on on demand as train-od: costs.spot.fallback_mode is observe"]


def test_what_goes_on_for_another_job_never_goes_on_once_more(cloud: Any) -> None:
    cloud.lacking("train-od", tags=OURS | {"sluice:fallback-of": "train"})
    look(cloud, "train-od")
    assert not created(cloud)


def test_what_was_started_is_not_started_again_after_somebody_deleted_it(cloud: Any) -> None:
    cloud.lacking("train")
    look(cloud, "train")
    del cloud.answers["TrainingJob", "train-od"]
    assert look(cloud, "train", minutes=60) == "started"
    assert created(cloud) == ["CreateTrainingJob"]


def test_a_strangers_job_of_its_name_is_told(cloud: Any) -> None:
    cloud.lacking("train")
    cloud.job("train-od")
    assert look(cloud, "train") == "taken"
    assert subjects(cloud) == ["train cannot go on: another job is named train-od"]


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
    assert subjects(cloud)[1:] == [f"{child} has ended: Completed"[: 100 - len("[sluice-dev] ")]]
    arn = "arn:aws:sagemaker:us-east-1:111122223333:pipeline/sluice-dev-digits/execution/0abc1def2ghi"
    assert f"aws sagemaker retry-pipeline-execution --pipeline-execution-arn {arn} " in cloud.mail[1]["Message"]


def test_a_step_that_its_pipeline_tries_again_by_itself_is_left_to_it(cloud: Any) -> None:
    failed = {"TrainingJobStatus": "Failed", "SecondaryStatus": "Failed", "FailureReason": "CapacityError: none"}
    cloud.lacking(RUN, tags=WORKLOAD, **failed)
    assert look(cloud, RUN) == "entered"
    assert not created(cloud)


# Searches


def search(cloud: Any, *, finished: int, lacking: int, tags: dict[str, str] = OURS, **answer: Any) -> None:
    """A search of eight trainings; those that are neither finished nor lacking were never made."""
    limits = {"MaxNumberOfTrainingJobs": 8, "MaxParallelTrainingJobs": 6}
    asked = {
        "HyperParameterTuningJobConfig": {"Strategy": "Bayesian", "ResourceLimits": limits},
        "TrainingJobDefinition": training(spot=True),
        "HyperParameterTuningJobStatus": "Completed",
    }
    arn = cloud.job("search", "HyperParameterTuningJob", tags=tags, **asked | answer)
    for number in range(finished):
        cloud.job(f"search-{number}", TuningJobArn=arn, **training(spot=True), TrainingJobStatus="Completed")
    for number in range(lacking):
        cloud.lacking(f"search-{finished + number}", TuningJobArn=arn)


@pytest.mark.parametrize(("finished", "lacking", "starts"), [(0, 8, True), (3, 5, True), (4, 4, False), (3, 0, False)])
def test_a_search_goes_on_when_less_than_half_finished_for_lack_of_capacity(
    cloud: Any, finished: int, lacking: int, starts: bool
) -> None:
    search(cloud, finished=finished, lacking=lacking)
    look(cloud, "search", "HyperParameterTuningJob")
    assert created(cloud) == (["CreateHyperParameterTuningJob"] if starts else [])


def test_it_starts_from_the_finished_trainings_and_makes_only_the_others(cloud: Any) -> None:
    earlier = {"ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "first"}]}
    search(cloud, finished=3, lacking=5, WarmStartConfig=earlier | {"WarmStartType": "IdenticalDataAndAlgorithm"})
    look(cloud, "search", "HyperParameterTuningJob")
    made = cloud.answers["HyperParameterTuningJob", "search-od"]
    assert made["HyperParameterTuningJobConfig"]["ResourceLimits"] == {
        "MaxNumberOfTrainingJobs": 5,
        "MaxParallelTrainingJobs": 5,
    }
    parents = [{"HyperParameterTuningJobName": name} for name in ("search", "first")]
    assert made["WarmStartConfig"]["ParentHyperParameterTuningJobs"] == parents
    assert made["TrainingJobDefinition"]["EnableManagedSpotTraining"] is False
    assert "MaxWaitTimeInSeconds" not in made["TrainingJobDefinition"]["StoppingCondition"]
    assert "at most 1.15 USD on demand" in cloud.mail[0]["Message"]


@pytest.mark.parametrize(("finished", "strategy"), [(0, "Bayesian"), (3, "Hyperband")])
def test_without_finished_trainings_or_a_strategy_for_it_a_search_begins_anew(
    cloud: Any, finished: int, strategy: str
) -> None:
    limits = {"MaxNumberOfTrainingJobs": 8, "MaxParallelTrainingJobs": 6}
    search(
        cloud,
        finished=finished,
        lacking=5,
        HyperParameterTuningJobConfig={"Strategy": strategy, "ResourceLimits": limits},
    )
    look(cloud, "search", "HyperParameterTuningJob")
    made = cloud.answers["HyperParameterTuningJob", "search-od"]
    assert "WarmStartConfig" not in made
    assert made["HyperParameterTuningJobConfig"]["ResourceLimits"] == limits


def test_a_search_of_several_definitions_goes_on_with_all_of_them(cloud: Any) -> None:
    definitions = [training(spot=True) | {"DefinitionName": name} for name in ("a", "b")]
    search(cloud, finished=0, lacking=2, TrainingJobDefinitions=definitions)
    look(cloud, "search", "HyperParameterTuningJob")
    made = cloud.answers["HyperParameterTuningJob", "search-od"]
    assert [each["EnableManagedSpotTraining"] for each in made["TrainingJobDefinitions"]] == [False, False]


@pytest.mark.parametrize(
    "answer",
    [{"HyperParameterTuningJobStatus": "Stopped"}, {"TrainingJobDefinition": training()}],
    ids=["person", "od"],
)
def test_a_search_that_somebody_stopped_or_that_is_on_demand_is_left_alone(cloud: Any, answer: dict[str, Any]) -> None:
    search(cloud, finished=0, lacking=8, **answer)
    look(cloud, "search", "HyperParameterTuningJob")
    assert not created(cloud) and not cloud.mail


def test_a_search_of_a_run_is_not_made_outside_it(cloud: Any) -> None:
    noun, name = "HyperParameterTuningJob", "0abc1def2ghi-Tune-0123456789"
    search(cloud, finished=0, lacking=8)
    own = {"HyperParameterTuningJobName": name, "HyperParameterTuningJobArn": cloud.job(name, noun, tags=WORKLOAD)}
    cloud.answers[noun, name] = cloud.answers[noun, "search"] | own
    for (_, each), answer in cloud.answers.items():
        if each.startswith("search-"):
            answer["TuningJobArn"] = own["HyperParameterTuningJobArn"]
    assert look(cloud, name, noun) == "refused"
    assert "would take up the search" in cloud.mail[0]["Message"]


# Exactly once

ONCE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=max(1, EXAMPLES // 3), deadline=None
)
JOBS = ("lacking", "never", "failed", "done", "on-demand", "search")


def build(cloud: Any) -> None:
    """One job of each kind, all of them ended."""
    cloud.reset()
    cloud.lacking("lacking")
    cloud.lacking("never", tags=OURS | {"sluice:fallback": "never"})
    failed = {"TrainingJobStatus": "Failed", "FailureReason": "CapacityError: none"}
    cloud.lacking("failed", **failed)
    cloud.job("done", **training(spot=True), **ENDING | {"TrainingJobStatus": "Completed"})
    cloud.job("on-demand", **training(), **ENDING | {"TrainingJobStatus": "Completed"})
    search(cloud, finished=1, lacking=1)


def hear(cloud: Any, name: str, minutes: int = 0) -> str:
    return look(cloud, name, "HyperParameterTuningJob" if name == "search" else "TrainingJob", minutes=minutes)


def state(cloud: Any) -> dict[str, Any]:
    """All that is left, but for the times at which events came."""
    times = ("at", "day", "decided_at", "expires_at")
    kept = [{key: value for key, value in item.items() if key not in times} for item in cloud.items.values()]
    return {
        "jobs": sorted(cloud.answers),
        "kept": sorted(map(str, kept)),
        "told": sorted(subjects(cloud)),
        "created": sorted(created(cloud)),
    }


@pytest.fixture
def in_order(cloud: Any) -> dict[str, Any]:
    """What one event for each job leaves."""
    build(cloud)
    for name in JOBS:
        hear(cloud, name)
    return state(cloud)


@ONCE
@given(data=st.data())
def test_any_order_and_number_of_events_ends_in_the_same_state(cloud: Any, in_order: Any, data: st.DataObject) -> None:
    more = data.draw(st.lists(st.sampled_from(JOBS), max_size=4), label="again")
    build(cloud)
    for minutes, name in enumerate(data.draw(st.permutations([*JOBS, *more]), label="order")):
        hear(cloud, name, minutes)
    assert state(cloud) == in_order


def interrupted(cloud: Any, name: str, calls: Iterator[int]) -> int:
    """Let the function die after so many calls, again and again; how often it did."""
    crashes = 0
    for after in calls:
        cloud.crash_after = len(cloud.calls) + after
        try:
            hear(cloud, name, crashes)
        except jobs_cloud.CrashError:
            crashes += 1
    cloud.crash_after = None
    return crashes


@ONCE
@given(name=st.sampled_from(JOBS), crashes=st.lists(st.integers(1, 16), min_size=1, max_size=3))
def test_a_crash_between_any_two_calls_loses_nothing_and_repeats_nothing(
    cloud: Any, name: str, crashes: list[int]
) -> None:
    build(cloud)
    hear(cloud, name)
    wanted = state(cloud)
    build(cloud)
    died = interrupted(cloud, name, iter(crashes))
    hear(cloud, name, 9)
    found = state(cloud)
    told = Counter(found.pop("told"))
    found.pop("created")  # a second attempt finds the name taken
    assert found == {key: wanted[key] for key in found}
    assert {*told} == {*wanted["told"]}
    assert all(count <= 1 + died for count in told.values()), "only a message can come twice"


@ONCE
@given(name=st.sampled_from(JOBS), before=st.integers(0, 15), again=st.booleans())
def test_two_at_the_same_time_do_what_one_does(cloud: Any, name: str, before: int, again: bool) -> None:
    """While the one is about to make any of its calls, another one does all of its own, and then one more."""
    build(cloud)
    hear(cloud, name)
    wanted = state(cloud)
    build(cloud)
    cloud.intrude(before, lambda: [hear(cloud, name, minutes) for minutes in range(1, 2 + again)])
    hear(cloud, name)
    found = state(cloud)
    assert {*found.pop("told")} == {*wanted["told"]}
    found.pop("created")
    assert found == {key: wanted[key] for key in found}
