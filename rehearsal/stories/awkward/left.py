"""What nothing needs any more, or seems not to."""

import secrets
from typing import TYPE_CHECKING

from rehearsal.embedded import ACCOUNT
from rehearsal.stories.awkward.studio import space
from rehearsal.stories.awkward.table import IMAGE, Row

if TYPE_CHECKING:
    from rehearsal.stories.awkward.making import Awkward


def lifecycle(shop: "Awkward", region: str, row: Row) -> str:
    sagemaker = shop.client("sagemaker", region)
    asked = {"StudioLifecycleConfigContent": "ZWNobw==", "StudioLifecycleConfigAppType": "JupyterLab"}
    asked |= {"StudioLifecycleConfigName": row["name"]}
    arn = sagemaker.create_studio_lifecycle_config(**asked, Tags=shop.tags(row))["StudioLifecycleConfigArn"]
    if "needed" in row:
        names = {"DomainId": shop.domains["us"]["DomainId"], "UserProfileName": "awkward"}
        settings = {"ExecutionRole": shop.role_arn, "JupyterLabAppSettings": {"LifecycleConfigArns": [arn]}}
        sagemaker.create_user_profile(**names, UserSettings=settings)
    return arn


def setup(shop: "Awkward", region: str, row: Row) -> str:
    """A lifecycle configuration of notebook instances."""
    sagemaker = shop.client("sagemaker", region)
    made = sagemaker.create_notebook_instance_lifecycle_config(
        NotebookInstanceLifecycleConfigName=row["name"], Tags=shop.tags(row)
    )
    if "needed" in row:
        asked = {"InstanceType": "ml.t3.medium", "RoleArn": shop.role_arn, "LifecycleConfigName": row["name"]}
        sagemaker.create_notebook_instance(NotebookInstanceName="with-setup", **asked)
    return made["NotebookInstanceLifecycleConfigArn"]


def image(shop: "Awkward", region: str, row: Row) -> str:
    asked = {"ImageName": row["name"], "RoleArn": shop.role_arn, "Tags": shop.tags(row)}
    arn = shop.client("sagemaker", region).create_image(**asked)["ImageArn"]
    if "needed" in row:
        images = [{"ImageName": row["name"], "AppImageConfigName": "none"}]
        space(shop, {"name": "with-image", "in": "shared"}, KernelGatewayAppSettings={"CustomImages": images})
    return arn


def files(shop: "Awkward", region: str, row: Row) -> str:
    arn = shop.domains["us"]["DomainArn"]
    told = arn if "needed" in row else f"{arn.rpartition('/')[0]}/d-gone00000000"
    tags = [*shop.tags(row), {"Key": "ManagedByAmazonSageMakerResource", "Value": told}]
    made = shop.client("efs", region).create_file_system(CreationToken=row["name"], Tags=tags)
    return made["FileSystemArn"]


def schedule(shop: "Awkward", region: str, row: Row) -> str:
    place = "/opt/ml/processing"
    definition = {
        "MonitoringInputs": [{"EndpointInput": {"EndpointName": row["watches"], "LocalPath": f"{place}/in"}}],
        "MonitoringOutputConfig": {
            "MonitoringOutputs": [{"S3Output": {"S3Uri": "s3://awkward/out", "LocalPath": f"{place}/out"}}]
        },
        "MonitoringResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
        "MonitoringAppSpecification": {"ImageUri": IMAGE},
        "RoleArn": shop.role_arn,
    }
    return shop.client("sagemaker", region).create_monitoring_schedule(
        MonitoringScheduleName=row["name"],
        MonitoringScheduleConfig={"MonitoringJobDefinition": definition, "MonitoringType": "DataQuality"},
        Tags=shop.tags(row),
    )["MonitoringScheduleArn"]


def log_group(shop: "Awkward", region: str, row: Row) -> str:
    logs, name = shop.client("logs", region), row["name"]
    logs.create_log_group(logGroupName=name, tags={tag["Key"]: tag["Value"] for tag in shop.tags(row)})
    if "retention" in row:
        logs.put_retention_policy(logGroupName=name, retentionInDays=row["retention"])
    if row.get("written"):
        logs.create_log_stream(logGroupName=name, logStreamName="s")
        event = {"timestamp": int(shop.now() * 1000), "message": "written"}
        logs.put_log_events(logGroupName=name, logStreamName="s", logEvents=[event])
    return f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{name}"


def package(shop: "Awkward", region: str, row: Row) -> str:
    sagemaker, (group, version) = shop.client("sagemaker", region), row["name"].split("/")
    if version == "1":
        sagemaker.create_model_package_group(ModelPackageGroupName=group, Tags=shop.tags(row))
    approval = "Approved" if row.get("approved") else "PendingManualApproval"
    asked = {"ModelPackageGroupName": group, "ModelApprovalStatus": approval, "ClientToken": secrets.token_hex(8)}
    return sagemaker.create_model_package(**asked)["ModelPackageArn"]
