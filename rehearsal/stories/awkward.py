"""Makes what the table of the cost story lists, each in its awkward state, and takes it all away again."""

import io
import json
import secrets
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import yaml

from rehearsal.embedded import ACCOUNT, EmbeddedCloud

TABLE = Path(__file__).with_name("costs.yaml")
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
NOTEBOOK_LOGS = "/aws/sagemaker/NotebookInstances"
SCARCE = "ml.c5.xlarge"  # does not come as spot capacity
_TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_SERVES = "def model_fn(folder): return None\ndef transform_fn(model, body, kind, accept): return '1'\n"

Row = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """One row of the table, in a region, and the ARN that it got."""

    row: Row
    what: str
    region: str
    arn: str

    @property
    def name(self) -> str:
        return self.row["name"]


def table() -> dict[str, Any]:
    """The whole table, with the settings that it is reasoned from."""
    return yaml.safe_load(TABLE.read_text("utf-8"))


def rows(home: str, part: str = "") -> Iterator[tuple[str, str, Row]]:
    """What, region and row of everything in the table or a part of it, in an order in which it can be made."""
    read = table()
    abroad = read["abroad"]
    places = [(home, read), *((region, abroad) for region in abroad["regions"])] if not part else [(home, read[part])]
    for region, told in places:
        for section in ("orphans", "endpoints", "components", "apps", "spaces", "notebooks", "jobs", "servers"):
            for row in told.get(section, []):
                yield row.get("what") or section.removesuffix("s"), region, row


