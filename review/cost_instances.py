"""What bills by the hour: notebook instances, apps, clusters, MLflow servers."""

from collections.abc import Iterator
from typing import Any

from review.cloud_assembly import Resource, Stack
from review.cost_charge import COUNT_UNKNOWN, TYPE_UNKNOWN, Charge, dated, guessed, is_type
from review.cost_prices import HOURS, ML_STORAGE, MLFLOW, MLFLOW_TOLD, SPACE_STORAGE
from review.cost_side import Side

# A month of one who works five days a week, eight hours a day, and stops what is not in use.
WORKING_HOURS = 168
STUDIO_TYPE = "ml.t3.medium"  # what Studio offers first
_NOTEBOOK_GB, _SPACE_GB = 5, 5  # AWS's defaults


def notebook(side: Side, stack: Stack, resource: Resource) -> Charge:
    values = side.values(stack)
    kind = values.at(resource.properties, "InstanceType")
    size = values.number(resource.properties, "VolumeSizeInGB", default=_NOTEBOOK_GB)
    return _worked(side, stack, "Notebook", kind, size)


def app(side: Side, stack: Stack, resource: Resource) -> Charge:
    values = side.values(stack)
    if values.at(resource.properties, "ResourceSpec", "InstanceType") == "system":
        return Charge(0.0, 0.0, "AWS runs it for nothing")
    kind = values.at(resource.properties, "ResourceSpec", "InstanceType")
    return _worked(side, stack, "Studio", STUDIO_TYPE if kind is None else kind, 0)


def profile(side: Side, stack: Stack, resource: Resource) -> Charge:
    """A person at work: one app of the type that is theirs, their domain's, or Studio's own first choice."""
    for holder in _settings(side, stack, resource):
        for settings in ("JupyterLabAppSettings", "CodeEditorAppSettings", "KernelGatewayAppSettings"):
            kind = side.values(holder[0]).at(holder[1], settings, "DefaultResourceSpec", "InstanceType")
            if kind is not None and kind != "system":
                return _worked(side, stack, "Studio", kind, 0, "one app")
    return _worked(side, stack, "Studio", STUDIO_TYPE, 0, "one app")


def _settings(side: Side, stack: Stack, resource: Resource) -> Iterator[tuple[Stack, Any]]:
    yield stack, side.values(stack).at(resource.properties, "UserSettings")
    named = side.values(stack).raw(resource.properties, "DomainId")
    for home, logical_id in side.named(stack, named, "AWS::SageMaker::Domain"):
        domain = side.stacks[home]
        yield domain, side.values(domain).at(domain.resources[logical_id].properties, "DefaultUserSettings")


def _worked(side: Side, stack: Stack, component: str, kind: Any, gigabytes: float | None, what: str = "") -> Charge:
    if not is_type(kind) or gigabytes is None:
        return Charge(unpriced="its volume is not known from the template" if gigabytes is None else TYPE_UNKNOWN)
    rate = side.rate(stack, component, kind)
    stored = gigabytes * ML_STORAGE.usd
    forgotten = rate.usd_per_hour * HOURS + stored
    told = f"{kind}, {WORKING_HOURS} h of work{guessed(rate)}; {forgotten:,.2f} if it is never stopped"
    told = f"{what} on {told}" if what else told
    dates = (*dated(rate), *((ML_STORAGE.as_of,) if stored else ()))
    return Charge(rate.usd_per_hour * WORKING_HOURS + stored, stored, told, rate.estimated, dates=dates)


def space(side: Side, stack: Stack, resource: Resource) -> Charge:
    where = ("SpaceSettings", "SpaceStorageSettings", "EbsStorageSettings", "EbsVolumeSizeInGb")
    size = side.values(stack).number(resource.properties, *where, default=_SPACE_GB)
    if size is None:
        return Charge(unpriced="its volume is not known from the template")
    usd = size * SPACE_STORAGE.usd
    return Charge(usd, usd, f"{size:g} GB; its apps are counted with their users", dates=(SPACE_STORAGE.as_of,))


def cluster(side: Side, stack: Stack, resource: Resource) -> Charge:
    values = side.values(stack)
    usd, told, dates = 0.0, [], []
    groups = values.items(resource.properties, "InstanceGroups")
    for group in groups:
        kind, count = values.at(group, "InstanceType"), values.number(group, "InstanceCount")
        if not is_type(kind) or count is None:
            return Charge(unpriced=COUNT_UNKNOWN if is_type(kind) else TYPE_UNKNOWN)
        rate = side.rate(stack, "Cluster", kind)
        usd, dates = usd + count * rate.usd_per_hour * HOURS, [*dates, *dated(rate)]
        told.append(f"{count:g} x {kind}, {HOURS} h{guessed(rate)}")
    if not groups:
        return Charge(unpriced="its instances are not known from the template")
    return Charge(usd, usd, "; ".join(told), estimated=True, dates=tuple(dates))


def mlflow(side: Side, stack: Stack, resource: Resource) -> Charge:
    size = side.values(stack).at(resource.properties, "TrackingServerSize")
    size = "Small" if size is None else size
    if not isinstance(size, str) or size not in MLFLOW:
        return Charge(unpriced="its size is not known from the template")
    price = MLFLOW[size]
    usd = price.usd * HOURS
    return Charge(usd, usd, f"{size}, {HOURS} h, never stopped", size not in MLFLOW_TOLD, dates=(price.as_of,))
