"""A service in this process with what a kind's requests refer to made already, and its states moved by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from rehearsal.sagemaker import shapes
from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.kinds import BY_NOUN
from rehearsal.sagemaker.service import Service
from rehearsal.sagemaker.store import AwsError
from tests.rehearsal import generated
from tests.rehearsal.refused import REFUSED

Record = dict[str, Any]

PACE_SECONDS = 3600.0  # no state passes by itself while a test looks
ROLE = "arn:aws:iam::000000000000:role/any"
PROCESSING = "/opt/ml/processing"
SOURCE = {"S3DataType": "S3Prefix", "S3Uri": "s3://b/i"}
UPLOAD = {"S3Uri": "s3://b/o", "LocalPath": f"{PROCESSING}/out", "S3UploadMode": "EndOfJob"}


class Host:
    """A cloud where every role may be passed; `heard` are the events."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Record]] = []

    def emit(self, detail_type: str, detail: Record, resources: list[str]) -> None:
        self.heard.append((detail_type, detail))

    def arn(self, resource: str) -> str:
        return f"arn:aws:sagemaker:us-east-1:000000000000:{resource}"

    def pass_role(self, role_arn: str) -> None: ...
    def client(self, service: str, role_arn: str) -> Any:
        raise AssertionError(f"{service} was called")

    def put_metric(self, namespace: str, name: str, dimensions: dict[str, str], value: float, unit: str) -> None: ...


