"""Preventive guardrails: the permissions boundary of every role of the platform, and the table of what prevents what.

Condition keys and their actions: AWS, Service Authorization Reference, "Actions, resources, and condition keys for
Amazon SageMaker AI". In a pipeline they bind on the role that runs it, not on who starts it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from config.guardrails import Guardrails as Limits
from sluice.waiver import accept_all

Statement = dict[str, Any]


@dataclass(frozen=True)
class Guardrail:
    """`name` begins the Sids of its statements in the boundary, where it has some."""

    name: str
    prevents: str
    enforced: Literal["boundary", "role", "compile-time check"]
    note: str = ""


TABLE = (
    Guardrail(
        "Governed", "what is not on the list: new compute, notebooks (root, direct internet), domains", "boundary"
    ),
    Guardrail("TrainingTypes", "training and tuning on an instance type outside the list", "boundary"),
    Guardrail("ProcessingTypes", "processing on an instance type outside the list", "boundary"),
    Guardrail("HostingTypes", "endpoints and batch transform on an instance type outside the list", "boundary"),
    Guardrail(
        "StudioTypes", "Studio apps on an instance type outside the list", "boundary", "each role: its persona's"
    ),
    Guardrail("TypesMissing", "jobs that name no instance type, which the lists would let pass", "boundary"),
    Guardrail("RunTime", "training and processing longer than the limit, or without one", "boundary"),
    Guardrail("Network", "jobs and models outside the platform's subnets", "boundary"),
    Guardrail("VolumeKey", "job volumes without a customer key", "boundary", "types with local storage take no key"),
    Guardrail("OutputKey", "job output without a customer key", "boundary"),
    Guardrail("Isolation", "containers that reach the network", "boundary"),
    Guardrail("Traffic", "plain traffic between the containers of a job", "boundary"),
    Guardrail("Serverless", "serverless variants with more memory or concurrency than the limit", "boundary"),
    Guardrail(
        "Tags",
        "what costs money without an owner or for another team; a person's endpoint without sluice:ttl",
        "boundary",
    ),
    Guardrail("Approval", "approval of a model by a role that may not approve", "boundary"),
    Guardrail("PassRole", "handing a role to another service, or a role of somebody else", "boundary"),
    Guardrail("OwnSpace", "touching another person's space or apps", "role"),
    Guardrail("Spot", "training on demand", "compile-time check", "IAM has no key; jobs that people start pass"),
    Guardrail(
        "InstanceCount",
        "more instances or storage than workload.yaml says, or than guardrails allow it to say",
        "compile-time check",
        "no key; jobs that people start pass",
    ),
    Guardrail(
        "TuningJobs",
        "more tuning jobs than workload.yaml says, or than guardrails allow it to say",
        "compile-time check",
        "no key; people may start none",
    ),
    Guardrail(
        "AutoMLBudget",
        "a search of more candidates or time than workload.yaml says, or than guardrails allow it to say",
        "compile-time check",
        "no key",
    ),
    Guardrail(
        "OwnModel",
        "approval by who trained it",
        "role",
        "who approves starts no pipeline and no job, but for retrain, where a workload says approve: machine",
    ),
)

# What a role of this platform may ever do in SageMaker. CreateJob, CreateTrainingSession, CreateAI*Job, clusters,
# optimization jobs and whatever AWS adds next stay closed until a guardrail covers them.
GOVERNED = (
    *("CreateTrainingJob", "CreateProcessingJob", "CreateTransformJob", "CreateHyperParameterTuningJob"),
    *(
        "CreateAutoMLJobV2",
        "CreateModel",
        "CreateModelPackage",
        "CreateEndpointConfig",
        "CreateEndpoint",
        "CreateSpace",
        "CreateApp",
    ),
    *("UpdateEndpoint", "UpdateModelPackage", "UpdateSpace", "UpdatePipelineExecution", "StartPipelineExecution"),
    *("CallMlflowAppApi", "CreatePresignedMlflowAppUrl"),
    *("RetryPipelineExecution", "AddTags", "DeleteTags", "InvokeEndpoint", "List*", "Describe*", "Stop*", "Delete*"),
)
# What roles of the platform need of other services. A boundary grants nothing: each role has its own few actions.
SERVICES = (
    *("cloudwatch:DescribeAlarms", "cloudwatch:*MetricData", "dynamodb:*Item", "ec2:*NetworkInterface*"),
    *("ec2:Describe*", "ecr:Batch*", "ecr:Get*", "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt"),
    *("kms:GenerateDataKey*", "kms:ReEncrypt*", "lambda:InvokeFunction", "logs:*Log*", "s3:AbortMultipartUpload"),
    *("logs:*ResourcePolic*", "s3:Get*", "s3:List*", "s3:PutObject", "s3:Replicate*", "sns:Publish", "sqs:SendMessage"),
    *("states:*Execution*", "states:Describe*", "xray:GetSampling*", "xray:Put*"),
)
# A denial may name more actions than there are, and a boundary has room for 6,144 characters only.
_JOBS = ("Create*ingJob",)  # training, tuning, processing
_ALL_JOBS = ("Create*Job",)  # those and batch transform
_AUTOML = "CreateAuto*"  # the second version, which has no key for instances, run time and isolation


class Guardrails(Construct):
    """`boundary`, to be the permissions boundary of every role of the platform.

    Named `<prefix>-boundary`. `subnet_ids` are where jobs and models must run; none: wherever they like.
    """

    def __init__(
        self, scope: Construct, id: str, *, prefix: str, team: str, limits: Limits, subnet_ids: Sequence[str]
    ) -> None:
        super().__init__(scope, id)
        passed = Stack.of(self).format_arn(service="iam", region="", resource="role", resource_name=f"{prefix}-*")
        statements = [*_allowed(passed), *_denied(limits, team, list(subnet_ids))]
        self.boundary = iam.ManagedPolicy(
            self,
            "Boundary",
            managed_policy_name=f"{prefix}-boundary",
            description=f"{prefix}: what no role of the platform may go beyond",
            document=iam.PolicyDocument.from_json({"Version": "2012-10-17", "Statement": statements}),
        )
        wide = [action for action in (*SERVICES, *(f"sagemaker:{a}" for a in GOVERNED)) if "*" in action]
        ids = [
            *(f"AwsSolutions-IAM5[Action::{action}]" for action in wide),
            *(f"AwsSolutions-IAM5[Resource::{resource}]" for resource in ("*", passed)),
        ]
        accept_all(self.boundary, ids, "A permissions boundary grants nothing; it bounds what roles are granted")

    def bind(self, scope: IConstruct) -> None:
        """Make the boundary that of every role in `scope`."""
        iam.PermissionsBoundary.of(scope).apply(self.boundary)


def _allowed(passed: str) -> Iterator[Statement]:
    yield {"Sid": "Services", "Effect": "Allow", "Action": list(SERVICES), "Resource": "*"}
    yield {"Sid": "Governed", "Effect": "Allow", "Action": [f"sagemaker:{a}" for a in GOVERNED], "Resource": "*"}
    yield {
        "Sid": "PassRole",
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": passed,
        "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    }


def _denied(limits: Limits, team: str, subnet_ids: list[str]) -> Iterator[Statement]:
    types = limits.instance_types
    studio = sorted({*types.studio.data_scientist, *types.studio.ml_engineer})
    for name, actions, allowed in (
        ("TrainingTypes", ("CreateTrainingJob", "Create*TuningJob"), types.training),
        ("ProcessingTypes", ("CreateProcessingJob",), types.processing),
        ("HostingTypes", ("CreateEndpointConfig", "CreateTransformJob"), types.hosting),
        ("StudioTypes", ("CreateApp", "*teSpace"), studio),  # CreateSpace, UpdateSpace
    ):
        yield _deny(name, actions, {"ForAnyValue:StringNotEquals": {"sagemaker:InstanceTypes": list(allowed)}})
    yield _deny("TypesMissing", _ALL_JOBS, _missing("InstanceTypes"))
    seconds = {"NumericGreaterThan": {"sagemaker:MaxRuntimeInSeconds": str(limits.max_run_seconds)}}
    yield _deny("RunTime", _JOBS, seconds)
    yield _deny("RunTimeMissing", _JOBS, _missing("MaxRuntimeInSeconds"))
    if subnet_ids:
        within = (*_JOBS, _AUTOML, "CreateModel")
        yield _deny("Network", within, {"ForAnyValue:StringNotEquals": {"sagemaker:VpcSubnets": subnet_ids}})
        yield _deny("NetworkMissing", within, _missing("VpcSubnets"))
    # Accounts where the old names still come along would be denied by one name alone.
    keyed = _missing("VolumeKmsKeyArn", "VolumeKmsKey")
    if local := types.with_local_storage():
        keyed |= {"ForAllValues:StringNotEquals": {"sagemaker:InstanceTypes": local}}
    yield _deny("VolumeKey", (*_ALL_JOBS, _AUTOML), keyed)
    yield _deny("OutputKey", (*_ALL_JOBS, _AUTOML), _missing("OutputKmsKeyArn", "OutputKmsKey"))
    yield _deny("Isolation", (*_JOBS, "CreateModel"), _not("NetworkIsolation"))
    yield _deny("Traffic", (*_JOBS, _AUTOML), _not("InterContainerTrafficEncryption"))
    for part, value in (
        ("MaxConcurrency", limits.serverless_max_concurrency),
        ("MemorySize", limits.serverless_memory_mb),
    ):
        above = {"NumericGreaterThan": {f"sagemaker:Serverless{part}": str(value)}}
        yield _deny(f"Serverless{part}", ("CreateEndpointConfig",), above)
    tagged = (*_ALL_JOBS, _AUTOML, "CreateModel", "CreateEndpoint*")
    yield _deny("TagsOwner", tagged, {"Null": {"aws:RequestTag/sluice:owner": "true"}})
    # Without the tag this holds as well.
    yield _deny("TagsTeam", tagged, {"StringNotEquals": {"aws:RequestTag/sluice:team": team}})
    a_person = {"Null": {"aws:RequestTag/sluice:ttl": "true", "aws:PrincipalTag/sluice:persona": "false"}}
    yield _deny("TagsTtl", ("CreateEndpoint",), a_person)
    approving = {
        "StringEquals": {"sagemaker:ModelApprovalStatus": "Approved"},
        "StringNotEqualsIfExists": {"aws:PrincipalTag/sluice:approves": "true"},
    }
    yield _deny("Approval", ("CreateModelPackage", "UpdateModelPackage"), approving)


def _deny(sid: str, actions: Sequence[str], condition: dict[str, Any]) -> Statement:
    named = [f"sagemaker:{action}" for action in actions]
    return {"Sid": sid, "Effect": "Deny", "Action": named, "Resource": "*", "Condition": condition}


def _missing(*keys: str) -> dict[str, dict[str, str]]:
    """All of these keys are absent. One block: keys of a block must all match."""
    return {"Null": {f"sagemaker:{key}": "true" for key in keys}}


def _not(key: str) -> dict[str, dict[str, str]]:
    """The key is false or absent."""
    return {"BoolIfExists": {f"sagemaker:{key}": "false"}}
