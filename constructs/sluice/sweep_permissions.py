"""What a role may do that sweeps: look at everything, and end only what enforced rules end."""

from collections.abc import Collection
from typing import Any

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from sluice.permission import allow, allow_grants

_ANY_NAME = "A resource of the platform may have any name; its tag says whose it is"
_LISTED = (
    *("Apps", "AutoMLJobs", "Domains", "EndpointConfigs", "Endpoints", "HyperParameterTuningJobs", "Images"),
    *("InferenceComponents", "MlflowApps", "MlflowTrackingServers", "ModelPackageGroups", "Models"),
    *("MonitoringSchedules", "NotebookInstances", "ProcessingJobs", "Spaces", "StudioLifecycleConfigs"),
    *("TrainingJobs", "TransformJobs", "UserProfiles"),
)
_DESCRIBED = (
    *("App", "AutoMLJobV2", "Domain", "Endpoint", "EndpointConfig", "HyperParameterTuningJob", "InferenceComponent"),
    *("MlflowTrackingServer", "ProcessingJob", "Space", "TrainingJob", "TransformJob", "UserProfile"),
)
# What is described only to look once more before it is ended, by the action that ends it.
_DESCRIBED_AGAIN = {
    "StopNotebookInstance": "NotebookInstance",
    "DeleteImage": "Image",
    "DeleteModel": "Model",
    "DeleteMonitoringSchedule": "MonitoringSchedule",
    "DeleteStudioLifecycleConfig": "StudioLifecycleConfig",
}
_USED = ("DeleteApp", "DeleteEndpoint", "StopNotebookInstance", "UpdateInferenceComponentRuntimeConfig")
_WORKBENCH = (*_USED, "StopMlflowTrackingServer")
_LIMITED = ("StopAutoMLJob", "StopHyperParameterTuningJob", "StopProcessingJob", "StopTrainingJob")
_COMPUTE = (*_WORKBENCH, *_LIMITED, "StopTransformJob")
_LEFT_OVER = (
    *("DeleteEndpointConfig", "DeleteImage", "DeleteModel", "DeleteMonitoringSchedule"),
    "DeleteStudioLifecycleConfig",
)
# The actions that a rule of the sweep may take.
TAKEN = {
    "ttl": (*_COMPUTE, *_LEFT_OVER),
    "budget": _COMPUTE,
    "off-hours": _WORKBENCH,
    "stuck": _LIMITED,
    "idle": _USED,
    "orphan": _LEFT_OVER,
}
# Both kinds are left over as well; their permissions are of another form.
_CLEANING = {"ttl", "orphan"}


class SweepPermissions:
    """Grants them to `role` in its own account; `everywhere`: in other regions as well."""

    def __init__(self, role: iam.Role, *, prefix: str, everywhere: bool) -> None:
        self._role, self._prefix = role, prefix
        self._region = "*" if everywhere else Aws.REGION

    def allow_inventory(self) -> None:
        actions = [f"sagemaker:List{plural}" for plural in _LISTED]
        actions += ["cloudwatch:GetMetricData", "tag:GetResources"]
        allow(self._role, actions, ["*"], wildcard="These actions have no resource level")
        self._allow([*(f"Describe{noun}" for noun in _DESCRIBED), "ListModelPackages"])
        for action, resource in {
            "elasticfilesystem:DescribeFileSystems": "file-system/*",
            "logs:DescribeLogGroups": "log-group:*",
            "logs:GetLogEvents": "log-group:/aws/sagemaker/NotebookInstances:log-stream:*",
        }.items():
            allow(self._role, [action], [self._arn(action.partition(":")[0], resource)], wildcard=_ANY_NAME)

    def allow_actions(self, enforced: Collection[str], *, own_only: bool, key: kms.IKey) -> None:
        """IAM holds the same line as the policy does: what is not tagged as ours cannot be ended.

        `key`: what the volumes of the platform's endpoints are encrypted with.
        """
        taken = sorted({action for rule in enforced for action in TAKEN[rule]})
        tagged = {"StringEquals": {"aws:ResourceTag/sluice:platform": self._prefix}} if own_only else None
        self._allow(taken, conditions=tagged)
        again = [noun for action, noun in _DESCRIBED_AGAIN.items() if action in taken]
        self._allow([*(f"Describe{noun}" for noun in again), "ListTags"])
        if _CLEANING.intersection(enforced):
            self._allow_cleaning(tagged)
        if "off-hours" in enforced:
            # The configuration that an endpoint is made from need not bear a tag; the endpoint gets those that it had.
            self._allow(["CreateEndpoint"], "endpoint/*")
            self._allow(["CreateEndpoint"], "endpoint-config/*")
            self._allow(["AddTags"], "endpoint/*")
            # As whoever makes an endpoint, it gives the grant under which the volumes are encrypted.
            allow_grants(self._role, key)

    def _allow_cleaning(self, tagged: dict[str, Any] | None) -> None:
        # A version bears no tags: it has its group's, of which IAM is not known to look at any.
        self._allow(["DeleteModelPackage"], f"model-package/{self._prefix}-*" if tagged else "model-package/*")
        self._allow(["DescribeModelPackage"], "model-package/*")
        groups = [self._arn("logs", "log-group:/aws/sagemaker/*")]
        allow(self._role, ["logs:DeleteLogGroup"], groups, conditions=tagged, wildcard=_ANY_NAME)
        allow(self._role, ["logs:DescribeLogStreams", "logs:ListTagsForResource"], groups, wildcard=_ANY_NAME)

    def _allow(self, actions: Collection[str], resource: str = "*", conditions: dict[str, Any] | None = None) -> None:
        """Of SageMaker. With any resource: each action has one type of resource, which may have any name."""
        reason = "Narrowed to the resources that bear the platform's tag" if conditions else _ANY_NAME
        named, resources = [f"sagemaker:{action}" for action in actions], [self._arn("sagemaker", resource)]
        allow(self._role, named, resources, conditions=conditions, wildcard=reason)

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:{Aws.PARTITION}:{service}:{self._region}:{Aws.ACCOUNT_ID}:{resource}"
