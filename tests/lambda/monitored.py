"""The part of the in-memory cloud that answers drift: alarms, runs that are started by a token, approvals."""
# ruff: noqa: N802, N803 - operations and their parameters are named as AWS names them

import importlib
from typing import Any

base = importlib.import_module("tests.lambda.base")  # `lambda` is a keyword


class Monitored:
    """`alarms` has the state of each by its name; `started` the ARN of the run for each token."""

    def __init__(self) -> None:
        self.alarms: dict[str, str] = {}
        self.started: dict[str, str] = {}

    def DescribeAlarms(self, AlarmNames: list[str], AlarmTypes: list[str]) -> dict[str, Any]:
        found = [{"AlarmName": name, "StateValue": self.alarms[name]} for name in AlarmNames if name in self.alarms]
        return {"MetricAlarms": found}

    def StartPipelineExecution(
        self, PipelineName: str, ClientRequestToken: str, PipelineExecutionDescription: str
    ) -> dict[str, str]:
        if ClientRequestToken not in self.started:
            arn = base.arn(f"pipeline/{PipelineName}/execution/e{len(self.started)}")
            self.started[ClientRequestToken] = arn
            executions: dict[str, Any] = self.executions  # type: ignore[attr-defined]
            told = {"PipelineExecutionDescription": PipelineExecutionDescription, "StartTime": base.NOW}
            executions[arn] = {"PipelineExecutionStatus": "Executing", **told}
        return {"PipelineExecutionArn": self.started[ClientRequestToken]}

    def UpdateModelPackage(self, ModelPackageArn: str, ModelApprovalStatus: str, **_: Any) -> None:
        packages: dict[str, Any] = self.packages  # type: ignore[attr-defined]
        packages[ModelPackageArn]["ModelApprovalStatus"] = ModelApprovalStatus
