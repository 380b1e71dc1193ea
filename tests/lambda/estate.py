"""The rest of what the sweep looks at in the in-memory cloud: Studio, jobs, what lies about, and tags."""
# ruff: noqa: N802, N803 - operations and their parameters are named as AWS names them

import importlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

base = importlib.import_module("tests.lambda.base")  # `lambda` is a keyword
NOW, OURS, arn, page, RefusalError = base.NOW, base.OURS, base.arn, base.page, base.RefusalError

DOMAIN = "d-1"
CPU, GPU = "ml.m5.large", "ml.g5.xlarge"
_MISSING = "ResourceNotFound"

# Member of the list's answer, and what its rows hold, by the noun of List<Noun>s and Describe<Noun>.
_LISTS = {
    "Apps": "Apps",
    "Spaces": "Spaces",
    "Domains": "Domains",
    "UserProfiles": "UserProfiles",
    "InferenceComponents": "InferenceComponents",
    "MlflowTrackingServers": "TrackingServerSummaries",
    "MlflowApps": "Summaries",
    "StudioLifecycleConfigs": "StudioLifecycleConfigs",
    "NotebookInstanceLifecycleConfigs": "NotebookInstanceLifecycleConfigs",
    "Images": "Images",
    "MonitoringSchedules": "MonitoringScheduleSummaries",
    "ModelPackageGroups": "ModelPackageGroupSummaryList",
    "TrainingJobs": "TrainingJobSummaries",
    "HyperParameterTuningJobs": "HyperParameterTuningJobSummaries",
    "ProcessingJobs": "ProcessingJobSummaries",
    "TransformJobs": "TransformJobSummaries",
    "AutoMLJobs": "AutoMLJobSummaries",
}


