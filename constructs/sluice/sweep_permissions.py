"""What a role may do that sweeps: look at everything, and end only what enforced rules end."""

from collections.abc import Collection, Mapping
from typing import Any

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from sluice.permission import allow, allow_grants

_TAGGED = "Narrowed to the resources that bear the platform's tag"
_ANY_NAME = "A resource of the platform may have any name; its tag says whose it is"
_LISTED = (
    *("Apps", "AutoMLJobs", "Domains", "EndpointConfigs", "Endpoints", "HyperParameterTuningJobs", "Images"),
    *("InferenceComponents", "MlflowApps", "MlflowTrackingServers", "ModelPackageGroups", "Models"),
    *("MonitoringSchedules", "NotebookInstanceLifecycleConfigs", "NotebookInstances", "ProcessingJobs", "Spaces"),
    *("StudioLifecycleConfigs", "TrainingJobs", "TransformJobs", "UserProfiles"),
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
    "DeleteNotebookInstanceLifecycleConfig": "NotebookInstanceLifecycleConfig",
    "DeleteStudioLifecycleConfig": "StudioLifecycleConfig",
}
_USED = ("DeleteApp", "DeleteEndpoint", "StopNotebookInstance", "UpdateInferenceComponentRuntimeConfig")
_WORKBENCH = (*_USED, "StopMlflowTrackingServer")
_LIMITED = ("StopAutoMLJob", "StopHyperParameterTuningJob", "StopProcessingJob", "StopTrainingJob")
_COMPUTE = (*_WORKBENCH, *_LIMITED, "StopTransformJob")
_LEFT_OVER = (
    *("DeleteEndpointConfig", "DeleteImage", "DeleteModel", "DeleteMonitoringSchedule"),
    *("DeleteNotebookInstanceLifecycleConfig", "DeleteStudioLifecycleConfig"),
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
    """Grants them to `role` in its own account; `everywhere`: in other regions as well.

    `policy` is that of the sweep. IAM holds the same lines: nothing of another platform's, nor what bears no
    platform's tag if only our own is to be ended, and nothing in production but what is named.
    """

    def __init__(self, role: iam.Role, *, policy: Mapping[str, Any], everywhere: bool) -> None:
        self._role, self._prefix = role, policy["platform"]
        # A resource without the tag meets the latter as well.
        self._equals = "StringEquals" if policy["own_only"] else "StringEqualsIfExists"
        self._in_production, self._named = policy["environment"] == "prod", sorted(policy["production"])
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

    def allow_actions(self, enforced: Collection[str], *, key: kms.IKey) -> None:
        """`key`: what the volumes of the platform's endpoints are encrypted with."""
        taken = sorted({action for rule in enforced for action in TAKEN[rule]})
        named = [f"sagemaker:{action}" for action in taken]
        self._allow_ending(named, self._arn("sagemaker", "*"), self._arn("sagemaker", "*/{name}"))
        again = [noun for action, noun in _DESCRIBED_AGAIN.items() if action in taken]
        self._allow([*(f"Describe{noun}" for noun in again), "ListTags"])
        if _CLEANING.intersection(enforced):
            self._allow_cleaning()
        if "off-hours" in enforced:
            # The configuration that an endpoint is made from need not bear a tag; the endpoint gets those that it had.
            asked = {self._equals: {"aws:RequestTag/sluice:platform": self._prefix}}
            self._allow(["CreateEndpoint"], "endpoint/*", asked)
            self._allow(["CreateEndpoint"], "endpoint-config/*")
            self._allow(["AddTags"], "endpoint/*", {"Null": {"sagemaker:TaggingAction": "false"}})
            # As whoever makes an endpoint, it gives the grant under which the volumes are encrypted.
            allow_grants(self._role, key)

    def _allow_ending(self, actions: list[str], resource: str, named: str) -> None:
        """`named` is the ARN of a resource that is named `{name}`."""
        ours = {"aws:ResourceTag/sluice:platform": self._prefix}
        if not self._in_production:
            outside = {self._equals: ours, "StringNotEquals": {"aws:ResourceTag/sluice:environment": "prod"}}
            allow(self._role, actions, [resource], conditions=outside, wildcard=_TAGGED)
        if self._named:
            resources = [named.replace("{name}", name) for name in self._named]
            allow(self._role, actions, resources, conditions={self._equals: ours}, wildcard=_TAGGED)

    def _allow_cleaning(self) -> None:
        # A version bears no tags: it has its group's, of which IAM is not known to look at any.
        self._allow(
            ["DeleteModelPackage"],
            f"model-package/{self._prefix}-*" if self._equals == "StringEquals" else "model-package/*",
        )
        self._allow(["DescribeModelPackage"], "model-package/*")
        groups = [self._arn("logs", "log-group:/aws/sagemaker/*")]
        self._allow_ending(["logs:DeleteLogGroup"], groups[0], self._arn("logs", "log-group:{name}"))
        allow(self._role, ["logs:DescribeLogStreams", "logs:ListTagsForResource"], groups, wildcard=_ANY_NAME)

    def _allow(self, actions: Collection[str], resource: str = "*", conditions: dict[str, Any] | None = None) -> None:
        """Of SageMaker. With any resource: each action has one type of resource, which may have any name."""
        reason = _TAGGED if conditions else _ANY_NAME
        named, resources = [f"sagemaker:{action}" for action in actions], [self._arn("sagemaker", resource)]
        allow(self._role, named, resources, conditions=conditions, wildcard=reason)

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:{Aws.PARTITION}:{service}:{self._region}:{Aws.ACCOUNT_ID}:{resource}"
