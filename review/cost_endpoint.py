"""What endpoints cost: their variants' instances while they exist, as many as scaling leaves them."""

from dataclasses import dataclass
from typing import Any

from review.cloud_assembly import Resource, Stack
from review.cost_charge import COUNT_UNKNOWN, TYPE_UNKNOWN, Charge, dated, guessed, is_type
from review.cost_prices import HOURS, ML_STORAGE
from review.cost_side import Side
from review.cost_values import Values


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
    named = side.values(stack).raw(resource.properties, "EndpointConfigName")
    keys = [*side.named(stack, named, "AWS::SageMaker::EndpointConfig")]
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
    if not is_type(kind):
        return Charge(unpriced=TYPE_UNKNOWN)
    count = _scaled(side, stack, resource, values.text(variant, "VariantName")) or _own(values, variant)
    if count is None:
        return Charge(unpriced=COUNT_UNKNOWN)
    rate = side.rate(stack, "Hosting", kind)
    stored = (values.number(variant, "VolumeSizeInGB", default=0) or 0) * ML_STORAGE.usd
    each = rate.usd_per_hour * HOURS + stored
    told = f"{count.told} x {kind}, {HOURS} h{guessed(rate)}"
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
