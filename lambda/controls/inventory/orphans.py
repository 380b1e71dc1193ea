"""What nothing needs any more, and since when the sweeps have seen it so."""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from controls.inventory.attachments import attached
from controls.inventory.place import Place, Row
from controls.inventory.serving import Serving
from controls.judgement.policy import HOURS_A_MONTH
from controls.resource import Kind, Resource

SAGEMAKER_LOGS = "/aws/sagemaker"
_MANAGED = "ManagedByAmazonSageMakerResource"
# USD for a GB of EFS a month, above what us-east-1 was told to cost (0.30). Not verified.
_GB_MONTH = 0.35


def orphans(place: Place, serving: Serving) -> Iterator[Resource]:
    """Each kind of them; of a kind that depends on what could not be read, none."""
    configs = _listed(place, Kind.ENDPOINT_CONFIG, "list_endpoint_configs", "EndpointConfigs")
    models = _listed(place, Kind.MODEL, "list_models", "Models")
    # Listed before whatever uses them, so that what was made meanwhile is never without its user.
    serving.read()
    yield from serving.resources()
    yield from _configs(place, serving, configs)
    yield from _models(place, serving, configs, models)
    yield from _schedules(place, serving)
    yield from _packages(place, [row["ModelName"] for row in models])
    yield from _attachable(place)
    yield from _notebook_configs(place)
    yield from _file_systems(place)
    yield from _log_groups(place)


def _listed(place: Place, kind: Kind, operation: str, member: str) -> list[Row]:
    return list(place.each(kind, place.listed(operation, member), lambda row: row))


def _orphan(place: Place, kind: Kind, name: str, arn: str, created: datetime, why: str, **known: Any) -> Resource:
    return place.resource(
        kind,
        name,
        arn,
        created_at=created,
        changed_at=created,
        orphan_since=place.first_seen(arn, not_before=created),
        orphan=why,
        **{"status": "", **known},
    )


def _configs(place: Place, serving: Serving, configs: list[Row]) -> Iterator[Resource]:
    used = {name for row in serving.endpoints for name in configs_of(row)} | {*place.memory.restorable.values()}
    for row in configs if Kind.ENDPOINT not in place.troubles else ():
        name, arn = row["EndpointConfigName"], row["EndpointConfigArn"]
        if name not in used and place.ours(arn):
            yield _orphan(place, Kind.ENDPOINT_CONFIG, name, arn, row["CreationTime"], "no endpoint uses it")


def configs_of(endpoint: Row) -> set[str]:
    """What it runs with, and what it is being changed to."""
    told = (endpoint, endpoint.get("PendingDeploymentSummary", {}))
    return {each["EndpointConfigName"] for each in told if "EndpointConfigName" in each}


def _models(place: Place, serving: Serving, configs: list[Row], models: list[Row]) -> Iterator[Resource]:
    if not any(place.ours(row["ModelArn"]) for row in models):
        return
    told = place.each(Kind.ENDPOINT_CONFIG, configs, lambda row: serving.config(row["EndpointConfigName"]))
    used = {name for config in told for name in models_of(config)}
    used |= {row.get("Specification", {}).get("ModelName") for row in serving.components}
    alone = [row for row in models if row["ModelName"] not in used and place.ours(row["ModelArn"])]
    if alone:
        lately = place.now - timedelta(days=place.policy.orphan_days)
        used = {*transformed(place, LastModifiedTimeAfter=lately), *transformed(place, StatusEquals="InProgress")}
    unread = {Kind.ENDPOINT_CONFIG, Kind.INFERENCE_COMPONENT, Kind.TRANSFORM_JOB} & place.troubles.keys()
    for row in alone if not unread else ():
        name, arn = row["ModelName"], row["ModelArn"]
        if name not in used:
            why = "no endpoint configuration or transform job uses it"
            yield _orphan(place, Kind.MODEL, name, arn, row["CreationTime"], why)


def transformed(place: Place, **filters: Any) -> Iterator[str]:
    """The models of these transform jobs."""

    def read(row: Row) -> str | None:
        told = place.described("describe_transform_job", TransformJobName=row["TransformJobName"])
        return told.get("ModelName") if told else None

    rows = place.listed("list_transform_jobs", "TransformJobSummaries", **filters)
    yield from place.each(Kind.TRANSFORM_JOB, rows, read)


def models_of(config: Row) -> set[str]:
    variants = [*config.get("ProductionVariants", []), *config.get("ShadowProductionVariants", [])]
    return {variant["ModelName"] for variant in variants if "ModelName" in variant}


def _schedules(place: Place, serving: Serving) -> Iterator[Resource]:
    there = {row["EndpointName"] for row in serving.endpoints} | place.memory.restorable.keys()
    rows = _listed(place, Kind.MONITORING_SCHEDULE, "list_monitoring_schedules", "MonitoringScheduleSummaries")
    for row in rows if Kind.ENDPOINT not in place.troubles else ():
        endpoint, arn = row.get("EndpointName"), row["MonitoringScheduleArn"]
        if endpoint and endpoint not in there and place.ours(arn):
            yield _orphan(
                place,
                Kind.MONITORING_SCHEDULE,
                row["MonitoringScheduleName"],
                arn,
                row["CreationTime"],
                f"its endpoint {endpoint} is gone",
                detail={"endpoint": endpoint},
            )


