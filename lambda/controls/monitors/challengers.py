"""Runs of a workload's pipeline that were started for a drift, and the models that they registered."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from controls import running
from controls.monitors.drift import Outcome
from controls.refusals import is_missing
from controls.registry import newest_approved

NOT_BETTER = "NotBetter"  # the step in which a run ends whose model does not win (workloads/compiler/registration.py)
_LONGEST = 500  # characters of a reason that the record keeps
_EVALUATION = re.compile(r"s3://([^/\s]+)/(\S+/evaluation\.json)")  # as that step's message names it


class Challengers:
    """`name` is that of the pipeline and of its model package group; `client` makes the client of a service."""

    def __init__(self, client: Callable[[str], Any], name: str) -> None:
        self._client, self._sagemaker, self._name = client, client("sagemaker"), name

    def running(self) -> Iterator[str]:
        """The ARNs of runs that have not ended."""
        return (arn for _, arn in running.pipeline_runs(self._sagemaker, self._name))

    def begun(self, token: str, since: datetime) -> str:
        """The ARN of the run that `start` was asked for with this token since then; empty where there is none."""
        asked = {"PipelineName": self._name, "CreatedAfter": since}
        pages = self._sagemaker.get_paginator("list_pipeline_executions").paginate(**asked)
        runs = (run for page in pages for run in page["PipelineExecutionSummaries"])
        found = (run for run in runs if run.get("PipelineExecutionDescription") == _described(token))
        return next((run["PipelineExecutionArn"] for run in found), "")

    def start(self, token: str) -> str:
        """The ARN of the run; asked again with the same token, of the same run."""
        asked = {"PipelineName": self._name, "ClientRequestToken": token}
        run = self._sagemaker.start_pipeline_execution(**asked, PipelineExecutionDescription=_described(token))
        return run["PipelineExecutionArn"]

    def outcome(self, execution: str) -> tuple[Outcome, str, int]:
        """What a run came to; where it did not succeed, at which step and why; and the version that it registered."""
        try:
            run = self._sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
        except ClientError as error:
            if is_missing(error):
                return Outcome.FAILED, "it is not there any more", 0
            raise
        match run["PipelineExecutionStatus"]:
            case "Succeeded":
                return self._registered(execution)
            case "Failed" | "Stopped":
                return *self._failed(execution), 0
            case _:
                return Outcome.RUNS, "", 0

    def approve(self, execution: str, why: str) -> None:
        """Of the model that `execution` registered, unless a person has decided meanwhile."""
        found = self._package(execution)
        if found and found["ModelApprovalStatus"] == "PendingManualApproval":
            self._sagemaker.update_model_package(
                ModelPackageArn=found["ModelPackageArn"], ModelApprovalStatus="Approved", ApprovalDescription=why[:1024]
            )

    def _registered(self, execution: str) -> tuple[Outcome, str, int]:
        found = self._package(execution)
        if found is None:  # nothing is left that could answer the drift
            return Outcome.FAILED, "its model was deleted", 0
        version = found["ModelPackageVersion"]
        match found["ModelApprovalStatus"]:
            case "Approved":
                return Outcome.APPROVED, "", version
            case "Rejected":
                return Outcome.REJECTED, "", version
            case _:
                return Outcome.AWAITS if self._is_proven(found) else Outcome.UNPROVEN, "", version

    def _is_proven(self, package: dict[str, Any]) -> bool:
        """Whether its evaluation says that it is better by more than chance than the model that is approved today.

        Not where the evaluation is gone, nor where a person has approved another one while it was made.
        """
        told = package.get("ModelMetrics", {}).get("ModelQuality", {}).get("Statistics", {})
        place = _EVALUATION.fullmatch(told.get("S3Uri", ""))
        match self._evaluation(place) if place else {}:
            case {"proven": True, "champion": {"version": compared}}:
                champion = newest_approved(self._sagemaker, self._name)
                return champion is not None and str(champion.version) == str(compared)
            case _:
                return False

    def _failed(self, execution: str) -> tuple[Outcome, str]:
        steps = list(self._steps(execution))
        if lost := next((step for step in steps if step["StepName"] == NOT_BETTER), None):
            return Outcome.LOST, self._judged(lost.get("FailureReason", ""))[:_LONGEST]
        ended = next((step for step in steps if step.get("StepStatus") == "Failed"), {})
        why = f"{ended['StepName']}: {ended.get('FailureReason', 'no reason given')}" if ended else ""
        return Outcome.FAILED, why[:_LONGEST]

    def _judged(self, told: str) -> str:
        """Why a model lost, as its evaluation says; where that is gone, as the step told it."""
        place = _EVALUATION.search(told)
        return str(self._evaluation(place).get("reason", told)) if place else told

    def _evaluation(self, place: re.Match[str]) -> dict[str, Any]:
        """evaluation.json; nothing where it is gone or cannot be read."""
        try:
            found = self._client("s3").get_object(Bucket=place[1], Key=place[2])
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "AccessDenied"):  # the latter without ListBucket
                return {}
            raise
        try:
            told = json.loads(found["Body"].read())
        except ValueError:  # somebody else's file: it must not keep the drift from going on
            return {}
        return told if isinstance(told, dict) else {}

    def _package(self, execution: str) -> dict[str, Any] | None:
        """The version whose registration was the step of that run."""
        arns = [
            step["Metadata"]["RegisterModel"]["Arn"]
            for step in self._steps(execution)
            if "RegisterModel" in step.get("Metadata", {})
        ]
        try:
            return self._sagemaker.describe_model_package(ModelPackageName=arns[0]) if arns else None
        except ClientError as error:
            if is_missing(error):
                return None
            raise

    def _steps(self, execution: str) -> Iterator[dict[str, Any]]:
        pages = self._sagemaker.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=execution)
        return (step for page in pages for step in page["PipelineExecutionSteps"])


def _described(token: str) -> str:
    return f"Started for a drift of the model: {token}"
