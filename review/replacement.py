"""What forces CloudFormation to replace a resource, by type and property path, from two sources.

They are CloudFormation's own schemas, as cfn-lint ships them, and CDK's specification. Where they disagree a reviewer
hears so, rather than one of them: CloudFormation does what the service's handler does, and each source has been wrong.
"""

import json
from collections.abc import Mapping
from enum import IntEnum
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

_DRAWN = Path(__file__).with_name("cdk_specification.json")
# Physical IDs of these are their handlers' to say, and which property changes one is written nowhere.
_CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")


class Force(IntEnum):
    NONE = 0
    MAY = 1
    WILL = 2


class Forcing(NamedTuple):
    """Whether a change at a path replaces the resource, and who says so; no reason where it does not."""

    force: Force
    why: str = ""


_NO = Forcing(Force.NONE)


class _Source(NamedTuple):
    """What one source knows of a type: paths without `*`, as tuples."""

    properties: frozenset[str]
    always: frozenset[tuple[str, ...]]
    sometimes: frozenset[tuple[str, ...]]

    def force(self, path: tuple[str, ...], opaque: bool) -> Force:
        """`opaque`: what is at the path cannot be looked into, so that anything below it may have changed."""
        above = {path[:length] for length in range(1, len(path) + 1)}
        if self.always & above:
            return Force.WILL
        below = opaque and any(known[: len(path)] == path for known in self.always | self.sometimes)
        return Force.MAY if below or self.sometimes & above else Force.NONE


@cache
def forcing(kind: str, path: tuple[str, ...], opaque: bool = False) -> Forcing:
    """What a change at `path` of a resource of type `kind` does, e.g. `("ProductionVariants", "*", "ModelName")`."""
    if kind.startswith(_CUSTOM):
        return _NO
    plain = tuple(part for part in path if part != "*")
    schema, cdk = _of_schema(kind), _of_cdk(kind)
    if not schema and not cdk:
        return Forcing(Force.MAY, "no source knows this type")
    if not plain:
        return Forcing(Force.MAY, "which properties it has is known at deployment only")
    says = [
        source.force(plain, opaque) if source and plain[0] in source.properties else None for source in (schema, cdk)
    ]
    match says:
        case None, None:
            return _NO
        case (None, force) | (force, None) if force is not None:
            return _NO if force is Force.NONE else Forcing(force, _ALONE[force])
        case first, second if first is second:
            return _NO if first is Force.NONE else Forcing(first or Force.NONE, _ALONE[first or Force.NONE])
        case first, second:
            return _disagreement(first or Force.NONE, second or Force.NONE)
    raise AssertionError(says)


_ALONE = {Force.WILL: "create-only", Force.MAY: "replaces for some values"}
_WORDS = {Force.NONE: "no replacement", Force.MAY: "replacement for some values", Force.WILL: "replacement"}


def _disagreement(schema: Force, cdk: Force) -> Forcing:
    return Forcing(
        Force.MAY, f"sources disagree: CloudFormation's schema says {_WORDS[schema]}, CDK's specification {_WORDS[cdk]}"
    )


@cache
def schema(kind: str) -> Mapping[str, Any]:
    """CloudFormation's schema of a type; empty where it has none."""
    file = _files().get(kind)
    return json.loads((_schemas() / "resources" / f"{file}.json").read_text("utf-8")) if file else {}


@cache
def _schemas() -> Path:
    # Only its folder: importing the package takes a second.
    found = find_spec("cfnlint")
    assert found and found.origin
    return Path(found.origin).parent / "data" / "schemas"


@cache
def _files() -> Mapping[str, str]:
    # The list of this region names every public type.
    return json.loads((_schemas() / "providers" / "us-east-1.json").read_text("utf-8"))


@cache
def _drawn() -> Mapping[str, Mapping[str, str]]:
    return json.loads(_DRAWN.read_text("utf-8"))


@cache
def _of_schema(kind: str) -> _Source | None:
    found = schema(kind)
    if not found:
        return None
    always, sometimes = (
        frozenset(
            tuple(part for part in pointer.split("/")[2:] if part != "*") for pointer in found.get(list_of_paths, ())
        )
        for list_of_paths in ("createOnlyProperties", "conditionalCreateOnlyProperties")
    )
    return _Source(frozenset(found.get("properties", ())), always, sometimes)


@cache
def _of_cdk(kind: str) -> _Source | None:
    found = _drawn().get(kind)
    if not found:
        return None
    always, sometimes = (
        frozenset(tuple(path.split("/")) for path, force in found.items() if path and force == wanted)
        for wanted in ("yes", "maybe")
    )
    return _Source(frozenset(found[""].split()), always, sometimes)
