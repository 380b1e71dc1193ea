"""The monitor of one workload: a pipeline that examines a window of what its endpoint was asked, on schedule."""

import json
from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Aws
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from config.monitoring import BATCHES
from config.monitoring import Monitor as Settings
from sluice import archive
from sluice.archive import ROOT
from sluice.arn import arn
from sluice.definition import fill, images
from sluice.network import Network
from sluice.permission import allow, allow_grants
from sluice.roles import JOB_LOGS, PipelineRole, WorkloadRole
from sluice.schedule import DUE, RunSchedule


class Monitor(Construct):
    """The pipeline `name` for the workload in `folder`; its runs call `watch` and `conclude`.

    A run that cannot start waits in `dead_letters`. Its job reads the workload's folders of the buckets and
    writes `monitor/` in that of `artifact_bucket`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        folder: Path,
        settings: Settings,
        region: str,
        data_bucket: s3.IBucket,
        artifact_bucket: s3.IBucket,
        key: kms.IKey,
        network: Network,
        watch: lambda_.IFunction,
        conclude: lambda_.IFunction,
        tags: Mapping[str, str],
        dead_letters: sqs.IQueue,
    ) -> None:
        super().__init__(scope, id)
        workload = folder.name
        # A zip that Python runs, under a name that SageMaker's script mode takes for a Python program.
        scripts = folder.parent / "monitoring" / "scripts"
        code = archive.asset(self, "Code", ROOT / "build" / "workloads" / "monitoring.py", scripts)
        image = settings.image or images(folder, region)["SklearnImage"]
        job_role = WorkloadRole(
            self, "JobRole", workload=workload, description=f"Jobs of the monitor {name}", log_groups=JOB_LOGS[:1]
        )
        job_role.allow_code(code)
        if settings.source == "batch":
            job_role.allow_data(data_bucket, write=False, prefix=f"{workload}/{BATCHES}")
        if settings.wants_labels:
            job_role.allow_data(data_bucket, write=False, prefix=f"{workload}/{settings.labels}")
        job_role.allow_data(artifact_bucket, write=False)
        job_role.allow_data(artifact_bucket, write=True, prefix=f"{workload}/monitor/")
        job_role.allow_key(key)
        job_role.allow_network(network)
        job_role.allow_images([image])

        role = PipelineRole(self, "Role", workload=workload, job_role=job_role, kinds=["ProcessingJob"])
        allow(role, ["lambda:InvokeFunction"], [watch.function_arn, conclude.function_arn])
        # Asked of who starts a job with an encrypted volume.
        key.grant(role, "kms:Decrypt", "kms:DescribeKey")
        allow_grants(role, key)
        values = {
            "WatchFunctionArn": watch.function_arn,
            "ConcludeFunctionArn": conclude.function_arn,
            "KeyArn": key.key_arn,
            "ExecutionRoleArn": job_role.role_arn,
            "CodeBucket": code.s3_bucket_name,
            "CodeKey": code.s3_object_key,
            "SecurityGroupIds": network.security_group_ids,
            "SubnetIds": network.subnet_ids,
            "MonitorImage": image,
        }
        body = fill(folder / "monitor.json", values, {**tags, "sluice:workload": workload})
        pipeline = sagemaker.CfnPipeline(
            self,
            "Resource",
            pipeline_name=name,
            role_arn=role.role_arn,
            pipeline_definition={"PipelineDefinitionBody": body},
            parallelism_configuration={"MaxParallelExecutionSteps": 1},
        )
        # A window ends by when its run is due, so that it meets the one before: only a call by name is told.
        asked = {
            "PipelineName": name,
            "PipelineParameters": [{"Name": "Due", "Value": DUE}],
            "ClientRequestToken": f"{name}-{DUE}",  # due once, it runs once
        }
        schedule = RunSchedule(
            self,
            "Schedule",
            name=name,
            action="sagemaker:StartPipelineExecution",
            target=f"arn:{Aws.PARTITION}:scheduler:::aws-sdk:sagemaker:startPipelineExecution",
            named=arn(self, "sagemaker", f"pipeline/{name}"),
            schedule=settings.schedule,
            key=key,
            dead_letters=dead_letters,
            input=json.dumps(asked),
        )
        # A rate is due as soon as the schedule is there, and then all else must be.
        schedule.node.add_dependency(pipeline)
