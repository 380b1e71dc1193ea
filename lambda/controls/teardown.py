"""Removes, when a workload or the whole stack goes, what was made at run time. CloudFormation knows nothing of it."""

import re
import time
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from controls import answer, clients
from controls.refusals import is_missing

logger = Logger(service="teardown")

_POLL_SECONDS = 5
_RESERVE_SECONDS = 45  # kept for the answer, which CloudFormation otherwise awaits for an hour


class TeardownError(RuntimeError):
    """Something of the platform is still there."""


def handler(event: dict[str, Any], context: Any) -> None:
    """Answers CloudFormation in every case.

    Of the event's properties `Group` is the workload's model package group, and the name of its pipeline; where
    Autopilot trains, `StateMachine`, an ARN, is there instead of it.
    """
    failure: str | None = f"unexpected error; see the log {context.log_group_name}"
    try:
        if event["RequestType"] == "Delete":
            deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS
            group, machine = event["ResourceProperties"]["Group"], event["ResourceProperties"].get("StateMachine")
            remove(clients.client("sagemaker"), group, _until(deadline))
            remove_group(clients.client("sagemaker"), clients.client("stepfunctions"), group, machine)
        failure = None
    except (ClientError, BotoCoreError, TeardownError) as error:
        logger.exception("teardown failed")
        failure = str(error)
    finally:
        physical_id = event.get("PhysicalResourceId") or f"{event['LogicalResourceId']}-runtime-resources"
        answer.send(event, physical_id=physical_id, failure=failure)


def remove(sagemaker: Any, group: str, wait: Callable[[], bool]) -> None:
    """Remove packages, endpoint, endpoint configurations and models of `group`.

    `wait` pauses, and says False when there is no time left. Raises TeardownError then.
    """
    # Packages first: with nothing approved, a promotion that is still under way makes no new endpoint.
    for arn in _listed(
        sagemaker, "list_model_packages", "ModelPackageSummaryList[].ModelPackageArn", ModelPackageGroupName=group
    ):
        _gone(sagemaker.delete_model_package, ModelPackageName=arn)
    # CloudFormation deletes the network next, so the endpoint's interfaces must be out of it.
    _remove_endpoint(sagemaker, group, wait)
    made_here = re.compile(rf"{re.escape(group)}-v\d+-[0-9a-f]{{8}}")
    for name in _listed(sagemaker, "list_endpoint_configs", "EndpointConfigs[].EndpointConfigName", NameContains=group):
        if made_here.fullmatch(name):
            _gone(sagemaker.delete_endpoint_config, EndpointConfigName=name)
    for name in _listed(sagemaker, "list_models", "Models[].ModelName", NameContains=group):
        if made_here.fullmatch(name):
            _gone(sagemaker.delete_model, ModelName=name)
    logger.info("removed", group=group)


def remove_group(sagemaker: Any, states: Any, group: str, machine: str | None) -> None:
    """Remove the group, without packages by now, if nobody else will.

    The training stack deletes it with the pipeline or state machine. Where both are gone already, it has tried to
    delete the group too, and failed because of its packages; while one is there, the group is still in use.
    """
    if _found(sagemaker.describe_pipeline, PipelineName=group):
        return
    found = _found(states.describe_state_machine, stateMachineArn=machine) if machine else None
    # One that is deleted stays, under this status, until its last execution has ended.
    if not found or found["status"] == "DELETING":
        _gone(sagemaker.delete_model_package_group, ModelPackageGroupName=group)


def _remove_endpoint(sagemaker: Any, name: str, wait: Callable[[], bool]) -> None:
    """Delete the endpoint, as soon as it may be deleted, and see it gone."""
    while endpoint := _found(sagemaker.describe_endpoint, EndpointName=name):
        status = endpoint["EndpointStatus"]
        # SageMaker refuses to delete an endpoint that is being created or changed.
        if status in ("InService", "OutOfService", "Failed", "UpdateRollbackFailed"):
            _gone(sagemaker.delete_endpoint, EndpointName=name)
            if _found(sagemaker.describe_endpoint, EndpointName=name) is None:
                return
        if not wait():
            raise TeardownError(
                f"endpoint {name} is still {status}; delete it, or the stack again, when it has settled"
            )


def _found(describe: Callable[..., dict[str, Any]], **name: str) -> dict[str, Any] | None:
    try:
        return describe(**name)
    except ClientError as error:
        if is_missing(error):
            return None
        raise


def _listed(sagemaker: Any, operation: str, path: str, **filters: str) -> list[str]:
    """What `path` finds on all pages. Listed to the end first: deleting while paging would skip some."""
    try:
        return list(sagemaker.get_paginator(operation).paginate(**filters).search(path))
    except ClientError as error:
        if is_missing(error):
            return []
        raise


def _gone(delete: Callable[..., Any], **name: str) -> None:
    try:
        delete(**name)
    except ClientError as error:
        if not is_missing(error):
            raise


def _until(deadline: float) -> Callable[[], bool]:
    def wait() -> bool:
        if time.monotonic() + _POLL_SECONDS > deadline:
            return False
        time.sleep(_POLL_SECONDS)
        return True

    return wait
