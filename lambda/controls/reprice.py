"""Reads what instances cost from the AWS Price List API, every week. What looks wrong leaves the old table as it is."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger

from controls import clients, settings
from controls.pricing import price_list, price_table
from controls.pricing.prices import Price, Prices

logger = Logger(service="reprice")

# Ten times as much as before is a mistake of somebody's, and so is a tenth; what was only estimated may be farther off.
_FACTOR, _FACTOR_OF_ESTIMATES = 10.0, 50.0
# Of the prices that a region had, so many must be there again: half an answer is none.
_LEAST_SHARE = 0.5


class ImplausibleError(RuntimeError):
    """The answer cannot be right, and the table is as it was."""


@dataclass(frozen=True)
class Settings:
    """`pricing_region`: where the API is; `regions`: those that prices are wanted of."""

    artifact_bucket: str
    pricing_region: str
    regions: list[str]


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """How many prices there are now. Raises MalformedError or ImplausibleError, with the table as it was."""
    config = settings.read(Settings, os.environ)
    now = datetime.fromisoformat(event["time"])
    s3, pricing = clients.client("s3"), clients.of(config.pricing_region)("pricing")
    before = price_table.text(s3, config.artifact_bucket)
    rows = [row for region in config.regions for row in price_list.prices(pricing, region, now)]
    if problems := [*_missing(rows, before or "", config.regions), *_far_off(rows, Prices.read(before or ""))]:
        raise ImplausibleError("; ".join(problems[:20]))
    price_table.keep(s3, config.artifact_bucket, _dearest(rows))
    logger.info("prices", rows=len(rows), regions=config.regions)
    return {"rows": len(rows)}


def _missing(rows: list[Price], before: str, regions: list[str]) -> Iterator[str]:
    """Regions of which there is nothing, or far less than there was."""
    for region in regions:
        count, last = sum(row.region == region for row in rows), before.count(f"\n{region},")
        if count == 0 or count < last * _LEAST_SHARE:
            yield f"{region} has {count} prices, and had {last}"


def _far_off(rows: list[Price], known: Prices) -> Iterator[str]:
    """Prices of nothing, and such as are far from what was known."""
    for row in rows:
        rate = known.rate(row.region, row.component, row.instance_type)
        most = _FACTOR_OF_ESTIMATES if rate.estimated else _FACTOR
        if row.usd_per_hour <= 0 or not 1 / most < row.usd_per_hour / rate.usd_per_hour < most:
            name = f"{row.region} {row.component} {row.instance_type}"
            yield f"{name} costs {row.usd_per_hour} USD, and was taken to cost {rate.usd_per_hour}"


def _dearest(rows: list[Price]) -> list[Price]:
    """One row each, in order; of several prices of the same the highest."""
    found: dict[tuple[str, str, str], Price] = {}
    for row in rows:
        key = (row.region, row.component, row.instance_type)
        found[key] = max(row, found.get(key, row), key=lambda each: each.usd_per_hour)
    return [found[key] for key in sorted(found)]
