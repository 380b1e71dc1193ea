"""Studio: domains, profiles, spaces and apps. An app is a record with a state and activity; nothing runs in it."""

import itertools
import json
import secrets
from typing import TYPE_CHECKING, Any

from rehearsal.sagemaker.store import AwsError, Record

if TYPE_CHECKING:
    from rehearsal.sagemaker.service import Service

# Developer guide, "Amazon SageMaker Studio": what JupyterLab and Code Editor start on when nobody chose.
# JupyterServer always runs on the instance type `system`. Other types of app have no default here.
_DEFAULT_INSTANCE = {"JupyterLab": "ml.t3.medium", "CodeEditor": "ml.t3.medium", "JupyterServer": "system"}
_UIDS = itertools.count(200_001)


def complete_domain(service: "Service", record: Record) -> None:
    for other in service.store.all("Domain"):
        if other["DomainName"] == record["DomainName"]:
            raise AwsError("ResourceInUse", f'Cannot create already existing domain "{other["DomainArn"]}".')
    record["DomainId"] = f"d-{secrets.token_hex(6)}"
    if record.get("HomeEfsFileSystemCreation") != "Disabled":
        record["HomeEfsFileSystemId"] = f"fs-{secrets.token_hex(9)[:17]}"
    record["Url"] = f"https://{record['DomainId']}.studio.invalid"


def complete_profile(service: "Service", record: Record) -> None:
    _in_service(service, "Domain", record)
    record["HomeEfsFileSystemUid"] = str(next(_UIDS))


def complete_space(service: "Service", record: Record) -> None:
    domain = _in_service(service, "Domain", record)
    # Terraform's documentation of aws_sagemaker_space: each of the two is required when the other is given. A space
    # without them, as Studio Classic shares them, has no owner.
    if ("OwnershipSettings" in record) != ("SpaceSharingSettings" in record):
        raise AwsError("ValidationException", "OwnershipSettings and SpaceSharingSettings are given together or not.")
    if "OwnershipSettings" in record:
        owner = record["OwnershipSettings"]["OwnerUserProfileName"]
        _in_service(service, "UserProfile", {**record, "UserProfileName": owner})
    if domain["TagPropagation"] == "ENABLED":
        _inherit_tags(record, domain)
    record["HomeEfsFileSystemUid"] = str(next(_UIDS))
    record["Url"] = f"{domain['Url']}/{record['SpaceName']}"


def complete_app(service: "Service", record: Record) -> None:
    """Its instance type is the app's own, else the space's or profile's, else the domain's (API, CreateApp)."""
    domain, kind = _in_service(service, "Domain", record), record["AppType"]
    if "SpaceName" in record:
        space = _in_service(service, "Space", record)
        settings = [space.get("SpaceSettings", {}), domain.get("DefaultSpaceSettings", {})]
        expected = settings[0].get("AppType", kind)
        if expected != kind:  # API reference, SpaceSettings: the type of app created within the space
            raise AwsError("ValidationException", f"Space {space['SpaceArn']} is for {expected} apps, not for {kind}.")
    else:
        profile = _in_service(service, "UserProfile", record)
        _inherit_tags(record, profile)
        settings = [profile.get("UserSettings", {}), domain["DefaultUserSettings"]]
    _inherit_tags(record, domain)
    given = [record.get("ResourceSpec", {})]
    given += [each.get(f"{kind}AppSettings", {}).get("DefaultResourceSpec", {}) for each in settings]
    instance_type = next((spec["InstanceType"] for spec in given if "InstanceType" in spec), None)
    instance_type = instance_type or _DEFAULT_INSTANCE.get(kind)
    if instance_type is None and kind == "KernelGateway":
        raise AwsError("ValidationException", "InstanceType is not given for a KernelGateway app, nor by any default.")
    if instance_type:
        record["ResourceSpec"] = {**given[0], "InstanceType": instance_type}


def _inherit_tags(record: Record, above: Record) -> None:
    """Add the tags of what a record is launched in, which give way to its own."""
    own = record.get("Tags", [])
    held = {tag["Key"] for tag in own}
    record["Tags"] = own + [tag for tag in above.get("Tags", []) if tag["Key"] not in held]


def is_up(service: "Service", record: Record) -> None:
    """The first health check of an app. Nobody has opened it yet, so it has no time of activity."""
    if record["Status"] == "InService":
        record["LastHealthCheckTimestamp"] = service.clock.now()


def refuse_what_is_used(service: "Service", record: Record) -> None:
    """A lifecycle configuration that settings or running apps name stays (API, DeleteStudioLifecycleConfig).

    Raises AwsError, in words that are not verified.
    """
    arn = record["StudioLifecycleConfigArn"]
    for noun in ("Domain", "UserProfile", "Space", "App"):
        for user in service.store.all(noun):
            if user["Status"] != "Deleted" and arn in json.dumps(user):
                raise AwsError("ResourceInUse", f"{arn} is used by {user[f'{noun}Arn']}.")


def set_activity(service: "Service", arn: str, user: float | None, health: float | None) -> None:
    """When an app was last used and last found healthy, in seconds since the epoch; None: never.

    AWS sets both to the same moment when a health check finds no activity (API reference, DescribeApp). Raises
    ValueError when there is no such app.
    """
    with service.lock:
        app = next((app for app in service.store.all("App") if app["AppArn"] == arn), None)
        if app is None:
            raise ValueError(f"no app {arn}")
        app.update(LastUserActivityTimestamp=user, LastHealthCheckTimestamp=health)


def settings_after(record: Record, request: dict[str, Any]) -> dict[str, Any]:
    """An update's members as Describe tells them: a domain's settings come under another name, metadata are added.

    That an update adds metadata follows from its CustomerMetadataPropertiesToRemove; AWS does not say so.
    """
    request = dict(request)
    if "CustomerMetadataProperties" in request:
        request["CustomerMetadataProperties"] = (
            record.get("CustomerMetadataProperties", {}) | request["CustomerMetadataProperties"]
        )
    if "DomainSettingsForUpdate" in request:
        request["DomainSettings"] = record.get("DomainSettings", {}) | request.pop("DomainSettingsForUpdate")
    return request


def _in_service(service: "Service", noun: str, members: Record) -> Record:
    """AWS's words for what is made in a domain that is not ready are not documented."""
    found = service.store.find(noun, **members)
    if found["Status"] != "InService":
        raise AwsError("ValidationException", f"{noun} [{found[f'{noun}Arn']}] is {found['Status']}, not InService.")
    return found
