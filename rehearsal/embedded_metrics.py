"""Metrics in the lines of a log, in the embedded metric format.

Source: CloudWatch User Guide, "Specification: Embedded metric format": a line that is a JSON object with `_aws`.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple


class Datum(NamedTuple):
    """One value of a metric at an epoch second."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    at: float
    unit: str
    value: float


def found(text: str) -> Iterator[Datum]:
    """The metrics in the lines of a log; a line that is not of the format is no metric, as in AWS."""
    for line in text.splitlines():
        try:
            told = json.loads(line)
            yield from list(_data(told))
        except (ValueError, KeyError, TypeError):
            continue


def _data(told: dict[str, Any]) -> Iterator[Datum]:
    at = told["_aws"]["Timestamp"] / 1000
    for directive in told["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = {name: str(told[name]) for name in names}
            for metric in directive["Metrics"]:
                values = told[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    unit = metric.get("Unit", "None")
                    yield Datum(directive["Namespace"], metric["Name"], dimensions, at, unit, float(value))
