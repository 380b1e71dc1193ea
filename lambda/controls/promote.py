"""Makes the endpoint of a workload serve the newest approved version of its model package group.

It reconciles: whatever the event, their order and their duplicates, the state of the registry decides. Once a version
serves, SageMaker's own monitors, where those examine, compare with its baseline.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from controls import clients, settings
from controls.monitors import baselines
from controls.refusals import is_busy, is_missing, is_taken
from controls.registry import newest_approved
from controls.release import Hosting, Package, Release, plan

logger = Logger(service="promote")

LAST_UPDATE_TAG = "sluice:last-update"

# An event follows when each of these ends in service, so there is nothing to wait for.
_CHANGING = ("Creating", "Updating", "SystemUpdating", "RollingBack")


class PromotionError(RuntimeError):
    """The approved version is not served, and no later event will bring it into service."""


@dataclass(frozen=True)
class Settings:
    """`workloads` maps a model package group to what only its workload's hosting has, as `Hosting` names it."""

    platform: str
    tags: dict[str, str]
    key_arn: str
    subnet_ids: list[str]
    security_group_ids: list[str]
    workloads: dict[str, dict[str, Any]]


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """The group that `event` is about and what was done. Raises PromotionError and BaselineError."""
    config = settings.read(Settings, os.environ)
    detail = event["detail"]
    # The endpoint of a group bears the group's name.
    group = detail.get("ModelPackageGroupName") or detail["EndpointName"]
    if group not in config.workloads:
        raise PromotionError(f"{group} is no workload of {config.platform}")
    hosting = Hosting(
        tags=config.tags,
        key_arn=config.key_arn,
        subnet_ids=tuple(config.subnet_ids),
        security_group_ids=tuple(config.security_group_ids),
        **config.workloads[group],
    )
    # No other event makes an endpoint: the rejection of one version must not bring back what was swept.
    approval = detail.get("ModelApprovalStatus") == "Approved"
    sagemaker = clients.client("sagemaker")

    def compare(package: Package) -> None:
        if hosting.baseline:
            baselines.point(sagemaker, clients.client("s3"), package, **hosting.baseline)

    outcome = reconcile(sagemaker, group, hosting, create=approval, served=compare)
    logger.info("reconciled", group=group, outcome=outcome)
    return {"group": group, "outcome": outcome}


def reconcile(sagemaker: Any, group: str, hosting: Hosting, *, create: bool, served: Callable[[Package], None]) -> str:
    """nothing-approved | rejected-but-serving | absent | changing | serving | created | updated. Raises PromotionError.

    `absent`: there is no endpoint, and without `create` none is made. `rejected-but-serving`: no version is approved
    any more; what the endpoint serves stays in service, because there is nothing to put in its place. `served` is
    called with the version that is found in service: an update that is rolled back never gets so far.
    """
    package = newest_approved(sagemaker, group)
    endpoint = _describe(sagemaker, group)
    status = endpoint["EndpointStatus"] if endpoint else "absent"
    if status in _CHANGING:
        return "changing"
    if package is None:
        if not endpoint or status != "InService":
            return "nothing-approved"
        logger.warning("no version is approved", group=group, still_serving=endpoint["EndpointConfigName"])
        return "rejected-but-serving"
    if not endpoint and not create:
        return "absent"
    if status not in ("absent", "InService"):
        # Nothing can be done to such an endpoint but to delete it. While it is Deleting, Lambda's retry comes later.
        reason = (endpoint or {}).get("FailureReason", "no reason given")
        raise PromotionError(f"endpoint {group} is {status} ({reason}); version {package.version} waits for its end")
    release = plan(group, package, hosting)
    if endpoint and endpoint["EndpointConfigName"] == release.name:
        served(package)
        return "serving"
    return _bring_into_service(sagemaker, group, release, endpoint)


def _describe(sagemaker: Any, name: str) -> dict[str, Any] | None:
    try:
        return sagemaker.describe_endpoint(EndpointName=name)
    except ClientError as error:
        if is_missing(error):
            return None
        raise


def _bring_into_service(sagemaker: Any, name: str, release: Release, endpoint: dict[str, Any] | None) -> str:
    if endpoint and _was_rolled_back(sagemaker, endpoint, release):
        # The roll-back of a failed update ends in service and sends an event. Trying again here would never end.
        raise PromotionError(
            f"endpoint {name} was rolled back from {release.name}: {endpoint['FailureReason']}; approve another "
            f"version, or remove the endpoint's tag {LAST_UPDATE_TAG} and approve this one again"
        )
    _new(sagemaker.create_model, release.model)
    _new(sagemaker.create_endpoint_config, release.config)
    request = {"EndpointName": name, "EndpointConfigName": release.name}
    try:
        if endpoint:
            tag = {"Key": LAST_UPDATE_TAG, "Value": f"{release.name} {endpoint['LastModifiedTime'].isoformat()}"}
            sagemaker.add_tags(ResourceArn=endpoint["EndpointArn"], Tags=[tag])
            sagemaker.update_endpoint(**request)
            return "updated"
        _new(sagemaker.create_endpoint, {**request, "Tags": release.tags})
    except ClientError as error:
        if is_busy(error):
            return "changing"
        raise
    return "created"


def _was_rolled_back(sagemaker: Any, endpoint: dict[str, Any], release: Release) -> bool:
    """Whether the failure that `endpoint` shows is that of an update to `release`; SageMaker does not say so itself."""
    if not endpoint.get("FailureReason"):
        return False
    pages = sagemaker.get_paginator("list_tags").paginate(ResourceArn=endpoint["EndpointArn"])
    tags = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
    name, _, seen = tags.get(LAST_UPDATE_TAG, "").partition(" ")
    # An endpoint that is as it was before that update never got it: the request failed, so it is due again.
    return name == release.name and seen != endpoint["LastModifiedTime"].isoformat()


def _new(create: Callable[..., Any], request: dict[str, Any]) -> None:
    """Create it unless it exists. The name says all that is in it, so one that exists is the same."""
    try:
        create(**request)
    except ClientError as error:
        if not is_taken(error):
            raise
