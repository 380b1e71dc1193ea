"""Cost Explorer and the Price List API as far as the platform asks them: they tell what the rehearsal has set.

`GetCostAndUsage` by day or month, filtered and grouped by dimensions and tags; `GetProducts` filtered by attributes.
Everything else is refused by its name.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from rehearsal.checks import TEXT, Check, number, refuse
from rehearsal.sagemaker import listing, shapes
from rehearsal.sagemaker.store import AwsError

PRODUCTS_A_PAGE = 100  # GetProducts, MaxResults

Body = dict[str, Any]
_DAY = Check("a day such as 2026-11-27", lambda v: isinstance(v, str) and _is_day(v))
_WORDS = Check(
    "an object of texts", lambda v: isinstance(v, dict) and all(isinstance(each, str) for each in v.values())
)
_CHARGE = {"day": _DAY, "usd": number(0)}
_NAMES = {"dimensions": _WORDS, "tags": _WORDS}


@dataclass
class Bills:
    """`charges`: what was spent when, under which dimensions and tags. `products`: the entries of the price list."""

    charges: list[Body] = field(default_factory=list[Body])
    products: list[Body] = field(default_factory=list[Body])

    def set_charges(self, charges: list[Body]) -> None:
        """Raises ValueError for what is no charge: `day`, `usd`, perhaps `dimensions` (SERVICE ...) and `tags`."""
        for charge in charges:
            refuse(charge, _CHARGE, _NAMES)
        self.charges = charges

    def set_products(self, products: list[Body]) -> None:
        """Raises ValueError for an entry that is not as the Price List API writes one."""
        for each in products:
            refuse(each, {"serviceCode": TEXT}, dict.fromkeys(each, Check("anything", lambda v: True)))
            refuse(each.get("product", {}).get("attributes", {}), {}, dict.fromkeys(_attributes(each), TEXT))
        self.products = products

    def call(self, service: str, operation: str, request: Body) -> Body:
        """The answer of an operation of `ce` or `pricing`. Raises AwsError."""
        acts: dict[tuple[str, str], Callable[[Body], Body]] = {
            ("ce", "GetCostAndUsage"): self._cost_and_usage,
            ("pricing", "GetProducts"): self._products,
        }
        if (service, operation) not in acts:
            raise AwsError("UnknownOperationException", f"{service}'s {operation} is not emulated by this cloud.")
        found = shapes.problems(shapes.service_model(service).operation_model(operation).input_shape, request)
        if found:
            raise AwsError("ValidationException", "; ".join(found))
        return acts[service, operation](request)

    def _cost_and_usage(self, request: Body) -> Body:
        period, granularity = request["TimePeriod"], request["Granularity"]
        if granularity == "HOURLY" or "BillingViewArn" in request:
            raise AwsError("ValidationException", "Hours and billing views are not emulated by this cloud.")
        begin, end = date.fromisoformat(period["Start"]), date.fromisoformat(period["End"])
        if begin >= end:  # "The end date is exclusive"
            raise AwsError("ValidationException", "Start date (and hour) should be before end date (and hour)")
        told = [c for c in self.charges if period["Start"] <= c["day"] < period["End"]]
        told = [charge for charge in told if _fits(charge, request.get("Filter", {}))]
        groups = request.get("GroupBy", [])
        return {
            "GroupDefinitions": groups,
            "ResultsByTime": [
                _result([c for c in told if first <= c["day"] < after], (first, after), groups, request["Metrics"])
                for first, after in _periods(begin, end, granularity)
            ],
        }

    def _products(self, request: Body) -> Body:
        found = [each for each in self.products if each["serviceCode"] == request["ServiceCode"]]
        for each in request.get("Filters", []):
            if each["Type"] not in ("TERM_MATCH", "EQUALS"):
                raise AwsError("ValidationException", f"Filters of type {each['Type']} are not emulated by this cloud.")
            found = [p for p in found if _field(p, each["Field"]).lower() == each["Value"].lower()]
        rows = [{"entry": json.dumps(each, sort_keys=True)} for each in found]
        asked = {"MaxResults": PRODUCTS_A_PAGE, **request}
        rows, more = listing.page(rows, lambda row: (row["entry"],), asked, "GetProducts")
        return {"FormatVersion": "aws_v1", "PriceList": [row["entry"] for row in rows], **more}


def _field(product: Body, name: str) -> str:
    """The family is a field to filter by, and stands beside the attributes."""
    beside = {"productFamily": str(product.get("product", {}).get("productFamily", ""))}
    return {**_attributes(product), **beside}.get(name, "")


def _attributes(product: Body) -> dict[str, str]:
    """What filters compare, the code of the service among them."""
    return {"servicecode": product["serviceCode"], **product.get("product", {}).get("attributes", {})}


def _result(charges: list[Body], period: tuple[str, str], groups: list[Body], metrics: list[str]) -> Body:
    def amounts(some: Iterable[Body]) -> Body:
        return {name: {"Amount": str(round(sum(c["usd"] for c in some), 10)), "Unit": "USD"} for name in metrics}

    by_key: defaultdict[tuple[str, ...], list[Body]] = defaultdict(list)
    for charge in charges:
        by_key[tuple(_group(charge, group) for group in groups)].append(charge)
    told = [{"Keys": list(key), "Metrics": amounts(some)} for key, some in sorted(by_key.items())]
    whole = {"TimePeriod": dict(zip(("Start", "End"), period, strict=True)), "Estimated": False}
    return whole | ({"Groups": told, "Total": {}} if groups else {"Groups": [], "Total": amounts(charges)})


def _group(charge: Body, group: Body) -> str:
    match group:
        case {"Type": "DIMENSION", "Key": name}:
            return charge.get("dimensions", {}).get(name, f"No{name}")
        case {"Type": "TAG", "Key": name}:
            return f"{name}${charge.get('tags', {}).get(name, '')}"
        case _:
            raise AwsError("ValidationException", f"Grouping by {group} is not emulated by this cloud.")


def _fits(charge: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    for name, value in wanted.items():
        match name:
            case "And":
                fits = all(_fits(charge, each) for each in value)
            case "Or":
                fits = any(_fits(charge, each) for each in value)
            case "Not":
                fits = not _fits(charge, value)
            case "Dimensions" | "Tags" if value.get("MatchOptions", ["EQUALS"]) == ["EQUALS"]:
                fits = charge.get(name.lower(), {}).get(value["Key"], "") in value["Values"]
            case _:
                raise AwsError(
                    "ValidationException", f"Filtering by {name} as asked for is not emulated by this cloud."
                )
        if not fits:
            return False
    return True


def _periods(begin: date, end: date, granularity: str) -> Iterable[tuple[str, str]]:
    while begin < end:
        after = begin + timedelta(days=1)
        if granularity == "MONTHLY":
            after = (begin.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield begin.isoformat(), min(after, end).isoformat()
        begin = after


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
