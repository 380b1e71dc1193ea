"""An in-memory cloud behind real boto3 clients: botocore checks each request, the `before-call` event answers it."""
# ruff: noqa: N802, N803 - operations and their parameters are named as AWS names them

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

ACCOUNT, REGION = "111122223333", "us-east-1"
PARTITION = "aws"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GROUP = "sluice-dev-digits"
OURS = {"sluice:platform": "sluice-dev"}
_PAGE = 2  # small, so that whoever forgets a paginator sees only a part


runs = importlib.import_module("tests.lambda.runs")  # `lambda` is a keyword
RefusalError = runs.RefusalError


@dataclass(frozen=True)
class Call:
    """One API call, with the ARN that IAM checks it against."""

    service: str
    operation: str
    params: dict[str, Any]

    @property
    def writes(self) -> bool:
        return not self.operation.startswith(("List", "Describe", "Get"))


def arn(resource: str) -> str:
    return f"arn:{PARTITION}:sagemaker:{REGION}:{ACCOUNT}:{resource}"


class Cloud(runs.Runs):
    """What exists, what was called, and what goes wrong. Endpoints stay Creating or Updating until `settle`."""

    def __init__(self) -> None:
        super().__init__()
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
        self.ledger: dict[tuple[str, str], dict[str, Any]] = {}
        self.calls: list[Call] = []
        self.events: list[dict[str, Any]] = []
        self.faults: dict[tuple[str, str], RefusalError] = {}
        self.meanwhile: dict[str, Callable[[], None]] = {}
        self.metric_state = "Complete"
        self.jobs: dict[tuple[str, str], str] = {}
        self.messages: dict[str, str] = {}  # what processing jobs left, by their names

    # The world as a test sets it up

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
            "LastModifiedTime": changed,
        }
        self.tags[arn(f"notebook-instance/{name}")] = dict(tags)
        self.jupyter[name] = changed
        return name

    def package(self, version: int, approval: str = "Approved", group: str = GROUP) -> str:
        name = arn(f"model-package/{group}/{version}")
        self.groups[group] = {"ModelPackageGroupName": group}
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

    def ListEndpoints(self, StatusEquals: str, **page: Any) -> dict[str, Any]:
        rows = [e for e in self.endpoints.values() if e["EndpointStatus"] == StatusEquals]
        return _page("Endpoints", rows, **page)

    def DescribeEndpoint(self, EndpointName: str) -> dict[str, Any]:
        return dict(_find(self.endpoints, EndpointName, f'Could not find endpoint "{EndpointName}".'))

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

    def ListModels(self, NameContains: str, **page: Any) -> dict[str, Any]:
        return _page("Models", [m for n, m in self.models.items() if NameContains in n], **page)

    def ListEndpointConfigs(self, NameContains: str, **page: Any) -> dict[str, Any]:
        return _page("EndpointConfigs", [c for n, c in self.configs.items() if NameContains in n], **page)

    def ListModelPackages(
        self, ModelPackageGroupName: str, ModelApprovalStatus: str | None = None, **page: Any
    ) -> dict[str, Any]:
        rows = [p for p in self.packages.values() if p["ModelPackageGroupName"] == ModelPackageGroupName]
        rows = [p for p in rows if ModelApprovalStatus in (None, p["ModelApprovalStatus"])]
        return _page("ModelPackageSummaryList", rows, **page)

    def ListNotebookInstances(self, StatusEquals: str, **page: Any) -> dict[str, Any]:
        rows = [n for n in self.notebooks.values() if n["NotebookInstanceStatus"] == StatusEquals]
        return _page("NotebookInstances", rows, **page)

    def DescribeNotebookInstance(self, NotebookInstanceName: str) -> dict[str, Any]:
        return dict(_find(self.notebooks, NotebookInstanceName, "RecordNotFound"))

    def StopNotebookInstance(self, NotebookInstanceName: str) -> None:
        _find(self.notebooks, NotebookInstanceName, "RecordNotFound")["NotebookInstanceStatus"] = "Stopping"

    def _job(self, kind: str, name: str) -> dict[str, Any]:
        if (kind, name) not in self.jobs:
            raise RefusalError("Could not find requested job with name.", "ResourceNotFound")
        told = {f"{kind}Name": name, f"{kind}Status": self.jobs[kind, name]}
        return told | ({"ExitMessage": self.messages[name]} if name in self.messages else {})

    def _stop(self, kind: str, name: str) -> None:
        if self._job(kind, name)[f"{kind}Status"] != "InProgress":
            raise RefusalError("The request was rejected because the job is in status Stopped.")
        self.jobs[kind, name] = "Stopping"

    def DescribeAutoMLJobV2(self, AutoMLJobName: str) -> dict[str, Any]:
        return self._job("AutoMLJob", AutoMLJobName)

    def StopAutoMLJob(self, AutoMLJobName: str) -> None:
        self._stop("AutoMLJob", AutoMLJobName)

    def DescribeProcessingJob(self, ProcessingJobName: str) -> dict[str, Any]:
        return self._job("ProcessingJob", ProcessingJobName)

    def StopProcessingJob(self, ProcessingJobName: str) -> None:
        self._stop("ProcessingJob", ProcessingJobName)

    def DescribeTransformJob(self, TransformJobName: str) -> dict[str, Any]:
        return self._job("TransformJob", TransformJobName)

    def StopTransformJob(self, TransformJobName: str) -> None:
        self._stop("TransformJob", TransformJobName)

    def AddTags(self, ResourceArn: str, Tags: list[dict[str, str]]) -> None:
        self.tags[ResourceArn] |= {tag["Key"]: tag["Value"] for tag in Tags}

    def ListTags(self, ResourceArn: str, **page: Any) -> dict[str, Any]:
        return _page("Tags", [{"Key": k, "Value": v} for k, v in self.tags[ResourceArn].items()], **page)

    def GetMetricData(self, MetricDataQueries: list[Any], StartTime: datetime, EndTime: datetime) -> dict[str, Any]:
        results = []
        for query in MetricDataQueries:
            named = {d["Name"]: d["Value"] for d in query["MetricStat"]["Metric"]["Dimensions"]}
            points = self.invocations.get((named["EndpointName"], named["VariantName"]), [])
            values = [count for time, count in points if StartTime <= time < EndTime]
            results.append({"Id": query["Id"], "Values": values, "StatusCode": self.metric_state})
        return {"MetricDataResults": results}

    def GetLogEvents(self, logStreamName: str, **_: Any) -> dict[str, Any]:
        name = logStreamName.removesuffix("/jupyter.log")
        if name not in self.jupyter:
            raise RefusalError("The specified log stream does not exist.", "ResourceNotFoundException")
        last = self.jupyter[name]
        return {"events": [{"timestamp": int(last.timestamp() * 1000)}] if last else []}

    def PutItem(self, TableName: str, Item: dict[str, Any]) -> None:
        item = {key: next(iter(value.values())) for key, value in Item.items()}
        self.ledger[item["resource"], item["at"]] = item


def _page(member: str, rows: list[Any], NextToken: str = "0", **_: Any) -> dict[str, Any]:
    end = int(NextToken) + _PAGE
    return {member: rows[int(NextToken) : end]} | ({"NextToken": str(end)} if end < len(rows) else {})


def _known(records: dict[str, Any], name: str, message: str) -> dict[str, Any]:
    if name not in records:
        raise RefusalError(message)
    return records


def _find(records: dict[str, Any], name: str, message: str) -> dict[str, Any]:
    return _known(records, name, message)[name]
