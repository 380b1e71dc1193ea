"""What the state machine of an Autopilot workload runs as, and what Autopilot itself needs beside a workload's jobs."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from sluice.arn import arn
from sluice.permission import Role, allow, from_this_account, starts_compute
from sluice.roles import WorkloadRole
from sluice.waiver import accept_all

_PASSED_TO = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
_NAMED = "The state machine names what it starts after the execution"


def allow_search(role: WorkloadRole) -> None:
    """What Autopilot does as `role`: it hands the role on to its own jobs, and pulls images that it chooses itself.

    Source: AWS, "CreateAutoMLJob and CreateAutoMLJobV2 API: Execution Role Permissions". Of the list there, making an
    endpoint for the explainability report is left out: the permissions boundary lets none be made without tags. What
    that does to the report, and to the job's secondary status, is not verified.
    """
    allow(role, ["iam:PassRole"], [role.role_arn], conditions=_PASSED_TO)
    allow_models(role)


def allow_models(role: WorkloadRole) -> None:
    """Pull the images that Autopilot chooses for its models, which are known only after a search."""
    images = Stack.of(role).format_arn(service="ecr", resource="repository", resource_name="*", account="*")
    pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    allow(
        role, pull, [images], wildcard="AWS does not publish the registries of Autopilot's images; they are read only"
    )


class AutopilotRole(Role):
    """Starts and follows jobs named `<stem>-...`, and hands them `job_role`."""

    def __init__(self, scope: Construct, id: str, *, workload: str, stem: str, job_role: iam.IRole) -> None:
        super().__init__(
            scope,
            id,
            assumed_by=from_this_account("states.amazonaws.com"),
            description=f"The state machine of {workload}",
        )
        starts_compute(self)
        self._workload, self._stem = workload, stem
        for kind, actions in (
            ("automl-job", ("CreateAutoMLJobV2", "DescribeAutoMLJobV2")),
            ("processing-job", ("CreateProcessingJob", "DescribeProcessingJob")),
            ("transform-job", ("CreateTransformJob", "DescribeTransformJob")),
            ("model", ("CreateModel", "DeleteModel")),
        ):
            self._allow(actions, kind)
        lists = "ListCandidatesForAutoMLJob has no resource level"
        allow(self, ["sagemaker:ListCandidatesForAutoMLJob"], ["*"], wildcard=lists)
        allow(
            self,
            ["sagemaker:AddTags"],
            [self._own(kind) for kind in ("automl-job", "model", "processing-job", "transform-job")],
            conditions={"Null": {"sagemaker:TaggingAction": "false"}},
            wildcard=_NAMED,
        )
        allow(self, ["iam:PassRole"], [job_role.role_arn], conditions=_PASSED_TO)
        # CDK adds the delivery of logs and traces, whose actions have no resource level.
        accept_all(self, ["AwsSolutions-IAM5[Resource::*]"], "Delivery of logs and traces has no resource level")

    def allow_artifacts(self, bucket: s3.IBucket) -> None:
        """Write the leaderboard, read the verdict, and read a model: the registry does so as who registers it."""
        own = "The workload's own prefix; executions name what they write"
        place = bucket.arn_for_objects(f"{self._workload}/*/leaderboard/leaderboard.json")
        allow(self, ["s3:PutObject"], [place], wildcard=own)
        allow(self, ["s3:GetObject"], [bucket.arn_for_objects(f"{self._workload}/*")], wildcard=own)

    def allow_registration(self, group: str) -> None:
        """Register models in the package group `group`, and make models of its versions."""
        packages, numbered = f"model-package/{group}/*", "SageMaker numbers the versions of a group"
        allow(self, ["sagemaker:CreateModelPackage"], [arn(self, "sagemaker", packages)], wildcard=numbered)
        allow(self, ["sagemaker:CreateModelPackage"], [arn(self, "sagemaker", f"model-package-group/{group}")])

    def grant_cancelling(self, grantee: iam.Role) -> None:
        """Let `grantee` look at and stop the jobs that this role starts, and delete its models."""
        for kind, actions in (
            ("automl-job", ("DescribeAutoMLJobV2", "StopAutoMLJob")),
            ("processing-job", ("DescribeProcessingJob", "StopProcessingJob")),
            ("transform-job", ("DescribeTransformJob", "StopTransformJob")),
            ("model", ("DeleteModel",)),
        ):
            allow(grantee, [f"sagemaker:{action}" for action in actions], [self._own(kind)], wildcard=_NAMED)

    def _allow(self, actions: Sequence[str], kind: str) -> None:
        allow(self, [f"sagemaker:{action}" for action in actions], [self._own(kind)], wildcard=_NAMED)

    def _own(self, kind: str) -> str:
        return arn(self, "sagemaker", f"{kind}/{self._stem}-*")
