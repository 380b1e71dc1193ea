"""What bills by the hour while it exists: endpoints, notebook instances, apps, clusters, MLflow servers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from review.cloud_assembly import Resource, Stack
from review.cost_prices import HOURS, ML_STORAGE, MLFLOW, MLFLOW_TOLD, SPACE_STORAGE
from review.cost_side import Charge, Side, dated
from review.cost_values import UNKNOWN, Values

# A month of one who works five days a week, eight hours a day, and stops what is not in use.
WORKING_HOURS = 168
STUDIO_TYPE = "ml.t3.medium"  # what Studio offers first
_NOTEBOOK_GB, _SPACE_GB = 5, 5  # AWS's defaults
_TYPE_UNKNOWN = "instance type is not known from the template"
_COUNT_UNKNOWN = "number of instances is not known from the template"


@dataclass(frozen=True)
class _Range:
    """How many instances there are: when idle, at the most, and what says so."""

    least: float
    most: float
    told: str

    @property
    def between(self) -> float:
        return (self.least + self.most) / 2


def endpoint(side: Side, stack: Stack, resource: Resource) -> Charge:
    """All its variants, as its configuration in the same application describes them."""
    keys = [*side.named(stack, resource.properties.get("EndpointConfigName"), "AWS::SageMaker::EndpointConfig")]
    if not keys:
        return Charge(unpriced="its endpoint configuration is not part of these stacks")
    home = side.stacks[keys[0][0]]
    config, values = home.resources[keys[0][1]], side.values(home)
    usd, idle, estimated, told, unpriced, dates = 0.0, 0.0, False, [], [], []
    variants = [
        each
        for kind in ("ProductionVariants", "ShadowProductionVariants")
        for each in values.items(config.properties, kind)
    ]
    if not variants:
        return Charge(unpriced="its variants are not known from the template")
    for variant in variants:
        name = values.text(variant, "VariantName") or "variant"
        found = _variant(side, stack, resource, home, variant)
        if found.unpriced:
            unpriced.append(f"{name}: {found.unpriced}")
        if found.usd is not None and found.idle is not None:
            usd, idle = usd + found.usd, idle + found.idle
            estimated, dates = estimated or found.estimated, [*dates, *found.dates]
            told.append(f"{name}: {found.assumption}")
    priced = bool(told)
    return Charge(
        usd if priced else None,
        idle if priced else None,
        "; ".join(told),
        estimated,
        "; ".join(unpriced),
        tuple(dates),
    )


def _variant(side: Side, stack: Stack, resource: Resource, home: Stack, variant: Any) -> Charge:
    values = side.values(home)
    if values.at(variant, "ServerlessConfig") is not None:
        if values.at(variant, "ServerlessConfig", "ProvisionedConcurrency") is not None:
            return Charge(unpriced="no price of serverless provisioned concurrency is known here")
        return Charge(unpriced="by use: serverless, by requests and their run time")
    kind = values.at(variant, "InstanceType")
    if not isinstance(kind, str):
        return Charge(unpriced=_TYPE_UNKNOWN)
    count = _scaled(side, stack, resource, values.text(variant, "VariantName")) or _own(values, variant)
    if count is None:
        return Charge(unpriced=_COUNT_UNKNOWN)
    rate = side.rate(stack, "Hosting", kind)
    stored = (values.number(variant, "VolumeSizeInGB", default=0) or 0) * ML_STORAGE.usd
    each = rate.usd_per_hour * HOURS + stored
    told = f"{count.told} x {kind}, {HOURS} h"
    dates = (*dated(rate), *((ML_STORAGE.as_of,) if stored else ()))
    return Charge(each * count.between, each * count.least, told, rate.estimated, dates=dates)


def _own(values: Values, variant: Any) -> _Range | None:
    scaling = values.at(variant, "ManagedInstanceScaling")
    initial = values.number(variant, "InitialInstanceCount", default=1)
    if scaling is None or values.at(scaling, "Status") == "DISABLED":
        return None if initial is None else _Range(initial, initial, f"{initial:g}")
    least = values.number(scaling, "MinInstanceCount", default=initial)
    most = values.number(scaling, "MaxInstanceCount", default=least)
    return _range(least, most, "its own scaling")


def _scaled(side: Side, stack: Stack, resource: Resource, variant: str) -> _Range | None:
    """What Application Auto Scaling may do to the variant; None if nothing scales it."""
    for home, target in side.of_kind("AWS::ApplicationAutoScaling::ScalableTarget"):
        values = side.values(home)
        named = values.text(target.properties, "ResourceId")
        if values.at(target.properties, "ScalableDimension") != "sagemaker:variant:DesiredInstanceCount":
            continue
        parts = named.split("/")
        if len(parts) != 4 or parts[3] != variant:
            continue
        if (stack.name, resource.logical_id) in side.named_by(home, parts[1], "AWS::SageMaker::Endpoint"):
            least = values.number(target.properties, "MinCapacity", default=0)
            return _range(least, values.number(target.properties, "MaxCapacity", default=least), "auto scaling")
    return None


def _range(least: float | None, most: float | None, by: str) -> _Range | None:
    if least is None or most is None:
        return None
    most = max(least, most)
    return _Range(least, most, f"{(least + most) / 2:g} (halfway between {least:g} and {most:g}, {by})")


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
    for home, logical_id in side.named(stack, resource.properties.get("DomainId"), "AWS::SageMaker::Domain"):
        domain = side.stacks[home]
        yield domain, side.values(domain).at(domain.resources[logical_id].properties, "DefaultUserSettings")


def _worked(side: Side, stack: Stack, component: str, kind: Any, gigabytes: float | None, what: str = "") -> Charge:
    if not isinstance(kind, str) or gigabytes is None:
        return Charge(unpriced="its volume is not known from the template" if gigabytes is None else _TYPE_UNKNOWN)
    rate = side.rate(stack, component, kind)
    stored = gigabytes * ML_STORAGE.usd
    forgotten = rate.usd_per_hour * HOURS + stored
    told = f"{kind}, {WORKING_HOURS} h of work; {forgotten:,.2f} if it is never stopped"
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
        if not isinstance(kind, str) or count is None:
            return Charge(unpriced=_COUNT_UNKNOWN if isinstance(kind, str) else _TYPE_UNKNOWN)
        rate = side.rate(stack, "Cluster", kind)
        usd, dates = usd + count * rate.usd_per_hour * HOURS, [*dates, *dated(rate)]
        told.append(f"{count:g} x {kind}, {HOURS} h")
    if not groups:
        return Charge(unpriced="its instances are not known from the template")
    return Charge(usd, usd, "; ".join(told), estimated=True, dates=tuple(dates))


def mlflow(side: Side, stack: Stack, resource: Resource) -> Charge:
    size = side.values(stack).at(resource.properties, "TrackingServerSize")
    size = "Small" if size is None else size
    if size is UNKNOWN or size not in MLFLOW:
        return Charge(unpriced="its size is not known from the template")
    price = MLFLOW[size]
    usd = price.usd * HOURS
    return Charge(usd, usd, f"{size}, {HOURS} h, never stopped", size not in MLFLOW_TOLD, dates=(price.as_of,))
