"""The costs stack: a sweep that may only look, unless it is told to enforce."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import App, Environment
from aws_cdk.assertions import Match, Template

from config.costs import Costs, IdleRule, Sweep, Target
from config.schema import Platform
from controls.sweeps.actions import DEEDS
from stacks.costs import CostsStack
from stacks.foundation import FoundationStack

ENFORCE = Costs(sweep=Sweep(idle=IdleRule(mode="enforce"), every_hours=24))
ABROAD = "arn:aws:iam::444455556666:role/sluice-swept"
OURS = {"aws:ResourceTag/sluice:platform": "sluice-dev"}
OUTSIDE = {"StringNotEquals": {"aws:ResourceTag/sluice:environment": "prod"}}
TAGGED = {"StringEquals": OURS, **OUTSIDE}


@pytest.fixture(scope="module")
def costs(app_templates: Mapping[str, Template]) -> Template:
    return app_templates["costs"]


@pytest.fixture(scope="module")
def enforcing(synthesis: Any) -> Template:
    return template(synthesis.platform, ENFORCE)


@pytest.fixture(scope="module")
def deployed(synthesis: Any) -> Template:
    """With all rules enforced."""
    enforce: dict[str, Any] = {"mode": "enforce"}
    rules = {name: {"mode": "enforce"} for name in ("idle", "ttl", "stuck", "orphans")}
    given = {"sweep": rules, "off_hours": {"time_zone": "UTC", **enforce}, "budget": {"usd_per_month": 1, **enforce}}
    return template(synthesis.platform, Costs.model_validate(given))


def template(platform: Platform, costs: Costs) -> Template:
    platform = platform.model_copy(update={"costs": costs})
    app = App(context={"aws:cdk:bundling-stacks": []})
    env = Environment(region="us-east-1")
    foundation = FoundationStack(app, "Foundation", platform=platform, env=env)
    return Template.from_stack(CostsStack(app, "Costs", platform=platform, foundation=foundation, env=env))


def statements(template: Template) -> list[dict[str, Any]]:
    """Of the sweep's own role."""
    policies = template.find_resources("AWS::IAM::Policy").values()
    texts = [policy["Properties"] for policy in policies if "SweepFunction" in str(policy["Properties"]["Roles"])]
    return [statement for policy in texts for statement in policy["PolicyDocument"]["Statement"]]


