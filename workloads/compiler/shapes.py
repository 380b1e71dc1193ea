"""Checks a step's arguments against the request shape that botocore's service model gives its operation."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from botocore.loaders import Loader

# Values that the service works out when the step runs.
RUNTIME_FUNCTIONS = ({"Get"}, {"Std:Join"}, {"Std:JsonGet"})
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
PYTHON_TYPES = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (str, int, float),
}


class Mismatch(NamedTuple):
    """A value that the request shape does not admit."""

    field: str
    value: str
    allowed: str


@cache
def _model() -> dict[str, Any]:
    return Loader().load_service_model("sagemaker", "service-2")


def request_mismatches(arguments: Any, operation: str, given_by_service: str) -> Iterator[Mismatch]:
    """What the request of an operation, such as CreateTrainingJob, does not admit in `arguments`.

    `given_by_service` is a required member that may be missing.
    """
    missing = f"Arguments.{given_by_service}"
    shape = _model()["operations"][operation]["input"]["shape"]
    return (found for found in _mismatches(arguments, shape, "Arguments") if found.field != missing)


def _mismatches(value: Any, name: str, field: str) -> Iterator[Mismatch]:
    shape = _model()["shapes"][name]
    if isinstance(value, dict) and set(value) in RUNTIME_FUNCTIONS:
        return
    if shape["type"] == "structure":
        yield from _structure(value, shape, field)
    elif shape["type"] == "list":
        yield from _list(value, shape, field)
    elif shape["type"] == "map":
        yield from _map(value, shape, field)
    else:
        yield from _scalar(value, shape, field)


def _structure(value: Any, shape: dict[str, Any], field: str) -> Iterator[Mismatch]:
    members = shape["members"]
    if not isinstance(value, dict):
        yield Mismatch(field, repr(value), f"an object with {', '.join(members)}")
        return
    for name in sorted(set(shape.get("required", ())) - set(value)):
        yield Mismatch(f"{field}.{name}", "missing", "a value; it is required")
    for name, member in value.items():
        if name in members:
            yield from _mismatches(member, members[name]["shape"], f"{field}.{name}")
        else:
            yield Mismatch(f"{field}.{name}", "unknown", ", ".join(members))


def _list(value: Any, shape: dict[str, Any], field: str) -> Iterator[Mismatch]:
    if not isinstance(value, list):
        yield Mismatch(field, repr(value), "a list")
        return
    yield from _range(len(value), shape, field, "entries")
    for index, entry in enumerate(value):
        yield from _mismatches(entry, shape["member"]["shape"], f"{field}[{index}]")


def _map(value: Any, shape: dict[str, Any], field: str) -> Iterator[Mismatch]:
    if not isinstance(value, dict):
        yield Mismatch(field, repr(value), "an object")
        return
    yield from _range(len(value), shape, field, "entries")
    for key, entry in value.items():
        yield from _mismatches(key, shape["key"]["shape"], f"{field} key {key!r}")
        yield from _mismatches(entry, shape["value"]["shape"], f"{field}[{key!r}]")


def _scalar(value: Any, shape: dict[str, Any], field: str) -> Iterator[Mismatch]:
    expected = PYTHON_TYPES.get(shape["type"], object)
    # bool is an int in Python, and not in an API.
    if not isinstance(value, expected) or (isinstance(value, bool) and shape["type"] != "boolean"):
        yield Mismatch(field, repr(value), f"a {shape['type']}")
    elif isinstance(value, str):
        yield from _string(value, shape, field)
    elif not isinstance(value, bool):
        yield from _range(value, shape, field, "")


def _string(value: str, shape: dict[str, Any], field: str) -> Iterator[Mismatch]:
    if PLACEHOLDER.fullmatch(value):
        return  # synthesis decides it
    filled = PLACEHOLDER.sub("x", value)
    choices = shape.get("enum")
    if choices and filled not in choices:
        yield Mismatch(field, repr(value), ", ".join(choices))
    yield from _range(len(filled), shape, field, "characters")
    pattern = shape.get("pattern")
    if pattern and not _matches(pattern, filled):
        yield Mismatch(field, repr(value), f"text that matches {pattern}")


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text, re.DOTALL) is not None
    except re.error:
        return True  # the service's own dialect; it judges when the pipeline is deployed


def _range(number: float, shape: dict[str, Any], field: str, unit: str) -> Iterator[Mismatch]:
    low, high = shape.get("min"), shape.get("max")
    if (low is not None and number < low) or (high is not None and number > high):
        limits = f"from {low}" if high is None else f"{low or 0} to {high}"
        yield Mismatch(field, f"{number} {unit}".strip(), f"{limits} {unit}".strip())
