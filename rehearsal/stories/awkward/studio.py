"""Studio's apps and spaces, notebook instances and tracking servers of the cost story."""

from typing import TYPE_CHECKING, Any

from rehearsal.stories.awkward.table import Row

if TYPE_CHECKING:
    from rehearsal.stories.awkward.making import Awkward


def space(shop: "Awkward", row: Row, **settings: Any) -> str:
    domain, name = shop.domains[row.get("of", "us")]["DomainId"], row["name"]
    owned: Row = {
        "OwnershipSettings": {"OwnerUserProfileName": "ada"},
        "SpaceSharingSettings": {"SharingType": "Private"},
    }
    if row.get("in") == "shared":
        owned = {}
    given = {"SpaceSettings": settings} if settings else {}
    sagemaker = shop.client("sagemaker", shop.cloud.region)
    tags = shop.tags(row) if "tags" in row else []
    arn = sagemaker.create_space(DomainId=domain, SpaceName=name, Tags=tags, **owned, **given)["SpaceArn"]
    shop.cloud.control("advance", seconds=1)
    return arn


def app(shop: "Awkward", region: str, row: Row) -> str:
    kind = row.get("type", "JupyterLab")
    asked: Row = {"DomainId": shop.domains[row.get("of", "us")]["DomainId"], "AppType": kind}
    if row.get("in") == "profile":
        asked |= {"UserProfileName": "grace", "AppName": "default" if kind == "JupyterServer" else row["name"]}
    else:
        space(shop, row, **({"AppType": kind} if row.get("in") != "shared" else {}))
        asked |= {"SpaceName": row["name"], "AppName": "default"}
    if kind != "JupyterServer":
        asked["ResourceSpec"] = {"InstanceType": row.get("instance", "ml.t3.medium")}
    return shop.client("sagemaker", region).create_app(**asked)["AppArn"]


def notebook(shop: "Awkward", region: str, row: Row) -> str:
    sagemaker, name = shop.client("sagemaker", region), row["name"]
    asked = {"InstanceType": row.get("instance", "ml.t3.medium"), "RoleArn": shop.role_arn, "Tags": shop.tags(row)}
    arn = sagemaker.create_notebook_instance(NotebookInstanceName=name, **asked)["NotebookInstanceArn"]
    if row.get("state") == "stopped":
        shop.cloud.control("advance", seconds=1)
        sagemaker.stop_notebook_instance(NotebookInstanceName=name)
    return arn


def server(shop: "Awkward", region: str, row: Row) -> str:
    sagemaker, name = shop.client("sagemaker", region), {"TrackingServerName": row["name"]}
    asked = {"ArtifactStoreUri": "s3://awkward/mlflow", "RoleArn": shop.role_arn, "Tags": shop.tags(row)}
    arn = sagemaker.create_mlflow_tracking_server(**name, **asked)["TrackingServerArn"]
    if row.get("state") == "stopped":
        shop.cloud.control("advance", seconds=1)
        sagemaker.stop_mlflow_tracking_server(**name)
    return arn
