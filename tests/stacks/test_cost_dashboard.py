"""The dashboard of costs: a body that CloudWatch takes, of metrics that are really emitted."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template

from config.costs import Budget
from config.load import ROOT
from controls import emf
from sluice.cost_dashboard import CostDashboard
from sluice.function import HandlerFunction

OURS = {name: value for name, value in vars(emf).items() if name.isupper() and name != "NAMESPACE"}


def body(budget: Budget | None) -> dict[str, Any]:
    stack = Stack(App(context={"aws:cdk:bundling-stacks": []}), "Stack")
    common: dict[str, Any] = {"key": kms.Key(stack, "Key"), "environment": {}, "timeout": Duration.minutes(1)}
    functions = [HandlerFunction(stack, verb, prefix="sluice-dev", verb=verb, **common) for verb in ("sweep", "report")]
    CostDashboard(stack, "Dashboard", prefix="sluice-dev", budget=budget, functions=functions)
    [dashboard] = Template.from_stack(stack).find_resources("AWS::CloudWatch::Dashboard").values()
    assert dashboard["Properties"]["DashboardName"] == "sluice-dev-costs"
    return json.loads(text(dashboard["Properties"]["DashboardBody"]))


def text(value: Any) -> str:
    """A template's text, with what only a deployment knows as its logical name."""
    if isinstance(value, dict):
        return text(value["Fn::Join"][1]) if "Fn::Join" in value else next(iter(value.values()))
    return "".join(map(text, value)) if isinstance(value, list) else value


def metrics(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for widget in body["widgets"]:
        for metric in widget["properties"].get("metrics", []):
            yield metric[0], metric[1]


@pytest.fixture(scope="module")
def drawn() -> dict[str, Any]:
    return body(Budget(usd_per_month=2000))


def test_every_metric_of_ours_is_one_that_a_function_emits_and_all_are_shown(drawn: dict[str, Any]) -> None:
    shown = {name for namespace, name in metrics(drawn) if namespace == emf.NAMESPACE}
    assert shown == set(OURS.values())
    controls = [path for path in (ROOT / "lambda" / "controls").rglob("*.py") if path.name != "emf.py"]
    for name in OURS:
        assert any(f"emf.{name}" in path.read_text("utf-8") for path in controls), name


def test_metrics_of_others_are_those_that_lambda_has(drawn: dict[str, Any]) -> None:
    assert {(space, name) for space, name in metrics(drawn) if space != emf.NAMESPACE} == {("AWS/Lambda", "Errors")}


def test_the_budget_and_its_warnings_are_lines(drawn: dict[str, Any]) -> None:
    lines = [line for widget in drawn["widgets"] for line in annotations(widget)]
    assert [(line["value"], line["label"]) for line in lines] == [
        (2000, "100 % of the budget"),
        (1000, "50 % of the budget"),
        (1600, "80 % of the budget"),
    ]


def test_without_a_budget_nothing_is_metered_and_shown_as_spent() -> None:
    assert {name for _, name in metrics(body(None))} == {"SavedUSD", "Errors"}


def test_the_widgets_fit_beside_each_other(drawn: dict[str, Any]) -> None:
    """CloudWatch has 24 columns; its reference of a body names type, place, size and properties."""
    places = set()
    for widget in drawn["widgets"]:
        assert widget["type"] == "metric" and widget["x"] + widget["width"] <= 24
        assert widget["properties"]["region"] and widget["properties"]["metrics"]
        places.add((widget["x"], widget["y"]))
    assert len(places) == len(drawn["widgets"]) == 4


def annotations(widget: dict[str, Any]) -> list[dict[str, Any]]:
    return widget["properties"].get("annotations", {}).get("horizontal", [])
