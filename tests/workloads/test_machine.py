"""The compiler refuses a state machine that breaks a rule, asks for nothing known, or leads nowhere."""

import copy
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from config.load import ROOT, load_workload
from workloads.compiler import machine
from workloads.compiler.checks import check

FOLDER = ROOT / "workloads" / "automl"
TODAY = date(2026, 6, 15)
TABULAR = "AutoMLProblemTypeConfig.TabularJobConfig.CompletionCriteria"


@pytest.fixture(scope="module")
def workload() -> Any:
    return load_workload(FOLDER / "workload.yaml")


@pytest.fixture(scope="module")
def built(workload: Any) -> Any:
    return machine.build(FOLDER, workload)


@pytest.fixture
def findings(workload: Any, built: Any) -> Callable[..., list[tuple[str, str, str]]]:
    """Step, field and rule of what is found after something is put at a path of a copy; None takes it out."""

    def found(path: str, value: Any) -> list[tuple[str, str, str]]:
        definition, images = copy.deepcopy(built[0]), built[1]
        *steps, last = path.split("/")
        place: Any = definition
        for step in steps:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if value is None:
            del place[last]
        else:
            place[last] = value
        return [(each.step, each.field, each.rule) for each in check("automl", definition, images, workload, TODAY)]

    return found


def test_the_committed_machine_is_what_the_workload_gives_and_keeps_the_rules(workload: Any, built: Any) -> None:
    definition, images = built
    assert json.loads((FOLDER / "pipeline.json").read_text()) == definition
    assert check("automl", definition, images, workload, TODAY) == []


@pytest.mark.parametrize(
    ("state", "path", "value", "rule"),
    [
        ("Search", f"{TABULAR}.MaxCandidates", 700, "limit"),
        ("Search", f"{TABULAR}.MaxAutoMLJobRuntimeInSeconds", 3601, "limit"),
        ("Search", f"{TABULAR}.MaxRuntimePerTrainingJobInSeconds", None, "limit"),
        ("Search", "SecurityConfig.VolumeKmsKeyId", None, "encryption"),
        ("Search", "OutputDataConfig.KmsKeyId", None, "encryption"),
        ("Search", "SecurityConfig.EnableInterContainerTrafficEncryption", False, "encryption"),
        ("Search", "SecurityConfig.VpcConfig.Subnets", "{% $subnets %}", "isolation"),
        ("Preprocess", "StoppingCondition.MaxRuntimeInSeconds", "{% $seconds %}", "limit"),
        ("Evaluate", "NetworkConfig.EnableNetworkIsolation", False, "isolation"),
        ("Search", "RoleArn", "arn:aws:iam::111122223333:role/other", "isolation"),
        ("Preprocess", "RoleArn", "{% $role %}", "isolation"),
        ("ChampionModel", "ExecutionRoleArn", "arn:aws:iam::111122223333:role/other", "isolation"),
        ("Search", "SecurityConfig.VolumeKmsKeyId", "alias/other", "encryption"),
        ("ChallengerModel", "VpcConfig.Subnets", ["subnet-1"], "isolation"),
        ("ChallengerPredict", "TransformResources.InstanceType", "ml.m5.4xlarge", "instances"),
        ("ChallengerModel", "EnableNetworkIsolation", None, "isolation"),
        ("ChampionPredict", "TransformResources.InstanceCount", 2, "instances"),
        ("ChallengerPredict", "TransformOutput.KmsKeyId", None, "encryption"),
    ],
)
def test_a_request_that_breaks_a_rule_is_found_with_its_state_and_field(
    findings: Callable[..., Any], state: str, path: str, value: Any, rule: str
) -> None:
    place = f"States/{state}/Arguments/{path.replace('.', '/')}"
    assert findings(place, value) == [(state, f"Arguments.{path}", rule)]


