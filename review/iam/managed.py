"""Policies that AWS manages, the few whose content a review must know; of others it says that it does not know them."""

from typing import Any

from review.iam.actions import actions
from review.iam.branches import Guard
from review.iam.patterns import CLOSE, OPEN
from review.iam.statements import ALL, Policy, Statement, Texts

# What stands for the content of a policy that is not known here.
UNKNOWN = "managed:"

_LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
_INTERFACES = (
    "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface",
    "ec2:DescribeSubnets", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
)  # fmt: skip
# Actions on every resource; the policies of AWS's documentation, November 2026.
_CONTENT: dict[str, Any] = {
    "AdministratorAccess": ("*",),
    "IAMFullAccess": ("iam:*", "organizations:DescribeAccount", "organizations:DescribeOrganization",
        "organizations:DescribeOrganizationalUnit", "organizations:DescribePolicy", "organizations:ListChildren",
        "organizations:ListParents", "organizations:ListPoliciesForTarget", "organizations:ListRoots",
        "organizations:ListPolicies", "organizations:ListTargetsForPolicy"),
    "AmazonS3FullAccess": ("s3:*", "s3-object-lambda:*"),
    "AmazonS3ReadOnlyAccess": ("s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*",
        "s3-object-lambda:List*"),
    "AmazonSQSFullAccess": ("sqs:*",),
    "AmazonSNSFullAccess": ("sns:*",),
    "CloudWatchLogsFullAccess": ("logs:*", "cloudwatch:GenerateQuery", "cloudwatch:GenerateQueryResultsSummary"),
    "AWSLambdaBasicExecutionRole": _LOGS,
    "AWSLambdaVPCAccessExecutionRole": (*_LOGS, *_INTERFACES),
    "AWSLambdaSQSQueueExecutionRole": (*_LOGS, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "AWSXRayDaemonWriteAccess": ("xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules",
        "xray:GetSamplingTargets", "xray:GetSamplingStatisticSummaries"),
}  # fmt: skip
_POWER_USER = ("iam:*", "organizations:*", "account:*")


def managed(arn: str, guard: Guard) -> Policy:
    """A policy by its ARN, with `managed:<name>` as its one action where the content is not known."""
    name = arn.rpartition(":policy/")[2].rpartition("/")[2] or arn
    if not arn.startswith(("arn:aws", f"arn:{OPEN}")) or (":iam::aws:" not in arn):
        name = arn
    if name == "PowerUserAccess":
        return _policy(guard, Texts(_POWER_USER, inverted=True))
    known = _CONTENT.get(name)
    if not known:
        name = name.replace(OPEN, "<").replace(CLOSE, ">")
        actions().learn(f"{UNKNOWN}{name}".replace("*", "").replace("?", ""))
    return _policy(guard, Texts(known or (f"{UNKNOWN}{name}",)))


def _policy(guard: Guard, which: Texts) -> Policy:
    for each in which.texts:
        actions().learn(each)
    return Policy((Statement(guard, True, ALL, which, ALL, ()),))
