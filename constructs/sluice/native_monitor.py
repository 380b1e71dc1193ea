"""The monitor of one workload by SageMaker Model Monitor and Clarify, for accounts that still have them.

Nobody has run these jobs for this platform: the definitions follow AWS's documentation and CloudFormation's schemas.
Of Clarify only bias is examined. For attributions its job makes an endpoint of its own, for which neither the job nor
the model may be isolated from the network (AWS, "Give Amazon SageMaker Clarify Jobs Access to Resources in Your Amazon
VPC"); here the permissions boundary isolates both.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_cdk import CfnTag, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from config.monitoring import Monitor
from sluice import archive
from sluice.definition import images
from sluice.network import Network
from sluice.roles import JOB_LOGS, WorkloadRole
from sluice.waiver import accept

_INPUT, _OUTPUT = "/opt/ml/processing/input/endpoint", "/opt/ml/processing/output"
_DEFINITIONS = {
    "data-quality": ("DataQuality", sagemaker.CfnDataQualityJobDefinition),
    "model-quality": ("ModelQuality", sagemaker.CfnModelQualityJobDefinition),
    "bias": ("ModelBias", sagemaker.CfnModelBiasJobDefinition),
}
_NUMBERS = ("rmse", "r2")  # metrics of models that answer with a number
_ANSWER = "0"  # the first column of an answer in CSV: the class, or the value
_NAME_CHARACTERS = 63


class NativeMonitor(Construct):
    """A schedule and a job definition for each kind, of the endpoint `name` and the workload in `folder`.

    Baselines lie in <workload>/monitor/baseline/ of `artifact_bucket`, where promotion puts those of the version that
    is served (controls.monitors.baselines). Definitions cannot be changed: each is named by a hash of what is in it, so
    a new one never meets the old one.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        folder: Path,
        settings: Monitor,
        metric: str,
        region: str,
        data_bucket: s3.IBucket,
        artifact_bucket: s3.IBucket,
        key: kms.IKey,
        network: Network,
        tags: Mapping[str, str],
    ) -> None:
        super().__init__(scope, id)
        workload = folder.name
        self._name, self._workload, self._settings, self._metric = name, workload, settings, metric
        self._images = images(folder.parent / "monitoring", region)
        self._labels = f"s3://{data_bucket.bucket_name}/{workload}/{settings.labels}"
        self._folder = f"s3://{artifact_bucket.bucket_name}/{workload}/monitor"
        self._key, self._network = key, network
        self._told_tags = {**tags, "sluice:workload": workload}
        self._tags = [CfnTag(key=k, value=v) for k, v in self._told_tags.items()]
        record = folder.parent / "monitoring" / "record_preprocessor.py"
        self._record = assets.Asset(self, "Record", path=str(record))
        archive.complete(self._record.node.find_child("Stage"), record)
        self._role = self._make_role(data_bucket, artifact_bucket)
        for kind in settings.kinds:
            self._schedule(kind)

    def _make_role(self, data_bucket: s3.IBucket, artifact_bucket: s3.IBucket) -> WorkloadRole:
        role = WorkloadRole(
            self,
            "Role",
            workload=self._workload,
            description=f"SageMaker's monitors of {self._name}",
            log_groups=JOB_LOGS[:1],
        )
        if self._settings.wants_labels:
            role.allow_data(data_bucket, write=False, prefix=f"{self._workload}/{self._settings.labels}")
        role.allow_code(self._record)
        for part in ("capture", "monitor/baseline"):
            role.allow_data(artifact_bucket, write=False, prefix=f"{self._workload}/{part}/")
        role.allow_data(artifact_bucket, write=True, prefix=f"{self._workload}/monitor/native/")
        role.allow_key(self._key)
        role.allow_network(self._network)
        role.allow_images(sorted({self._image(kind) for kind in self._settings.kinds}))
        return role

    def _image(self, kind: str) -> str:
        return self._images["ClarifyImage" if kind == "bias" else "ModelMonitorImage"]

    def _schedule(self, kind: str) -> None:
        noun, definition = _DEFINITIONS[kind]
        inputs = {**self._own(kind, noun), **self._common()}
        # CloudFormation cannot change the tags of a definition either.
        resolved = json.dumps([Stack.of(self).resolve(inputs), self._told_tags], sort_keys=True)
        stem = f"{self._name}-{noun}"[: _NAME_CHARACTERS - 9]
        name = f"{stem}-{hashlib.sha256(resolved.encode()).hexdigest()[:8]}"
        made = definition(self, noun, job_definition_name=name, tags=self._tags, **_named(inputs))
        made.node.add_dependency(self._role.node.find_child("DefaultPolicy"))
        schedule = sagemaker.CfnMonitoringSchedule(
            self,
            f"{noun}Schedule",
            monitoring_schedule_name=f"{self._name}-{noun}"[:_NAME_CHARACTERS],
            monitoring_schedule_config={
                "monitoringJobDefinitionName": name,
                "monitoringType": noun,
                "scheduleConfig": {"scheduleExpression": self._settings.schedule.expression},
            },
            tags=self._tags,
        )
        schedule.add_resource_dependency(made)
        for part in (made, schedule):
            accept(part, "SLUICE-GEN-01", "Asked for by `monitoring.engine`, in an account that has it")
        if kind != "bias":
            accept(made, "SLUICE-GEN-03", "AWS gives this image no tag, and lists no digests")

    def _own(self, kind: str, noun: str) -> dict[str, Any]:
        """What the definition of one kind has and the others have not, with members as CloudFormation names them."""
        application: dict[str, Any] = {"ImageUri": self._image(kind)}
        asked: dict[str, Any] = {"EndpointName": self._name, "LocalPath": _INPUT}
        baseline: dict[str, Any] = {"ConstraintsResource": {"S3Uri": f"{self._folder}/baseline/{kind}.json"}}
        if kind == "data-quality":
            baseline["StatisticsResource"] = {"S3Uri": f"{self._folder}/baseline/statistics.json"}
            application["RecordPreprocessorSourceUri"] = self._record.s3_object_url
        else:
            asked["InferenceAttribute"] = _ANSWER
        if kind == "model-quality":
            application["ProblemType"] = "Regression" if self._metric in _NUMBERS else "MulticlassClassification"
        if kind == "bias":
            application["ConfigUri"] = f"{self._folder}/baseline/analysis_config.json"
        inputs: dict[str, Any] = {"EndpointInput": asked}
        if kind != "data-quality":
            # Of rows that are old enough for their labels to be there.
            delay = self._settings.label_delay_hours
            asked |= {"StartTimeOffset": f"-PT{delay + self._settings.window_hours}H", "EndTimeOffset": f"-PT{delay}H"}
            inputs["GroundTruthS3Input"] = {"S3Uri": self._labels}
        target = {
            "S3Uri": f"{self._folder}/native/{kind}",
            "LocalPath": _OUTPUT,
            "S3UploadMode": "EndOfJob",
        }
        return {
            f"{noun}AppSpecification": application,
            f"{noun}BaselineConfig": baseline,
            f"{noun}JobInput": inputs,
            f"{noun}JobOutputConfig": {
                "KmsKeyId": self._key.key_arn,
                "MonitoringOutputs": [{"S3Output": target}],
            },
        }

    def _common(self) -> dict[str, Any]:
        process = self._settings.process
        return {
            "JobResources": {
                "ClusterConfig": {
                    "InstanceCount": 1,
                    "InstanceType": process.instance_type,
                    "VolumeKmsKeyId": self._key.key_arn,
                    "VolumeSizeInGB": process.volume_gb,
                }
            },
            "NetworkConfig": {
                "EnableInterContainerTrafficEncryption": True,
                "EnableNetworkIsolation": True,
                "VpcConfig": {
                    "SecurityGroupIds": self._network.security_group_ids,
                    "Subnets": self._network.subnet_ids,
                },
            },
            "RoleArn": self._role.role_arn,
            "StoppingCondition": {"MaxRuntimeInSeconds": process.max_run_seconds},
        }


def _named(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """By the names of CDK's arguments: DataQualityJobInput is data_quality_job_input."""
    return {re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): _cased(value) for name, value in inputs.items()}


def _cased(value: Any) -> Any:
    """Members as CDK's structures name them: S3Uri is s3Uri."""
    if isinstance(value, dict):
        return {name[0].lower() + name[1:].replace("GB", "Gb"): _cased(each) for name, each in value.items()}
    return [_cased(each) for each in value] if isinstance(value, list) else value
