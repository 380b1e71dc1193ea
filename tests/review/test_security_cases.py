"""Small changes and what the review says of each: security_cases.yaml."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from review.cloud_assembly import Assembly, stack_of
from review.model import Finding
from review.pairs import pairs
from review.security import security

CASES = yaml.load(Path(__file__).with_name("security_cases.yaml").read_text("utf-8"), yaml.CSafeLoader)
PARTS = ("Effect", "Action", "Resource", "Condition")


def templates(case: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    found = []
    for statements, own in (("was", "base"), ("now", "head")):
        resources = {**case.get("both", {}), **case.get(own, {})}
        if statements in case:
            resources["R"] = role(case[statements])
        found.append({"Resources": resources})
    return found[0], found[1]


def role(statements: list[Any]) -> dict[str, Any]:
    written = [dict(zip(PARTS, each, strict=False)) if isinstance(each, list) else each for each in statements]
    document = {"Version": "2012-10-17", "Statement": written}
    return {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyName": "p", "PolicyDocument": document}]}}


def reviewed(base: dict[str, Any], head: dict[str, Any]) -> tuple[Finding, ...]:
    before, after = (Assembly(Path(), {"Stack": stack_of(each)}) for each in (base, head))
    return security(pairs(before, after))


@cache
def _names() -> list[str]:
    return [case["name"] for case in CASES]


def told(found: tuple[Finding, ...]) -> list[str]:
    return sorted({f"{each.rule} {each.severity}" for each in found} - {"switch-deletion-policy medium"})


@pytest.mark.parametrize("case", CASES, ids=_names())
def test_each_change_is_told_as_expected(case: dict[str, Any]) -> None:
    base, head = templates(case)
    found = reviewed(base, head)
    assert told(found) == sorted(case["expected"]), [each.message for each in found]
    assert all("\n" not in each.message and each.fix for each in found)


@pytest.mark.parametrize("case", [case for case in CASES if "reverse" in case], ids=lambda case: case["name"])
def test_each_change_the_other_way_round(case: dict[str, Any]) -> None:
    base, head = templates(case)
    found = reviewed(head, base)
    assert told(found) == sorted(case["reverse"]), [each.message for each in found]


@pytest.mark.parametrize("case", CASES, ids=_names())
def test_nothing_changed_is_nothing_told(case: dict[str, Any]) -> None:
    for template in templates(case):
        assert not reviewed(template, template)


def test_there_are_as_many_cases_as_were_tried_and_each_has_a_name_of_its_own() -> None:
    assert len(set(_names())) == len(CASES) >= 51
