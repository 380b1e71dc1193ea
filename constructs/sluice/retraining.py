"""Drift is answered by a run of the workload's pipeline, once, and looked at until it is answered."""

import json
from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration, Tags
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from config.monitoring import Monitor
from sluice.alerts import AlertTopic
from sluice.arn import arn
from sluice.cost_ledger import CostLedger
from sluice.function import HandlerFunction
from sluice.permission import allow, allow_key
from sluice.variables import refuse_too_large

_NUMBERED = "SageMaker numbers the versions of a group"
_RUN = "SageMaker Model Building Pipeline Execution Status Change"


class Retraining(Construct):
    """The function `retrain`. `alarms` has the name of each monitor's alarm, by workload.

    It looks whenever an alarm changes or a run ends, and every 15 minutes, for no event is certain.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        monitors: Mapping[str, Monitor],
        alarms: Mapping[str, str],
        ledger: CostLedger,
        artifact_bucket: s3.IBucket,
        alerts: AlertTopic,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        terms = {name: _terms(monitor, alarms[name]) for name, monitor in monitors.items()}
        refuse_too_large("retrain", f"{len(monitors)} monitors", terms)
        self.handler = HandlerFunction(
            self,
            "Function",
            prefix=prefix,
            verb="retrain",
            key=key,
            timeout=Duration.minutes(5),
            environment={
                "platform": prefix,
                "ledger_table": ledger.table_name,
                "topic_arn": alerts.topic_arn,
                "monitors": json.dumps(terms, separators=(",", ":")),
            },
        )
        role = self.handler.role
        ledger.grant(role, "GetItem", "PutItem")
        alerts.allow_publishing(role)
        told = "CloudWatch asks for this permission on alarm:*, whichever alarms are named"
        allow(role, ["cloudwatch:DescribeAlarms"], [arn(self, "cloudwatch", "alarm:*")], wildcard=told)
        pipelines = {name: f"{prefix}-{name}" for name in monitors}
        self._allow_looking(pipelines, artifact_bucket, key)
        acting = [name for name in monitors if terms[name]["acts"]]
        self._allow_acting(
            [pipelines[name] for name in acting], [pipelines[name] for name in acting if terms[name]["approves"]]
        )
        self._on("Alarm", "aws.cloudwatch", "CloudWatch Alarm State Change", {"alarmName": [*alarms.values()]})
        ended = {"currentPipelineExecutionStatus": ["Succeeded", "Failed", "Stopped"]}
        # By prefix: named one by one, 18 with long names reach EventBridge's 2,048 characters. A run that is of no
        # monitor makes `retrain` look once more.
        ours = {"pipelineArn": [{"prefix": arn(self, "sagemaker", f"pipeline/{prefix}-")}]}
        self._on("Run", "aws.sagemaker", _RUN, ended | ours)
        every = events.Schedule.cron(minute="0/15")
        events.Rule(self, "Tick", schedule=every, targets=[targets.LambdaFunction(self.handler.function)])

    def _allow_looking(self, pipelines: Mapping[str, str], bucket: s3.IBucket, key: kms.IKey) -> None:
        """What goes on, and what came of it; also where it is only observed, for runs may have been started before."""
        role, names = self.handler.role, pipelines.values()
        allow(role, ["sagemaker:ListPipelineExecutions"], [arn(self, "sagemaker", f"pipeline/{n}") for n in names])
        runs = [arn(self, "sagemaker", f"pipeline/{name}/execution/*") for name in names]
        looks = ["sagemaker:DescribePipelineExecution", "sagemaker:ListPipelineExecutionSteps"]
        allow(role, looks, runs, wildcard="Runs are named by SageMaker, when they start")
        packages = [arn(self, "sagemaker", f"model-package/{name}/*") for name in names]
        groups = [arn(self, "sagemaker", f"model-package-group/{name}") for name in names]
        allow(role, ["sagemaker:DescribeModelPackage"], packages, wildcard=_NUMBERED)
        allow(role, ["sagemaker:ListModelPackages"], [*packages, *groups], wildcard=_NUMBERED)
        verdicts = [bucket.arn_for_objects(f"{workload}/*/evaluation.json") for workload in pipelines]
        allow(role, ["s3:GetObject"], verdicts, wildcard="Each run has a folder of its own")
        allow_key(role, key, "s3", "Decrypt")

    def _allow_acting(self, starts: list[str], approves: list[str]) -> None:
        """Start runs of those in `starts`, approve winners of those in `approves`."""
        role = self.handler.role
        if starts:
            pipelines = [arn(self, "sagemaker", f"pipeline/{name}") for name in starts]
            allow(role, ["sagemaker:StartPipelineExecution"], pipelines)
        if approves:
            packages = [arn(self, "sagemaker", f"model-package/{name}/*") for name in approves]
            allow(role, ["sagemaker:UpdateModelPackage"], packages, wildcard=_NUMBERED)
            Tags.of(role).add("sluice:approves", "true")  # without it the permissions boundary denies an approval

    def _on(self, id: str, source: str, detail_type: str, detail: dict[str, Any]) -> None:
        pattern = events.EventPattern(source=[source], detail_type=[detail_type], detail=detail)
        events.Rule(self, id, event_pattern=pattern, targets=[targets.LambdaFunction(self.handler.function)])


def _terms(monitor: Monitor, alarm: str) -> dict[str, Any]:
    retrain = monitor.retrain
    return {
        "alarm": alarm,
        "acts": retrain.mode == "enforce",
        "approves": retrain.approve == "machine",
        "cool_down_hours": retrain.cool_down_hours,
        "most_a_week": retrain.most_a_week,
        "expires_days": retrain.expires_days,
        "settles_hours": monitor.settles_hours,
    }
