"""Takes away what the cost story made, so that the platform's own stacks can be destroyed and nothing else is left."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from rehearsal.embedded import EmbeddedCloud
from rehearsal.stories.awkward.making import Awkward
from rehearsal.stories.awkward.table import table

# list, member, delete, what names one; in an order in which nothing is still needed
_LISTS = (
    ("list_inference_components", "InferenceComponents", "delete_inference_component", "InferenceComponentName"),
    ("list_endpoints", "Endpoints", "delete_endpoint", "EndpointName"),
    ("list_endpoint_configs", "EndpointConfigs", "delete_endpoint_config", "EndpointConfigName"),
    ("list_models", "Models", "delete_model", "ModelName"),
    ("list_notebook_instances", "NotebookInstances", "stop_notebook_instance", "NotebookInstanceName"),
    ("list_notebook_instances", "NotebookInstances", "delete_notebook_instance", "NotebookInstanceName"),
    (
        "list_notebook_instance_lifecycle_configs",
        "NotebookInstanceLifecycleConfigs",
        "delete_notebook_instance_lifecycle_config",
        "NotebookInstanceLifecycleConfigName",
    ),
    (
        "list_monitoring_schedules",
        "MonitoringScheduleSummaries",
        "delete_monitoring_schedule",
        "MonitoringScheduleName",
    ),
    ("list_mlflow_tracking_servers", "TrackingServerSummaries", "delete_mlflow_tracking_server", "TrackingServerName"),
    ("list_images", "Images", "delete_image", "ImageName"),
)
_JOBS = (
    ("list_hyper_parameter_tuning_jobs", "stop_hyper_parameter_tuning_job", "HyperParameterTuningJobName"),
    ("list_training_jobs", "stop_training_job", "TrainingJobName"),
    ("list_processing_jobs", "stop_processing_job", "ProcessingJobName"),
    ("list_transform_jobs", "stop_transform_job", "TransformJobName"),
    ("list_auto_ml_jobs", "stop_auto_ml_job", "AutoMLJobName"),
)


class Clearing:
    def __init__(self, cloud: EmbeddedCloud, made: Awkward) -> None:
        self._cloud, self._awkward = cloud, made

    def clear(self) -> str:
        """How many resources were still there to be taken away."""
        regions = [self._cloud.region, *table()["abroad"]["regions"]]
        taken = sum(self._in(self._awkward.client("sagemaker", region)) for region in regions)
        taken += self._studio()
        for region in regions:
            logs = self._awkward.client("logs", region)
            for group in list(_listed(logs, "describe_log_groups", "logGroups", logGroupNamePrefix="/aws/sagemaker/")):
                logs.delete_log_group(logGroupName=group["logGroupName"])
        efs = self._cloud.client("efs")
        for row in efs.describe_file_systems()["FileSystems"]:
            efs.delete_file_system(FileSystemId=row["FileSystemId"])
        s3, iam = self._cloud.client("s3"), self._cloud.client("iam")
        for row in _listed(s3, "list_objects_v2", "Contents", Bucket="awkward"):
            s3.delete_object(Bucket="awkward", Key=row["Key"])
        s3.delete_bucket(Bucket="awkward")
        iam.delete_role_policy(RoleName=self._awkward.role, PolicyName="all")
        iam.delete_role(RoleName=self._awkward.role)
        return f"{taken} were left"

    def _in(self, sagemaker: Any) -> int:
        taken = 0
        for listing, stop, name in _JOBS:
            for row in list(_listed(sagemaker, listing, "", StatusEquals="InProgress")):
                with suppress(ClientError):  # it ended meanwhile
                    getattr(sagemaker, stop)(**{name: row[name]})
                    taken += 1
        for listing, member, delete, name in _LISTS:
            for row in list(_listed(sagemaker, listing, member)):
                if row.get("NotebookInstanceStatus") == "Stopped" and delete.startswith("stop"):
                    continue
                getattr(sagemaker, delete)(**{name: row[name]})
                taken += not delete.startswith("stop")
            self._cloud.control("advance", seconds=1)
        for package in list(_listed(sagemaker, "list_model_packages", "", ModelPackageGroupName="sluice-dev-versions")):
            sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])
        with suppress(ClientError):  # the group is in one region alone
            sagemaker.delete_model_package_group(ModelPackageGroupName="sluice-dev-versions")
        return taken

    def _studio(self) -> int:
        """Apps, spaces, profiles and domains but for the platform's own, from the inside to the outside."""
        sagemaker, ours = self._cloud.client("sagemaker"), self._awkward.domains["us"]["DomainId"]
        apps = [row for row in _listed(sagemaker, "list_apps", "Apps") if row["Status"] != "Deleted"]
        for row in apps:
            within = "SpaceName" if row.get("SpaceName") else "UserProfileName"
            sagemaker.delete_app(**{name: row[name] for name in ("DomainId", within, "AppType", "AppName")})
        deletions: list[tuple[str, str, Callable[[Any], bool], str, tuple[str, ...]]] = [
            ("list_spaces", "Spaces", lambda row: True, "delete_space", ("DomainId", "SpaceName")),
            (
                "list_user_profiles",
                "UserProfiles",
                lambda row: row["DomainId"] != ours or row["UserProfileName"] == "awkward",
                "delete_user_profile",
                ("DomainId", "UserProfileName"),
            ),
            ("list_domains", "Domains", lambda row: row["DomainId"] != ours, "delete_domain", ("DomainId",)),
            (
                "list_studio_lifecycle_configs",
                "StudioLifecycleConfigs",
                lambda row: True,
                "delete_studio_lifecycle_config",
                ("StudioLifecycleConfigName",),
            ),
        ]
        taken = len(apps)
        for listing, member, wanted, delete, names in deletions:
            self._cloud.control("advance", seconds=1)
            for row in [row for row in _listed(sagemaker, listing, member) if wanted(row)]:
                getattr(sagemaker, delete)(**{name: row[name] for name in names})
                taken += 1
        self._cloud.control("advance", seconds=1)
        return taken


def _listed(client: Any, operation: str, member: str, **filters: Any) -> Iterator[Any]:
    try:
        for page in client.get_paginator(operation).paginate(**filters):
            rows = page.get(member, []) if member else next(v for v in page.values() if isinstance(v, list))
            yield from rows
    except ClientError as error:
        if "ould not find" not in str(error):
            raise
