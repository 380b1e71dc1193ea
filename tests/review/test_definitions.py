"""Pipelines, state machines and other definitions within a template, compared as what they are."""

import json
from pathlib import Path
from typing import Any

from review.cloud_assembly import Assembly, stack_of
from review.definitions import lines
from review.difference import difference
from review.model import Change
from review.values import plain


def training(name: str = "Train", **changed: Any) -> dict[str, Any]:
    arguments = {
        "AlgorithmSpecification": {"TrainingImage": "image:1", "TrainingInputMode": "File"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "EnableManagedSpotTraining": True,
        "HyperParameters": {"epochs": "10"},
        "RoleArn": "role-of-jobs",
    }
    return {"Name": name, "Type": "Training", "Arguments": arguments | changed}


def changes(*steps: Any, parameters: Any = (), form: Any = lambda text: text) -> Change:
    """The pipeline's change from `steps[0]` to `steps[1]`."""
    sides = [json.dumps({"Version": "2020-12-01", "Parameters": list(parameters), "Steps": each}) for each in steps]
    stacks = [
        stack_of({"Resources": {"P": {
            "Type": "AWS::SageMaker::Pipeline",
            "Properties": {"PipelineName": "p", "PipelineDefinition": {"PipelineDefinitionBody": form(side)}},
        }}})
        for side in sides
    ]  # fmt: skip
    [change] = difference(*(Assembly(Path("absent"), {"Stack": stack}) for stack in stacks)).changes
    return change


def test_a_pipelines_steps_are_compared_argument_by_argument() -> None:
    after = training(
        AlgorithmSpecification={"TrainingImage": "image:2", "TrainingInputMode": "File"},
        ResourceConfig={"InstanceType": "ml.p4d.24xlarge", "InstanceCount": 4, "VolumeSizeInGB": 30},
        StoppingCondition={"MaxRuntimeInSeconds": 86400},
        EnableManagedSpotTraining=False,
        HyperParameters={"epochs": "20"},
    )
    change = changes([training()], [after])
    assert sorted(change.lines) == [
        "step Train: HyperParameters.epochs 10 → 20",
        "step Train: image image:1 → image:2",
        "step Train: instance ml.m5.xlarge → ml.p4d.24xlarge",
        "step Train: instances 1 → 4",
        "step Train: max run time (s) 3600 → 86400",
        "step Train: spot true → false",
    ]
    [summary] = change.properties
    assert (summary.name, summary.before, summary.after) == ("PipelineDefinition", "1 steps", "1 steps")


def test_steps_that_come_and_go_are_told_with_what_they_run_on() -> None:
    tuning = {
        "Name": "Tune", "Type": "Tuning",
        "Arguments": {
            "HyperParameterTuningJobConfig": {"ResourceLimits": {"MaxNumberOfTrainingJobs": 40}},
            "TrainingJobDefinition": {"ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2}},
        },
    }  # fmt: skip
    assert changes([training()], [tuning]).lines == (
        "step Train removed (Training, 1 x ml.m5.xlarge, spot)",
        "step Tune added (Tuning, 2 x ml.g5.xlarge, 40 tuning jobs)",
    )


def test_steps_within_a_condition_are_steps() -> None:
    def chosen(*inner: Any) -> dict[str, Any]:
        return {
            "Name": "If",
            "Type": "Condition",
            "Arguments": {"Conditions": [], "IfSteps": list(inner), "ElseSteps": []},
        }

    found = changes([chosen(training())], [chosen(training(RoleArn="other-role"), training("More"))]).lines
    assert found == (
        "step If: IfSteps[] absent → More",
        "step Train: role role-of-jobs → other-role",
        "step More added (Training, 1 x ml.m5.xlarge, spot)",
    )


def test_a_definition_within_intrinsic_functions_is_read_all_the_same() -> None:
    def joined(text: str) -> dict[str, Any]:
        first, last = text.split("role-of-jobs")
        return {"Fn::Join": ["", [first, {"Fn::GetAtt": ["Role", "Arn"]}, last]]}

    def substituted(text: str) -> dict[str, Any]:
        return {"Fn::Sub": [text.replace("role-of-jobs", "${R}-${!x}"), {"R": {"Fn::ImportValue": 'a "name"'}}]}

    def number(text: str) -> dict[str, Any]:
        first, last = text.split("3600")
        return {"Fn::Join": ["", [first, {"Ref": "Seconds"}, last]]}

    for form in (joined, substituted, number):
        assert changes([training()], [training(EnableManagedSpotTraining=False)], form=form).lines == (
            "step Train: spot true → false",
        )


def test_a_parameters_default_is_a_line_and_a_secret_one_is_masked() -> None:
    kind = "AWS::SageMaker::Pipeline"
    old, new = (
        plain({"PipelineDefinitionBody": json.dumps({"Parameters": [
            {"Name": "Instance", "Type": "String", "DefaultValue": value},
            {"Name": "ApiToken", "Type": "String", "DefaultValue": f"hunter{value}"},
        ]})})
        for value in ("one", "two")
    )  # fmt: skip
    assert lines(kind, "PipelineDefinition", old, new) == [
        "parameter Instance: DefaultValue one → two",
        "parameter ApiToken: DefaultValue changed",
    ]


def machine(states: dict[str, Any]) -> Any:
    return plain({"Fn::Join": ["", [json.dumps({"StartAt": "A", "States": states})]]})


def test_a_state_machine_is_compared_state_by_state_also_within_maps_and_branches() -> None:
    def of(seconds: int) -> dict[str, Any]:
        wait = {"States": {"Wait": {"Type": "Wait", "Seconds": seconds}}}
        return {
            "A": {"Type": "Map", "ItemProcessor": wait, "Next": "B"},
            "B": {"Type": "Parallel", "Branches": [wait, {"States": {"C": {"Type": "Pass"}}}]},
        }

    kind, name = "AWS::StepFunctions::StateMachine", "DefinitionString"
    assert lines(kind, name, machine(of(1)), machine(of(2) | {"Z": {"Type": "Task", "Resource": "arn:x"}})) == [
        "state A/Wait: Seconds 1 → 2",
        "state B branch 1/Wait: Seconds 1 → 2",
        "state Z added (Task, arn:x)",
    ]


def test_a_dashboard_is_told_by_the_places_that_differ() -> None:
    old, new = (json.dumps({"widgets": [{"width": width}], "start": "-PT1H"}) for width in (1, 2))
    assert lines("AWS::CloudWatch::Dashboard", "DashboardBody", old, new) == ["DashboardBody: widgets[].width 1 → 2"]


def test_a_definition_that_is_no_json_says_so_and_is_not_shown() -> None:
    change = changes([training()], [training("Other")], form=lambda text: text[:-5])
    assert change.lines == ("PipelineDefinition cannot be read as JSON",)
    assert str(change.properties[0].before).startswith("a text of")


def test_a_definition_in_a_bucket_is_told_by_its_place() -> None:
    old, new = ({"PipelineDefinitionS3Location": {"Bucket": "b", "Key": key}} for key in ("old", "new"))
    assert lines("AWS::SageMaker::Pipeline", "PipelineDefinition", old, new) is None
