"""What AWS checks beside a call's main resource, and quotas, over HTTP."""

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from rehearsal.embedded import EmbeddedCloud

TAGS = [{"Key": "team", "Value": "blue"}]


def under(cloud: EmbeddedCloud, arn: str) -> Any:
    given = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return boto3.client(
        "sagemaker",
        region_name=cloud.region,
        endpoint_url=cloud.url,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
        config=Config(retries={"max_attempts": 0}),
    )


def allow(action: str, resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": f"sagemaker:{action}", "Resource": f"arn:aws:sagemaker:*:*:{resource}"}


def code(call: Any, **members: Any) -> str:
    try:
        call(**members)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"


def test_tags_at_creation_need_add_tags_on_the_resource(cloud: EmbeddedCloud, make_role: Any) -> None:
    create = allow("CreateModelPackageGroup", "model-package-group/iam-*")
    plain = under(cloud, make_role("untagging", [create]))
    tagging = under(cloud, make_role("tagging", [create, allow("AddTags", "model-package-group/iam-*")]))
    elsewhere = under(cloud, make_role("elsewhere", [create, allow("AddTags", "model/*")]))
    make = "create_model_package_group"
    assert code(getattr(plain, make), ModelPackageGroupName="iam-1", Tags=TAGS) == "AccessDeniedException"
    assert code(getattr(elsewhere, make), ModelPackageGroupName="iam-1", Tags=TAGS) == "AccessDeniedException"
    assert code(getattr(tagging, make), ModelPackageGroupName="iam-1", Tags=TAGS) == "done"
    assert code(getattr(plain, make), ModelPackageGroupName="iam-2") == "done"


def test_the_tags_of_a_creation_are_there_as_request_tags(cloud: EmbeddedCloud, make_role: Any) -> None:
    create = allow("CreateModelPackageGroup", "model-package-group/iam-*")
    green = {**allow("AddTags", "*"), "Condition": {"StringEquals": {"aws:RequestTag/team": "green"}}}
    client = under(cloud, make_role("only-green", [create, green]))
    make = client.create_model_package_group
    assert code(make, ModelPackageGroupName="iam-3", Tags=TAGS) == "AccessDeniedException"
    assert code(make, ModelPackageGroupName="iam-3", Tags=[{"Key": "team", "Value": "green"}]) == "done"


@pytest.mark.parametrize("operation", ["Create", "Update"])
def test_an_endpoint_is_checked_on_its_configuration_too(cloud: EmbeddedCloud, make_role: Any, operation: str) -> None:
    both = [allow(f"{operation}Endpoint", "endpoint/mine"), allow(f"{operation}Endpoint", "endpoint-config/mine")]
    client = under(cloud, make_role(f"deployer-{operation}", both))
    call = getattr(client, f"{operation.lower()}_endpoint")
    # Past the permissions the service finds no such configuration or endpoint.
    assert code(call, EndpointName="mine", EndpointConfigName="mine") == "ValidationException"
    assert code(call, EndpointName="mine", EndpointConfigName="theirs") == "AccessDeniedException"


def test_a_quota_refuses_one_more_until_it_is_lifted(cloud: EmbeddedCloud) -> None:
    create = cloud.client("sagemaker").create_model_package_group
    cloud.control("quota", kind="ModelPackageGroup", limit=0)
    try:
        assert code(create, ModelPackageGroupName="over-quota") == "ResourceLimitExceeded"
    finally:
        cloud.control("quota", kind="ModelPackageGroup", limit=None)
    assert code(create, ModelPackageGroupName="over-quota") == "done"
