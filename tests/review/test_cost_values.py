"""What a template's values are before it is deployed."""

from typing import Any

import pytest

from review.cloud_assembly import stack_of
from review.cost_values import UNKNOWN, Values, references

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Kind": {"Type": "String", "Default": "ml.m5.large"},
        "Count": {"Type": "Number", "Default": 2},
        "Zones": {"Type": "CommaDelimitedList", "Default": "a, b,c"},
        "Asked": {"Type": "String"},
        "Kept": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/a/path"},
    },
    "Mappings": {"Kinds": {"prod": {"type": "ml.g5.xlarge"}, "us-east-1": {"type": "ml.c5.xlarge"}}},
    "Conditions": {
        "Yes": {"Fn::Equals": [{"Ref": "Kind"}, "ml.m5.large"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Depends": {"Fn::Equals": [{"Ref": "Asked"}, "x"]},
        "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "Depends"}]},
        "Neither": {"Fn::And": [{"Condition": "No"}, {"Condition": "Depends"}]},
        "Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "Depends"}]},
        "Circle": {"Condition": "Circle"},
    },
}
VALUES = Values(stack_of(TEMPLATE), "us-east-1")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("as it is", "as it is"),
        ({"Ref": "Kind"}, "ml.m5.large"),
        ({"Ref": "Zones"}, ["a", "b", "c"]),
        ({"Ref": "Asked"}, UNKNOWN),
        ({"Ref": "Kept"}, UNKNOWN),
        ({"Ref": "AResource"}, UNKNOWN),
        ({"Ref": "AWS::NoValue"}, None),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Ref": ["odd"]}, UNKNOWN),
        ({"Fn::If": ["Yes", 1, 2]}, 1),
        ({"Fn::If": ["No", 1, {"Ref": "Kind"}]}, "ml.m5.large"),
        ({"Fn::If": ["Depends", 1, 2]}, UNKNOWN),
        ({"Fn::If": ["Depends", {"Ref": "Kind"}, "ml.m5.large"]}, "ml.m5.large"),
        ({"Fn::If": ["Both", 1, 2]}, UNKNOWN),
        ({"Fn::If": ["Neither", 1, 2]}, 2),
        ({"Fn::If": ["Either", 1, 2]}, 1),
        ({"Fn::If": ["Circle", 1, 2]}, UNKNOWN),
        ({"Fn::If": ["Missing", 1, 2]}, UNKNOWN),
        ({"Fn::If": "odd"}, UNKNOWN),
        ({"Fn::FindInMap": ["Kinds", "prod", "type"]}, "ml.g5.xlarge"),
        ({"Fn::FindInMap": ["Kinds", {"Ref": "AWS::Region"}, "type"]}, "ml.c5.xlarge"),
        ({"Fn::FindInMap": ["Kinds", {"Ref": "Asked"}, "type"]}, UNKNOWN),
        ({"Fn::Sub": "ml.${Size}.x"}, UNKNOWN),
        ({"Fn::Sub": "${Kind}"}, "ml.m5.large"),
        ({"Fn::Sub": ["ml.${Family}.large", {"Family": "c5"}]}, "ml.c5.large"),
        ({"Fn::Sub": "${!Kind}"}, "${Kind}"),
        ({"Fn::Join": [".", ["ml", "m5", "large"]]}, "ml.m5.large"),
        ({"Fn::Join": ["", ["ml.", {"Ref": "Asked"}]]}, UNKNOWN),
        ({"Fn::Select": [1, {"Ref": "Zones"}]}, "b"),
        ({"Fn::Select": ["0", {"Fn::Split": ["-", "x-y"]}]}, "x"),
        ({"Fn::Select": [9, {"Ref": "Zones"}]}, UNKNOWN),
        ({"Fn::GetAtt": ["A", "Arn"]}, UNKNOWN),
        ({"Fn::ImportValue": "x"}, UNKNOWN),
        ({"Fn::Transform": {"Name": "x"}}, UNKNOWN),
        ({"One": 1}, {"One": 1}),
    ],
)
def test_a_value_is_found_or_unknown(value: Any, found: Any) -> None:
    assert VALUES.of(value) == found


def test_a_path_leads_through_functions() -> None:
    nested = {"Fn::If": ["Yes", {"A": [{"Ref": "AWS::NoValue"}, {"B": {"Ref": "Count"}}]}, {"Ref": "AWS::NoValue"}]}
    assert VALUES.at(nested, "A", 1, "B") == 2
    assert VALUES.items(nested, "A") == [{"B": {"Ref": "Count"}}]
    assert VALUES.at(nested, "A", "B") is None


@pytest.mark.parametrize(
    ("value", "found"), [(3, 3), ("4", 4), (True, None), (-1, None), ("many", None), (float("nan"), None), (None, 7)]
)
def test_a_number_is_none_below_zero(value: Any, found: float | None) -> None:
    assert VALUES.number(value, default=7) == found


def test_what_is_not_known_stands_in_a_text_by_its_name() -> None:
    parts = ["arn:", {"Ref": "Thing"}, {"Fn::GetAtt": ["Other", "Name"]}, {"Fn::ImportValue": "there"}]
    text = VALUES.text({"Fn::Join": ["/", parts]})
    assert text == "arn:/<Thing>/<Other.Name>/<import there>"
    assert list(references(text)) == ["Thing", "Other.Name", "import there"]


def test_what_leads_in_a_circle_ends() -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = {"Fn::Join": ["", [deep]]}
    assert VALUES.of(deep) is UNKNOWN


def test_conditions_that_ask_each_other_are_judged_once() -> None:
    chain: dict[str, Any] = {f"C{n}": {"Fn::And": [{"Condition": f"C{n + 1}"}] * 10} for n in range(14)}
    chain["C14"] = {"Fn::Equals": ["a", "a"]}
    assert Values(stack_of({"Conditions": chain}), "us-east-1").holds("C0") is True
