"""How policies are evaluated on SageMaker calls, as the IAM User Guide says: tags, conditions, limits, variables."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from rehearsal.embedded import ACCOUNT, EmbeddedCloud
from tests.rehearsal.studying import Studio

DENIED = "AccessDeniedException"
PREFIX = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:"
SOON = {"Delay": 0.05, "MaxAttempts": 400}
TAGS = [{"Key": "team", "Value": "blue"}]
KMS = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
JOB = {
    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody",  # past IAM the service refuses this role
    "AlgorithmSpecification": {"TrainingImage": "x/none:1", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://none/out"},
    "ResourceConfig": {"InstanceCount": 1, "VolumeSizeInGB": 1, "InstanceType": "ml.m5.large"},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}


def allow(action: str, resource: str, **condition: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Action": f"sagemaker:{action}",
        "Resource": f"arn:aws:sagemaker:*:*:{resource}" if resource != "*" else "*",
        "Condition": condition,
    }


def code(call: Any, **members: Any) -> str:
    try:
        call(**members)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"


def test_tags_at_creation_need_add_tags_on_the_resource(cloud: EmbeddedCloud, make_role: Any) -> None:
    create = allow("CreateModelPackageGroup", "model-package-group/iam-*")
    plain = cloud.as_role("sagemaker", make_role("untagging", [create]))
    tagging = cloud.as_role("sagemaker", make_role("tagging", [create, allow("AddTags", "model-package-group/iam-*")]))
    elsewhere = cloud.as_role("sagemaker", make_role("elsewhere", [create, allow("AddTags", "model/*")]))
    make = "create_model_package_group"
    assert code(getattr(plain, make), ModelPackageGroupName="iam-1", Tags=TAGS) == "AccessDeniedException"
    assert code(getattr(elsewhere, make), ModelPackageGroupName="iam-1", Tags=TAGS) == "AccessDeniedException"
    assert code(getattr(tagging, make), ModelPackageGroupName="iam-1", Tags=TAGS) == "done"
    assert code(getattr(plain, make), ModelPackageGroupName="iam-2") == "done"


def test_an_endpoint_with_a_key_is_made_by_whoever_may_give_grants_of_it(cloud: EmbeddedCloud, make_role: Any) -> None:
    sagemaker, create = cloud.client("sagemaker"), allow("CreateEndpoint", "*")
    made = {"ExecutionRoleArn": make_role("keyed-model", [create]), "PrimaryContainer": {"Image": "x/none:1"}}
    sagemaker.create_model(ModelName="keyed", **made)
    variant = {"VariantName": "v", "ModelName": "keyed", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="keyed", KmsKeyId=KMS, ProductionVariants=[variant])
    names = {"EndpointName": "keyed", "EndpointConfigName": "keyed"}
    for number, (key, for_aws, expected) in enumerate(
        [("key/2", "true", DENIED), ("key/1", "false", DENIED), ("key/1", "true", "done")]
    ):
        grant = {"Effect": "Allow", "Action": "kms:CreateGrant", "Resource": KMS.replace("key/1", key)}
        granting = {**grant, "Condition": {"Bool": {"kms:GrantIsForAWSResource": for_aws}}}
        client = cloud.as_role("sagemaker", make_role(f"keyed-endpoint-{number}", [create, granting]))
        assert code(client.create_endpoint, **names) == expected
    waiter = sagemaker.get_waiter("endpoint_deleted")
    with pytest.raises(WaiterError):  # its image has no runner
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="keyed", WaiterConfig=SOON)
    sagemaker.delete_endpoint(EndpointName="keyed")
    waiter.wait(EndpointName="keyed", WaiterConfig=SOON)
    sagemaker.delete_endpoint_config(EndpointConfigName="keyed")
    sagemaker.delete_model(ModelName="keyed")


def test_the_tags_of_a_creation_are_there_as_request_tags(cloud: EmbeddedCloud, make_role: Any) -> None:
    create = allow("CreateModelPackageGroup", "model-package-group/iam-*")
    green = {**allow("AddTags", "*"), "Condition": {"StringEquals": {"aws:RequestTag/team": "green"}}}
    client = cloud.as_role("sagemaker", make_role("only-green", [create, green]))
    make = client.create_model_package_group
    assert code(make, ModelPackageGroupName="iam-3", Tags=TAGS) == "AccessDeniedException"
    assert code(make, ModelPackageGroupName="iam-3", Tags=[{"Key": "team", "Value": "green"}]) == "done"


@pytest.fixture(scope="module")
def teams(cloud: EmbeddedCloud, role: str) -> Iterator[None]:
    """The same resources for team blue and for team red."""
    sagemaker = cloud.client("sagemaker")
    for team in ("blue", "red"):
        tags = [{"Key": "Team", "Value": team}]
        variant = {"VariantName": "v", "ModelName": team, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        container = {"Image": "x/none:1"}
        sagemaker.create_model(ModelName=team, ExecutionRoleArn=role, PrimaryContainer=container, Tags=tags)
        sagemaker.create_endpoint_config(EndpointConfigName=team, ProductionVariants=[variant], Tags=tags)
        sagemaker.create_endpoint(EndpointName=team, EndpointConfigName=team, Tags=tags)
        sagemaker.create_model_package_group(ModelPackageGroupName=team, Tags=tags)
        sagemaker.create_model_package(ModelPackageGroupName=team, ModelApprovalStatus="PendingManualApproval")
        sagemaker.create_pipeline(
            PipelineName=team,
            PipelineDefinition=json.dumps({"Steps": []}),
            ClientRequestToken=team * 16,
            RoleArn=role,
            Tags=tags,
        )
    yield
    for team in ("blue", "red"):
        sagemaker.delete_endpoint(EndpointName=team)


@pytest.mark.parametrize("service", ["aws", "sagemaker"])
def test_a_role_for_one_teams_resources_touches_no_others(
    cloud: EmbeddedCloud, make_role: Any, teams: None, service: str
) -> None:
    blue = {f"{service}:ResourceTag/team": "blue"}  # the names of tags are compared without regard to case
    arn = make_role(f"team-{service}", [allow("*", "*", StringEquals=blue)])
    client, runtime = cloud.as_role("sagemaker", arn), cloud.as_role("sagemaker-runtime", arn)
    for call, members in (
        (client.describe_model, {"ModelName": "{}"}),
        (client.describe_endpoint, {"EndpointName": "{}"}),
        (client.update_endpoint, {"EndpointName": "{}", "EndpointConfigName": "{}"}),
        (runtime.invoke_endpoint, {"EndpointName": "{}", "Body": "1"}),
        (client.describe_pipeline, {"PipelineName": "{}"}),
        (client.describe_model_package_group, {"ModelPackageGroupName": PREFIX + "model-package-group/{}"}),
        (client.list_tags, {"ResourceArn": PREFIX + "model/{}"}),
    ):
        asked = [{n: v.replace("{}", team) for n, v in members.items()} for team in ("blue", "red")]
        assert [code(call, **members) == DENIED for members in asked] == [False, True]
    assert code(client.describe_model, ModelName="absent") == DENIED  # what is not there has no tags
    mixed = {"EndpointName": "blue", "EndpointConfigName": "red"}
    assert code(client.update_endpoint, **mixed) == DENIED


def test_a_removed_tag_removes_the_permission_and_deletes_need_it(
    cloud: EmbeddedCloud, make_role: Any, role: str
) -> None:
    root, arn = cloud.client("sagemaker"), PREFIX + "model/tagged"
    root.create_model(ModelName="tagged", ExecutionRoleArn=role, PrimaryContainer={"Image": "x/none:1"}, Tags=TAGS)
    blue = allow("DeleteModel", "model/*", StringEquals={"aws:ResourceTag/team": "blue"})
    client = cloud.as_role("sagemaker", make_role("deleter", [blue]))
    root.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert code(client.delete_model, ModelName="tagged") == DENIED
    root.add_tags(ResourceArn=arn, Tags=TAGS)
    assert code(client.delete_model, ModelName="tagged") == "done"


def test_the_tags_of_a_request_can_be_prescribed(cloud: EmbeddedCloud, make_role: Any) -> None:
    only = {"aws:RequestTag/team": "blue"}, {"aws:TagKeys": ["team", "cost"]}
    rule = {"StringEquals": only[0], "ForAllValues:StringEquals": only[1]}
    arn = make_role(
        "prescribed", [allow(a, "model-package-group/*", **rule) for a in ("CreateModelPackageGroup", "AddTags")]
    )
    make = cloud.as_role("sagemaker", arn).create_model_package_group
    other, red = {"Key": "other", "Value": "x"}, {"Key": "team", "Value": "red"}
    assert code(make, ModelPackageGroupName="tags-1", Tags=TAGS) == "done"
    assert code(make, ModelPackageGroupName="tags-2", Tags=[*TAGS, other]) == DENIED
    assert code(make, ModelPackageGroupName="tags-2", Tags=[red]) == DENIED
    assert code(make, ModelPackageGroupName="tags-2") == DENIED


def test_tagging_can_be_allowed_at_creation_only(cloud: EmbeddedCloud, make_role: Any) -> None:
    tagging = allow("AddTags", "model-package-group/*", Null={"sagemaker:TaggingAction": "false"})
    arn = make_role("tag-at-creation", [allow("CreateModelPackageGroup", "model-package-group/*"), tagging])
    client = cloud.as_role("sagemaker", arn)
    assert code(client.create_model_package_group, ModelPackageGroupName="at-creation", Tags=TAGS) == "done"
    assert code(client.add_tags, ResourceArn=PREFIX + "model-package-group/at-creation", Tags=TAGS) == DENIED


def test_a_deny_on_missing_encryption_lists_both_names_of_the_key(cloud: EmbeddedCloud, make_role: Any) -> None:
    names = {"sagemaker:VolumeKmsKeyArn": "true", "sagemaker:VolumeKmsKey": "true"}
    unencrypted = {**allow("CreateTrainingJob", "*", Null=names), "Effect": "Deny"}
    create = cloud.as_role("sagemaker", make_role("encrypted", [allow("*", "*"), unencrypted])).create_training_job
    encrypted = {**JOB, "ResourceConfig": JOB["ResourceConfig"] | {"VolumeKmsKeyId": KMS}}  # type: ignore[operator]
    assert code(create, TrainingJobName="plain", **JOB) == DENIED
    assert code(create, TrainingJobName="encrypted", **encrypted) == "ValidationException"


INSTANCES = {"sagemaker:InstanceTypes": ["ml.m5.large", "ml.c5.*"]}


@pytest.mark.parametrize(
    ("operator", "outcomes"),
    [  # for [large], [large, p4d], [p4d], none
        ("ForAllValues:StringLike", [True, False, False, True]),
        ("ForAnyValue:StringLike", [True, True, False, False]),
        ("ForAnyValue:StringLikeIfExists", [True, True, False, True]),
        ("ForAllValues:StringNotLike", [False, False, True, True]),
    ],
)
def test_sets_of_instance_types_are_compared_as_documented(
    cloud: EmbeddedCloud, make_role: Any, operator: str, outcomes: list[bool]
) -> None:
    arn = make_role(operator.replace(":", "-"), [allow("CreateTrainingJob", "*", **{operator: INSTANCES})])
    create = cloud.as_role("sagemaker", arn).create_training_job
    for types, outcome in zip((["m5.large"], ["m5.large", "p4d"], ["p4d"], []), outcomes, strict=True):
        groups = [{"InstanceType": f"ml.{t}", "InstanceCount": 1, "InstanceGroupName": t} for t in types]
        asked = {**JOB, "ResourceConfig": {"VolumeSizeInGB": 1, **({"InstanceGroups": groups} if groups else {})}}
        assert (code(create, TrainingJobName="sets", **asked) != DENIED) == outcome, types


def test_an_explicit_deny_and_not_action_bind(cloud: EmbeddedCloud, make_role: Any) -> None:
    but_lists = {"Effect": "Deny", "NotAction": "sagemaker:List*", "Resource": "*"}
    client = cloud.as_role("sagemaker", make_role("lists-only", [allow("*", "*"), but_lists]))
    assert code(client.list_models) == "done"
    assert code(client.describe_model, ModelName="blue") == DENIED


def test_a_permissions_boundary_limits_what_a_role_may_do(cloud: EmbeddedCloud, make_role: Any, teams: None) -> None:
    iam, arn = cloud.client("iam"), make_role("bounded", [allow("*", "*")])
    blue = {"Version": "2012-10-17", "Statement": allow("*", "*", StringEquals={"aws:ResourceTag/team": "blue"})}
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=json.dumps(blue))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName="bounded", PermissionsBoundary=boundary)
    client = cloud.as_role("sagemaker", arn)
    assert code(client.describe_model, ModelName="blue") == "done"
    assert code(client.describe_model, ModelName="red") == DENIED


@pytest.mark.parametrize(
    ("name", "condition", "outcome"),
    [
        ("to-sagemaker", {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}, "done"),
        ("to-any", {}, "done"),
        ("to-lambda", {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}, DENIED),
        ("none", None, DENIED),
    ],
)
def test_a_role_is_passed_to_sagemaker_by_who_may(
    cloud: EmbeddedCloud, make_role: Any, role: str, name: str, condition: dict[str, Any] | None, outcome: str
) -> None:
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role, "Condition": condition}
    statements = [allow("Create*", "*"), *([passing] if condition is not None else [])]
    client = cloud.as_role("sagemaker", make_role(f"pass-{name}", statements))
    model = {"ModelName": f"pass-{name}", "PrimaryContainer": {"Image": "x/none:1"}}
    assert code(client.create_model, ExecutionRoleArn=role, **model) == outcome
    domain = {"DomainName": f"pass-{name}", "AuthMode": "IAM"}
    assert code(client.create_domain, DefaultUserSettings={"ExecutionRole": role}, **domain) == outcome


def test_the_life_cycle_stage_that_a_package_is_in_can_be_a_condition(cloud: EmbeddedCloud, make_role: Any) -> None:
    root = cloud.client("sagemaker")
    root.create_model_package_group(ModelPackageGroupName="stages")
    stages = ("Test", "Production")
    for stage in stages:
        root.create_model_package(
            ModelPackageGroupName="stages", ModelLifeCycle={"Stage": stage, "StageStatus": "Open"}
        )
    rule = allow("UpdateModelPackage", "*", StringEquals={"sagemaker:CurrentModelLifeCycleStage": "Test"})
    update = cloud.as_role("sagemaker", make_role("stages", [rule])).update_model_package
    arns = [PREFIX + f"model-package/stages/{number}" for number in (1, 2)]
    assert [code(update, ModelPackageArn=arn, ApprovalDescription="x") for arn in arns] == ["done", DENIED]


def test_variables_of_a_policy_are_filled_from_the_request(cloud: EmbeddedCloud, make_role: Any, teams: None) -> None:
    arn = make_role(
        "variables",
        [
            allow("DescribeModel", "model/${aws:PrincipalTag/team}"),
            allow("DescribePipeline", "pipeline/*", StringEquals={"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}),
            allow("DescribeEndpoint", "endpoint/${aws:PrincipalTag/absent, 'red'}"),
            allow("DescribeModelPackageGroup", "model-package-group/${aws:PrincipalTag/absent}*"),
        ],
    )
    cloud.client("iam").tag_role(RoleName="variables", Tags=TAGS)
    client = cloud.as_role("sagemaker", arn)
    pair = ("blue", "red")
    assert [code(client.describe_model, ModelName=n) for n in pair] == ["done", DENIED]
    assert [code(client.describe_pipeline, PipelineName=n) for n in pair] == ["done", DENIED]
    assert [code(client.describe_endpoint, EndpointName=n) for n in pair] == [DENIED, "done"]
    assert code(client.describe_model_package_group, ModelPackageGroupName="blue") == DENIED


def test_a_studio_user_keeps_to_private_spaces_of_ones_own(cloud: EmbeddedCloud, make_role: Any) -> None:
    root = cloud.client("sagemaker")
    domain = Studio(root).domain("own", "ann", "bob")
    own = PREFIX + "user-profile/${sagemaker:DomainId}/${sagemaker:UserProfileName}"
    rule = {
        "ArnLike": {"sagemaker:OwnerUserProfileArn": own},
        "StringEquals": {"sagemaker:SpaceSharingType": "Private"},
    }
    arn = make_role("studio", [allow(f"{verb}Space", "space/*", **rule) for verb in ("Create", "Update", "Delete")])
    ann, bob = (cloud.as_role("sagemaker", arn, (domain, user)) for user in ("ann", "bob"))
    for owner, sharing, outcome in (("ann", "Private", "done"), ("bob", "Private", DENIED), ("ann", "Shared", DENIED)):
        asked = {
            "OwnershipSettings": {"OwnerUserProfileName": owner},
            "SpaceSharingSettings": {"SharingType": sharing},
        }
        assert code(ann.create_space, DomainId=domain, SpaceName="own", **asked) == outcome
    assert code(bob.update_space, DomainId=domain, SpaceName="own", SpaceDisplayName="x") == DENIED
    assert code(bob.delete_space, DomainId=domain, SpaceName="own") == DENIED
    Studio(root).settled("space", DomainId=domain, SpaceName="own")
    assert code(ann.delete_space, DomainId=domain, SpaceName="own") == "done"
