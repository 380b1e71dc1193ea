"""A frozen role is denied new compute by IAM, and what freezes it can attach nothing else."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from config.costs import Budget, Costs
from controls import clients, meter
from controls.ledger import Ledger
from controls.spending import budget
from controls.spending.freeze import Freeze, thaw
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


@pytest.mark.slow
def test_the_meter_counts_and_freezes_what_is_in_the_cloud(
    cloud: EmbeddedCloud, workers: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = time_of(cloud)
    if (now + timedelta(minutes=16)).month != now.month:  # what a month has used would be in two
        cloud.control("advance", seconds=1000)
        now = time_of(cloud)
    sagemaker = cloud.client("sagemaker")
    tags = [{"Key": "sluice:platform", "Value": "ice-dev"}, {"Key": "sluice:owner", "Value": "ada"}]
    sagemaker.create_notebook_instance(
        NotebookInstanceName="ice-desk", InstanceType="ml.t3.medium", RoleArn=workers["looks"], Tags=tags
    )
    sagemaker.get_waiter("notebook_instance_in_service").wait(
        NotebookInstanceName="ice-desk", WaiterConfig={"Delay": 1}
    )
    for name, value in settings(cloud).items():
        monkeypatch.setenv(f"SLUICE_{name.upper()}", value if isinstance(value, str) else json.dumps(value))
    monkeypatch.setattr(clients, "client", cloud.client)
    now = time_of(cloud)
    for minutes in (0, 15, 15):
        meter.handler({"time": (now + timedelta(minutes=minutes)).isoformat()}, None)
    ledger = Ledger(cloud.client("dynamodb"), "ice-ledger", now=now)
    month = budget.recall(ledger, f"{now:%Y-%m}")
    assert month and month.by_owner == {"ada": pytest.approx(0.0125)} and month.told == ("50", "80", "100")
    assert month.frozen_since and "ice-dev-trains" in attached(cloud)
    assert thaw(ledger, Freeze(cloud.client("iam"), POLICY, BOUNDARY), by="ada", now=now) == ["ice-dev-trains"]
    assert attached(cloud) == [] and "CloudWatchMetrics" in capsys.readouterr().out


def time_of(cloud: EmbeddedCloud) -> datetime:
    """The cloud's own, which other tests have advanced."""
    return datetime.fromtimestamp(cloud.control("advance", seconds=0)["now"], UTC)


def settings(cloud: EmbeddedCloud) -> dict[str, Any]:
    """Of a meter whose budget is a cent; what it names is there."""
    cloud.client("s3").create_bucket(Bucket="ice-artifacts")
    names = ("subject", "at")
    cloud.client("dynamodb").create_table(
        TableName="ice-ledger",
        KeySchema=[{"AttributeName": "subject", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        BillingMode="PAY_PER_REQUEST",
    )
    policy = Costs(budget=Budget(mode="enforce", usd_per_month=0.01)).policy("ice-dev", "dev")
    return {
        "policy": json.dumps(policy),
        "ledger_table": "ice-ledger",
        "artifact_bucket": "ice-artifacts",
        "topic_arn": cloud.client("sns").create_topic(Name="ice-alerts")["TopicArn"],
        "freeze_policy_arn": POLICY,
        "boundary_arn": BOUNDARY,
        "usd_per_month": 0.01,
        "warn_percent": [50, 80],
        "targets": [],
        "reconciles": True,
    }


def attached(cloud: EmbeddedCloud) -> list[str]:
    return Freeze(cloud.client("iam"), POLICY, BOUNDARY).attached()
