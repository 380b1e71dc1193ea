"""The permissions boundary of what controls cost, which ends things that no other role of the platform may."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from sluice.waiver import accept_all

# Each function has its own few of these; a boundary grants nothing.
ACTIONS = (
    *("sagemaker:List*", "sagemaker:Describe*", "sagemaker:Stop*", "sagemaker:Delete*", "sagemaker:AddTags"),
    *("sagemaker:CreateTrainingJob", "sagemaker:CreateHyperParameterTuningJob", "sagemaker:CreateEndpoint"),
    *("sagemaker:UpdateInferenceComponentRuntimeConfig", "tag:GetResources", "elasticfilesystem:Describe*"),
    *("logs:CreateLogStream", "logs:PutLogEvents", "logs:GetLogEvents", "logs:Describe*", "logs:DeleteLogGroup"),
    "logs:ListTagsForResource",
    *("cloudwatch:GetMetricData", "dynamodb:*Item", "dynamodb:Query", "sqs:SendMessage", "sns:Publish"),
    *("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:CreateGrant"),
    *("s3:GetObject", "s3:ListBucket", "s3:PutObject", "ssm:GetParameter", "sts:AssumeRole", "lambda:InvokeFunction"),
    *("ce:GetCostAndUsage", "pricing:GetProducts", "states:StartExecution"),
    *("iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:GetRole", "iam:ListEntitiesForPolicy"),
)


class ControlsBoundary(Construct):
    """Made the boundary of every role of the stack that it is in."""

    def __init__(self, scope: Construct, id: str, *, prefix: str) -> None:
        super().__init__(scope, id)
        stack = Stack.of(self)
        passed = stack.format_arn(service="iam", region="", resource="role", resource_name=f"{prefix}-*")
        passing = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        boundary = iam.ManagedPolicy(
            self,
            "Resource",
            managed_policy_name=f"{prefix}-controls-boundary",
            description=f"{prefix}: what no function that controls cost may go beyond",
            statements=[
                iam.PolicyStatement(sid="Controls", actions=list(ACTIONS), resources=["*"]),
                iam.PolicyStatement(sid="PassRole", actions=["iam:PassRole"], resources=[passed], conditions=passing),
            ],
        )
        ids = [
            *(f"AwsSolutions-IAM5[Action::{action}]" for action in ACTIONS if "*" in action),
            *(f"AwsSolutions-IAM5[Resource::{resource}]" for resource in ("*", passed)),
        ]
        accept_all(boundary, ids, "A permissions boundary grants nothing; it bounds what roles are granted")
        iam.PermissionsBoundary.of(stack).apply(boundary)
