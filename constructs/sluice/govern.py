"""Jobs that begin are held against spot and limits; of those that end, cost and saving are entered."""

import json

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from config.costs import Costs
from config.guardrails import Guardrails
from sluice.alerts import AlertTopic
from sluice.arn import arn
from sluice.cost_ledger import CostLedger
from sluice.function import HandlerFunction
from sluice.permission import allow, allow_grants
from sluice.price_refresh import allow_prices

# Detail type of the event, and the resource that it is about.
_TRAINS = {"Training": "training-job", "HyperParameter Tuning": "hyper-parameter-tuning-job"}
_JOBS = {**_TRAINS, "Processing": "processing-job", "Transform": "transform-job"}
_NOUNS = {
    "training-job": "TrainingJob",
    "hyper-parameter-tuning-job": "HyperParameterTuningJob",
    "processing-job": "ProcessingJob",
    "transform-job": "TransformJob",
}
_STATUSES = ["InProgress", "Completed", "Failed", "Stopped"]
_FALLBACK = "*-od"  # what `controls.governor.rerun` names the jobs that it starts


class Govern(Construct):
    """Hears of every job of the account; what is not the platform's by its tag is left alone."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        environment: str,
        costs: Costs,
        guardrails: Guardrails,
        ledger: CostLedger,
        artifact_bucket: s3.IBucket,
        key: kms.IKey,
        alerts: AlertTopic,
    ) -> None:
        super().__init__(scope, id)
        policy = costs.policy(prefix, environment)
        held = ("max_run_seconds", "max_instances", "max_tuning_jobs", "max_parallel_jobs")
        terms = {
            "by_default": costs.spot.fallback,
            "acts": costs.spot.fallback_mode == "enforce",
            "usd_per_month": costs.budget.usd_per_month if costs.budget else 0.0,
        }
        self.handler = HandlerFunction(
            self,
            "Function",
            prefix=prefix,
            verb="govern",
            key=key,
            timeout=Duration.minutes(2),
            environment={
                "policy": json.dumps(policy, separators=(",", ":")),
                "ledger_table": ledger.table_name,
                "artifact_bucket": artifact_bucket.bucket_name,
                "topic_arn": alerts.topic_arn,
                "limits": json.dumps(
                    {"on_demand_usd_per_hour": costs.spot.on_demand_usd_per_hour}
                    | {name: getattr(guardrails, name) for name in held}
                ),
                "fallback": json.dumps(terms),
            },
        )
        alerts.allow_publishing(self.handler.role)
        ledger.grant(self.handler.role, "GetItem", "PutItem")
        allow_prices(self.handler.role, artifact_bucket, key)
        self._allow_looking()
        ends_something = environment != "prod" or policy["production"]
        if {"spot", "job-limit"} & {*policy["enforced"]} and ends_something:
            self._allow_stopping(prefix, own_only=policy["own_only"])
        if terms["acts"]:
            self._allow_fallback(prefix, key)
        self._hear()

    def _hear(self) -> None:
        statuses = [{f"{_NOUNS[resource]}Status": _STATUSES} for resource in _JOBS.values()]
        pattern = events.EventPattern(
            source=["aws.sagemaker"],
            detail_type=[f"SageMaker {kind} Job State Change" for kind in _JOBS],
            detail={"$or": statuses},
        )
        events.Rule(self, "Rule", event_pattern=pattern, targets=[targets.LambdaFunction(self.handler.function)])

    def _allow_looking(self) -> None:
        any_name = "A job of the platform may have any name; its tag says whose it is"
        role = self.handler.role
        allow(role, ["sagemaker:ListTags"], [self._all(each) for each in _JOBS.values()], wildcard=any_name)
        for resource, noun in _NOUNS.items():
            allow(role, [f"sagemaker:Describe{noun}"], [self._all(resource)], wildcard=any_name)
        searches = [self._all("hyper-parameter-tuning-job")]
        allow(role, ["sagemaker:ListTrainingJobsForHyperParameterTuningJob"], searches, wildcard=any_name)

    def _allow_stopping(self, prefix: str, *, own_only: bool) -> None:
        """IAM holds the same line as the policy does: what another platform's tag is on cannot be ended.

        Nor what bears no tag, where the platform ends its own only.
        """
        tagged = {f"StringEquals{'' if own_only else 'IfExists'}": {"aws:ResourceTag/sluice:platform": prefix}}
        for resource, noun in _NOUNS.items():
            reason = "Narrowed by the platform's tag"
            allow(
                self.handler.role,
                [f"sagemaker:Stop{noun}"],
                [self._all(resource)],
                conditions=tagged,
                wildcard=reason,
            )

    def _allow_fallback(self, prefix: str, key: kms.IKey) -> None:
        """Start jobs, by the name that only they have, as any role of the platform that SageMaker may take."""
        role = self.handler.role
        for resource in _TRAINS.values():
            named = [arn(self, "sagemaker", f"{resource}/{_FALLBACK}")]
            reason = "Named after the job that they go on for"
            allow(role, [f"sagemaker:Create{_NOUNS[resource]}"], named, wildcard=reason)
            at_creation = {"Null": {"sagemaker:TaggingAction": "false"}}
            allow(role, ["sagemaker:AddTags"], named, conditions=at_creation, wildcard=reason)
        passed_to = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        roles = [Stack.of(self).format_arn(service="iam", region="", resource="role", resource_name=f"{prefix}-*")]
        reason = "A job keeps the role that it had, which is one of the platform's"
        allow(role, ["iam:PassRole"], roles, conditions=passed_to, wildcard=reason)
        # As of a pipeline's role: the last two are asked of who starts a job with an encrypted volume.
        key.grant(role, "kms:Decrypt", "kms:DescribeKey")
        allow_grants(role, key)

    def _all(self, resource: str) -> str:
        return arn(self, "sagemaker", f"{resource}/*")