def _packages(place: Place, models: Collection[str]) -> Iterator[Resource]:
    """Versions that are not approved, beyond the newest `keep_versions` of their group, whose tags are theirs."""
    if Kind.MODEL in place.troubles:
        return
    for group in _listed(place, Kind.MODEL_PACKAGE, "list_model_package_groups", "ModelPackageGroupSummaryList"):
        name, group_arn = group["ModelPackageGroupName"], group["ModelPackageGroupArn"]
        # By name as well: IAM knows no tags of a version.
        if not place.ours(group_arn) or not (name.startswith(f"{place.policy.platform}-") or not place.policy.own_only):
            continue
        rows = place.listed("list_model_packages", "ModelPackageSummaryList", ModelPackageGroupName=name)
        versions = list(place.each(Kind.MODEL_PACKAGE, rows, lambda row: row))
        waiting = [row for row in versions if row.get("ModelApprovalStatus") != "Approved"]
        waiting.sort(key=lambda row: row["ModelPackageVersion"], reverse=True)
        for row in waiting[place.policy.keep_versions :]:
            version = row["ModelPackageVersion"]
            # Promotion names a model after its version; one that was rejected later may still be served.
            if any(model.startswith(f"{name}-v{version}-") for model in models):
                continue
            yield _orphan(
                place,
                Kind.MODEL_PACKAGE,
                f"{name}/{version}",
                row["ModelPackageArn"],
                row["CreationTime"],
                f"{place.policy.keep_versions} later versions of {name} are not approved either",
                tags=place.tags.of(group_arn),
                detail={"group": group_arn},
            )


def _attachable(place: Place) -> Iterator[Resource]:
    configs = _listed(place, Kind.LIFECYCLE_CONFIG, "list_studio_lifecycle_configs", "StudioLifecycleConfigs")
    images = _listed(place, Kind.IMAGE, "list_images", "Images")
    candidates = [
        *(
            (Kind.LIFECYCLE_CONFIG, row["StudioLifecycleConfigName"], row["StudioLifecycleConfigArn"], row)
            for row in configs
        ),
        *((Kind.IMAGE, row["ImageName"], row["ImageArn"], row) for row in images),
    ]
    ours = [each for each in candidates if place.ours(each[2])]
    used = attached(place) if ours else set[str]()
    for kind, name, arn, row in ours:
        if used is not None and not {arn, name} & used:
            why = "no domain, user profile, space or app names it"
            yield _orphan(place, kind, name, arn, row["CreationTime"], why)


def _notebook_configs(place: Place) -> Iterator[Resource]:
    kind, noun = Kind.NOTEBOOK_LIFECYCLE_CONFIG, "NotebookInstanceLifecycleConfig"
    rows = _listed(place, kind, "list_notebook_instance_lifecycle_configs", f"{noun}s")
    used = {row.get(f"{noun}Name") for row in place.notebooks}
    for row in rows if Kind.NOTEBOOK_INSTANCE not in place.troubles else ():
        name, arn = row[f"{noun}Name"], row[f"{noun}Arn"]
        if name not in used and place.ours(arn):
            yield _orphan(place, kind, name, arn, row["CreationTime"], "no notebook instance uses it")


def _file_systems(place: Place) -> Iterator[Resource]:
    """Those of domains that are gone: a domain's file system outlives it."""

    def read(row: Row) -> Resource | None:
        tags = {tag["Key"]: tag["Value"] for tag in row.get("Tags", [])}
        domain = tags.get(_MANAGED)
        if domain is None or domain in place.domains.values() or domain.split(":")[3] != place.region:
            return None
        usd = row["SizeInBytes"]["Value"] / 1e9 * _GB_MONTH / HOURS_A_MONTH
        name, arn, created = row["FileSystemId"], row["FileSystemArn"], row["CreationTime"]
        known = {"tags": tags, "usd_per_hour": usd, "estimated": True, "status": row["LifeCycleState"]}
        return _orphan(place, Kind.FILE_SYSTEM, name, arn, created, f"its domain {domain} is gone", **known)

    rows = place.listed("describe_file_systems", "FileSystems", service="efs")
    yield from (each for each in place.each(Kind.FILE_SYSTEM, rows, read) if place.is_ours(each.tags))


def _log_groups(place: Place) -> Iterator[Resource]:
    def read(row: Row) -> Resource | None:
        arn = row["arn"].removesuffix(":*")
        if row.get("storedBytes", 0) or "retentionInDays" in row or not place.ours(arn):
            return None
        created = datetime.fromtimestamp(row["creationTime"] / 1000, UTC)
        return _orphan(place, Kind.LOG_GROUP, row["logGroupName"], arn, created, "is empty and keeps logs for ever")

    rows = place.listed("describe_log_groups", "logGroups", service="logs", logGroupNamePrefix=SAGEMAKER_LOGS)
    yield from place.each(Kind.LOG_GROUP, rows, read)
