"""A budget by the month: what is spent is metered, people are told, and at its end new compute is denied."""

import json

from aws_cdk import Annotations, Aws, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from config.costs import Budget as Settings
from config.costs import Costs
from config.instances import partition
from sluice.alerts import AlertTopic
from sluice.cost_ledger import CostLedger
from sluice.function import HandlerFunction
from sluice.permission import allow
from sluice.price_refresh import allow_prices

# What makes an instance start, or grow; spaces, models and configurations cost no compute by themselves.
# Ending and looking stay allowed. Which roles could do any of it at all, their own policies and boundary say.
DENIED = (
    *("CreateTrainingJob", "CreateProcessingJob", "CreateTransformJob", "CreateHyperParameterTuningJob"),
    *("CreateAutoMLJob", "CreateAutoMLJobV2", "CreateCompilationJob", "CreateOptimizationJob", "CreateTrainingPlan"),
    *("CreateApp", "CreateNotebookInstance", "StartNotebookInstance", "CreateCluster", "UpdateCluster"),
    *("CreateEndpoint", "UpdateEndpoint", "UpdateEndpointWeightsAndCapacities"),
    *("CreateInferenceComponent", "UpdateInferenceComponent", "UpdateInferenceComponentRuntimeConfig"),
    *("CreateMlflowTrackingServer", "StartMlflowTrackingServer", "CreateMonitoringSchedule", "StartMonitoringSchedule"),
    *("StartPipelineExecution", "RetryPipelineExecution"),
)
_LISTED = (
    *("Apps", "AutoMLJobs", "Domains", "Endpoints", "HyperParameterTuningJobs", "InferenceComponents", "MlflowApps"),
    *("MlflowTrackingServers", "NotebookInstances", "ProcessingJobs", "Spaces", "TrainingJobs", "TransformJobs"),
)
_DESCRIBED = {
    "App": "app",
    "AutoMLJobV2": "automl-job",
    "Endpoint": "endpoint",
    "EndpointConfig": "endpoint-config",
    "HyperParameterTuningJob": "hyper-parameter-tuning-job",
    "InferenceComponent": "inference-component",
    "MlflowTrackingServer": "mlflow-tracking-server",
    "ProcessingJob": "processing-job",
    "TrainingJob": "training-job",
    "TransformJob": "transform-job",
}
_ENDED = ("processing-job", "training-job", "transform-job")
_ANY_NAME = "A resource of the platform may have any name; its tag says whose it is"


class Budget(Construct):
    """`handler` runs every `every`. In production nothing is frozen: people are only told."""

    every = Duration.minutes(15)

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        environment: str,
        region: str,
        costs: Costs,
        budget: Settings,
        ledger: CostLedger,
        artifact_bucket: s3.IBucket,
        alerts: AlertTopic,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, id)
        self._prefix = prefix
        freeze_arn = self._freeze().managed_policy_arn
        boundary_arn = self._iam("policy", f"{prefix}-boundary")
        # The cost of AWS GovCloud is billed to a commercial account, and only there are figures of it.
        reconciles = partition(region) != "aws-us-gov"
        if not reconciles:
            Annotations.of(self).add_info(f"Left out: reconciliation with AWS's bill. {region} has no Cost Explorer")
        self.handler = HandlerFunction(
            self,
            "Function",
            prefix=prefix,
            verb="meter",
            key=key,
            timeout=Duration.minutes(10),
            environment={
                "policy": json.dumps(costs.policy(prefix, environment), separators=(",", ":")),
                "ledger_table": ledger.table_name,
                "artifact_bucket": artifact_bucket.bucket_name,
                "topic_arn": alerts.topic_arn,
                "freeze_policy_arn": freeze_arn,
                "boundary_arn": boundary_arn,
                "usd_per_month": json.dumps(budget.usd_per_month),
                "warn_percent": json.dumps(budget.warn_percent),
                "targets": json.dumps([target.model_dump(exclude_none=True) for target in costs.targets]),
                "reconciles": json.dumps(reconciles),
            },
        )
        role = self.handler.role
        ledger.grant(role, "GetItem", "PutItem")
        alerts.allow_publishing(role)
        allow_prices(role, artifact_bucket, key)
        self._allow_reading(everywhere=any(target.role_arn is None for target in costs.targets))
        if others := sorted({target.role_arn for target in costs.targets if target.role_arn}):
            allow(role, ["sts:AssumeRole"], others)
        if reconciles:
            allow(role, ["ce:GetCostAndUsage"], ["*"], wildcard="Cost Explorer has no resource level for it")
        allow(role, ["iam:ListEntitiesForPolicy"], [freeze_arn])
        if budget.mode == "enforce" and environment != "prod":
            self._allow_freezing(freeze_arn, boundary_arn)
        events.Rule(
            self,
            "Schedule",
            schedule=events.Schedule.rate(self.every),
            targets=[targets.LambdaFunction(self.handler.function)],
        )

    def _freeze(self) -> iam.ManagedPolicy:
        """Attached to nothing here; CloudFormation deletes it only while it is attached to nothing."""
        actions = [*(f"sagemaker:{action}" for action in DENIED), "states:StartExecution"]
        return iam.ManagedPolicy(
            self,
            "Freeze",
            managed_policy_name=f"{self._prefix}-freeze",
            description=f"{self._prefix}: no new compute while the month's budget is spent",
            statements=[
                iam.PolicyStatement(sid="Frozen", effect=iam.Effect.DENY, actions=actions, resources=["*"]),
            ],
        )

    def _allow_reading(self, *, everywhere: bool) -> None:
        role, region = self.handler.role, "*" if everywhere else Aws.REGION

        def every(resource: str) -> str:
            return f"arn:{Aws.PARTITION}:sagemaker:{region}:{Aws.ACCOUNT_ID}:{resource}/*"

        lists = [*(f"sagemaker:List{kind}" for kind in _LISTED), "tag:GetResources"]
        allow(role, lists, ["*"], wildcard="These lists have no resource level")
        for noun, resource in _DESCRIBED.items():
            allow(role, [f"sagemaker:Describe{noun}"], [every(resource)], wildcard=_ANY_NAME)
        allow(role, ["sagemaker:ListTags"], [every(resource) for resource in _ENDED], wildcard=_ANY_NAME)

    def _allow_freezing(self, freeze_arn: str, boundary_arn: str) -> None:
        """Of all policies this role can attach one, which only denies, and that to roles of this platform alone."""
        role, roles = self.handler.role, [self._iam("role", f"{self._prefix}-*")]
        allow(role, ["iam:ListEntitiesForPolicy"], [boundary_arn])
        named = "CloudFormation names the roles of the platform's stacks after them"
        allow(role, ["iam:GetRole"], roles, wildcard=named)
        only = {"ArnEquals": {"iam:PolicyARN": freeze_arn}}
        allow(role, ["iam:AttachRolePolicy", "iam:DetachRolePolicy"], roles, conditions=only, wildcard=named)

    def _iam(self, resource: str, name: str) -> str:
        return Stack.of(self).format_arn(
            service="iam", region="", account=Aws.ACCOUNT_ID, resource=resource, resource_name=name
        )
