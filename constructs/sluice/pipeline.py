"""A workload's SageMaker pipeline, and the roles that it needs."""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from config.workload import Workload
from sluice import archive
from sluice.archive import ROOT
from sluice.arn import arn
from sluice.definition import fill, images
from sluice.network import Network
from sluice.permission import allow, allow_grants
from sluice.roles import JOB_LOGS, PipelineRole, WorkloadRole


class Pipeline(Construct):
    """The pipeline `name` of the workload in `folder`. Runs register models in `package_group`.

    Jobs read `data_bucket` and write `artifact_bucket`, both under the workload's own prefix. What a run starts has
    the workload's tags beside `tags`, those of the platform.
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
        uris = images(folder, region)
        # A zip that Python runs, under a name that SageMaker's script mode and Spark take for a Python program.
        code = archive.asset(self, "Code", ROOT / "build" / "workloads" / f"{folder.name}.py", folder / "scripts")

        self.job_role = WorkloadRole(
            self,
            "JobRole",
            workload=folder.name,
            description=f"Jobs of the pipeline {folder.name}",
            log_groups=JOB_LOGS,
        )
        self.job_role.allow_code(code)
        self.job_role.allow_data(data_bucket, write=False)
        self.job_role.allow_data(artifact_bucket, write=True)
        self.job_role.allow_key(key)
        self.job_role.allow_network(network)
        self.image_uris = list(uris.values())
        self.job_role.allow_images(self.image_uris)

        self.role = PipelineRole(self, "Role", workload=folder.name, job_role=self.job_role)
        allow(self.role, ["lambda:InvokeFunction"], [begin.function_arn])
        if workload.tuning:
            self.role.allow_tuning()
        # The last two are asked of who starts a job with an encrypted volume.
        key.grant(self.role, "kms:Decrypt", "kms:DescribeKey")
        allow_grants(self.role, key)
        values = {
            "DataBucket": data_bucket.bucket_name,
            "ArtifactBucket": artifact_bucket.bucket_name,
            "BeginFunctionArn": begin.function_arn,
            "KeyArn": key.key_arn,
            "ExecutionRoleArn": self.job_role.role_arn,
            "PackageGroup": name,
            "CodeBucket": code.s3_bucket_name,
            "CodeKey": code.s3_object_key,
            "SecurityGroupIds": network.security_group_ids,
            "SubnetIds": network.subnet_ids,
            **uris,
        }
        tagged = {**tags, **workload.tags, "sluice:workload": folder.name}
        self._resource = sagemaker.CfnPipeline(
            self,
            "Resource",
            pipeline_name=name,
            role_arn=self.role.role_arn,
            pipeline_definition={
                "PipelineDefinitionBody": fill(folder / "pipeline.json", values, tagged, registers=bool(package_group))
            },
            parallelism_configuration={"MaxParallelExecutionSteps": workload.run.parallel_steps},
        )
        if package_group:
            self.role.allow_registration(name, models=artifact_bucket, workload=folder.name)
            # Runs register by the group's name, which is no reference that CloudFormation would see.
            self._resource.add_resource_dependency(package_group)
        self._name = name

    @property
    def start(self) -> dict[str, str]:
        """What a schedule does to start a run."""
        # By reference: a rate is due as soon as the schedule is there, and then all else must be.
        target = arn(self, "sagemaker", f"pipeline/{self._resource.ref}")
        named = arn(self, "sagemaker", f"pipeline/{self._name}")
        return {"action": "sagemaker:StartPipelineExecution", "target": target, "named": named}
