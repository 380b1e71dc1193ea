"""What pydantic finds, in the words of someone who writes YAML."""

import difflib
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, ErrorDetails, core_schema

FINDING = "finding"  # the type of an error that has our words already
_OURS = {
    "Value error, ": "",
    "Input should": "must",
    "String should": "must",
    "Tuple should": "must",
    "Dictionary should": "must",
    "be a valid tuple": "be a valid list",
    "be a valid dictionary or object to extract fields from": "be a mapping",
    "be a valid dictionary": "be a mapping",
    " after validation": "",
    ", not more": "",
}


@dataclass(frozen=True)
class Shape:
    """An annotation of text that must match `pattern`, of pydantic's syntax. `told` says what it must be instead."""

    pattern: str
    told: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        shape = core_schema.str_schema(pattern=self.pattern)
        told = core_schema.custom_error_schema(shape, custom_error_type=FINDING, custom_error_message=self.told)
        return core_schema.chain_schema([handler(source), told])


def message(detail: ErrorDetails) -> str:
    """What is wrong, and what is allowed."""
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind in (FINDING, "missing_key"):
        return detail["msg"]
    key = str(context.get("discriminator")).strip("'")
    if kind == "union_tag_not_found":
        return f"needs the key {key}"
    if kind == "union_tag_invalid":
        return f"must have {' or '.join(context['expected_tags'].rsplit(', ', 1))} as {key}"
    if kind.startswith(("greater_than", "less_than")) and isinstance(value, float) and not math.isfinite(value):
        return "must be a finite number"
    told = detail["msg"]
    for theirs, ours in _OURS.items():
        told = told.replace(theirs, ours)
    return f"has nothing behind it; it {told}" if value is None and told.startswith("must ") else told


def is_consequence(detail: ErrorDetails) -> bool:
    """Whether a list is only too short without its entries that are wrong by themselves."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail.get("ctx", {})["min_length"]


def near(name: object, known: Collection[str], around: str = "; {}") -> str:
    """A question for the one of `known` that was perhaps meant, in `around`; empty where none is like `name`."""
    found = difflib.get_close_matches(str(name), known, 1)
    return around.format(f"is it {found[0]}?") if found else ""