class Estate:
    """Records by plural noun and ARN. Each `put_*` makes one, by default of ours and used by nobody for ten hours."""

    tags: dict[str, dict[str, str]]
    groups: dict[str, dict[str, Any]]
    invocations: dict[tuple[str, str], list[tuple[datetime, int]]]

    def __init__(self) -> None:
        self.records: dict[str, dict[str, dict[str, Any]]] = {plural: {} for plural in _LISTS}
        self.file_systems: dict[str, dict[str, Any]] = {}
        self.log_groups: dict[str, dict[str, Any]] = {}
        self.streams: dict[str, list[str]] = {}

    # The world as a test sets it up

    def _put(self, plural: str, path: str, tags: dict[str, str] | None, **record: Any) -> str:
        name = arn(path)
        self.records[plural][name] = {"CreationTime": NOW - timedelta(hours=10), **record}
        if tags is not None:
            self.tags[name] = dict(tags)
        return name

    def domain(self, tags: dict[str, str] | None = None, **settings: Any) -> str:
        known = {"DomainId": DOMAIN, "DomainArn": arn(f"domain/{DOMAIN}"), "Status": "InService", **settings}
        return self._put("Domains", f"domain/{DOMAIN}", tags, **known)

    def space(self, name: str, owner: str | None = "ada", tags: dict[str, str] | None = OURS, **settings: Any) -> str:
        if not self.records["Domains"]:
            self.domain()
        known = {"DomainId": DOMAIN, "SpaceName": name, "Status": "InService", "LastModifiedTime": NOW}
        ownership = {"OwnershipSettingsSummary": {"OwnerUserProfileName": owner}}
        return self._put("Spaces", f"space/{DOMAIN}/{name}", tags, **known, **ownership, **settings)

    def app(
        self,
        space: str,
        *,
        instance_type: str = CPU,
        minutes: int = 600,
        quiet: bool = True,
        tags: dict[str, str] | None = OURS,
        status: str = "InService",
    ) -> str:
        """An app in a space that was last used `minutes` ago; if `quiet`, only health checks are told of since."""
        active = NOW - timedelta(minutes=minutes)
        self.space(space, tags=tags)
        told = {
            "DomainId": DOMAIN,
            "SpaceName": space,
            "UserProfileName": None,
            "AppType": "JupyterLab",
            "AppName": "default",
            "Status": status,
            "ResourceSpec": {"InstanceType": instance_type},
            "CreationTime": NOW - timedelta(hours=20),
            "LastUserActivityTimestamp": active,
            "LastHealthCheckTimestamp": active if quiet else active + timedelta(minutes=5),
        }
        path = f"app/{DOMAIN}/{space}/JupyterLab/default"
        return self._put("Apps", path, tags, AppArn=arn(path), **told)

    def job(self, noun: str, name: str, tags: dict[str, str] | None = OURS, **told: Any) -> str:
        """`noun` is such as TrainingJob."""
        path = f"{_JOB_PATHS[noun]}/{name}"
        known = {
            f"{noun}Name": name,
            f"{noun}Arn": arn(path),
            f"{noun}Status": "InProgress",
            "LastModifiedTime": NOW - timedelta(hours=10),
            **_JOBS.get(noun, {}),
        }
        return self._put(f"{noun}s", path, tags, **{**known, **told})

    def component(self, name: str, endpoint: str, copies: int = 1, tags: dict[str, str] | None = OURS) -> str:
        path = f"inference-component/{name}"
        told = {
            "InferenceComponentName": name,
            "InferenceComponentArn": arn(path),
            "EndpointName": endpoint,
            "VariantName": "AllTraffic",
            "InferenceComponentStatus": "InService",
            "LastModifiedTime": NOW - timedelta(hours=10),
            "RuntimeConfig": {"CurrentCopyCount": copies, "DesiredCopyCount": copies},
        }
        return self._put("InferenceComponents", path, tags, **told)

    def tracking_server(self, name: str, tags: dict[str, str] | None = OURS, status: str = "Started") -> str:
        path = f"mlflow-tracking-server/{name}"
        told = {"TrackingServerName": name, "TrackingServerArn": arn(path), "TrackingServerStatus": status}
        return self._put("MlflowTrackingServers", path, tags, **told, IsActive="Active", TrackingServerSize="Small")

    def mlflow_app(self, name: str, tags: dict[str, str] | None = OURS) -> str:
        path = f"mlflow-app/{name}"
        return self._put("MlflowApps", path, tags, Arn=arn(path), Name=name, Status="Created")

    def lifecycle_config(self, name: str, tags: dict[str, str] | None = OURS) -> str:
        path = f"studio-lifecycle-config/{name}"
        told = {"StudioLifecycleConfigName": name, "StudioLifecycleConfigArn": arn(path)}
        return self._put("StudioLifecycleConfigs", path, tags, **told)

    def notebook_config(self, name: str, tags: dict[str, str] | None = OURS) -> str:
        path = f"notebook-instance-lifecycle-config/{name}"
        told = {"NotebookInstanceLifecycleConfigName": name, "NotebookInstanceLifecycleConfigArn": arn(path)}
        return self._put("NotebookInstanceLifecycleConfigs", path, tags, **told)

    def put_profile(self, name: str) -> str:
        known = {"DomainId": DOMAIN, "UserProfileName": name, "Status": "InService"}
        return self._put("UserProfiles", f"user-profile/{DOMAIN}/{name}", OURS, **known)

    def image(self, name: str, tags: dict[str, str] | None = OURS) -> str:
        return self._put("Images", f"image/{name}", tags, ImageName=name, ImageArn=arn(f"image/{name}"))

    def schedule(self, name: str, endpoint: str, tags: dict[str, str] | None = OURS) -> str:
        path = f"monitoring-schedule/{name}"
        told = {"MonitoringScheduleName": name, "MonitoringScheduleArn": arn(path), "EndpointName": endpoint}
        return self._put("MonitoringSchedules", path, tags, **told)

    def log_group(self, name: str, tags: dict[str, str] | None = OURS, size: int = 0, **told: Any) -> str:
        path = arn("x").replace(":sagemaker:", ":logs:").removesuffix("x") + f"log-group:{name}"
        created = int((NOW - timedelta(hours=10)).timestamp() * 1000)
        self.log_groups[name] = {
            "logGroupName": name,
            "arn": f"{path}:*",
            "storedBytes": size,
            "creationTime": created,
            **told,
        }
        if tags is not None:
            self.tags[path] = dict(tags)
        return path

    def file_system(self, name: str, domain: str, tags: dict[str, str] | None = OURS) -> str:
        path = arn("x").replace(":sagemaker:", ":elasticfilesystem:").removesuffix("x") + f"file-system/{name}"
        told = {"ManagedByAmazonSageMakerResource": arn(f"domain/{domain}"), **(tags or {})}
        self.file_systems[name] = {
            "FileSystemId": name,
            "FileSystemArn": path,
            "CreationTime": NOW - timedelta(hours=10),
            "LifeCycleState": "available",
            "SizeInBytes": {"Value": 10**10},
            "Tags": [{"Key": key, "Value": value} for key, value in told.items()],
        }
        self.tags[path] = told
        return path

    # The API

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        """List<Plural> and Describe<Noun> of whatever `records` holds."""
        if operation.removeprefix("List") in _LISTS:
            return lambda **asked: self._list(operation.removeprefix("List"), **asked)
        noun = operation.removeprefix("Describe")
        if f"{noun}s" in _LISTS:
            return lambda **asked: dict(self._find(f"{noun}s", **asked))
        raise AttributeError(operation)

    def _list(self, plural: str, StatusEquals: str | None = None, **asked: Any) -> dict[str, Any]:
        rows = list(self.records[plural].values())
        if plural == "ModelPackageGroups":
            rows = list(self.groups.values())
        if plural == "Apps":
            unlisted = ("AppArn", "LastUserActivityTimestamp", "LastHealthCheckTimestamp")
            rows = [{name: value for name, value in row.items() if name not in unlisted} for row in rows]
        if StatusEquals:
            rows = [row for row in rows if row[f"{plural[:-1]}Status"] == StatusEquals]
        if "LastModifiedTimeAfter" in asked:
            rows = [row for row in rows if row["LastModifiedTime"] >= asked["LastModifiedTimeAfter"]]
        if "EndpointNameEquals" in asked:
            rows = [row for row in rows if row["EndpointName"] == asked["EndpointNameEquals"]]
        return page(_LISTS[plural], rows, **asked)

    def _find(self, plural: str, **asked: Any) -> dict[str, Any]:
        named = {name: value for name, value in asked.items() if name != "DesiredRuntimeConfig"}
        for record in self.records[plural].values():
            if all(record.get(name) == value for name, value in named.items()):
                return record
        raise RefusalError(f"{plural} {named} does not exist.", _MISSING)

    def _delete(self, plural: str, **asked: Any) -> None:
        gone = self._find(plural, **asked)
        self.records[plural] = {name: each for name, each in self.records[plural].items() if each is not gone}

    def DeleteApp(self, **asked: Any) -> None:
        self._find("Apps", **asked)["Status"] = "Deleted"

    def DeleteImage(self, **asked: Any) -> None:
        self._delete("Images", **asked)

    def DeleteStudioLifecycleConfig(self, **asked: Any) -> None:
        self._delete("StudioLifecycleConfigs", **asked)

    def DeleteNotebookInstanceLifecycleConfig(self, **asked: Any) -> None:
        self._delete("NotebookInstanceLifecycleConfigs", **asked)

    def DeleteMonitoringSchedule(self, **asked: Any) -> None:
        self._delete("MonitoringSchedules", **asked)

    def StopMlflowTrackingServer(self, **asked: Any) -> None:
        self._find("MlflowTrackingServers", **asked)["TrackingServerStatus"] = "Stopping"

    def UpdateInferenceComponentRuntimeConfig(self, DesiredRuntimeConfig: dict[str, int], **asked: Any) -> None:
        copies = DesiredRuntimeConfig["CopyCount"]
        found = self._find("InferenceComponents", **asked)
        found |= {"RuntimeConfig": dict.fromkeys(("CurrentCopyCount", "DesiredCopyCount"), copies)}

    def DescribeLogGroups(self, logGroupNamePrefix: str, **asked: Any) -> dict[str, Any]:
        rows = [row for name, row in self.log_groups.items() if name.startswith(logGroupNamePrefix)]
        return page("logGroups", rows, token="nextToken", **asked)

    def DescribeLogStreams(self, logGroupName: str, limit: int) -> dict[str, Any]:
        self._known_group(logGroupName)
        return {"logStreams": [{"logStreamName": name} for name in self.streams.get(logGroupName, [])][:limit]}

    def DeleteLogGroup(self, logGroupName: str) -> None:
        self._known_group(logGroupName)
        del self.log_groups[logGroupName]

    def _known_group(self, name: str) -> None:
        if name not in self.log_groups:
            raise RefusalError("The specified log group does not exist.", "ResourceNotFoundException")

    def ListTagsForResource(self, resourceArn: str) -> dict[str, Any]:
        return {"tags": self.tags[resourceArn]}

    def DescribeFileSystems(self, **asked: Any) -> dict[str, Any]:
        rows = page("FileSystems", list(self.file_systems.values()), token="Marker", **asked)
        return {("NextMarker" if name == "Marker" else name): value for name, value in rows.items()}

    def GetResources(self, TagFilters: list[dict[str, Any]], **asked: Any) -> dict[str, Any]:
        rows = [
            {"ResourceARN": name, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            for name, tags in self.tags.items()
            if all(tags.get(each["Key"]) in each["Values"] for each in TagFilters)
        ]
        return page("ResourceTagMappingList", rows, token="PaginationToken", **asked)


_JOB_PATHS = {
    "TrainingJob": "training-job",
    "HyperParameterTuningJob": "hyper-parameter-tuning-job",
    "ProcessingJob": "processing-job",
    "TransformJob": "transform-job",
    "AutoMLJob": "automl-job",
}
_STARTED = NOW - timedelta(hours=10)
_CLUSTER = {"InstanceType": CPU, "InstanceCount": 2}
_JOBS: dict[str, dict[str, Any]] = {
    "TrainingJob": {
        "TrainingStartTime": _STARTED,
        "ResourceConfig": _CLUSTER,
        "StoppingCondition": {"MaxRuntimeInSeconds": 86_400},
    },
    "HyperParameterTuningJob": {"HyperParameterTuningJobConfig": {"ResourceLimits": {}}},
    "ProcessingJob": {"ProcessingStartTime": _STARTED, "ProcessingResources": {"ClusterConfig": _CLUSTER}},
    "TransformJob": {"TransformStartTime": _STARTED, "TransformResources": _CLUSTER},
    "AutoMLJob": {"AutoMLProblemTypeConfig": {"TabularJobConfig": {"CompletionCriteria": {}}}},
}
