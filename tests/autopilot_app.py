"""An application with one Autopilot workload, as a training stack holds it, and a stand-in for `begin`."""

from aws_cdk import App, Environment, Stack, Tags
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sagemaker as sagemaker

from config.load import ROOT, load, load_workload
from sluice.autopilot import Autopilot
from sluice.permission import Role, allow
from stacks.foundation import FoundationStack

NAME = "sluice-dev-automl"
BEGIN = """
import boto3, os
def handler(event, context):
    asked = {"ModelPackageGroupName": os.environ["GROUP"], "ModelApprovalStatus": "Approved"}
    packages = boto3.client("sagemaker").list_model_packages(**asked)["ModelPackageSummaryList"]
    version = max((package["ModelPackageVersion"] for package in packages), default=0)
    manifest = f"s3://{os.environ['ARTIFACTS']}/automl/manifest.json"
    data = f"s3://{os.environ['DATA']}/automl/{event['path']}"
    return {"DataUri": data, "ManifestUri": manifest, "ChampionModel": manifest, "ChampionVersion": str(version)}
"""


def build(app: App, *, registers: bool = True) -> Stack:
    """The stack with the workload; the foundation is beside it."""
    platform = load(ROOT / "config" / "team.yaml")
    env = Environment(account=platform.account, region=platform.region)
    foundation = FoundationStack(app, f"{platform.prefix}-foundation", platform=platform, env=env)
    stack = Stack(app, f"{platform.prefix}-autopilot", env=env)
    group = sagemaker.CfnModelPackageGroup(stack, "PackageGroup", model_package_group_name=NAME) if registers else None
    Autopilot(
        stack,
        "Autopilot",
        name=NAME,
        folder=ROOT / "workloads" / "automl",
        workload=load_workload(ROOT / "workloads" / "automl" / "workload.yaml"),
        region=platform.region,
        data_bucket=foundation.data_bucket,
        artifact_bucket=foundation.artifact_bucket,
        key=foundation.key,
        network=foundation.network,
        begin=_begin(stack, foundation),
        tags=platform.tags,
        package_group=group,
    )
    foundation.guardrails.bind(app)
    for key, value in platform.tags.items():
        Tags.of(app).add(key, value)
    return stack


def _begin(stack: Stack, foundation: FoundationStack) -> lambda_.Function:
    role = Role(stack, "BeginRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    allow(role, ["sagemaker:ListModelPackages"], ["*"])
    buckets = {"DATA": foundation.data_bucket.bucket_name, "ARTIFACTS": foundation.artifact_bucket.bucket_name}
    return lambda_.Function(
        stack,
        "Begin",
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="index.handler",
        code=lambda_.Code.from_inline(BEGIN),
        role=role,
        environment={"GROUP": NAME, **buckets},
    )
