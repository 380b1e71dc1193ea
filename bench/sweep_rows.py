"""The rows of an account with 10,000 resources: what each list and each Describe tells of one."""

from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OLD = NOW - timedelta(days=90)
Row = dict[str, Any]

# How many of each there are, by what lists them; model packages of all groups together. Jobs: those in progress.
COUNTS = {
    "ListEndpoints": 1000,
    "ListEndpointConfigs": 1500,
    "ListModels": 2500,
    "ListInferenceComponents": 200,
    "ListApps": 700,
    "ListSpaces": 700,
    "ListUserProfiles": 400,
    "ListDomains": 5,
    "ListNotebookInstances": 300,
    "ListTrainingJobs": 600,
    "ListHyperParameterTuningJobs": 50,
    "ListProcessingJobs": 200,
    "ListTransformJobs": 100,
    "ListAutoMLJobs": 20,
    "ListMlflowTrackingServers": 25,
    "ListMlflowApps": 10,
    "ListStudioLifecycleConfigs": 50,
    "ListNotebookInstanceLifecycleConfigs": 50,
    "ListImages": 100,
    "ListMonitoringSchedules": 200,
    "ListModelPackageGroups": 40,
    "ListModelPackages": 800,
    "DescribeFileSystems": 50,
    "DescribeLogGroups": 400,
}
# The member of each list's answer, and the noun that its rows' fields begin with.
LISTS = {
    "ListEndpoints": ("Endpoints", "Endpoint"),
    "ListEndpointConfigs": ("EndpointConfigs", "EndpointConfig"),
    "ListModels": ("Models", "Model"),
    "ListInferenceComponents": ("InferenceComponents", "InferenceComponent"),
    "ListApps": ("Apps", "App"),
    "ListSpaces": ("Spaces", "Space"),
    "ListUserProfiles": ("UserProfiles", "UserProfile"),
    "ListDomains": ("Domains", "Domain"),
    "ListNotebookInstances": ("NotebookInstances", "NotebookInstance"),
    "ListTrainingJobs": ("TrainingJobSummaries", "TrainingJob"),
    "ListHyperParameterTuningJobs": ("HyperParameterTuningJobSummaries", "HyperParameterTuningJob"),
    "ListProcessingJobs": ("ProcessingJobSummaries", "ProcessingJob"),
    "ListTransformJobs": ("TransformJobSummaries", "TransformJob"),
    "ListAutoMLJobs": ("AutoMLJobSummaries", "AutoMLJob"),
    "ListMlflowTrackingServers": ("TrackingServerSummaries", "TrackingServer"),
    "ListMlflowApps": ("Summaries", ""),
    "ListStudioLifecycleConfigs": ("StudioLifecycleConfigs", "StudioLifecycleConfig"),
    "ListNotebookInstanceLifecycleConfigs": ("NotebookInstanceLifecycleConfigs", "NotebookInstanceLifecycleConfig"),
    "ListImages": ("Images", "Image"),
    "ListMonitoringSchedules": ("MonitoringScheduleSummaries", "MonitoringSchedule"),
    "ListModelPackageGroups": ("ModelPackageGroupSummaryList", "ModelPackageGroup"),
    "ListModelPackages": ("ModelPackageSummaryList", "ModelPackage"),
    "DescribeFileSystems": ("FileSystems", "FileSystem"),
    "DescribeLogGroups": ("logGroups", "logGroup"),
}
# What DescribeApp tells and ListApps does not.
UNLISTED = ("AppArn", "LastUserActivityTimestamp", "LastHealthCheckTimestamp")
_CLUSTER = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2}
_HOSTED = {"VariantName": "AllTraffic", "InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1}


def arn_of(listing: str, i: int) -> str:
    if listing == "ListDomains":
        return f"arn:aws:sagemaker:us-east-1:111122223333:domain/d-{i}"
    service = {"DescribeFileSystems": "elasticfilesystem", "DescribeLogGroups": "logs"}.get(listing, "sagemaker")
    return f"arn:aws:{service}:us-east-1:111122223333:{listing.removeprefix('List').lower()}/{i}"


def row(listing: str, i: int) -> Row:
    """All that AWS tells of the `i`th, by whichever operation."""
    noun, arn = LISTS[listing][1], arn_of(listing, i)
    status = "InProgress" if noun.endswith("Job") else "InService"
    told = {f"{noun}Name": f"n{i}", f"{noun}Arn": arn, f"{noun}Status": status, "Status": status}
    return {**told, "CreationTime": OLD, "LastModifiedTime": OLD, **_more(listing, i)}


def _more(listing: str, i: int) -> Row:
    """What is of this kind alone. A third of the configurations, models, images and so on is needed by nothing."""
    domain, space = {"DomainId": f"d-{i % 5}"}, {"SpaceName": f"n{i}"}
    match listing:
        case "ListEndpoints":
            variants = [{"VariantName": "AllTraffic", "CurrentInstanceCount": 1}]
            return {"EndpointConfigName": f"n{i}", "ProductionVariants": variants}
        case "ListEndpointConfigs":
            return {"ProductionVariants": [{**_HOSTED, "ModelName": f"n{i}"}]}
        case "ListInferenceComponents":
            runs = {"CurrentCopyCount": 1, "DesiredCopyCount": 1}
            return {"EndpointName": f"n{i}", "VariantName": "AllTraffic", "RuntimeConfig": runs}
        case "ListApps":
            active = NOW - timedelta(minutes=10) if i % 3 == 0 else NOW - timedelta(hours=9)
            seen = {"LastUserActivityTimestamp": active, "LastHealthCheckTimestamp": active + timedelta(minutes=i % 3)}
            named = {"AppType": "JupyterLab", "AppName": f"n{i}", "ResourceSpec": {"InstanceType": "ml.t3.medium"}}
            return {**domain, **space, **named, **seen}
        case "ListSpaces":
            storage = {"EbsStorageSettings": {"EbsVolumeSizeInGb": 5}}
            return {**domain, **space, "SpaceSettingsSummary": {"SpaceStorageSettings": storage}}
        case "ListUserProfiles":
            return domain
        case "ListDomains":
            return {"DomainId": f"d-{i}", "DefaultUserSettings": {"CustomImages": [{"ImageName": f"n{i}"}]}}
        case "ListNotebookInstances":
            return {"InstanceType": "ml.t3.medium", "NotebookInstanceLifecycleConfigName": f"n{i % 50 // 2}"}
        case "ListTrainingJobs":
            stops = {"MaxRuntimeInSeconds": 3600}
            return {"ResourceConfig": _CLUSTER, "StoppingCondition": stops, "TrainingStartTime": OLD}
        case "ListHyperParameterTuningJobs":
            return {"HyperParameterTuningJobConfig": {"ResourceLimits": {}}}
        case "ListProcessingJobs":
            return {"ProcessingResources": {"ClusterConfig": _CLUSTER}}
        case "ListTransformJobs":
            return {"TransformResources": _CLUSTER}
        case "ListMlflowTrackingServers":
            return {"TrackingServerStatus": "Started", "TrackingServerSize": "Small"}
        case "ListMlflowApps":
            return {"Arn": arn_of(listing, i), "Name": f"n{i}"}
        case "ListMonitoringSchedules":
            return {"EndpointName": f"n{10 * i}"}
        case "ListModelPackageGroups":
            return {"ModelPackageGroupName": f"sluice-dev-n{i}"}
        case "ListModelPackages":
            group = f"sluice-dev-n{i % 40}"
            return {"ModelPackageGroupName": group, "ModelPackageVersion": i // 40, "ModelApprovalStatus": "Rejected"}
        case "DescribeFileSystems":
            managed = {"Key": "ManagedByAmazonSageMakerResource", "Value": arn_of("ListDomains", i)}
            known = {"FileSystemId": f"fs-{i}", "LifeCycleState": "available", "SizeInBytes": {"Value": 10**10}}
            return {**known, "Tags": [managed, {"Key": "sluice:platform", "Value": "sluice-dev"}]}
        case "DescribeLogGroups":
            group = {"logGroupName": f"/aws/sagemaker/n{i}", "arn": f"{arn_of(listing, i)}:*"}
            return {**group, "creationTime": int(OLD.timestamp() * 1000), "storedBytes": i % 3}
        case _:
            return {}
