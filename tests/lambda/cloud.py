"""An in-memory cloud behind real boto3 clients: botocore checks each request, the `before-call` event answers it."""
# ruff: noqa: N802, N803 - operations and their parameters are named as AWS names them

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

# `lambda` is a keyword, so no import statement reaches this folder.
base = importlib.import_module("tests.lambda.base")
estate = importlib.import_module("tests.lambda.estate")
monitored = importlib.import_module("tests.lambda.monitored")
runs = importlib.import_module("tests.lambda.runs")
table = importlib.import_module("tests.lambda.table")
ACCOUNT, REGION, NOW, OURS = base.ACCOUNT, base.REGION, base.NOW, base.OURS
RefusalError, arn = base.RefusalError, base.arn
GROUP = "sluice-dev-digits"
BY_HAND = {
    "EndpointConfigName": "by-hand",
    "ProductionVariants": [{"VariantName": "AllTraffic", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}],
}


@dataclass(frozen=True)
class Call:
    """One API call, with the ARN that IAM checks it against."""

    service: str
    operation: str
    params: dict[str, Any]

    @property
    def writes(self) -> bool:
        return not self.operation.startswith(("List", "Describe", "Get", "Query"))


class Cloud(runs.Runs, estate.Estate, table.Table, monitored.Monitored):
    """What exists, what was called, and what goes wrong. Endpoints stay Creating or Updating until `settle`."""

    def __init__(self) -> None:
        for part in (runs.Runs, estate.Estate, table.Table, monitored.Monitored):
            part.__init__(self)
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.configs: dict[str, dict[str, Any]] = {}
        self.models: dict[str, dict[str, Any]] = {}
        self.packages: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.pipelines: dict[str, dict[str, Any]] = {}
        self.machines: dict[str, str] = {}
        self.notebooks: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.invocations: dict[tuple[str, str], list[tuple[datetime, int]]] = {}
        self.jupyter: dict[str, datetime | None] = {}
        self.calls: list[Call] = []
        self.events: list[dict[str, Any]] = []
        self.faults: dict[tuple[str, str], Any] = {}
        self.meanwhile: dict[str, Callable[[], None]] = {}
        self.metric_state = "Complete"
        self.jobs: dict[tuple[str, str], str] = {}
        self.messages: dict[str, str] = {}  # what processing jobs left, by their names

    # The world as a test sets it up

    def arn(self, resource: str) -> str:
        return arn(resource)

    def endpoint(self, name: str, *, minutes: int = 600, status: str = "InService", tags: dict[str, str] = OURS) -> str:
        changed = NOW - timedelta(minutes=minutes)
        self.endpoints[name] = {
            "EndpointName": name,
            "EndpointArn": arn(f"endpoint/{name}"),
            "EndpointConfigName": "by-hand",
            "EndpointStatus": status,
            "CreationTime": changed,
            "LastModifiedTime": changed,
            "ProductionVariants": [{"VariantName": "AllTraffic"}],
        }
        self.tags[arn(f"endpoint/{name}")] = dict(tags)
        return name

    def notebook(self, name: str, *, minutes: int = 600, status: str = "InService", tags: dict[str, str] = OURS) -> str:
        changed = NOW - timedelta(minutes=minutes)
        self.notebooks[name] = {
            "NotebookInstanceName": name,
            "NotebookInstanceArn": arn(f"notebook-instance/{name}"),
            "NotebookInstanceStatus": status,
            "InstanceType": "ml.t3.medium",
            "CreationTime": changed,
            "LastModifiedTime": changed,
        }
        self.tags[arn(f"notebook-instance/{name}")] = dict(tags)
        self.jupyter[name] = changed
        return name

    def package(self, version: int, approval: str = "Approved", group: str = GROUP) -> str:
        name = arn(f"model-package/{group}/{version}")
        self.groups[group] = {
            "ModelPackageGroupName": group,
            "ModelPackageGroupArn": arn(f"model-package-group/{group}"),
        }
        self.tags.setdefault(arn(f"model-package-group/{group}"), dict(OURS))
        self.packages[name] = {
            "ModelPackageArn": name,
            "ModelPackageGroupName": group,
            "ModelPackageVersion": version,
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": approval,
            "CreationTime": NOW,
        }
        self.events.append({"detail": {"ModelPackageGroupName": group, "ModelApprovalStatus": approval}})
        return name

    def settle(self, name: str, *, failure: str | None = None) -> None:
        """Let what is under way at an endpoint end, as SageMaker does: a failed update is rolled back."""
        endpoint = self.endpoints.get(name)
        if not endpoint or "wanted" not in endpoint:
            return
        wanted, created = endpoint.pop("wanted"), endpoint["EndpointStatus"] == "Creating"
        endpoint.pop("FailureReason", None)
        if failure:
            endpoint["FailureReason"] = failure
        else:
            endpoint["EndpointConfigName"] = wanted
        endpoint["LastModifiedTime"] += timedelta(minutes=5)
        endpoint["EndpointStatus"] = "Failed" if failure and created else "InService"
        word = "FAILED" if failure and created else "IN_SERVICE"
        self.events.append({"detail": {"EndpointName": name, "EndpointStatus": word}})

    # The API

    def remember(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["asked"] = params

    def answer(self, model: Any, context: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        call = Call(model.service_model.service_name, model.name, dict(context["asked"]))
        self.calls.append(call)
        self.meanwhile.pop(model.name, lambda: None)()
        try:
            for (operation, name), fault in self.faults.items():
                if operation == model.name and name in map(str, call.params.values()):
                    raise fault
            return SimpleNamespace(status_code=200), getattr(self, model.name)(**call.params) or {}
        except RefusalError as refusal:
            error = {"Error": {"Code": refusal.code, "Message": str(refusal)}}
            return SimpleNamespace(status_code=400), error

    def ListEndpoints(
        self, LastModifiedTimeAfter: datetime | None = None, StatusEquals: str | None = None, **page: Any
    ) -> dict[str, Any]:
        rows = [e for e in self.endpoints.values() if (LastModifiedTimeAfter or _EVER) <= e["LastModifiedTime"]]
        rows = [e for e in rows if StatusEquals in (None, e["EndpointStatus"])]
        return base.page("Endpoints", rows, **page)

    def DescribeEndpointConfig(self, EndpointConfigName: str) -> dict[str, Any]:
        if EndpointConfigName == "by-hand":
            return BY_HAND
        message = f'Could not find endpoint configuration "{EndpointConfigName}".'
        return dict(_find(self.configs, EndpointConfigName, message))

    def DescribeModel(self, ModelName: str) -> dict[str, Any]:
        return dict(_find(self.models, ModelName, f'Could not find model "{ModelName}".'))

    def DescribeEndpoint(self, EndpointName: str) -> dict[str, Any]:
        told = dict(_find(self.endpoints, EndpointName, f'Could not find endpoint "{EndpointName}".'))
        if told["EndpointStatus"] == "Updating" and "wanted" in told:
            told["PendingDeploymentSummary"] = {"EndpointConfigName": told["wanted"]}
        return told

    def CreateEndpoint(self, EndpointName: str, EndpointConfigName: str, Tags: list[dict[str, str]]) -> None:
        if EndpointName in self.endpoints:
            raise RefusalError(f'Cannot create already existing endpoint "{EndpointName}".')
        self.endpoint(EndpointName, status="Creating", tags={tag["Key"]: tag["Value"] for tag in Tags})
        self.endpoints[EndpointName] |= {"wanted": EndpointConfigName, "EndpointConfigName": EndpointConfigName}

    def UpdateEndpoint(self, EndpointName: str, EndpointConfigName: str) -> None:
        endpoint = self.endpoints[EndpointName]
        if endpoint["EndpointStatus"] != "InService":
            raise RefusalError(f'Cannot update in-progress endpoint "{EndpointName}".')
        changed = endpoint["LastModifiedTime"] + timedelta(minutes=1)
        endpoint |= {"EndpointStatus": "Updating", "wanted": EndpointConfigName, "LastModifiedTime": changed}

    def DeleteEndpoint(self, EndpointName: str) -> None:
        endpoint = _find(self.endpoints, EndpointName, f'Could not find endpoint "{EndpointName}".')
        if endpoint["EndpointStatus"] in ("Creating", "Updating"):
            raise RefusalError(f'Cannot delete in-progress endpoint "{EndpointName}".')
        del self.endpoints[EndpointName]

    def CreateModel(self, ModelName: str, **model: Any) -> None:
        if ModelName in self.models:
            raise RefusalError(f'Cannot create already existing model "{ModelName}".')
        self.models[ModelName] = {"ModelName": ModelName, **model}

    def CreateEndpointConfig(self, EndpointConfigName: str, **config: Any) -> None:
        if EndpointConfigName in self.configs:
            raise RefusalError(f'Cannot create already existing endpoint configuration "{EndpointConfigName}".')
        self.configs[EndpointConfigName] = {"EndpointConfigName": EndpointConfigName, **config}

    def DeleteModel(self, ModelName: str) -> None:
        del _known(self.models, ModelName, f'Could not find model "{ModelName}".')[ModelName]

    def DeleteEndpointConfig(self, EndpointConfigName: str) -> None:
        message = f'Could not find endpoint configuration "{EndpointConfigName}".'
        del _known(self.configs, EndpointConfigName, message)[EndpointConfigName]

    def DeleteModelPackage(self, ModelPackageName: str) -> None:
        message = f"ModelPackage {ModelPackageName} does not exist."
        del _known(self.packages, ModelPackageName, message)[ModelPackageName]

    def DeleteModelPackageGroup(self, ModelPackageGroupName: str) -> None:
        message = f"Model Package Group {ModelPackageGroupName} does not exist."
        groups = _known(self.groups, ModelPackageGroupName, message)
        if any(p["ModelPackageGroupName"] == ModelPackageGroupName for p in self.packages.values()):
            raise RefusalError("Model Package Group cannot be deleted: it has Model Packages.", "ConflictException")
        del groups[ModelPackageGroupName]

    def DescribeModelPackage(self, ModelPackageName: str) -> dict[str, Any]:
        return self.packages[ModelPackageName]

    def DescribePipeline(self, PipelineName: str) -> dict[str, Any]:
        if PipelineName not in self.pipelines:
            raise RefusalError(f"Pipeline '{PipelineName}' does not exist.", "ResourceNotFound")
        return dict(self.pipelines[PipelineName])

    def DescribeStateMachine(self, stateMachineArn: str) -> dict[str, Any]:
        if stateMachineArn not in self.machines:
            raise RefusalError(f"State Machine Does Not Exist: '{stateMachineArn}'", "StateMachineDoesNotExist")
        return {"stateMachineArn": stateMachineArn, "status": self.machines[stateMachineArn]}

    def ListModels(self, NameContains: str = "", **page: Any) -> dict[str, Any]:
        rows = [{"ModelArn": arn(f"model/{n}"), "CreationTime": _LONG_AGO, **m} for n, m in self.models.items()]
        return base.page("Models", [row for row in rows if NameContains in row["ModelName"]], **page)

    def ListEndpointConfigs(
        self, NameContains: str = "", CreationTimeAfter: datetime | None = None, **page: Any
    ) -> dict[str, Any]:
        rows = [
            {"EndpointConfigArn": arn(f"endpoint-config/{n}"), "CreationTime": _LONG_AGO, **c}
            for n, c in self.configs.items()
        ]
        rows = [row for row in rows if (CreationTimeAfter or _EVER) <= row["CreationTime"]]
        return base.page("EndpointConfigs", [row for row in rows if NameContains in row["EndpointConfigName"]], **page)

    def ListModelPackages(
        self, ModelPackageGroupName: str, ModelApprovalStatus: str | None = None, **page: Any
    ) -> dict[str, Any]:
        rows = [p for p in self.packages.values() if p["ModelPackageGroupName"] == ModelPackageGroupName]
        rows = [p for p in rows if ModelApprovalStatus in (None, p["ModelApprovalStatus"])]
        return base.page("ModelPackageSummaryList", rows, **page)

    def ListNotebookInstances(self, **page: Any) -> dict[str, Any]:
        return base.page("NotebookInstances", list(self.notebooks.values()), **page)

    def DescribeNotebookInstance(self, NotebookInstanceName: str) -> dict[str, Any]:
        return dict(_find(self.notebooks, NotebookInstanceName, "RecordNotFound"))

    def StopNotebookInstance(self, NotebookInstanceName: str) -> None:
        _find(self.notebooks, NotebookInstanceName, "RecordNotFound")["NotebookInstanceStatus"] = "Stopping"

    def _job(self, noun: str, **asked: str) -> dict[str, Any]:
        """One that a test put up whole, or by its status alone."""
        name = asked[f"{noun}Name"]
        if (noun, name) in self.jobs:
            told = {f"{noun}Name": name, f"{noun}Status": self.jobs[noun, name]}
            return told | ({"ExitMessage": self.messages[name]} if name in self.messages else {})
        return self._find(f"{noun}s", **asked)

    def _stop(self, noun: str, **asked: str) -> None:
        found, name = self._job(noun, **asked), asked[f"{noun}Name"]
        if found[f"{noun}Status"] != "InProgress":
            raise RefusalError("The request was rejected because the job is in status Stopped.")
        if (noun, name) in self.jobs:
            self.jobs[noun, name] = "Stopping"
        else:
            found[f"{noun}Status"] = "Stopping"

    def DescribeAutoMLJobV2(self, AutoMLJobName: str) -> dict[str, Any]:
        return self._job("AutoMLJob", AutoMLJobName=AutoMLJobName)

    def DescribeProcessingJob(self, ProcessingJobName: str) -> dict[str, Any]:
        return self._job("ProcessingJob", ProcessingJobName=ProcessingJobName)

    def DescribeTransformJob(self, TransformJobName: str) -> dict[str, Any]:
        return self._job("TransformJob", TransformJobName=TransformJobName)

    def StopAutoMLJob(self, **asked: Any) -> None:
        self._stop("AutoMLJob", **asked)

    def StopHyperParameterTuningJob(self, **asked: Any) -> None:
        self._stop("HyperParameterTuningJob", **asked)

    def StopProcessingJob(self, **asked: Any) -> None:
        self._stop("ProcessingJob", **asked)

    def StopTrainingJob(self, **asked: Any) -> None:
        self._stop("TrainingJob", **asked)

    def StopTransformJob(self, **asked: Any) -> None:
        self._stop("TransformJob", **asked)

    def AddTags(self, ResourceArn: str, Tags: list[dict[str, str]]) -> None:
        self.tags[ResourceArn] |= {tag["Key"]: tag["Value"] for tag in Tags}

    def ListTags(self, ResourceArn: str, **page: Any) -> dict[str, Any]:
        if ResourceArn not in self.tags:
            raise RefusalError(f"{ResourceArn} does not exist.", "ResourceNotFound")
        return base.page("Tags", [{"Key": k, "Value": v} for k, v in self.tags[ResourceArn].items()], **page)

    def GetMetricData(
        self, MetricDataQueries: list[Any], StartTime: datetime, EndTime: datetime, NextToken: str = "0"
    ) -> dict[str, Any]:
        results = []
        for query in MetricDataQueries[int(NextToken) : int(NextToken) + 2]:
            named = {d["Name"]: d["Value"] for d in query["MetricStat"]["Metric"]["Dimensions"]}
            key = (named.get("EndpointName") or named["InferenceComponentName"], named.get("VariantName", ""))
            points = [(at, count) for at, count in self.invocations.get(key, []) if StartTime <= at < EndTime]
            told = {"Timestamps": [at for at, _ in points], "Values": [count for _, count in points]}
            results.append({"Id": query["Id"], **told, "StatusCode": self.metric_state})
        after = int(NextToken) + 2
        return {"MetricDataResults": results} | ({"NextToken": str(after)} if after < len(MetricDataQueries) else {})

    def GetLogEvents(self, logStreamName: str, **_: Any) -> dict[str, Any]:
        name = logStreamName.removesuffix("/jupyter.log")
        if name not in self.jupyter:
            raise RefusalError("The specified log stream does not exist.", "ResourceNotFoundException")
        last = self.jupyter[name]
        return {"events": [{"timestamp": int(last.timestamp() * 1000)}] if last else []}


_LONG_AGO = NOW - timedelta(days=60)
_EVER = datetime.min.replace(tzinfo=UTC)


def _known(records: dict[str, Any], name: str, message: str) -> dict[str, Any]:
    if name not in records:
        raise RefusalError(message)
    return records


def _find(records: dict[str, Any], name: str, message: str) -> dict[str, Any]:
    return _known(records, name, message)[name]