class Awkward:
    """Makes and removes with the account's own credentials, whatever the platform's roles may."""

    def __init__(self, cloud: EmbeddedCloud, tags: Mapping[str, str], dates: Mapping[str, str]) -> None:
        self._cloud, self._tags, self._dates = cloud, tags, dates
        self.role = f"{tags['sluice:platform']}-awkward"  # as only the platform's roles are called
        self._role = f"arn:aws:iam::{ACCOUNT}:role/{self.role}"
        self.domains = {"us": cloud.client("sagemaker").list_domains()["Domains"][0]}
        self.client = cache(self._client)

    def _client(self, service: str, region: str) -> Any:
        given = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "rehearsal"}
        return boto3.client(service, region_name=region, endpoint_url=self._cloud.url, **given)

    def prepare(self) -> None:
        """A role for everything, a model that answers 1, and domains that are not ours."""
        iam, s3, home = self._cloud.client("iam"), self._cloud.client("s3"), self._cloud.region
        trust = json.dumps({"Version": "2012-10-17", "Statement": [_TRUST]})
        iam.create_role(RoleName=self.role, AssumeRolePolicyDocument=trust)
        policy = json.dumps({"Version": "2012-10-17", "Statement": [_ALL]})
        iam.put_role_policy(RoleName=self.role, PolicyName="all", PolicyDocument=policy)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            member = tarfile.TarInfo("code/inference.py")
            member.size = len(_SERVES)
            tar.addfile(member, io.BytesIO(_SERVES.encode()))
        s3.create_bucket(Bucket="awkward")
        s3.put_object(Bucket="awkward", Key="model.tar.gz", Body=packed.getvalue())
        self._model("awkward", home, self.tags({}), IMAGE)
        sagemaker = self.client("sagemaker", home)
        for of in ("other", "nobody"):
            tags = self.tags({"of": of})
            arn = sagemaker.create_domain(DomainName=of, AuthMode="IAM", DefaultUserSettings={}, Tags=tags)["DomainArn"]
            self.domains[of] = {"DomainId": arn.rsplit("/", 1)[-1], "DomainArn": arn}
        for region in (home, *table()["abroad"]["regions"]):
            self.client("logs", region).create_log_group(logGroupName=NOTEBOOK_LOGS)
        self._cloud.control("advance", seconds=1)
        for of in ("other", "nobody"):
            sagemaker.create_user_profile(DomainId=self.domains[of]["DomainId"], UserProfileName="ada")
        self._cloud.control("advance", seconds=1)

    def tags(self, row: Row) -> list[dict[str, str]]:
        """As SageMaker takes them."""
        owned = {"us": dict(self._tags), "other": {"sluice:platform": "another"}, "nobody": {}}[row.get("of", "us")]
        own = {key: value.format_map(self._dates) for key, value in row.get("tags", {}).items()}
        return [{"Key": key, "Value": value} for key, value in {**owned, **own}.items()]

    def make(self, what: str, region: str, row: Row) -> Made:
        ways: dict[str, Callable[[str, Row], str]] = {
            "app": self._app,
            "space": lambda region, row: self._space(row),
            "notebook": self._notebook,
            "endpoint": self._endpoint,
            "component": self._component,
            "job": self._job,
            "server": self._server,
            "config": lambda region, row: self._config(region, row, self.tags(row)),
            "model": lambda region, row: self._model(row["name"], region, self.tags(row), IMAGE),
            "lifecycle": self._lifecycle,
            "image": self._image,
            "files": self._files,
            "schedule": self._schedule,
            "logs": self._log_group,
            "package": self._package,
        }
        return Made(row, what, region, ways[what](region, row))

    def _space(self, row: Row, **settings: Any) -> str:
        domain, name = self.domains[row.get("of", "us")]["DomainId"], row["name"]
        owned: Row = {
            "OwnershipSettings": {"OwnerUserProfileName": "ada"},
            "SpaceSharingSettings": {"SharingType": "Private"},
        }
        if row.get("in") == "shared":
            owned = {}
        given = {"SpaceSettings": settings} if settings else {}
        sagemaker = self.client("sagemaker", self._cloud.region)
        tags = self.tags(row) if "tags" in row else []
        arn = sagemaker.create_space(DomainId=domain, SpaceName=name, Tags=tags, **owned, **given)["SpaceArn"]
        self._cloud.control("advance", seconds=1)
        return arn

    def _app(self, region: str, row: Row) -> str:
        kind = row.get("type", "JupyterLab")
        asked: Row = {"DomainId": self.domains[row.get("of", "us")]["DomainId"], "AppType": kind}
        if row.get("in") == "profile":
            asked |= {"UserProfileName": "grace", "AppName": "default" if kind == "JupyterServer" else row["name"]}
        else:
            self._space(row, **({"AppType": kind} if row.get("in") != "shared" else {}))
            asked |= {"SpaceName": row["name"], "AppName": "default"}
        if kind != "JupyterServer":
            asked["ResourceSpec"] = {"InstanceType": row.get("on", "ml.t3.medium")}
        return self.client("sagemaker", region).create_app(**asked)["AppArn"]

    def _notebook(self, region: str, row: Row) -> str:
        sagemaker, name = self.client("sagemaker", region), row["name"]
        asked = {"InstanceType": row.get("on", "ml.t3.medium"), "RoleArn": self._role, "Tags": self.tags(row)}
        arn = sagemaker.create_notebook_instance(NotebookInstanceName=name, **asked)["NotebookInstanceArn"]
        if row.get("state") == "stopped":
            self._cloud.control("advance", seconds=1)
            sagemaker.stop_notebook_instance(NotebookInstanceName=name)
        return arn

    def _endpoint(self, region: str, row: Row) -> str:
        tags = self.tags(row)
        if "image" in row:
            self._model(row["name"], region, tags, row["image"])
        self._config(region, row, tags)
        names = {"EndpointName": row["name"], "EndpointConfigName": row["name"]}
        return self.client("sagemaker", region).create_endpoint(**names, Tags=tags)["EndpointArn"]

    def _config(self, region: str, row: Row, tags: list[dict[str, str]]) -> str:
        size = {"InstanceType": row.get("on", "ml.m5.large"), "InitialInstanceCount": 1}
        more: Row = {"ModelName": row["name"] if "image" in row else "awkward"}
        given: Row = {}
        if row.get("serverless"):
            size = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 2}}
            if "provisioned" in row:
                size["ServerlessConfig"]["ProvisionedConcurrency"] = row["provisioned"]
        if "parts" in row:
            scaling = {"Status": "ENABLED", "MinInstanceCount": row["parts"]["least"], "MaxInstanceCount": 2}
            more, given = {"ManagedInstanceScaling": scaling}, {"ExecutionRoleArn": self._role}
        if row.get("async"):
            given = {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://awkward/out"}}}
        variants = [{"VariantName": f"v{i}", **size, **more} for i in range(row.get("variants", 1))]
        asked = {"EndpointConfigName": row["name"], "ProductionVariants": variants, "Tags": tags, **given}
        return self.client("sagemaker", region).create_endpoint_config(**asked)["EndpointConfigArn"]

    def _model(self, name: str, region: str, tags: list[dict[str, str]], image: str) -> str:
        container = {"Image": image, "ModelDataUrl": "s3://awkward/model.tar.gz"}
        asked = {"ExecutionRoleArn": self._role, "PrimaryContainer": container, "Tags": tags}
        return self.client("sagemaker", region).create_model(ModelName=name, **asked)["ModelArn"]

    def _component(self, region: str, row: Row) -> str:
        return self.client("sagemaker", region).create_inference_component(
            InferenceComponentName=row["name"],
            EndpointName=row["in"],
            VariantName="v0",
            Specification={"ModelName": "awkward"},
            RuntimeConfig={"CopyCount": 1},
            Tags=self.tags(row),
        )["InferenceComponentArn"]

    def _server(self, region: str, row: Row) -> str:
        sagemaker, name = self.client("sagemaker", region), {"TrackingServerName": row["name"]}
        asked = {"ArtifactStoreUri": "s3://awkward/mlflow", "RoleArn": self._role, "Tags": self.tags(row)}
        arn = sagemaker.create_mlflow_tracking_server(**name, **asked)["TrackingServerArn"]
        if row.get("state") == "stopped":
            self._cloud.control("advance", seconds=1)
            sagemaker.stop_mlflow_tracking_server(**name)
        return arn

    def _job(self, region: str, row: Row) -> str:
        name, sagemaker = row["name"], self.client("sagemaker", region)
        seconds, tags = 3600 * row.get("limit_hours", 72), self.tags(row)
        cluster = {"InstanceType": row.get("on", "ml.m5.large"), "InstanceCount": 1, "VolumeSizeInGB": 1}
        source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://awkward/in"}}}
        output = {"S3OutputPath": "s3://awkward/out"}
        training: Row = {
            "RoleArn": self._role,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "OutputDataConfig": output,
            "ResourceConfig": cluster,
            "StoppingCondition": {"MaxRuntimeInSeconds": seconds},
        }
        match row["type"]:
            case "training":
                training["AlgorithmSpecification"]["ContainerEntrypoint"] = ["sleep", "3000"]
                return sagemaker.create_training_job(TrainingJobName=name, Tags=tags, **training)["TrainingJobArn"]
            case "spot":
                training["StoppingCondition"]["MaxWaitTimeInSeconds"] = seconds
                training["AlgorithmSpecification"]["ContainerEntrypoint"] = ["true"]
                training["CheckpointConfig"] = {"S3Uri": f"s3://awkward/checkpoints/{name}"}
                training |= {"EnableManagedSpotTraining": True, "ResourceConfig": {**cluster, "InstanceType": SCARCE}}
                return sagemaker.create_training_job(TrainingJobName=name, Tags=tags, **training)["TrainingJobArn"]
            case "processing":
                return sagemaker.create_processing_job(
                    ProcessingJobName=name,
                    RoleArn=self._role,
                    AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["sleep", "3000"]},
                    ProcessingResources={"ClusterConfig": cluster},
                    StoppingCondition={"MaxRuntimeInSeconds": seconds},
                    Tags=tags,
                )["ProcessingJobArn"]
            case "automl":
                problem = {"TargetAttributeName": "t", "CompletionCriteria": {"MaxAutoMLJobRuntimeInSeconds": seconds}}
                return sagemaker.create_auto_ml_job_v2(
                    AutoMLJobName=name,
                    RoleArn=self._role,
                    AutoMLJobInputDataConfig=[source],
                    OutputDataConfig=output,
                    AutoMLProblemTypeConfig={"TabularJobConfig": problem},
                    Tags=tags,
                )["AutoMLJobArn"]
            case "transform":
                return sagemaker.create_transform_job(
                    TransformJobName=name,
                    ModelName="awkward",
                    TransformInput=source,
                    TransformOutput=output,
                    TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
                    Tags=tags,
                )["TransformJobArn"]
            case _:
                training["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "loss", "Regex": "loss=(.*)"}]
                values = {"CategoricalParameterRanges": [{"Name": "kind", "Values": ["a"]}]}
                return sagemaker.create_hyper_parameter_tuning_job(
                    HyperParameterTuningJobName=name,
                    HyperParameterTuningJobConfig={
                        "Strategy": "Random",
                        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
                        "ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1},
                        "ParameterRanges": values,
                    },
                    TrainingJobDefinition=training,
                    Tags=tags,
                )["HyperParameterTuningJobArn"]

    def _lifecycle(self, region: str, row: Row) -> str:
        sagemaker = self.client("sagemaker", region)
        asked = {"StudioLifecycleConfigContent": "ZWNobw==", "StudioLifecycleConfigAppType": "JupyterLab"}
        asked |= {"StudioLifecycleConfigName": row["name"]}
        arn = sagemaker.create_studio_lifecycle_config(**asked, Tags=self.tags(row))["StudioLifecycleConfigArn"]
        if "needed" in row:
            names = {"DomainId": self.domains["us"]["DomainId"], "UserProfileName": "awkward"}
            settings = {"ExecutionRole": self._role, "JupyterLabAppSettings": {"LifecycleConfigArns": [arn]}}
            sagemaker.create_user_profile(**names, UserSettings=settings)
        return arn

    def _image(self, region: str, row: Row) -> str:
        asked = {"ImageName": row["name"], "RoleArn": self._role, "Tags": self.tags(row)}
        arn = self.client("sagemaker", region).create_image(**asked)["ImageArn"]
        if "needed" in row:
            images = [{"ImageName": row["name"], "AppImageConfigName": "none"}]
            self._space({"name": "with-image", "in": "shared"}, KernelGatewayAppSettings={"CustomImages": images})
        return arn

    def _files(self, region: str, row: Row) -> str:
        arn = self.domains["us"]["DomainArn"]
        told = arn if "needed" in row else f"{arn.rpartition('/')[0]}/d-gone00000000"
        tags = [*self.tags(row), {"Key": "ManagedByAmazonSageMakerResource", "Value": told}]
        made = self.client("efs", region).create_file_system(CreationToken=row["name"], Tags=tags)
        return made["FileSystemArn"]

    def _schedule(self, region: str, row: Row) -> str:
        place = "/opt/ml/processing"
        definition = {
            "MonitoringInputs": [{"EndpointInput": {"EndpointName": row["watches"], "LocalPath": f"{place}/in"}}],
            "MonitoringOutputConfig": {
                "MonitoringOutputs": [{"S3Output": {"S3Uri": "s3://awkward/out", "LocalPath": f"{place}/out"}}]
            },
            "MonitoringResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
            },
            "MonitoringAppSpecification": {"ImageUri": IMAGE},
            "RoleArn": self._role,
        }
        return self.client("sagemaker", region).create_monitoring_schedule(
            MonitoringScheduleName=row["name"],
            MonitoringScheduleConfig={"MonitoringJobDefinition": definition, "MonitoringType": "DataQuality"},
            Tags=self.tags(row),
        )["MonitoringScheduleArn"]

    def _log_group(self, region: str, row: Row) -> str:
        logs, name = self.client("logs", region), row["name"]
        logs.create_log_group(logGroupName=name, tags={tag["Key"]: tag["Value"] for tag in self.tags(row)})
        if "retention" in row:
            logs.put_retention_policy(logGroupName=name, retentionInDays=row["retention"])
        if row.get("written"):
            logs.create_log_stream(logGroupName=name, logStreamName="s")
            event = {"timestamp": int(self.now() * 1000), "message": "written"}
            logs.put_log_events(logGroupName=name, logStreamName="s", logEvents=[event])
        return f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{name}"

    def _package(self, region: str, row: Row) -> str:
        sagemaker, (group, version) = self.client("sagemaker", region), row["name"].split("/")
        if version == "1":
            sagemaker.create_model_package_group(ModelPackageGroupName=group, Tags=self.tags(row))
        approval = "Approved" if row.get("approved") else "PendingManualApproval"
        asked = {"ModelPackageGroupName": group, "ModelApprovalStatus": approval, "ClientToken": secrets.token_hex(8)}
        return sagemaker.create_model_package(**asked)["ModelPackageArn"]

    def now(self) -> float:
        return self._cloud.control("advance", seconds=0)["now"]
