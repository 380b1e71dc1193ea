"""What the Studio domain and its users get, and what they do not."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

IDLE = {
    "AppLifecycleManagement": {
        "IdleSettings": {
            "LifecycleManagement": "ENABLED",
            "IdleTimeoutInMinutes": 120,
            "MinIdleTimeoutInMinutes": 60,
            "MaxIdleTimeoutInMinutes": 240,
        }
    }
}


@pytest.fixture
def studio(app_templates: Mapping[str, Template]) -> Template:
    return app_templates["studio"]


@pytest.fixture
def statements(studio: Template) -> Mapping[str, list[dict[str, Any]]]:
    """The policy statements of each persona."""
    policies = studio.find_resources("AWS::IAM::Policy").values()
    by_role = {policy["Properties"]["Roles"][0]["Ref"]: policy["Properties"]["PolicyDocument"] for policy in policies}
    personas = {"data-scientist": "datascientist", "ml-engineer": "mlengineer", "viewer": "viewer"}
    return {
        persona: next(document["Statement"] for role, document in by_role.items() if role.startswith(start))
        for persona, start in personas.items()
    }


def actions(statements: list[dict[str, Any]]) -> set[str]:
    found: set[str] = set()
    for statement in statements:
        found |= {statement["Action"]} if isinstance(statement["Action"], str) else set(statement["Action"])
    return found


def test_the_domain_stays_in_the_network_under_the_customer_key(studio: Template) -> None:
    studio.has_resource_properties(
        "AWS::SageMaker::Domain",
        {
            "DomainName": "sluice-dev",
            "AuthMode": "IAM",
            "AppNetworkAccessType": "VpcOnly",
            "KmsKeyId": Match.any_value(),
            "TagPropagation": "ENABLED",
        },
    )


def test_idle_apps_stop_and_users_cannot_raise_the_maximum(studio: Template) -> None:
    settings = {"JupyterLabAppSettings": IDLE, "CodeEditorAppSettings": IDLE}
    studio.has_resource_properties("AWS::SageMaker::Domain", {"DefaultUserSettings": Match.object_like(settings)})
    for profile in studio.find_resources("AWS::SageMaker::UserProfile").values():
        assert set(profile["Properties"]["UserSettings"]) == {"ExecutionRole"}


def test_each_user_has_the_role_of_the_persona(studio: Template) -> None:
    profiles = {
        profile["Properties"]["UserProfileName"]: profile["Properties"]["UserSettings"]["ExecutionRole"]["Fn::GetAtt"][
            0
        ]
        for profile in studio.find_resources("AWS::SageMaker::UserProfile").values()
    }
    assert profiles.keys() == {"ada", "grace"}
    assert profiles["ada"].startswith("datascientist")
    assert profiles["grace"].startswith("mlengineer")


def test_a_viewer_only_looks(statements: Mapping[str, list[dict[str, Any]]]) -> None:
    looks = ("sagemaker:List*", "sagemaker:Describe*", "s3:GetObject", "s3:ListBucket", "kms:Decrypt")
    assert not {
        action for action in actions(statements["viewer"]) if not any(fnmatchcase(action, look) for look in looks)
    }


def test_only_an_ml_engineer_approves_models(statements: Mapping[str, list[dict[str, Any]]]) -> None:
    approve = "sagemaker:UpdateModelPackage"
    assert approve in actions(statements["ml-engineer"])
    assert approve not in actions(statements["data-scientist"]) | actions(statements["viewer"])


def test_a_data_scientist_starts_pipelines_of_this_platform_only(
    statements: Mapping[str, list[dict[str, Any]]],
) -> None:
    start = [s for s in statements["data-scientist"] if "sagemaker:StartPipelineExecution" in s["Action"]]
    assert start
    for statement in start:
        assert str(statement["Resource"]).count(":pipeline/sluice-dev-*") == 1
    assert "sagemaker:StartPipelineExecution" not in actions(statements["viewer"])


def test_nobody_runs_transform_jobs_where_no_monitor_examines_batches(
    statements: Mapping[str, list[dict[str, Any]]],
) -> None:
    assert not [action for granted in statements.values() for action in actions(granted) if "Transform" in action]


def test_people_hand_out_the_role_of_experiments_alone_and_to_sagemaker_alone(
    statements: Mapping[str, list[dict[str, Any]]],
) -> None:
    for persona, granted in statements.items():
        roles = [s for s in granted if any(a.startswith("iam:") for a in actions([s]))]
        if persona != "data-scientist":
            assert roles == []
            continue
        [passing] = roles
        assert passing["Action"] == "iam:PassRole"
        assert passing["Resource"]["Fn::GetAtt"][0].startswith("Experiments")
        assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_a_viewer_starts_nothing(statements: Mapping[str, list[dict[str, Any]]]) -> None:
    assert not [a for a in actions(statements["viewer"]) if "Create" in a or "Start" in a or "Invoke" in a]


def test_apps_run_on_the_personas_instance_types(statements: Mapping[str, list[dict[str, Any]]]) -> None:
    for persona, dearest in (("data-scientist", "ml.m5.large"), ("ml-engineer", "ml.m5.xlarge")):
        for statement in [s for s in statements[persona] if "sagemaker:CreateApp" in s["Action"]]:
            types = statement["Condition"]["ForAllValues:StringEquals"]["sagemaker:InstanceTypes"]
            assert types == ["ml.t3.medium", "ml.t3.large", *dict.fromkeys(("ml.m5.large", dearest))]


def test_spaces_are_private_and_ones_own(statements: Mapping[str, list[dict[str, Any]]]) -> None:
    for persona in ("data-scientist", "ml-engineer"):
        made = [s for s in statements[persona] if "sagemaker:CreateSpace" in s["Action"]]
        assert made
        for statement in made:
            assert statement["Condition"]["StringEquals"] == {"sagemaker:SpaceSharingType": ["Private"]}
            owner = str(statement["Condition"]["ArnLike"]["sagemaker:OwnerUserProfileArn"])
            assert "user-profile/${sagemaker:DomainId}/${sagemaker:UserProfileName}" in owner


def test_who_makes_spaces_may_let_their_volumes_use_the_key_on_no_condition(
    statements: Mapping[str, list[dict[str, Any]]],
) -> None:
    """kms:GrantIsForAWSResource and kms:ViaService both break CreateSpace."""
    for persona, granted in (("data-scientist", True), ("ml-engineer", True), ("viewer", False)):
        own = [statement for statement in statements[persona] if "kms:CreateGrant" in actions([statement])]
        assert bool(own) is granted
        assert all(statement["Effect"] == "Allow" and "Condition" not in statement for statement in own)
        assert not [s for s in statements[persona] if s["Effect"] == "Deny" and "kms:CreateGrant" in actions([s])]
