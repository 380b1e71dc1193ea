"""Prices of instances as the AWS Price List API tells them.

Source: AWS, GetProducts. Not verified: the attributes, which AWS does not list for this service. As programs read them
that are used: `productFamily` is ML Instance, and `usagetype` tells the component and the type: USE1-Host:ml.m5.xlarge.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from controls.pricing.currency import usd
from controls.pricing.prices import Price

FAMILY = "ML Instance"
# For all of Studio's apps that of JupyterLab: a component has one price here.
_COMPONENTS = {
    "Host": "Hosting",
    "Notebk": "Notebook",
    "Processing": "Processing",
    "Studio:JupyterLab": "Studio",
    "Train": "Training",
    "Tsform": "Transform",
}
_USAGE = re.compile(r"^(?:[A-Z0-9]+-)?(?P<component>[A-Za-z]+(?::[A-Za-z]+)?)[:-](?P<type>ml\.[a-z0-9-]+\.[a-z0-9]+)$")


class MalformedError(ValueError):
    """An answer that is not as the Price List API answers."""


def prices(pricing: Any, region: str, now: datetime) -> Iterator[Price]:
    """The price by the hour of each instance on demand in `region`, at `now`. Raises MalformedError."""
    filters = [
        {"Type": "TERM_MATCH", "Field": field, "Value": value}
        for field, value in (("regionCode", region), ("productFamily", FAMILY))
    ]
    for page in pricing.get_paginator("get_products").paginate(ServiceCode="AmazonSageMaker", Filters=filters):
        for entry in page["PriceList"]:
            found = _price(entry, region, now)
            if found:
                yield found


def _price(entry: str, region: str, now: datetime) -> Price | None:
    """None for what is no instance by the hour, or of a component that nothing here is priced by."""
    try:
        product = json.loads(entry)
        attributes: Mapping[str, str] = product["product"]["attributes"]
        usage = _USAGE.match(attributes["usagetype"])
        component = _COMPONENTS.get(usage["component"]) if usage else None
        if not usage or not component or attributes.get("regionCode", region) != region:
            return None
        dearest = max(_hourly(product), default=None)  # some products are listed without a price
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise MalformedError(f"{region}: {entry[:200]}: {error!r}") from error
    if dearest is None:
        return None
    return Price(region, component, usage["type"], dearest, f"{now:%Y-%m-%d}", "AWS Price List API")


def _hourly(product: Any) -> Iterator[float]:
    for term in product["terms"].get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            if dimension["unit"].lower() in ("hrs", "hours", "hour"):
                [(unit, amount)] = dimension["pricePerUnit"].items()
                yield usd(float(amount), unit)