class World:
    """Everything that requests of `noun` may refer to is there, and nothing of that kind itself."""

    def __init__(self, noun: str) -> None:
        self.noun, self.kind, self.host = noun, BY_NOUN[noun], Host()
        self.service = Service(self.host, Clock())
        self.service.set_pace(PACE_SECONDS)
        # The member that tells one from another in a list: some lists tell no ARN.
        output = shapes.output_members(f"List{self.kind.plural}")
        [summary] = [shape.member for shape in output.values() if shape.type_name == "list"]  # type: ignore[attr-defined]
        self.shown = self.kind.arn_member if self.kind.arn_member in summary.members else self.kind.key[-1]
        self.names: dict[str, str] = {}
        parents = {
            "UserProfile": ("Domain",),
            "Space": ("Domain", "UserProfile"),
            "App": ("Domain", "UserProfile", "Space"),
            "ModelPackage": ("ModelPackageGroup",),
            "EndpointConfig": ("Model",),
            "TransformJob": ("Model",),
            "Endpoint": ("Model", "EndpointConfig"),
            "PipelineExecution": ("Pipeline",),
            "InferenceComponent": ("Model", "EndpointConfig", "Endpoint"),
        }
        for parent in parents.get(noun, ()):
            self._make(parent)

    def _make(self, noun: str) -> None:
        variant = {"VariantName": "main", "ModelName": self.names.get("ModelName", "")}
        hosting: Record = {}
        if self.noun == "InferenceComponent":  # a variant has a model or hosts components
            variant, hosting = {"VariantName": "main"}, {"ExecutionRoleArn": ROLE}
        requests: dict[str, Record] = {
            "Domain": {"DomainName": "world", "AuthMode": "IAM", "DefaultUserSettings": {}},
            "UserProfile": {"UserProfileName": "owner"},
            "Space": {"SpaceName": "room"},
            "Model": {"ModelName": "world", "PrimaryContainer": {"Image": "image"}, "ExecutionRoleArn": ROLE},
            "EndpointConfig": {"EndpointConfigName": "world", "ProductionVariants": [variant], **hosting},
            "Endpoint": {"EndpointName": "world", "EndpointConfigName": "world"},
            "ModelPackageGroup": {"ModelPackageGroupName": "world"},
            "Pipeline": {
                "PipelineName": "world",
                "PipelineDefinition": "{}",
                "RoleArn": ROLE,
                "ClientRequestToken": "t" * 32,
            },
        }
        request = requests[noun]
        if "DomainId" in self.names:
            request["DomainId"] = self.names["DomainId"]
        arn = self.service.call(f"Create{noun}", request)[f"{noun}Arn"]
        self.settle(noun, arn)
        record = self.service.store.by_arn(arn)
        self.names |= {name: record[name] for name in BY_NOUN[noun].key}

    def settle(self, noun: str, arn: str) -> None:
        """Let the pace pass; what a process would bring into service is put there by hand."""
        self.service.clock.advance(PACE_SECONDS)
        record = self.service.store.by_arn(arn)
        if noun == "Endpoint" and record["EndpointStatus"] in ("Creating", "Updating"):
            self.service.move(noun, record, "InService")
        if noun == "MlflowApp" and record["Status"] == "Creating":
            self.service.move(noun, record, "Created")

    def who(self, record: Record) -> Record:
        """The members that name one in a request."""
        if self.noun == "ModelPackage":
            return {"ModelPackageName": record["ModelPackageArn"]}
        return {name: record[name] for name in self.kind.key if record.get(name) is not None}

    def fitted(self, request: Record, operation: str = "") -> Record:
        """A generated request made to fit this world: it refers to what is there, and asks for nothing refused."""
        start = "StartPipelineExecution" if self.noun == "PipelineExecution" else f"Create{self.noun}"
        operation = operation or start
        members = shapes.input_members(operation)
        for path in REFUSED.get(operation, ()):
            request = _without(request, path.split("."))
        request |= {name: value for name, value in self.names.items() if name in members}
        if "Tags" in request:
            request["Tags"] = list({tag["Key"]: tag for tag in request["Tags"]}.values())
        if self.kind.key[-1] in members and operation == start and self.noun != "PipelineExecution":
            request[self.kind.key[-1]] = generated.fresh_name()
        return _FIT.get(self.noun, lambda made, names: made)(request, self.names)

    def make(self, index: int = 0, **more: Any) -> str:
        """The ARN of a new one."""
        verb = "Start" if self.noun == "PipelineExecution" else "Create"
        request = self.fitted(least(self.noun, index) | more)
        return self.service.call(f"{verb}{self.noun}", request)[self.kind.arn_member]

    def further(self, verb: str) -> Record:
        """What an operation asks for beside the name."""
        members = shapes.input_members(f"{verb}{self.noun}")
        token = {"ClientRequestToken": "t" * 32} if "ClientRequestToken" in members else {}
        config = "EndpointConfigName"
        return token | ({config: self.names[config]} if verb == "Update" and config in members else {})

    def several(self, number: int) -> list[Record]:
        """So many of the kind, a minute apart, as they are described and with what every request names them by."""
        made = []
        for index in range(number):
            made.append(self.make(index))
            self.service.clock.advance(60)
        return [
            {**self.service.store.by_arn(arn), **self.service.call(f"Describe{self.noun}", self.who(record))}
            for arn in made
            for record in [self.service.store.by_arn(arn)]
        ]

    def pages(self, request: Record) -> list[Record]:
        """All rows of a list, page by page."""
        rows: list[Record] = []
        if self.noun == "PipelineExecution":
            request = {"PipelineName": self.names["PipelineName"], **request}
        while True:
            answer = self.service.call(f"List{self.kind.plural}", request)
            [page] = [value for value in answer.values() if isinstance(value, list)]
            rows += page
            if "NextToken" not in answer:
                return rows
            assert len(page) == request.get("MaxResults", 10)
            request = {**request, "NextToken": answer["NextToken"]}

    def listed(self, answered: Callable[[Service, str, Record], Record]) -> list[Record]:
        request = {"PipelineName": self.names["PipelineName"]} if self.noun == "PipelineExecution" else {}
        answer = answered(self.service, f"List{self.kind.plural}", request)
        [rows] = [value for value in answer.values() if isinstance(value, list)]
        return rows

    def filtered(self, name: str, row: Record) -> tuple[Any, Callable[[Record], bool]]:
        """A value for a filter that fits `row`, and what fits it by AWS's description of the filter."""
        if name.endswith(("After", "Before")):
            member = "LastModifiedTime" if name.startswith("LastModified") else "CreationTime"
            moment = row[member]
            return moment, lambda r: r[member] >= moment if name.endswith("After") else r[member] < moment
        if name.endswith(("Contains", "Prefix")):
            member = self.kind.name_member if name in ("NameContains", "PipelineNamePrefix") else name[:-8]
            part = str(row.get(member) or "part")[-3:]
            if name.endswith("Prefix"):
                part = str(row[member])
                return part, lambda r: r[member].startswith(part)
            return part, lambda r: part in str(r.get(member, ""))
        fixed = {
            "CrossAccountFilterOption": "SameAccount",
            "ModelPackageType": "Versioned",
        }
        if name == "TrainingPlanArnEquals":  # no job has one here
            return "arn:aws:sagemaker:us-east-1:000000000000:training-plan/none", lambda r: False
        if name == "MlflowVersion":  # an app has one once its server answers
            return "9.9.9", lambda r: False
        if name in fixed:
            return fixed[name], lambda r: True
        if name == "AdditionalCodeRepositoryEquals":
            return "repository", lambda r: "repository" in r.get("AdditionalCodeRepositories", [])
        member = self.kind.status if name == "StatusEquals" else name.removesuffix("Equals")
        enum = getattr(shapes.input_members(f"List{self.kind.plural}")[name], "enum", None)
        value = row.get(member) or (enum[0] if enum else "none")
        return value, lambda r: r.get(member) == value

    def remove(self, answered: Callable[[Service, str, Record], Record], who: Record, arn: str) -> None:
        """By the operations that the kind has; what AWS never deletes is taken out of the store."""
        service, noun = self.service, self.noun
        if noun == "PipelineExecution":
            assert answered(service, "ListPipelineExecutionSteps", who) == {"PipelineExecutionSteps": []}
        verbs = ["Stop", "Start", "Stop", "Delete"] if noun == "NotebookInstance" else ["Stop", "Delete"]
        for verb in verbs:
            if f"{verb}{noun}" in self.kind.operations:
                answered(service, f"{verb}{noun}", {**who, **self.further(verb)})
                service.clock.advance(PACE_SECONDS)
        service.clock.advance(self.kind.remembered_seconds or 0)
        if f"Delete{noun}" not in self.kind.operations:
            service.store.remove(noun, service.store.by_arn(arn))


