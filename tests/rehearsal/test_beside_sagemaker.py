"""What the cost controls call of other services answers as in AWS, under IAM."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.embedded import ACCOUNT, EmbeddedCloud

TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/ledger"
OF_A_DAY = {
    "TableName": "ledger",
    "IndexName": "by-day",
    "KeyConditionExpression": "#k = :k",
    "ExpressionAttributeNames": {"#k": "day"},
    "ExpressionAttributeValues": {":k": {"S": "2026-11-27"}},
}


def outcome(call: Callable[..., Any], **members: Any) -> str:
    try:
        call(**members)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"


def allow(actions: str, *resources: str, **conditions: Any) -> dict[str, Any]:
    listed = {"Effect": "Allow", "Action": actions.split(), "Resource": list(resources) or "*"}
    return listed | ({"Condition": conditions} if conditions else {})


@pytest.fixture(scope="module")
def ledger(cloud: EmbeddedCloud) -> Any:
    dynamodb = cloud.client("dynamodb")
    names = ("subject", "at", "day")
    key = [{"AttributeName": "at", "KeyType": "RANGE"}]
    dynamodb.create_table(
        TableName="ledger",
        KeySchema=[{"AttributeName": "subject", "KeyType": "HASH"}, *key],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-day",
                "KeySchema": [{"AttributeName": "day", "KeyType": "HASH"}, *key],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for hour in ("09", "08", "10"):
        item = {"subject": {"S": hour}, "at": {"S": f"2026-11-27T{hour}"}, "day": {"S": "2026-11-27"}}
        dynamodb.put_item(TableName="ledger", Item=item)
    dynamodb.put_item(TableName="ledger", Item={"subject": {"S": "warned"}, "at": {"S": "arn"}})
    return dynamodb


def test_an_index_is_read_in_order_and_page_by_page(ledger: Any) -> None:
    pages = ledger.get_paginator("query").paginate(**OF_A_DAY, Limit=2)
    found = [item["subject"]["S"] for page in pages for item in page["Items"]]
    assert found == ["08", "09", "10"]


def test_an_index_is_a_resource_of_its_own(ledger: Any, make_role: Any, assume: Any) -> None:
    table = assume(make_role("ledger-table", [allow("dynamodb:Query", TABLE)]), "dynamodb")
    index = assume(make_role("ledger-index", [allow("dynamodb:Query", f"{TABLE}/index/by-day")]), "dynamodb")
    assert outcome(table.query, **OF_A_DAY) == "AccessDeniedException"
    assert outcome(index.query, **OF_A_DAY) == "done"


def test_a_put_on_condition_is_done_once(ledger: Any) -> None:
    asked = {
        "TableName": "ledger",
        "Item": {"subject": {"S": "once"}, "at": {"S": "job"}},
        "ConditionExpression": "attribute_not_exists(subject)",
    }
    assert outcome(ledger.put_item, **asked) == "done"
    assert outcome(ledger.put_item, **asked) == "ConditionalCheckFailedException"


def test_a_role_is_frozen_with_that_policy_and_no_other(cloud: EmbeddedCloud, make_role: Any, assume: Any) -> None:
    iam = cloud.client("iam")
    denied = {"Effect": "Deny", "Action": "sagemaker:CreateModelPackageGroup", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    freeze, other = (
        iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"] for name in ("freeze", "other")
    )
    team = make_role("team-scientist", [allow("sagemaker:CreateModelPackageGroup")])
    iam.put_role_permissions_boundary(RoleName="team-scientist", PermissionsBoundary=other)
    listed = iam.list_entities_for_policy(PolicyArn=other, PolicyUsageFilter="PermissionsBoundary")
    assert [role["RoleName"] for role in listed["PolicyRoles"]] == ["team-scientist"]
    listed = iam.list_entities_for_policy(PolicyArn=other, PolicyUsageFilter="PermissionsPolicy")
    assert listed["PolicyRoles"] == []
    iam.delete_role_permissions_boundary(RoleName="team-scientist")

    changes = "iam:AttachRolePolicy iam:DetachRolePolicy"
    teams = f"arn:aws:iam::{ACCOUNT}:role/team-*"
    guard = assume(make_role("guard", [allow(changes, teams, ArnEquals={"iam:PolicyARN": freeze})]), "iam")
    assert outcome(guard.attach_role_policy, RoleName="team-scientist", PolicyArn=other) == "AccessDenied"
    assert outcome(guard.attach_role_policy, RoleName="guard", PolicyArn=freeze) == "AccessDenied"

    scientist = assume(team)
    for change, wanted in ((guard.attach_role_policy, "AccessDeniedException"), (guard.detach_role_policy, "done")):
        assert outcome(change, RoleName="team-scientist", PolicyArn=freeze) == "done"
        assert outcome(scientist.create_model_package_group, ModelPackageGroupName=f"team-{wanted}") == wanted
    assert outcome(guard.detach_role_policy, RoleName="team-scientist", PolicyArn=freeze) == "NoSuchEntity"


def test_a_boundary_counts_for_who_may_change_a_role(cloud: EmbeddedCloud, make_role: Any, assume: Any) -> None:
    iam = cloud.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:*")]})
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=document)["Policy"]["Arn"]
    for name in ("bounded-attached", "unbounded-attached"):
        make_role(name, [allow("s3:*")])
    iam.put_role_permissions_boundary(RoleName="bounded-attached", PermissionsBoundary=bound)
    only = allow("iam:AttachRolePolicy", ArnEquals={"iam:PermissionsBoundary": bound})
    guard = assume(make_role("boundary-guard", [only]), "iam")
    assert outcome(guard.attach_role_policy, RoleName="bounded-attached", PolicyArn=bound) == "done"
    assert outcome(guard.attach_role_policy, RoleName="unbounded-attached", PolicyArn=bound) == "AccessDenied"


def test_file_systems_are_listed_with_their_tags(cloud: EmbeddedCloud, make_role: Any, assume: Any) -> None:
    efs = cloud.client("efs")
    tag = {"Key": "ManagedByAmazonSageMakerResource", "Value": "arn:domain"}
    made = efs.create_file_system(CreationToken="home", Tags=[tag])["FileSystemId"]
    every = f"arn:aws:elasticfilesystem:us-east-1:{ACCOUNT}:file-system/*"
    lister = assume(make_role("files", [allow("elasticfilesystem:DescribeFileSystems", every)]), "efs")
    [found] = [row for row in lister.describe_file_systems()["FileSystems"] if row["FileSystemId"] == made]
    assert tag in found["Tags"] and "Value" in found["SizeInBytes"]
    one = every.replace("*", made)
    nobody = assume(make_role("no-files", [allow("elasticfilesystem:DescribeFileSystems", one)]), "efs")
    assert outcome(nobody.describe_file_systems) == "AccessDeniedException"


def test_log_groups_tell_their_size_and_retention(cloud: EmbeddedCloud, make_role: Any, assume: Any) -> None:
    logs = cloud.client("logs")
    for name in ("/aws/sagemaker/Endpoints/empty", "/aws/sagemaker/Endpoints/kept", "/elsewhere"):
        logs.create_log_group(logGroupName=name)
    logs.put_retention_policy(logGroupName="/aws/sagemaker/Endpoints/kept", retentionInDays=7)
    below = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/sagemaker/*"
    every = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:*"
    role = make_role("groups", [allow("logs:DescribeLogGroups", every), allow("logs:DeleteLogGroup", below)])
    client = assume(role, "logs")
    pages = client.get_paginator("describe_log_groups").paginate(
        logGroupNamePrefix="/aws/sagemaker/Endpoints/", PaginationConfig={"PageSize": 1}
    )
    found = {row["logGroupName"].rsplit("/", 1)[-1]: row for page in pages for row in page["logGroups"]}
    assert found["empty"]["storedBytes"] == 0 and "retentionInDays" not in found["empty"]
    assert found["kept"]["retentionInDays"] == 7
    assert outcome(client.delete_log_group, logGroupName="/aws/sagemaker/Endpoints/empty") == "done"
    assert outcome(client.delete_log_group, logGroupName="/elsewhere") == "AccessDeniedException"
    narrow = assume(make_role("some-groups", [allow("logs:DescribeLogGroups", below)]), "logs")
    assert outcome(narrow.describe_log_groups, logGroupNamePrefix="/aws/sagemaker/") == "AccessDeniedException"


def test_a_log_stream_is_a_resource_of_its_own(cloud: EmbeddedCloud, make_role: Any, assume: Any) -> None:
    logs, group = cloud.client("logs"), "/aws/sagemaker/NotebookInstances"
    logs.create_log_group(logGroupName=group)
    for stream in ("mine/jupyter.log", "theirs/jupyter.log"):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    own = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}:log-stream:mine/*"
    reader = assume(make_role("log-reader", [allow("logs:GetLogEvents", own)]), "logs")
    asked = {"logGroupName": group, "limit": 1}
    assert outcome(reader.get_log_events, logStreamName="mine/jupyter.log", **asked) == "done"
    assert outcome(reader.get_log_events, logStreamName="theirs/jupyter.log", **asked) == "AccessDeniedException"


def test_the_tags_of_log_groups_and_file_systems_are_found_as_well(cloud: EmbeddedCloud) -> None:
    cloud.client("logs").create_log_group(logGroupName="/aws/sagemaker/tagged", tags={"found": "yes"})
    files = cloud.client("efs").create_file_system(CreationToken="tagged", Tags=[{"Key": "found", "Value": "yes"}])
    kinds = ["sagemaker", "logs:log-group", "elasticfilesystem:file-system"]
    found = cloud.client("resourcegroupstaggingapi").get_resources(
        ResourceTypeFilters=kinds, TagFilters=[{"Key": "found", "Values": ["yes"]}]
    )["ResourceTagMappingList"]
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/sagemaker/tagged"
    assert sorted(row["ResourceARN"] for row in found) == sorted([group, files["FileSystemArn"]])


def test_tags_are_found_page_by_page_by_type_and_value(cloud: EmbeddedCloud, make_role: Any, assume: Any) -> None:
    sagemaker = cloud.client("sagemaker")
    for number in range(5):
        tags = [{"Key": "paged", "Value": ("odd", "even")[number % 2 == 0]}]
        sagemaker.create_model_package_group(ModelPackageGroupName=f"paged-{number}", Tags=tags)
    sagemaker.create_model_package_group(ModelPackageGroupName="paged-untagged")
    tagging = assume(make_role("tags", [allow("tag:GetResources")]), "resourcegroupstaggingapi")

    def found(values: list[str], kinds: list[str]) -> list[str]:
        pages = tagging.get_paginator("get_resources").paginate(
            TagFilters=[{"Key": "paged", "Values": values}],
            ResourceTypeFilters=kinds,
            PaginationConfig={"PageSize": 2},
        )
        rows = [page["ResourceTagMappingList"] for page in pages]
        assert all(len(page) <= 2 for page in rows)
        return [row["ResourceARN"].rsplit("/", 1)[-1] for page in rows for row in page]

    assert found(["odd", "even"], ["sagemaker"]) == [f"paged-{number}" for number in range(5)]
    assert found(["odd"], ["sagemaker:model-package-group"]) == ["paged-1", "paged-3"]
    assert found(["odd"], ["sagemaker:endpoint", "s3"]) == []
    everything = tagging.get_resources(ResourceTypeFilters=["sagemaker:model-package-group"], ResourcesPerPage=100)
    assert "paged-untagged" not in json.dumps(everything["ResourceTagMappingList"])
    nobody = assume(make_role("no-tags", [allow("s3:*")]), "resourcegroupstaggingapi")
    assert outcome(nobody.get_resources) == "AccessDeniedException"
