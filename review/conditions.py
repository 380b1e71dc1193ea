"""Conditions of a template whose outcome may be another one in the head."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from review.cloud_assembly import Assembly
from review.nesting import nested_stacks
from review.values import plain


@dataclass(frozen=True)
class Surroundings:
    """What of the assemblies decides over a single resource."""

    nested: frozenset[str] = frozenset()
    """The base's nested stacks."""
    changed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By stack: its conditions that are written otherwise, or rest on such a one."""


def surroundings(base: Assembly, head: Assembly) -> Surroundings:
    changed = {
        name: _changed(stack.template.get("Conditions"), head.stacks[name].template.get("Conditions"))
        for name, stack in base.stacks.items()
        if name in head.stacks
    }
    return Surroundings(frozenset(child for _, child in nested_stacks(base)), changed)


def _changed(before: Any, after: Any) -> frozenset[str]:
    if before == after or not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return frozenset()
    both = [name for name in before if name in after]
    found = {name for name in both if plain(before[name]) != plain(after[name])}
    uses = {name: set(_used(after[name])) for name in both}
    while more := {name for name in both if name not in found and uses[name] & found}:
        found |= more
    return frozenset(found)


def _used(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        own = [value["Condition"]] if isinstance(value.get("Condition"), str) else []
        return own + [name for item in value.values() for name in _used(item)]
    return [name for item in value for name in _used(item)] if isinstance(value, list) else []


def marked(value: Any, changed: frozenset[str]) -> Any:
    """A plain value of the base in which each choice by a changed condition differs from the head's."""
    if isinstance(value, list):
        return [marked(item, changed) for item in value]
    if not isinstance(value, dict):
        return value
    match value.get("Fn::If"):
        case [str() as name, *branches] if name in changed:
            return {"Fn::If": [f"{name} as it was", *branches]}
    return {key: marked(item, changed) for key, item in value.items()}
