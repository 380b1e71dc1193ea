"""Small stacks, and what they cost."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from review.cloud_assembly import Assembly, Stack, stack_of
from review.cost import cost
from review.model import Cost, CostLine
from review.pairs import pairs

Resources = Mapping[str, tuple[str, Mapping[str, Any]]]


def stack(resources: Resources, name: str = "Stack", region: str = "us-east-1", **template: Any) -> Stack:
    """`resources`: kind and properties by logical ID; `template`: its other parts, such as Parameters."""
    raw = {name: {"Type": kind, "Properties": properties} for name, (kind, properties) in resources.items()}
    return stack_of({**template, "Resources": raw}, name, region)


def assembly(*stacks: Stack) -> Assembly:
    return Assembly(Path(), {each.name: each for each in stacks})


def between(base: Assembly, head: Assembly) -> Cost:
    return cost(pairs(base, head))


def of(*stacks: Stack) -> Cost:
    """What is there and does not change."""
    return between(assembly(*stacks), assembly(*stacks))


def line(kind: str, properties: Mapping[str, Any], region: str = "us-east-1", **template: Any) -> CostLine:
    """That of a resource alone."""
    [found] = of(stack({"Thing": (kind, properties)}, region=region, **template)).lines
    return found


def named(cost: Cost, logical_id: str) -> CostLine:
    [found] = [each for each in cost.lines if each.place.logical_id == logical_id]
    return found
