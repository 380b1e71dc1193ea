"""Studio's apps and spaces, those of Studio Classic too, and notebook instances."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from controls.inventory.place import Place, Row
from controls.inventory.usage import last_jupyter_entry
from controls.judgement.policy import HOURS_A_MONTH
from controls.resource import OWNER_TAG, Kind, Resource

# USD, above what AWS told (0.112 for a GB of gp3 a month, 1.9 for an hour of Canvas, us-east-1). Not verified.
_GB_MONTH = 0.15
_CANVAS_HOUR = 2.0
# `system` runs the server of Studio Classic and is free of charge.
_FREE = ("", "system")


def studio(place: Place, *, use: bool = True) -> Iterator[Resource]:
    """Apps, spaces and notebook instances; without `use`, not when they were last used."""
    spaces = {(row["DomainId"], row["SpaceName"]): row for row in _listed(place, Kind.SPACE, "list_spaces", "Spaces")}
    occupied: set[tuple[str, str]] = set()

    def read(row: Row) -> Resource | None:
        if row["Status"] in ("Deleted", "Failed"):
            return None  # an app that was deleted is still listed for a day
        place.apps.append(row)
        occupied.add((row["DomainId"], row.get("SpaceName") or ""))
        owner = row.get("UserProfileName") or _owner(spaces.get((row["DomainId"], row.get("SpaceName") or ""), {}))
        tags = _tags_of_app(place, row, owner)
        running = row["Status"] == "InService"  # in any other status nothing is to be done, so nothing is asked
        return _app(place, row, tags) if running and place.is_ours(tags) else None

    # By domain and not by user: an app in a space tells no user profile.
    yield from place.each(Kind.APP, place.listed("list_apps", "Apps"), read)
    known = Kind.APP not in place.troubles

    def read_space(row: Row) -> Resource | None:
        tags, key = _tags_of_space(place, row), (row["DomainId"], row["SpaceName"])
        return _space(place, row, tags, empty=known and key not in occupied) if place.is_ours(tags) else None

    yield from place.each(Kind.SPACE, spaces.values(), read_space)
    place.notebooks = _listed(place, Kind.NOTEBOOK_INSTANCE, "list_notebook_instances", "NotebookInstances")
    ours = (row for row in place.notebooks if place.ours(row["NotebookInstanceArn"]))
    yield from place.each(Kind.NOTEBOOK_INSTANCE, ours, lambda row: notebook_instance(place, row, use=use))


def _listed(place: Place, kind: Kind, operation: str, member: str) -> list[Row]:
    return list(place.each(kind, place.listed(operation, member), lambda row: row))


def again_app(place: Place, resource: Resource) -> Resource | None:
    """An app as it is now, with its own tags read anew beside those that it has from its space and domain."""
    asked = {name: value for name, value in resource.detail.items() if name != "parent"}
    told = place.described("describe_app", **asked)
    if told is None or told["Status"] == "Deleted":
        return None
    tags = dict(resource.tags)
    for arn in (resource.detail["parent"], resource.arn):
        tags |= place.tags.now_of(arn) or {}
    return _app(place, told, tags)


def _app(place: Place, row: Row, tags: Mapping[str, str]) -> Resource | None:
    """The list lacks the ARN and the activity, which are asked for where something runs and costs."""
    names = {name: row[name] for name in ("DomainId", "AppType", "AppName")}
    # DeleteApp and DescribeApp take one of the two, and an app in a space belongs to no user profile.
    within = "SpaceName" if row.get("SpaceName") else "UserProfileName"
    names[within] = row[within]
    instance_type = row.get("ResourceSpec", {}).get("InstanceType", "")
    usd, estimated = _price(place, row["AppType"], instance_type)
    told = row if "AppArn" in row else place.described("describe_app", **names)
    if told is None:
        return None
    arn = told["AppArn"]
    kind_of_parent = "space" if within == "SpaceName" else "user-profile"
    beginning = ":".join(arn.split(":")[:5])
    return place.resource(
        Kind.APP,
        f"{row[within]}/{row['AppType']}/{row['AppName']}",
        arn,
        status=told["Status"],
        created_at=told["CreationTime"],
        changed_at=told["CreationTime"],
        tags=tags,
        instance_type="" if instance_type in _FREE else instance_type,
        instance_count=1,
        usd_per_hour=usd,
        estimated=estimated,
        idle_since=_idle_since(place, arn, told),
        detail={**names, "parent": f"{beginning}:{kind_of_parent}/{row['DomainId']}/{row[within]}"},
    )


def _price(place: Place, app_type: str, instance_type: str) -> tuple[float, bool]:
    if instance_type in _FREE:
        return (_CANVAS_HOUR, True) if app_type == "Canvas" else (0.0, False)
    rate = place.prices.rate(place.region, "Studio", instance_type)
    return rate.usd_per_hour, rate.estimated


def _idle_since(place: Place, arn: str, told: Row) -> datetime:
    """Since when nobody is known to have used it.

    At a health check without activity SageMaker sets the time of activity to that of the check, so when somebody was
    last there is lost: it counts from the last sweep that saw activity, else from the first that saw none. Work
    between two sweeps that ends in quiet is not seen; the owner is told before anything is ended.
    """
    active, checked = told.get("LastUserActivityTimestamp"), told.get("LastHealthCheckTimestamp")
    if active is None:  # never opened
        return told["CreationTime"]
    if active != checked:
        place.since[arn] = active
        return active
    return place.first_seen(arn, not_before=told["CreationTime"])


def _tags_of_app(place: Place, row: Row, owner: str) -> dict[str, str]:
    """Those of its domain, profile or space and its own, a nearer one before a farther one."""
    domain, space = row["DomainId"], row.get("SpaceName")
    within = f"space/{domain}/{space}" if space else f"user-profile/{domain}/{row.get('UserProfileName')}"
    own = f"app/{domain}/{space or row.get('UserProfileName')}/{row['AppType']}/{row['AppName']}"
    return _owned(place.tags.at(f"domain/{domain}", within, own), owner)


def _tags_of_space(place: Place, row: Row) -> dict[str, str]:
    domain = row["DomainId"]
    return _owned(place.tags.at(f"domain/{domain}", f"space/{domain}/{row['SpaceName']}"), _owner(row))


def _owner(space: Row) -> str:
    return space.get("OwnershipSettingsSummary", {}).get("OwnerUserProfileName") or ""  # null is told of some


def _owned(tags: dict[str, str], owner: str) -> dict[str, str]:
    """A user profile is its owner's name, where no tag says whose it is."""
    return {OWNER_TAG: owner, **tags} if owner else tags