def refused(world: World, operation: str, request: dict[str, Any]) -> AwsError:
    with pytest.raises(AwsError) as found:
        world.service.call(operation, request)
    return found.value


def operate(world: World, verb: str, arn: str) -> None:
    world.service.call(f"{verb}{world.noun}", {**world.who(world.service.store.by_arn(arn)), **world.further(verb)})


def least(noun: str, index: int) -> Record:
    """The smallest request, where generated members would hide what a list does."""
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    requests: dict[str, Record] = {
        "Domain": {"DomainName": f"domain-{index}", "AuthMode": "IAM", "DefaultUserSettings": {}},
        "App": {"AppType": "JupyterLab", "Owned": index % 2},
        "MlflowApp": {"Name": f"app-{index}", "ArtifactStoreUri": "s3://b/mlflow", "RoleArn": ROLE},
        "StudioLifecycleConfig": {
            "StudioLifecycleConfigContent": "ZWNobw==",
            "StudioLifecycleConfigAppType": ("JupyterLab", "CodeEditor")[index % 2],
        },
        "NotebookInstanceLifecycleConfig": {},
        "Image": {"RoleArn": ROLE},
        "MlflowTrackingServer": {"ArtifactStoreUri": "s3://b/mlflow", "RoleArn": ROLE},
        "InferenceComponent": {
            "VariantName": "main",
            "Specification": {"ModelName": "world"},
            "RuntimeConfig": {"CopyCount": 1},
        },
        "MonitoringSchedule": {
            "MonitoringScheduleConfig": {"MonitoringJobDefinitionName": f"d-{index}", "MonitoringType": "DataQuality"}
        },
        "Model": {"PrimaryContainer": {"Image": "image"}, "ExecutionRoleArn": ROLE},
        "EndpointConfig": {"ProductionVariants": [{"VariantName": "main", "ModelName": "world"}]},
        "ModelPackage": {"ModelApprovalStatus": ("Approved", "Rejected")[index % 2]},
        "NotebookInstance": {
            "InstanceType": "ml.t3.medium",
            "RoleArn": ROLE,
            "AdditionalCodeRepositories": ["repository"][: index % 2],
        },
        "Pipeline": {"PipelineDefinition": "{}", "RoleArn": ROLE, "ClientRequestToken": "t" * 32},
        "PipelineExecution": {"ClientRequestToken": f"{index:032}"},
        "TrainingJob": {
            "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
            "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": SOURCE}}],
            "OutputDataConfig": {"S3OutputPath": "s3://b/p"},
            "ResourceConfig": cluster,
            "CheckpointConfig": {"S3Uri": "s3://b/c"},
            "DebugHookConfig": {"S3OutputPath": "s3://b/d"},
        },
        "AutoMLJobV2": {
            "RoleArn": ROLE,
            "AutoMLJobInputDataConfig": [{"DataSource": {"S3DataSource": SOURCE}}],
            "OutputDataConfig": {"S3OutputPath": "s3://b/o"},
            "AutoMLProblemTypeConfig": {"TabularJobConfig": {"TargetAttributeName": "target"}},
        },
        "HyperParameterTuningJob": {
            "HyperParameterTuningJobConfig": {
                "Strategy": "Random",
                "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1},
                "ParameterRanges": {"CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}]},
            },
            "TrainingJobDefinition": {
                "RoleArn": ROLE,
                "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
                "InputDataConfig": [{"ChannelName": "train", "DataSource": {"S3DataSource": SOURCE}}],
                "OutputDataConfig": {"S3OutputPath": "s3://b/p"},
                "ResourceConfig": cluster,
                "CheckpointConfig": {"S3Uri": "s3://b/c"},
                "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            },
        },
        "TransformJob": {
            "TransformInput": {"DataSource": {"S3DataSource": SOURCE}},
            "TransformOutput": {"S3OutputPath": "s3://b/o"},
            "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
        },
        "ProcessingJob": {
            "RoleArn": ROLE,
            "AppSpecification": {"ImageUri": "image", "ContainerEntrypoint": ["true"]},
            "ProcessingInputs": [{"InputName": "i", "S3Input": {**SOURCE, "LocalPath": f"{PROCESSING}/in"}}],
            "ProcessingOutputConfig": {"Outputs": [{"OutputName": "o", "S3Output": UPLOAD}]},
            "ProcessingResources": {"ClusterConfig": cluster},
        },
    }
    return requests.get(noun, {})


def _without(value: Any, path: list[str]) -> Any:
    if isinstance(value, list):
        return [_without(item, path[1:]) for item in value]
    if len(path) == 1:
        return {name: item for name, item in value.items() if name != path[0]}
    return {name: _without(item, path[1:]) if name == path[0] else item for name, item in value.items()}


def _fit_app(request: Record, names: dict[str, str]) -> Record:
    in_space = request.pop("Owned", len(request["AppName"]) % 2)
    request.pop("UserProfileName" if in_space else "SpaceName", None)
    if request["AppType"] == "KernelGateway":
        request["ResourceSpec"] = {"InstanceType": "ml.t3.medium"}
    return request


def _fit_space(request: Record, names: dict[str, str]) -> Record:
    request.pop("UserProfileName", None)
    if "OwnershipSettings" in request:
        request["OwnershipSettings"] = {"OwnerUserProfileName": names["UserProfileName"]}
        request.setdefault("SpaceSharingSettings", {"SharingType": "Private"})
    else:
        request.pop("SpaceSharingSettings", None)
    return request


def _fit_notebook(request: Record, names: dict[str, str]) -> Record:
    if "SubnetId" not in request:
        request.pop("DirectInternetAccess", None)
    request.pop("LifecycleConfigName", None)  # there is none; test_kept_kinds.py has one
    return request


def _fit_config(request: Record, names: dict[str, str]) -> Record:
    own = {"ModelName": names["ModelName"]}
    request["ProductionVariants"] = [
        v | own | {"VariantName": f"v{i}"} for i, v in enumerate(request["ProductionVariants"])
    ]
    return request


def _fit_training(request: Record, names: dict[str, str]) -> Record:
    given, base = request.get("AlgorithmSpecification", {}), least("TrainingJob", 0)
    request["AlgorithmSpecification"] = {**given, "TrainingImage": "image", "TrainingInputMode": "File"}
    request["ResourceConfig"] = base["ResourceConfig"] | request.get("ResourceConfig", {})
    for channel in request.get("InputDataConfig", []):
        held = channel["DataSource"].get("S3DataSource", {})
        channel["DataSource"] = {"S3DataSource": {**SOURCE, **held, "S3DataType": "S3Prefix"}}
    return request


def _fit_tuning(request: Record, names: dict[str, str]) -> Record:
    base = least("HyperParameterTuningJob", 0)
    given, config = request.get("TrainingJobDefinition", {}), base["HyperParameterTuningJobConfig"]
    request["TrainingJobDefinition"] = base["TrainingJobDefinition"] | _fit_training(given, names)
    request["HyperParameterTuningJobConfig"] = config | request["HyperParameterTuningJobConfig"]
    request["HyperParameterTuningJobConfig"]["Strategy"] = "Random"
    request["HyperParameterTuningJobConfig"]["ResourceLimits"] = config["ResourceLimits"]
    return request


def _fit_processing(request: Record, names: dict[str, str]) -> Record:
    request["AppSpecification"] = {"ContainerEntrypoint": ["true"], **request["AppSpecification"]}
    cluster = least("ProcessingJob", 0)["ProcessingResources"]["ClusterConfig"]
    request["ProcessingResources"] = {"ClusterConfig": cluster | request["ProcessingResources"]["ClusterConfig"]}
    for item in request.get("ProcessingInputs", []):
        item["S3Input"] = {**SOURCE, "LocalPath": f"{PROCESSING}/in", **item.get("S3Input", {})}
    for item in request.get("ProcessingOutputConfig", {}).get("Outputs", []):
        item["S3Output"] = {**UPLOAD, **item.get("S3Output", {})}
    return request


def _fit_automl(request: Record, names: dict[str, str]) -> Record:
    base = least("AutoMLJobV2", 0)
    request.pop("AutoMLJobObjective", None)
    tabular = request["AutoMLProblemTypeConfig"].get("TabularJobConfig", {})
    tabular.pop("ProblemType", None)
    config = base["AutoMLProblemTypeConfig"]["TabularJobConfig"] | tabular
    return request | {
        "AutoMLJobInputDataConfig": base["AutoMLJobInputDataConfig"],
        "AutoMLProblemTypeConfig": {"TabularJobConfig": config},
    }


def _fit_transform(request: Record, names: dict[str, str]) -> Record:
    request["TransformInput"]["DataSource"]["S3DataSource"]["S3DataType"] = "S3Prefix"
    return request


def _fit_model(request: Record, names: dict[str, str]) -> Record:
    container = {n: v for n, v in request.get("PrimaryContainer", {}).items() if n != "ModelPackageName"}
    return {"ExecutionRoleArn": ROLE, **request, "PrimaryContainer": {"Image": "image", **container}}


def _fit_component(request: Record, names: dict[str, str]) -> Record:
    given = {"ModelName": names["ModelName"]}
    return (
        least("InferenceComponent", 0)
        | request
        | {"VariantName": "main", "Specification": {**request.get("Specification", {}), **given}}
    )


_FIT: dict[str, Callable[[Record, dict[str, str]], Record]] = {
    "App": _fit_app,
    "Space": _fit_space,
    "NotebookInstance": _fit_notebook,
    "EndpointConfig": _fit_config,
    "InferenceComponent": _fit_component,
    "Domain": lambda request, names: {**request, **({"AuthMode": "IAM"} if "AuthMode" in request else {})},
    "Model": _fit_model,
    "TrainingJob": _fit_training,
    "HyperParameterTuningJob": _fit_tuning,
    "ProcessingJob": _fit_processing,
    "AutoMLJobV2": _fit_automl,
    "TransformJob": _fit_transform,
    "ModelPackage": lambda request, names: {n: v for n, v in request.items() if n not in ("ModelPackageName", "Tags")},
    "Pipeline": lambda request, names: {"PipelineDefinition": "{}", **request},
}
