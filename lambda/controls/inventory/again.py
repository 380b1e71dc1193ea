"""One resource once more, right before something is done to it."""

from collections.abc import Callable
from dataclasses import replace

from controls.inventory.jobs import job
from controls.inventory.mlflow import tracking_server
from controls.inventory.orphans import configs_of, models_of, transformed
from controls.inventory.place import Place
from controls.inventory.serving import Serving, copies_of, wanted_copies
from controls.inventory.studio import again_app, notebook_instance
from controls.inventory.usage import last_invoked
from controls.resource import JOBS, Kind, Resource


def again(place: Place, resource: Resource) -> Resource | None:
    """As it is now, with the tags that it has now; None when it is gone."""
    if resource.kind is Kind.APP:
        return again_app(place, resource)
    found = _WAYS[resource.kind](place, resource)
    # A version has the tags of its group.
    tags = place.tags.now_of(resource.detail.get("group", resource.arn)) if found else None
    return replace(found, tags=tags) if found and tags is not None else None


def _endpoint(place: Place, resource: Resource) -> Resource | None:
    serving = Serving(place)
    serving.read_one(resource.name)
    return next((each for each in serving.resources() if each.kind is Kind.ENDPOINT), None)


def _component(place: Place, resource: Resource) -> Resource | None:
    told = place.described("describe_inference_component", InferenceComponentName=resource.name)
    if told is None:
        return None
    last = last_invoked(place, {resource.arn: [{"InferenceComponentName": resource.name}]})[resource.arn]
    usd = resource.usd_per_hour if copies_of(told) else 0.0
    now = {"status": told["InferenceComponentStatus"], "changed_at": told["LastModifiedTime"]}
    detail = {**resource.detail, "copies": str(wanted_copies(told))}
    return replace(resource, idle_since=last, usd_per_hour=usd, detail=detail, **now)


def _notebook_instance(place: Place, resource: Resource) -> Resource | None:
    told = place.described("describe_notebook_instance", NotebookInstanceName=resource.name)
    return notebook_instance(place, told) if told else None


def _job(place: Place, resource: Resource) -> Resource | None:
    return job(place, resource.kind, resource.name)


def _tracking_server(place: Place, resource: Resource) -> Resource | None:
    return tracking_server(place, resource.name, resource.idle_since)


def _config(place: Place, resource: Resource) -> Resource | None:
    """Used again by an endpoint that was made or changed since the sweep began, or is in the midst of it?"""
    filters = [{"LastModifiedTimeAfter": place.now}, {"StatusEquals": "Creating"}, {"StatusEquals": "Updating"}]
    rows = [row for each in filters for row in place.listed("list_endpoints", "Endpoints", **each)]
    names = {row["EndpointName"] for row in rows}
    told = [place.described("describe_endpoint", EndpointName=name) for name in sorted(names)]
    used = any(each and resource.name in configs_of(each) for each in told)
    there = place.described("describe_endpoint_config", EndpointConfigName=resource.name)
    return _unless(used, resource) if there else None


def _model(place: Place, resource: Resource) -> Resource | None:
    made = place.listed("list_endpoint_configs", "EndpointConfigs", CreationTimeAfter=place.now)
    told = [place.described("describe_endpoint_config", EndpointConfigName=row["EndpointConfigName"]) for row in made]
    used = any(each and resource.name in models_of(each) for each in told)
    used = used or resource.name in transformed(place, StatusEquals="InProgress")
    there = place.described("describe_model", ModelName=resource.name)
    return _unless(used, resource) if there else None


def _lifecycle_config(place: Place, resource: Resource) -> Resource | None:
    """Whether one is attached again, AWS itself looks at when it is asked to delete it; and at images."""
    there = place.described("describe_studio_lifecycle_config", StudioLifecycleConfigName=resource.name)
    return resource if there else None


def _notebook_config(place: Place, resource: Resource) -> Resource | None:
    """Nothing tells that AWS keeps one that is used."""
    member, operation = "NotebookInstanceLifecycleConfigName", "describe_notebook_instance_lifecycle_config"
    named = {f"{member}Contains": resource.name}
    rows = place.listed("list_notebook_instances", "NotebookInstances", **named)
    used = any(row.get(member) == resource.name for row in rows)
    return _unless(used, resource) if place.described(operation, **{member: resource.name}) else None


def _image(place: Place, resource: Resource) -> Resource | None:
    return resource if place.described("describe_image", ImageName=resource.name) else None


def _schedule(place: Place, resource: Resource) -> Resource | None:
    there = place.described("describe_monitoring_schedule", MonitoringScheduleName=resource.name)
    endpoint = place.described("describe_endpoint", EndpointName=resource.detail["endpoint"])
    return _unless(endpoint is not None, resource) if there else None


def _package(place: Place, resource: Resource) -> Resource | None:
    told = place.described("describe_model_package", ModelPackageName=resource.arn)
    return _unless(told.get("ModelApprovalStatus") == "Approved", resource) if told else None


def _log_group(place: Place, resource: Resource) -> Resource | None:
    """The size that its list tells is hours old; a stream tells that something writes to it."""
    told = place.described("describe_log_streams", service="logs", logGroupName=resource.name, limit=1)
    return _unless(bool(told["logStreams"]), resource) if told else None


def _unless(needed: bool, resource: Resource) -> Resource:
    return replace(resource, orphan_since=None, orphan="") if needed else resource


_WAYS: dict[Kind, Callable[[Place, Resource], Resource | None]] = {
    Kind.ENDPOINT: _endpoint,
    Kind.INFERENCE_COMPONENT: _component,
    Kind.NOTEBOOK_INSTANCE: _notebook_instance,
    Kind.MLFLOW_SERVER: _tracking_server,
    Kind.ENDPOINT_CONFIG: _config,
    Kind.MODEL: _model,
    Kind.LIFECYCLE_CONFIG: _lifecycle_config,
    Kind.NOTEBOOK_LIFECYCLE_CONFIG: _notebook_config,
    Kind.IMAGE: _image,
    Kind.MONITORING_SCHEDULE: _schedule,
    Kind.MODEL_PACKAGE: _package,
    Kind.LOG_GROUP: _log_group,
    **dict.fromkeys(JOBS, _job),
}
