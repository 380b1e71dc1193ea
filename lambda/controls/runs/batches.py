"""What is logged to an MLflow run, in portions and words that MLflow takes. The limits are those of MLflow 3."""

import math
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

MOST_AT_ONCE = 80  # params and tags: MLflow takes 100 of each, 1,000 entries and a megabyte in all
MOST_METRICS_AT_ONCE = 800
KEY_LENGTH, PARAM_LENGTH, TAG_LENGTH = 250, 6000, 5000


def batches(
    at: int, params: Mapping[str, str], metrics: Mapping[str, float], tags_: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """The members of each log-batch request, metrics as of `at` in milliseconds. What is no number is left out."""
    finite = {key(name): value for name, value in metrics.items() if math.isfinite(value)}
    points = [{"key": name, "value": value, "timestamp": at, "step": 0} for name, value in finite.items()]
    given = [{"key": name, "value": value} for name, value in taken(params).items()]
    for some_params, some_metrics, some_tags in zip_longest(
        _parts(given, MOST_AT_ONCE),
        _parts(points, MOST_METRICS_AT_ONCE),
        _parts(tags(tags_), MOST_AT_ONCE),
        fillvalue=[],
    ):
        yield {"params": some_params, "metrics": some_metrics, "tags": some_tags}


def taken(params: Mapping[str, str]) -> dict[str, str]:
    """Parameters as MLflow then has them."""
    return {key(name): value[:PARAM_LENGTH] for name, value in params.items()}


def tags(given: Mapping[str, str]) -> list[dict[str, str]]:
    texts = {key(name): value[:TAG_LENGTH] for name, value in given.items()}
    return [{"key": name, "value": value} for name, value in texts.items()]


def key(name: str) -> str:
    """A name that MLflow takes for a parameter, a metric or a tag: its characters only, and no path that leads away."""
    name = re.sub(r"[^\w\-. :/]", "_", name)[:KEY_LENGTH] or "_"
    clean = posixpath.normpath(name)
    if clean != name or clean.startswith((".", "/")):
        return name.replace("/", "_").lstrip(".") or "_"
    return name


def _parts(items: Sequence[Any], most: int) -> list[Sequence[Any]]:
    return [items[start : start + most] for start in range(0, len(items), most)]
