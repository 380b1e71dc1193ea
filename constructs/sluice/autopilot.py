"""A workload that Autopilot trains: its state machine, and what ends what a run has left behind."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from config.workload import Workload
from sluice import archive
from sluice.archive import ROOT
from sluice.arn import arn
from sluice.autopilot_roles import AutopilotRole, allow_search
from sluice.definition import images
from sluice.function import HandlerFunction
from sluice.machine import fill
from sluice.network import Network
from sluice.permission import allow, allow_grants
from sluice.roles import JOB_LOGS, WorkloadRole
from sluice.waiver import accept_lint

_LEFT_BEHIND = ["ABORTED", "FAILED", "TIMED_OUT"]


def stem(name: str) -> str:
    """How the names of all that the state machine `name` starts begin. Nothing else's do, not even a sibling's.

    An AutoML job's name has 32 characters at most, of which 13 tell one run from another: a workload's own name is too
    long, and cut off it would begin those of other workloads, and of the models that endpoints serve, as well.
    """
    return f"ap-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


class Autopilot(Construct):
    """The state machine `name` of the workload in `folder`. Runs register models in `package_group`.

    Jobs read `data_bucket` and write `artifact_bucket`, both under the workload's own prefix. `cancel` ends what an
    execution that came to no good end has left running.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        folder: Path,
        workload: Workload,
        region: str,
        data_bucket: s3.IBucket,
        artifact_bucket: s3.IBucket,
        key: kms.IKey,
        network: Network,
        begin: lambda_.IFunction,
        tags: Mapping[str, str],
        package_group: sagemaker.CfnModelPackageGroup | None,
    ) -> None:
        super().__init__(scope, id)
        self._name, self._key, self._stem = name, key, stem(name)
        uris = images(folder, region)
        code = archive.asset(self, "Code", ROOT / "build" / "workloads" / f"{folder.name}.py", folder / "scripts")
        self.image_uris = list(uris.values())

        self.job_role = self._job_role(folder.name, code, data_bucket, artifact_bucket, network)
        self.role = AutopilotRole(self, "Role", workload=folder.name, stem=self._stem, job_role=self.job_role)
        self.role.allow_artifacts(artifact_bucket)
        allow(self.role, ["lambda:InvokeFunction"], [begin.function_arn])
        # The first is for the leaderboard and the verdict; CreateGrant is asked of who starts jobs with such volumes.
        key.grant(self.role, "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")
        allow_grants(self.role, key)
        values = {
            "Partition": Aws.PARTITION,
            "ArtifactBucket": artifact_bucket.bucket_name,
            "KeyArn": key.key_arn,
            "ExecutionRoleArn": self.job_role.role_arn,
            "PackageGroup": name,
            "PackageArn": arn(self, "sagemaker", f"model-package/{name}"),
            "JobStem": self._stem,
            "BeginFunctionArn": begin.function_arn,
            "CodeBucket": code.s3_bucket_name,
            "CodeKey": code.s3_object_key,
            "SecurityGroupIds": network.security_group_ids,
            "SubnetIds": network.subnet_ids,
            **uris,
        }
        tagged = {**tags, **workload.tags, "sluice:workload": folder.name}
        self.state_machine = self._machine(
            fill(folder / "pipeline.json", values, tagged, registers=bool(package_group))
        )
        self.cancel = self._cancel()
        if package_group:
            self.role.allow_registration(name)
            # Runs register by the group's name, which is no reference that CloudFormation would see.
            self.state_machine.node.add_dependency(package_group)

    @property
    def start(self) -> dict[str, str]:
        """What a schedule does to start a run."""
        machine = self.state_machine.state_machine_arn
        return {"action": "states:StartExecution", "target": machine, "named": machine}

    def _job_role(
        self, workload: str, code: assets.Asset, data: s3.IBucket, artifacts: s3.IBucket, network: Network
    ) -> WorkloadRole:
        role = WorkloadRole(
            self,
            "JobRole",
            workload=workload,
            description=f"Autopilot and the other jobs of {workload}",
            log_groups=(*JOB_LOGS, "/aws/sagemaker/TransformJobs"),
        )
        role.allow_code(code)
        role.allow_data(data, write=False)
        role.allow_data(artifacts, write=True)
        role.allow_key(self._key)
        role.allow_network(network)
        role.allow_images(self.image_uris)
        allow_search(role)
        return role

    def _machine(self, definition: str) -> sfn.StateMachine:
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/vendedlogs/states/{self._name}",
            encryption_key=self._key,
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        machine = sfn.StateMachine(
            self,
            "Resource",
            state_machine_name=self._name,
            definition_body=sfn.DefinitionBody.from_string(definition),
            role=self.role,
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
            tracing_enabled=True,
        )
        accept_lint(machine, "W3005", "CDK has it depend on its role, to which it refers as well")
        return machine

    def _cancel(self) -> HandlerFunction:
        cancel = HandlerFunction(
            self,
            "Cancel",
            prefix=self._name,
            verb="cancel",
            key=self._key,
            timeout=Duration.minutes(1),
            environment={"stem": self._stem},
        )
        self.role.grant_cancelling(cancel.role)
        detail = {"stateMachineArn": [self.state_machine.state_machine_arn], "status": _LEFT_BEHIND}
        changed = "Step Functions Execution Status Change"
        pattern = events.EventPattern(source=["aws.states"], detail_type=[changed], detail=detail)
        events.Rule(self, "Ended", event_pattern=pattern, targets=[targets.LambdaFunction(cancel.function)])
        return cancel
