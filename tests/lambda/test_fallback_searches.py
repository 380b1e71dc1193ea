"""The fallback of spot searches: from the trainings that have finished, and not for a run."""

import importlib
from typing import Any

import pytest

jobs_cloud = importlib.import_module("tests.lambda.jobs_cloud")  # `lambda` is a keyword
governing = importlib.import_module("tests.lambda.governing")
look = governing.look
OURS, training = jobs_cloud.OURS, jobs_cloud.training


@pytest.fixture(autouse=True)
def setting(monkeypatch: pytest.MonkeyPatch) -> None:
    governing.set_up(monkeypatch)


@pytest.mark.parametrize(("finished", "lacking", "starts"), [(0, 8, True), (3, 5, True), (4, 4, False), (3, 0, False)])
def test_a_search_goes_on_when_less_than_half_finished_for_lack_of_capacity(
    cloud: Any, finished: int, lacking: int, starts: bool
) -> None:
    cloud.search(finished=finished, lacking=lacking)
    look(cloud, "search", "HyperParameterTuningJob")
    assert cloud.created() == (["CreateHyperParameterTuningJob"] if starts else [])


def test_it_starts_from_the_finished_trainings_and_makes_only_the_others(cloud: Any) -> None:
    earlier = {"ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "first"}]}
    cloud.search(finished=3, lacking=5, WarmStartConfig=earlier | {"WarmStartType": "IdenticalDataAndAlgorithm"})
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
    cloud.search(
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
    cloud.search(finished=0, lacking=2, TrainingJobDefinitions=definitions)
    look(cloud, "search", "HyperParameterTuningJob")
    made = cloud.answers["HyperParameterTuningJob", "search-od"]
    assert [each["EnableManagedSpotTraining"] for each in made["TrainingJobDefinitions"]] == [False, False]


@pytest.mark.parametrize(
    "answer",
    [{"HyperParameterTuningJobStatus": "Stopped"}, {"TrainingJobDefinition": training()}],
    ids=["person", "od"],
)
def test_a_search_that_somebody_stopped_or_that_is_on_demand_is_left_alone(cloud: Any, answer: dict[str, Any]) -> None:
    cloud.search(finished=0, lacking=8, **answer)
    look(cloud, "search", "HyperParameterTuningJob")
    assert not cloud.created() and not cloud.mail


def test_a_search_of_a_run_is_not_made_outside_it(cloud: Any) -> None:
    noun, name = "HyperParameterTuningJob", "0abc1def2ghi-Tune-0123456789"
    cloud.search(finished=0, lacking=8)
    own = {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobArn": cloud.job(name, noun, tags=OURS | {"sluice:workload": "digits"}),
    }
    cloud.answers[noun, name] = cloud.answers[noun, "search"] | own
    for (_, each), answer in cloud.answers.items():
        if each.startswith("search-"):
            answer["TuningJobArn"] = own["HyperParameterTuningJobArn"]
    assert look(cloud, name, noun) == "refused"
    assert "would take up the search" in cloud.mail[0]["Message"]