def actions(template: Template) -> dict[str, dict[str, Any]]:
    """Each action that the sweep is allowed, with the statement that allows it."""
    return {
        action: statement
        for statement in statements(template)
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


def ending(template: Template) -> set[str]:
    """The actions that end something."""
    words = ("sagemaker:Delete", "sagemaker:Stop", "sagemaker:Update", "sagemaker:Create", "logs:Delete")
    return {action for action in actions(template) if action.startswith(words)}


def test_it_observes_unless_told_otherwise(costs: Template) -> None:
    variables = {"SLUICE_POLICY": Match.string_like_regexp('"enforced":\\[\\]')}
    costs.has_resource_properties("AWS::Lambda::Function", {"Environment": {"Variables": Match.object_like(variables)}})


def test_an_observing_sweep_has_no_permission_to_change_anything_but_its_ledger(costs: Template) -> None:
    allowed = [action for action in actions(costs) if not action.startswith(("kms:", "sqs:", "dynamodb:"))]
    harmless = {"List", "Desc", "GetM", "GetO", "GetR", "GetL", "Crea", "PutL"}
    assert {action.split(":")[1][:4] for action in allowed} <= harmless
    assert ending(costs) == set()
    assert "sns:Publish" not in allowed


def test_an_enforcing_sweep_may_end_only_what_its_rules_end_and_what_bears_the_platforms_tag(
    enforcing: Template,
) -> None:
    used = {"DeleteApp", "DeleteEndpoint", "StopNotebookInstance", "UpdateInferenceComponentRuntimeConfig"}
    assert ending(enforcing) == {f"sagemaker:{action}" for action in used}
    assert all(actions(enforcing)[action]["Condition"] == TAGGED for action in ending(enforcing))


def test_with_all_rules_it_may_do_what_the_table_of_actions_declares(deployed: Template) -> None:
    restoring = {"sagemaker:CreateEndpoint"}
    assert ending(deployed) == {deed.permission for deed in DEEDS.values()} | restoring


def test_where_untagged_resources_are_ended_too_iam_allows_that_and_still_none_of_another_platform(
    synthesis: Any,
) -> None:
    anybodys = ENFORCE.model_copy(update={"sweep": ENFORCE.sweep.model_copy(update={"own_only": False})})
    allowed = actions(template(synthesis.platform, anybodys))
    assert allowed["sagemaker:DeleteEndpoint"]["Condition"] == {"StringEqualsIfExists": OURS, **OUTSIDE}


def test_what_is_named_in_production_is_ended_by_its_name(synthesis: Any) -> None:
    named = ENFORCE.model_copy(update={"sweep": ENFORCE.sweep.model_copy(update={"production": ("trial",)})})
    found = [
        each for each in statements(template(synthesis.platform, named)) if "DeleteEndpoint" in str(each["Action"])
    ]
    assert [each["Condition"] for each in found] == [TAGGED, {"StringEquals": OURS}]
    assert "/trial" in json.dumps(found[1]["Resource"])
    production = synthesis.platform.model_copy(update={"environment": "prod"})
    assert "/trial" in json.dumps(actions(template(production, named))["sagemaker:DeleteEndpoint"]["Resource"])


def test_an_endpoint_comes_back_with_the_platforms_tag_alone(deployed: Template) -> None:
    making = [each for each in statements(deployed) if each["Action"] == "sagemaker:CreateEndpoint"]
    asked = {"StringEquals": {"aws:RequestTag/sluice:platform": "sluice-dev"}}
    assert sorted(str(each.get("Condition")) for each in making) == sorted(["None", str(asked)])
    assert actions(deployed)["sagemaker:AddTags"]["Condition"] == {"Null": {"sagemaker:TaggingAction": "false"}}


def test_what_brings_encrypted_endpoints_back_may_give_grants_of_the_key_and_nothing_else_may(
    deployed: Template, enforcing: Template
) -> None:
    granted = actions(deployed)["kms:CreateGrant"]
    assert granted["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    assert granted["Resource"] != "*"
    assert "kms:CreateGrant" not in actions(enforcing)


def test_its_policy_stays_far_from_what_a_role_may_hold(deployed: Template) -> None:
    assert len(json.dumps(statements(deployed), separators=(",", ":"))) < 9000  # AWS: 10,240 characters
    assert not deployed.find_resources("AWS::IAM::ManagedPolicy", {"Properties": {"Roles": Match.any_value()}})


def test_in_production_even_an_enforcing_sweep_may_end_nothing_but_what_is_named(synthesis: Any) -> None:
    production = synthesis.platform.model_copy(update={"environment": "prod"})
    assert ending(template(production, ENFORCE)) == set()
    named = ENFORCE.model_copy(update={"sweep": ENFORCE.sweep.model_copy(update={"production": ("trial",)})})
    assert "sagemaker:DeleteEndpoint" in ending(template(production, named))


def test_each_region_and_account_is_a_child_that_stops_no_other(synthesis: Any) -> None:
    others = (Target(region="eu-west-1"), Target(region="us-west-2", role_arn=ABROAD))
    swept = template(synthesis.platform, Costs(targets=others))
    assert actions(swept)["sts:AssumeRole"]["Resource"] == ABROAD
    describing = actions(swept)["sagemaker:DescribeEndpoint"]["Resource"]["Fn::Join"][1]
    assert ":sagemaker:*:" in describing  # in this account each region
    [machine] = swept.find_resources("AWS::StepFunctions::StateMachine").values()
    text = json.dumps(machine["Properties"]["DefinitionString"])
    assert "States.ALL" in text and "Catch" in text and "MaxConcurrency" in text
    [told] = [
        json.dumps(target["InputTransformer"]["InputTemplate"])
        for rule in swept.find_resources("AWS::Events::Rule").values()
        for target in rule["Properties"]["Targets"]
        if "InputTransformer" in target
    ]
    assert told.index("AWS::Region") < told.index("eu-west-1") < told.index(ABROAD)


def test_it_runs_on_its_schedule(costs: Template, enforcing: Template) -> None:
    costs.has_resource_properties("AWS::Events::Rule", {"ScheduleExpression": "rate(1 hour)"})
    enforcing.has_resource_properties("AWS::Events::Rule", {"ScheduleExpression": "rate(1 day)"})


def test_the_ledger_is_encrypted_recoverable_and_forgets_after_its_time(costs: Template) -> None:
    costs.has_resource_properties(
        "AWS::DynamoDB::Table",
        {
            "KeySchema": [
                {"AttributeName": "subject", "KeyType": "HASH"},
                {"AttributeName": "at", "KeyType": "RANGE"},
            ],
            "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": Match.any_value()},
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
        },
    )
    costs.has_resource("AWS::DynamoDB::Table", {"DeletionPolicy": "Delete"})


@pytest.mark.parametrize(("every_hours", "period"), [(1, 3600), (24, 86_400)])
def test_failure_and_silence_raise_one_alarm(synthesis: Any, every_hours: int, period: int) -> None:
    swept = template(synthesis.platform, Costs(sweep=Sweep(every_hours=every_hours)))
    alarms = swept.find_resources("AWS::CloudWatch::Alarm", {"Properties": {"TreatMissingData": "missing"}})
    [properties] = [alarm["Properties"] for name, alarm in alarms.items() if name.startswith("Alarm")]
    assert properties["TreatMissingData"] == "missing"
    assert properties["AlarmActions"] == properties["InsufficientDataActions"] != []
    stats = [m["MetricStat"] for m in properties["Metrics"] if "MetricStat" in m]
    assert {stat["Metric"]["MetricName"] for stat in stats} == {"Errors", "Invocations"}
    assert {stat["Period"] for stat in stats} == {period}
