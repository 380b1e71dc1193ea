"""What the comparison of calls and permissions cannot see for itself: conditions, and uses of the key."""

import importlib
from typing import Any

import pytest

permissions = importlib.import_module("tests.lambda.permissions")

ROLE = "arn:aws:iam::111122223333:role/endpoint"
_LETTERS = "StringEquals kms:ViaService sqs.us-east-1.AWS::URLSuffix"
_TABLE = "StringEquals kms:ViaService dynamodb.us-east-1.AWS::URLSuffix"
_OBJECTS = "StringEquals kms:ViaService s3.us-east-1.AWS::URLSuffix"
_TOPIC = "StringEquals kms:ViaService sns.us-east-1.AWS::URLSuffix"
_LETTER_USES = {("Decrypt", _LETTERS), ("GenerateDataKey", _LETTERS)}
_TABLE_USES = {"Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo"}


def passing(conditions: dict[str, Any]) -> bool:
    statement = permissions.Statement(["iam:PassRole"], [ROLE], conditions)
    return permissions.covers(statement, "iam:PassRole", ROLE, {})


@pytest.mark.parametrize(
    ("conditions", "allowed"),
    [
        ({"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}, True),
        ({"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com", "sagemaker.amazonaws.com"]}}, True),
        ({"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}, False),
        ({"StringEquals": {"aws:ResourceTag/sluice:platform": "sluice-dev"}}, False),
        ({"StringNotEquals": {"aws:ResourceTag/sluice:environment": "prod"}}, True),
        ({"StringNotEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}, False),
        ({"StringEquals": {"aws:SourceVpc": "vpc-1"}}, False),
        ({"StringEqualsIfExists": {"aws:ResourceTag/sluice:platform": "sluice-dev"}}, True),
        ({"StringEqualsIfExists": {"iam:PassedToService": "ec2.amazonaws.com"}}, False),
        ({"StringEqualsIfExists": {"iam:PassedToService": ["ec2.amazonaws.com", "sagemaker.amazonaws.com"]}}, True),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, False),
    ],
)
def test_a_condition_allows_only_what_meets_it(conditions: dict[str, Any], allowed: bool) -> None:
    assert passing(conditions) is allowed


@pytest.mark.parametrize(
    ("verb", "uses"),
    [
        ("promote", _LETTER_USES | {("CreateGrant", "Bool kms:GrantIsForAWSResource true")}),
        (
            "sweep",
            _LETTER_USES
            | {(use, _TABLE) for use in _TABLE_USES}
            | {("Decrypt", _OBJECTS), ("Decrypt", _TOPIC), ("GenerateDataKey", _TOPIC)}
            | {("CreateGrant", "Bool kms:GrantIsForAWSResource true")},
        ),
        (
            "govern",
            _LETTER_USES
            | {(use, _TABLE) for use in _TABLE_USES}
            | {("Decrypt", _OBJECTS), ("Decrypt", _TOPIC), ("GenerateDataKey", _TOPIC)}
            | {("Decrypt", "unconditional  "), ("DescribeKey", "unconditional  ")}
            | {("CreateGrant", "Bool kms:GrantIsForAWSResource true")},
        ),
        (
            "meter",
            _LETTER_USES
            | {(use, _TABLE) for use in _TABLE_USES}
            | {("Decrypt", _OBJECTS), ("Decrypt", _TOPIC), ("GenerateDataKey", _TOPIC)},
        ),
        ("reprice", _LETTER_USES | {("Decrypt", _OBJECTS), ("GenerateDataKey", _OBJECTS)}),
        ("teardown", _LETTER_USES),
        ("cancel", _LETTER_USES),
        ("record", _LETTER_USES | {(use, "unconditional  ") for use in ("Decrypt", "GenerateDataKey")}),
        ("begin", _LETTER_USES | {("Decrypt", _OBJECTS), ("GenerateDataKey", _OBJECTS)}),
        ("tell", _LETTER_USES | {("Decrypt", _OBJECTS), ("Decrypt", _TOPIC), ("GenerateDataKey", _TOPIC)}),
    ],
)
def test_each_role_uses_the_key_for_this_and_nothing_else(
    deployed: dict[str, Any], verb: str, uses: set[tuple[str, str]]
) -> None:
    assert permissions.key_uses(deployed[verb]) == uses
