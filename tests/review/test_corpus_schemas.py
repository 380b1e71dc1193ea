"""What the corpus expects to be replaced agrees with CloudFormation's own schemas, as cfn-lint's package has them."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from bench.review_corpus import Case, cases

_CFN_LINT = find_spec("cfnlint")
assert _CFN_LINT and _CFN_LINT.origin
# Found without importing the package, which takes three seconds.
SCHEMAS = Path(_CFN_LINT.origin).parent / "data" / "schemas"


@cache
def create_only(kind: str) -> frozenset[str]:
    """Paths of properties, such as `GitConfig/Branch`; empty for types without a schema."""
    name = _names().get(kind)
    if not name:
        return frozenset()
    schema = json.loads((SCHEMAS / "resources" / f"{name}.json").read_text("utf-8"))
    return frozenset(path.removeprefix("/properties/") for path in schema.get("createOnlyProperties", ()))


@cache
def _names() -> Mapping[str, str]:
    return json.loads((SCHEMAS / "providers" / "us-east-1.json").read_text("utf-8"))


def differing(case: Case) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Of cases with a single stack: logical ID and both sides of each resource that keeps its type and differs."""
    before, after = ({**side.get("Stack.template.json", {})}.get("Resources", {}) for side in (case.base, case.head))
    for name in before.keys() & after.keys():
        one, other = before[name], after[name]
        if isinstance(one, dict) and "Type" in one and one["Type"] == other["Type"] and one != other:
            yield name, one, other


def replacing(one: Mapping[str, Any], other: Mapping[str, Any]) -> set[str]:
    """The create-only properties that differ."""
    sides = [resource.get("Properties", {}) for resource in (one, other)]
    return {path for path in create_only(one["Type"]) if _at(sides[0], path) != _at(sides[1], path)}


def _at(value: Any, path: str) -> Any:
    for step in path.split("/"):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def test_what_is_expected_to_be_replaced_has_a_create_only_property_or_refers_to_what_has() -> None:
    assert [f"{case.title}: {each}" for case in cases() for each in unfounded(case)] == []


def unfounded(case: Case) -> Iterator[str]:
    """Expectations that the schemas do not bear out."""
    expected = case.expect.changes
    replaced = {name for name, action in expected.items() if action == "replace"}
    for name, one, other in differing(case):
        forced, text = replacing(one, other), json.dumps(other)
        if expected.get(name) == "update" and forced:
            yield f"{name} has create-only {sorted(forced)}"
        follows = any(f'"{each}' in text or f"${{{each}" in text for each in replaced - {name})
        if expected.get(name) == "replace" and not forced and not follows:
            yield f"nothing replaces {name}"


@pytest.mark.slow  # synthesizes
@pytest.mark.parametrize("sample", ["team", "production"])
def test_every_sagemaker_type_of_our_application_is_replaced_in_the_corpus(synthesize: Any, sample: str) -> None:
    ours = {
        resource["Type"]
        for template in synthesize(sample).templates.values()
        for resource in template["Resources"].values()
        if resource["Type"].startswith("AWS::SageMaker::")
    }
    assert len(ours) >= 5
    assert ours <= set(_replaced_types())


def _replaced_types() -> Iterator[str]:
    for case in cases():
        resources = case.head.get("Stack.template.json", {}).get("Resources", {})
        for name, action in case.expect.changes.items():
            if action == "replace" and name in resources:
                yield resources[name]["Type"]
