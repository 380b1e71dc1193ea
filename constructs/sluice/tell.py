"""A run that failed, or a training job that gives an alert, is told to people."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from sluice.alerts import AlertTopic
from sluice.arn import arn
from sluice.function import HandlerFunction
from sluice.permission import allow, allow_key


class Tell(Construct):
    """Hears of the platform's `pipelines` and `state_machines`, if any, and of alerts of jobs of `workloads`."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        workloads: Sequence[str],
        pipelines: bool,
        state_machines: bool = False,
        artifact_bucket: s3.IBucket,
        key: kms.IKey,
        alerts: AlertTopic,
    ) -> None:
        super().__init__(scope, id)
        self.handler = HandlerFunction(
            self,
            "Function",
            prefix=prefix,
            verb="tell",
            key=key,
            timeout=Duration.minutes(1),
            environment={"platform": prefix, "topic_arn": alerts.topic_arn},
        )
        alerts.allow_publishing(self.handler.role)
        self._allow_alerts(workloads, artifact_bucket, key)
        alert = {
            "bucket": {"name": [artifact_bucket.bucket_name]},
            # Each begins with a name, for EventBridge refuses rules whose wildcards could all be at work at once.
            "object": {"key": [{"wildcard": _alerts(workload)} for workload in workloads]},
        }
        heard: list[tuple[str, str, dict[str, Any]]] = [("aws.s3", "Object Created", alert)]
        if pipelines:
            heard.append(self._hear_pipelines(prefix))
        if state_machines:
            heard.append(self._hear_state_machines(prefix))
        sources, types, details = (list(part) for part in zip(*heard, strict=True))
        # One rule for all: each rule takes a permission of the function as well.
        pattern = events.EventPattern(source=sources, detail_type=types, detail={"$or": details})
        events.Rule(self, "Rule", event_pattern=pattern, targets=[targets.LambdaFunction(self.handler.function)])

    def _allow_alerts(self, workloads: Sequence[str], bucket: s3.IBucket, key: kms.IKey) -> None:
        written = [bucket.arn_for_objects(_alerts(workload)) for workload in workloads]
        allow(self.handler.role, ["s3:GetObject"], written, wildcard="Runs and jobs are named when they start")
        allow_key(self.handler.role, key, "s3", "Decrypt")

    # By prefix: a pattern that names each would reach EventBridge's 2,048 characters with a dozen workloads.
    def _hear_pipelines(self, prefix: str) -> tuple[str, str, dict[str, Any]]:
        ours = arn(self, "sagemaker", f"pipeline/{prefix}-")
        asked = ["sagemaker:DescribePipelineExecution", "sagemaker:ListPipelineExecutionSteps"]
        allow(
            self.handler.role, asked, [f"{ours}*/execution/*"], wildcard="Runs are named by SageMaker, when they start"
        )
        jobs = [arn(self, "sagemaker", "processing-job/*")]
        named = "SageMaker names the jobs of pipelines; the condition keeps to the platform's"
        tagged = {"StringEquals": {"aws:ResourceTag/sluice:platform": prefix}}
        allow(self.handler.role, ["sagemaker:DescribeProcessingJob"], jobs, conditions=tagged, wildcard=named)
        detail = {"pipelineArn": [{"prefix": ours}], "currentPipelineExecutionStatus": ["Failed"]}
        return "aws.sagemaker", "SageMaker Model Building Pipeline Execution Status Change", detail

    def _hear_state_machines(self, prefix: str) -> tuple[str, str, dict[str, Any]]:
        runs = [arn(self, "states", f"execution:{prefix}-*:*")]
        allow(
            self.handler.role,
            ["states:DescribeExecution", "states:GetExecutionHistory"],
            runs,
            wildcard="Runs are named when they start",
        )
        machines = [{"prefix": arn(self, "states", f"stateMachine:{prefix}-")}]
        detail = {"stateMachineArn": machines, "status": ["FAILED", "TIMED_OUT"]}
        return "aws.states", "Step Functions Execution Status Change", detail


def _alerts(workload: str) -> str:
    return f"{workload}/*/checkpoints/*/alerts/*.json"
