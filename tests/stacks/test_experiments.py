"""MLflow: the app keeps to its own folder, and every ended run of this platform reaches the function."""

from collections.abc import Mapping

import pytest
from aws_cdk import App, Environment
from aws_cdk.assertions import Match, Template

from config.schema import Platform
from stacks.foundation import FoundationStack
from stacks.training import TrainingStack


@pytest.fixture
def training(app_templates: Mapping[str, Template]) -> Template:
    return app_templates["training"]


def test_the_app_is_named_after_the_platform_and_registers_no_models_by_itself(training: Template) -> None:
    named = {"Name": "sluice-dev", "ModelRegistrationMode": "AutoModelRegistrationDisabled"}
    training.has_resource_properties("AWS::SageMaker::MlflowApp", named)


def test_the_app_reads_and_writes_its_own_folder_only(training: Template) -> None:
    policies = training.find_resources("AWS::IAM::Policy")
    [own] = [policy for name, policy in policies.items() if name.startswith("ExperimentsRole")]
    for statement in own["Properties"]["PolicyDocument"]["Statement"]:
        if "kms:Decrypt" not in statement["Action"]:
            assert "mlflow/*" in str(statement), statement


def test_the_function_hears_of_every_end_of_this_platforms_pipelines(training: Template) -> None:
    detail = {
        "currentPipelineExecutionStatus": ["Succeeded", "Failed", "Stopped"],
        "pipelineArn": [{"prefix": Match.object_like({"Fn::Join": Match.any_value()})}],
    }
    training.has_resource_properties("AWS::Events::Rule", {"EventPattern": Match.object_like({"detail": detail})})
    [pattern] = [
        rule["Properties"]["EventPattern"]
        for rule in training.find_resources("AWS::Events::Rule").values()
        if rule["Properties"]["EventPattern"]["detail"].get("currentPipelineExecutionStatus")
    ]
    assert ":pipeline/sluice-dev-" in str(pattern)


def changed(platform: Platform, **settings: object) -> Template:
    app = App(context={"aws:cdk:bundling-stacks": []})
    common = {"platform": platform.model_copy(update=settings), "env": Environment(region=platform.region)}
    foundation = FoundationStack(app, "Foundation", **common)
    return Template.from_stack(TrainingStack(app, "Training", foundation=foundation, **common))


def test_state_machines_are_listened_to_where_a_workload_is_for_autopilot(platform: Platform) -> None:
    algorithm = type("Autopilot", (), {"name": "autopilot"})()
    workload = platform.workloads["digits"].model_copy(update={"algorithm": algorithm})
    template = changed(platform, workloads={"digits": workload})
    pattern = Match.object_like({"source": ["aws.states"], "detail-type": ["Step Functions Execution Status Change"]})
    template.has_resource_properties("AWS::Events::Rule", {"EventPattern": pattern})


def test_there_is_no_app_and_no_function_where_experiments_are_off(platform: Platform) -> None:
    template = changed(platform, experiments="off")
    template.resource_count_is("AWS::SageMaker::MlflowApp", 0)
    recording = {"Properties": {"Handler": "controls.record.handler"}}
    assert template.find_resources("AWS::Lambda::Function", recording) == {}
