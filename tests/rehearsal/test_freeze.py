"""A frozen role is denied new compute by IAM, and what freezes it can attach nothing else."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from controls.freeze import Freeze
from rehearsal.embedded import ACCOUNT, EmbeddedCloud
from sluice.budget import DENIED

DENIAL = "AccessDeniedException"
POLICY, BOUNDARY = (f"arn:aws:iam::{ACCOUNT}:policy/ice-dev-{name}" for name in ("freeze", "boundary"))
OTHER = f"arn:aws:iam::{ACCOUNT}:policy/ice-dev-other"
ROLES = f"arn:aws:iam::{ACCOUNT}:role/ice-dev-*"
# As `sluice.budget` grants it.
FREEZING = [
    {"Effect": "Allow", "Action": "iam:ListEntitiesForPolicy", "Resource": [POLICY, BOUNDARY]},
    {"Effect": "Allow", "Action": "iam:GetRole", "Resource": ROLES},
    {
        "Effect": "Allow",
        "Action": ["iam:AttachRolePolicy", "iam:DetachRolePolicy"],
        "Resource": ROLES,
        "Condition": {"ArnEquals": {"iam:PolicyARN": POLICY}},
    },
]
JOB = {
    "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody",  # past IAM the service refuses this role
    "AlgorithmSpecification": {"TrainingImage": "x/none:1", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://none/out"},
    "ResourceConfig": {"InstanceCount": 1, "VolumeSizeInGB": 1, "InstanceType": "ml.m5.large"},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}


def outcome(call: Any, **members: Any) -> str:
    try:
        call(**members)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "done"


@pytest.fixture(scope="module")
def workers(cloud: EmbeddedCloud, make_role: Any) -> dict[str, str]:
    """Three roles of the platform: one that starts compute, one that only looks, one that promotes."""
    iam = cloud.client("iam")
    everything = {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}
    frozen = {"Effect": "Deny", "Action": [f"sagemaker:{action}" for action in DENIED], "Resource": "*"}
    for arn, statement in ((POLICY, frozen), (BOUNDARY, everything), (OTHER, everything)):
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_policy(PolicyName=arn.rpartition("/")[2], PolicyDocument=document)
    arns = {}
    for name in ("trains", "looks", "promotes"):
        arns[name] = make_role(f"ice-dev-{name}", [everything])
        iam.put_role_permissions_boundary(RoleName=f"ice-dev-{name}", PermissionsBoundary=BOUNDARY)
    iam.tag_role(RoleName="ice-dev-trains", Tags=[{"Key": "sluice:starts-compute", "Value": "true"}])
    make_role("ice-dev-meter", FREEZING)
    return arns


def test_a_frozen_role_trains_no_more_until_it_is_thawed(
    cloud: EmbeddedCloud, workers: dict[str, str], assume: Any
) -> None:
    freeze = Freeze(assume(f"arn:aws:iam::{ACCOUNT}:role/ice-dev-meter", "iam"), POLICY, BOUNDARY)
    clients = {name: assume(arn) for name, arn in workers.items()}

    def trains(name: str) -> bool:
        return outcome(clients[name].create_training_job, TrainingJobName=f"ice-{name}", **JOB) != DENIAL

    assert [trains(name) for name in workers] == [True, True, True]
    assert freeze.missing() == ["ice-dev-trains"]
    freeze.attach(freeze.missing())
    assert [trains(name) for name in workers] == [False, True, True]
    assert outcome(clients["trains"].list_training_jobs) == "done"
    assert outcome(clients["trains"].stop_training_job, TrainingJobName="ice-absent") != DENIAL
    assert freeze.missing() == []
    assert freeze.detach() == ["ice-dev-trains"]
    assert [trains(name) for name in workers] == [True, True, True]


def test_what_freezes_attaches_no_other_policy_and_to_no_role_of_somebody_else(
    workers: dict[str, str], make_role: Any, assume: Any
) -> None:
    make_role("stranger", FREEZING)
    iam = assume(f"arn:aws:iam::{ACCOUNT}:role/ice-dev-meter", "iam")
    assert outcome(iam.attach_role_policy, RoleName="ice-dev-trains", PolicyArn=OTHER) == "AccessDenied"
    assert outcome(iam.attach_role_policy, RoleName="stranger", PolicyArn=POLICY) == "AccessDenied"
    assert outcome(iam.attach_role_policy, RoleName="ice-dev-trains", PolicyArn=POLICY) == "done"
    assert outcome(iam.detach_role_policy, RoleName="ice-dev-trains", PolicyArn=POLICY) == "done"
