"""What is deployed for a budget: a meter that may freeze only where it should, and the roles that it may freeze."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest
from aws_cdk import App, Environment
from aws_cdk.assertions import Annotations, Match, Template

from config.costs import Budget, Costs, Target
from config.load import ROOT, load
from stacks.costs import CostsStack
from stacks.foundation import FoundationStack

ENFORCE, OBSERVE = Budget(mode="enforce", usd_per_month=2000), Budget(usd_per_month=2000)
FREEZE = {"Properties": {"ManagedPolicyName": "sluice-dev-freeze"}}
CHANGES = {"iam:AttachRolePolicy", "iam:DetachRolePolicy"}


@cache
def stack(budget: Budget | None, sample: str = "team", environment: str = "dev") -> CostsStack:
    platform = load(ROOT / "config" / f"{sample}.yaml")
    targets = (Target(region="us-east-2"),) if sample == "team" else ()
    costs = Costs(targets=targets).model_copy(update={"budget": budget})
    common: dict[str, Any] = {
        "platform": platform.model_copy(update={"costs": costs, "environment": environment}),
        "env": Environment(region=platform.region),
    }
    app = App(context={"aws:cdk:bundling-stacks": []})
    return CostsStack(app, "Costs", foundation=FoundationStack(app, "Foundation", **common), **common)


@cache
def template(budget: Budget | None, sample: str = "team", environment: str = "dev") -> Template:
    return Template.from_stack(stack(budget, sample, environment))


def function(found: Template, verb: str) -> dict[str, Any]:
    handler = {"Properties": {"Handler": f"controls.{verb}.handler"}}
    [resource] = found.find_resources("AWS::Lambda::Function", handler).values()
    return resource["Properties"]


def statements(found: Template, verb: str) -> list[dict[str, Any]]:
    role = function(found, verb)["Role"]["Fn::GetAtt"][0]
    policies = found.find_resources("AWS::IAM::Policy", {"Properties": {"Roles": [{"Ref": role}]}}).values()
    return [each for policy in policies for each in policy["Properties"]["PolicyDocument"]["Statement"]]


def actions(found: Template, verb: str) -> set[str]:
    listed = [each["Action"] for each in statements(found, verb)]
    return {action for each in listed for action in ([each] if isinstance(each, str) else each)}


def test_without_a_budget_there_is_no_meter_and_nothing_to_freeze_with() -> None:
    found = template(None)
    assert not found.find_resources("AWS::Lambda::Function", {"Properties": {"Handler": "controls.meter.handler"}})
    assert not found.find_resources(
        "AWS::IAM::ManagedPolicy", {"Properties": {"ManagedPolicyName": "sluice-dev-freeze"}}
    )


def test_the_policy_denies_new_compute_and_nothing_else() -> None:
    found = template(ENFORCE)
    [policy] = found.find_resources("AWS::IAM::ManagedPolicy", FREEZE).values()
    [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Resource"]) == ("Deny", "*")
    verbs = {action.split(":")[1] for action in statement["Action"]}
    assert {"CreateTrainingJob", "CreateEndpoint", "CreateApp", "StartPipelineExecution", "StartExecution"} <= verbs
    assert not [verb for verb in verbs if verb.startswith(("Stop", "Delete", "List", "Describe", "Invoke"))]


def test_an_enforcing_meter_attaches_that_policy_alone_to_roles_of_the_platform_alone() -> None:
    [change] = [each for each in statements(template(ENFORCE), "meter") if CHANGES & set(each["Action"])]
    assert set(change["Action"]) == CHANGES
    [(operator, condition)] = change["Condition"].items()
    assert operator == "ArnEquals" and [*condition] == ["iam:PolicyARN"] and "Freeze" in str(condition)
    assert json.dumps(change["Resource"]).endswith(':role/sluice-dev-*"]]}')


@pytest.mark.parametrize(("budget", "environment"), [(OBSERVE, "dev"), (ENFORCE, "prod")])
def test_a_meter_that_observes_or_looks_at_production_may_change_no_role(budget: Budget, environment: str) -> None:
    assert not CHANGES & actions(template(budget, environment=environment), "meter")


def test_the_meter_counts_every_quarter_of_an_hour_and_its_silence_is_an_alarm() -> None:
    found = template(OBSERVE)
    found.has_resource_properties("AWS::Events::Rule", {"ScheduleExpression": "rate(15 minutes)"})
    [alarm] = [
        each["Properties"]
        for each in found.find_resources("AWS::CloudWatch::Alarm").values()
        if "Budget" in each["Properties"]["AlarmDescription"]
    ]
    assert alarm["InsufficientDataActions"] == alarm["AlarmActions"] != []
    stats = [each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each]
    assert {stat["Period"] for stat in stats} == {900}
    assert "Invocations" in {stat["Metric"]["MetricName"] for stat in stats}


def test_prices_are_read_every_week_for_every_region_that_is_looked_at() -> None:
    found = template(OBSERVE)
    found.has_resource_properties("AWS::Events::Rule", {"ScheduleExpression": "cron(0 4 ? * MON *)"})
    variables = function(found, "reprice")["Environment"]["Variables"]
    assert json.loads(variables["SLUICE_REGIONS"]) == ["us-east-1", "us-east-2"]
    assert variables["SLUICE_PRICING_REGION"] == "us-east-1"


def test_in_china_prices_are_asked_for_in_ningxia() -> None:
    found = template(OBSERVE, "china")
    assert function(found, "reprice")["Environment"]["Variables"]["SLUICE_PRICING_REGION"] == "cn-northwest-1"
    assert function(found, "meter")["Environment"]["Variables"]["SLUICE_RECONCILES"] == "true"


def test_govcloud_does_without_prices_and_bills_and_says_so() -> None:
    found = template(OBSERVE, "govcloud")
    assert not found.find_resources("AWS::Lambda::Function", {"Properties": {"Handler": "controls.reprice.handler"}})
    assert function(found, "meter")["Environment"]["Variables"]["SLUICE_RECONCILES"] == "false"
    assert "ce:GetCostAndUsage" not in actions(found, "meter")
    annotations = Annotations.from_stack(stack(OBSERVE, "govcloud"))
    for left_out in ("the weekly refresh of prices", "reconciliation with AWS's bill"):
        annotations.has_info("*", Match.string_like_regexp(f"Left out: {left_out}"))


def test_exactly_what_starts_compute_is_marked_as_such(app_templates: Mapping[str, Template]) -> None:
    """Not what promotes: it changes endpoints that serve, and an approval that it missed would be lost."""
    tag = {"Key": "sluice:starts-compute", "Value": "true"}
    marked = {
        f"{stack}/{name}"
        for stack, found in app_templates.items()
        for name, role in found.find_resources("AWS::IAM::Role").items()
        if tag in role["Properties"].get("Tags", [])
    }
    assert {name.rstrip("0123456789ABCDEF") for name in marked} == {
        "studio/datascientist",
        "studio/mlengineer",
        "training/PipelinedigitsRole",
    }


def test_every_role_that_may_start_compute_is_marked_but_for_what_promotes_and_falls_back(
    synthesize: Callable[[str], Any],
) -> None:
    starting = {f"sagemaker:{action}" for action in ("CreateTrainingJob", "CreateApp", "CreateProcessingJob")}
    for found in synthesize("team").templates.values():
        resources = found["Resources"]
        for policy in (r["Properties"] for r in resources.values() if r["Type"] == "AWS::IAM::Policy"):
            listed = [s["Action"] for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
            allowed = {a for each in listed for a in ([each] if isinstance(each, str) else each)}
            for role in policy["Roles"]:
                tags = [t["Key"] for t in resources[role["Ref"]]["Properties"].get("Tags", [])]
                assert bool(starting & allowed) == ("sluice:starts-compute" in tags), role
