"""What AWS's own bill says, a day late: where it is higher than the meter, the meter is raised to it.

Source: AWS, GetCostAndUsage, whose calls cost 0.01 USD each, and "Activating user-defined cost allocation tags": costs
bear a tag only from its activation on. Not verified: under which name of the two SageMaker is billed.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from controls.pricing.currency import UnknownCurrencyError, usd
from controls.resource import PLATFORM_TAG
from controls.spending.month import Month

SERVICES = ["Amazon SageMaker", "Amazon SageMaker AI"]
# Less is how prices are rounded.
_LEAST_USD = 0.01


class NoFiguresError(Exception):
    """AWS has no figures of this platform to compare with."""


@dataclass(frozen=True)
class Comparison:
    """Of the days of the month that are over: what AWS billed, and what had been counted. `day`: until which."""

    day: str
    billed_usd: float
    counted_usd: float

    @property
    def missing_usd(self) -> float:
        found = self.billed_usd - self.counted_usd
        return found if found >= _LEAST_USD else 0.0


def is_due(month: Month, now: datetime) -> bool:
    """Once a day, as soon as a day of the month is over."""
    return now.day > 1 and month.reconciled_on < f"{now:%Y-%m-%d}"


def compared(explorer: Any, month: Month, platform: str, now: datetime) -> Comparison:
    """Raises NoFiguresError."""
    today = f"{now:%Y-%m-%d}"
    counted = month.until_day(today) + month.reconciled_usd
    billed = _billed(explorer, month, platform, today)
    if billed == 0 and counted > 0:
        raise NoFiguresError(f"there are no costs under the tag {PLATFORM_TAG}: activate it as a cost allocation tag")
    return Comparison(today, billed, counted)


def raised(month: Month, found: Comparison) -> Month:
    """`month` at least at AWS's bill; once for a day."""
    if month.reconciled_on >= found.day:
        return month
    month = replace(month, reconciled_on=found.day)
    if not found.missing_usd:
        return month
    # Of no day: it is part of what was counted when the next day is compared.
    by_day = month.by_day
    month = month.plus(found.missing_usd, found.day)
    return replace(month, reconciled_usd=month.reconciled_usd + found.missing_usd, by_day=by_day)


def _billed(explorer: Any, month: Month, platform: str, today: str) -> float:
    ours = [
        {"Dimensions": {"Key": "SERVICE", "Values": SERVICES}},
        {"Tags": {"Key": PLATFORM_TAG, "Values": [platform]}},
    ]
    asked: dict[str, Any] = {
        "TimePeriod": {"Start": f"{month.begins:%Y-%m-%d}", "End": today},
        "Granularity": "MONTHLY",
        "Metrics": ["UnblendedCost"],
        "Filter": {"And": ours},
    }
    total = 0.0
    while True:  # it has no paginator
        try:
            page = explorer.get_cost_and_usage(**asked)
            costs = [result["Total"]["UnblendedCost"] for result in page["ResultsByTime"]]
            total += sum(usd(float(cost["Amount"]), cost["Unit"]) for cost in costs)
        except (ClientError, BotoCoreError, UnknownCurrencyError) as error:
            # Not switched on, or without figures yet. Whatever it is: each question costs, so the next is tomorrow's.
            raise NoFiguresError(str(error)) from error
        if "NextPageToken" not in page:
            return total
        asked["NextPageToken"] = page["NextPageToken"]