def test_a_request_that_the_model_does_not_admit_is_found(findings: Callable[..., Any]) -> None:
    place = "States/Search/Arguments/AutoMLProblemTypeConfig/TabularJobConfig"
    assert findings(f"{place}/Mode", "QUICK") == [
        ("Search", f"Arguments.{place[24:].replace('/', '.')}.Mode", "request")
    ]
    assert findings("States/Register/Arguments/Tarif", "x") == [("Register", "Arguments.Tarif", "request")]


@pytest.mark.parametrize(
    ("path", "value", "step", "rule"),
    [
        ("TimeoutSeconds", None, "-", "limit"),
        ("States/Begin/Next", "Nowhere", "Begin", "step"),
        ("States/Done/Type", "Parallel", "Done", "step"),
        ("States/Begin/Resource", "arn:${Partition}:states:::sns:publish", "Begin", "step"),
        ("States/Search/Resource", "arn:${Partition}:states:::aws-sdk:sagemaker:createEndpoint", "Search", "step"),
        ("Comment", "${Secret}", "-", "placeholder"),
    ],
)
def test_what_leads_nowhere_or_is_not_known_is_found(
    findings: Callable[..., Any], path: str, value: Any, step: str, rule: str
) -> None:
    assert (step, rule) in {(found[0], found[2]) for found in findings(path, value)}


def test_its_images_are_those_that_the_sdk_gives_other_workloads(built: Any) -> None:
    compiled = json.loads((ROOT / "workloads" / "digits" / "images.json").read_text())
    assert built[1] == {"SklearnImage": compiled["SklearnImage"]}


def test_where_the_table_tells_the_problem_the_first_job_is_told_the_metric(built: Any) -> None:
    words = built[0]["States"]["Preprocess"]["Arguments"]["AppSpecification"]["ContainerArguments"]
    assert words[words.index("--metric") + 1] == "auc"


def test_a_metric_is_the_objective_where_the_problem_is_given(workload: Any) -> None:
    algorithm = workload.algorithm.model_copy(update={"problem": "BinaryClassification"})
    given, _ = machine.build(FOLDER, workload.model_copy(update={"algorithm": algorithm}))
    asked = given["States"]["Search"]["Arguments"]
    assert asked["AutoMLJobObjective"] == {"MetricName": "AUC"}
    assert asked["AutoMLProblemTypeConfig"]["TabularJobConfig"]["ProblemType"] == "BinaryClassification"
    words = given["States"]["Preprocess"]["Arguments"]["AppSpecification"]["ContainerArguments"]
    assert "--metric" not in words  # the problem is not found from the table
    metric = workload.metric.model_copy(update={"name": "happiness"})
    unknown = workload.model_copy(update={"algorithm": algorithm, "metric": metric})
    found = [str(each) for each in check("automl", *machine.build(FOLDER, unknown), unknown, TODAY)]
    assert "automl: step Search: metric.name: [request] 'happiness'; allowed: auc, accuracy, f1, rmse, mae, r2" in found


def test_every_call_is_repeated_as_often_as_the_workload_says(workload: Any) -> None:
    for retries in (0, 5):
        run = workload.run.model_copy(update={"retries": retries})
        states = machine.build(FOLDER, workload.model_copy(update={"run": run}))[0]["States"].values()
        tasks = [state for state in states if state["Type"] == "Task"]
        told = {state["Retry"][0]["MaxAttempts"] if "Retry" in state else 0 for state in tasks}
        assert told == {retries} and len(tasks) == 19


def test_a_job_reads_the_one_file_that_the_path_names(workload: Any) -> None:
    for path, place in (("parts/table.csv", "/table.csv"), ("table", "/table"), ("parts/", "")):
        given = workload.model_copy(update={"data": workload.data.model_copy(update={"path": path})})
        words = machine.build(FOLDER, given)[0]["States"]["Preprocess"]["Arguments"]["AppSpecification"]
        assert words["ContainerArguments"][2] == f"/opt/ml/processing/input/data{place}"