def _space(place: Place, row: Row, tags: Mapping[str, str], *, empty: bool) -> Resource:
    arn = f"{place.domains[row['DomainId']].replace(':domain/', ':space/')}/{row['SpaceName']}"
    storage = row.get("SpaceSettingsSummary", {}).get("SpaceStorageSettings", {}).get("EbsStorageSettings", {})
    usd = storage.get("EbsVolumeSizeInGb", 0) * _GB_MONTH / HOURS_A_MONTH
    return place.resource(
        Kind.SPACE,
        row["SpaceName"],
        arn,
        status=row["Status"],
        created_at=row["CreationTime"],
        changed_at=row["LastModifiedTime"],
        tags=tags,
        usd_per_hour=usd,
        estimated=usd > 0,
        orphan_since=place.first_seen(arn, not_before=row["CreationTime"]) if empty else None,
        orphan="no app runs in it" if empty else "",
    )


def notebook_instance(place: Place, row: Row, *, use: bool = True) -> Resource:
    """`row`: as ListNotebookInstances or DescribeNotebookInstance tells of it."""
    rate = place.prices.rate(place.region, "Notebook", row["InstanceType"])
    running = row["NotebookInstanceStatus"] == "InService"
    return place.resource(
        Kind.NOTEBOOK_INSTANCE,
        row["NotebookInstanceName"],
        row["NotebookInstanceArn"],
        status=row["NotebookInstanceStatus"],
        created_at=row["CreationTime"],
        changed_at=row["LastModifiedTime"],
        instance_type=row["InstanceType"],
        instance_count=1,
        usd_per_hour=rate.usd_per_hour if running else 0.0,
        estimated=rate.estimated,
        idle_since=last_jupyter_entry(place, row["NotebookInstanceName"]) if use and running else None,
    )
