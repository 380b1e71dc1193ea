"""The deployed pipeline: its definition with every placeholder filled, and the two roles that it needs."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk.assertions import Template

from config.load import ROOT


@pytest.fixture
def training(app_templates: Mapping[str, Template]) -> Template:
    return app_templates["training"]


@pytest.fixture
def substitution(training: Template) -> list[Any]:
    [pipeline] = training.find_resources("AWS::SageMaker::Pipeline").values()
    return pipeline["Properties"]["PipelineDefinition"]["PipelineDefinitionBody"]["Fn::Sub"]


def statements(training: Template, action: str) -> list[dict[str, Any]]:
    return [
        statement
        for name, policy in training.find_resources("AWS::IAM::Policy").items()
        if name.startswith("Pipeline")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if action == statement["Action"] or action in statement["Action"]
    ]


def test_pipeline_and_package_group_have_the_workloads_name(training: Template) -> None:
    training.has_resource_properties("AWS::SageMaker::Pipeline", {"PipelineName": "sluice-dev-digits"})
    training.has_resource_properties(
        "AWS::SageMaker::ModelPackageGroup", {"ModelPackageGroupName": "sluice-dev-digits"}
    )


def test_every_placeholder_is_filled_and_nothing_is_given_in_vain(substitution: list[Any]) -> None:
    body, values = substitution
    assert set(re.findall(r"\$\{(\w+)\}", body)) == values.keys()


def test_the_filled_definition_is_the_committed_one(substitution: list[Any]) -> None:
    body, values = substitution
    filled = body
    for name in values:
        filled = filled.replace(f"${{{name}}}", 'a","b' if name in ("SubnetIds", "SecurityGroupIds") else name)
    definition = json.loads(filled)
    committed = json.loads((ROOT / "workloads" / "digits" / "pipeline.json").read_text("utf-8"))
    assert [step["Name"] for step in definition["Steps"]] == [step["Name"] for step in committed["Steps"]]
    [train] = [step["Arguments"] for step in definition["Steps"] if step["Type"] == "Training"]
    assert train["VpcConfig"] == {"SecurityGroupIds": ["a", "b"], "Subnets": ["a", "b"]}


def test_the_images_are_those_of_the_region(substitution: list[Any]) -> None:
    assert ".dkr.ecr.us-east-1." in substitution[1]["KmeansImage"]
    assert ".dkr.ecr.us-east-1." in substitution[1]["SklearnImage"]


def test_jobs_read_one_object_of_the_bootstrap_bucket(training: Template) -> None:
    resources = [resource for s in statements(training, "s3:GetObject") for resource in s["Resource"]]
    [code] = [str(resource) for resource in resources if "cdk-hnb659fds-assets" in str(resource)]
    assert "*" not in code


def test_jobs_touch_only_their_own_prefix(training: Template) -> None:
    for statement in statements(training, "s3:PutObject"):
        assert str(statement["Resource"]).count("/digits/*") == 1
    for statement in statements(training, "s3:ListBucket"):
        assert statement["Condition"]["StringLike"]["s3:prefix"] != "*"


def test_the_pipeline_passes_the_job_role_to_sagemaker_only(training: Template) -> None:
    [statement] = statements(training, "iam:PassRole")
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    assert re.search(r"JobRole", str(statement["Resource"]))


def test_the_pipeline_makes_only_jobs_that_sagemaker_names_after_it(training: Template) -> None:
    [statement] = statements(training, "sagemaker:CreateTrainingJob")
    assert all("/pipelines-*" in str(resource) for resource in statement["Resource"])


def test_roles_are_taken_by_sagemaker_for_this_account_only(training: Template) -> None:
    ours = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    for name, role in training.find_resources("AWS::IAM::Role").items():
        [trust] = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        if name.startswith("ExperimentsFunction"):
            continue
        assert (trust["Principal"], trust["Condition"]) == ({"Service": "sagemaker.amazonaws.com"}, ours)
