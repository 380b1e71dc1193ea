"""The costs stack: a sweep that may only look, unless it is told to enforce."""

from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import App, Environment
from aws_cdk.assertions import Match, Template

from config.schema import Costs, Platform, SweepPolicy
from stacks.costs import CostsStack
from stacks.foundation import FoundationStack

ENFORCE = SweepPolicy(mode="enforce", every_hours=24)


@pytest.fixture(scope="module")
def costs(app_templates: Mapping[str, Template]) -> Template:
    return app_templates["costs"]


@pytest.fixture(scope="module")
def enforcing(synthesis: Any) -> Template:
    return template(synthesis.platform, ENFORCE)


def template(platform: Platform, policy: SweepPolicy) -> Template:
    platform = platform.model_copy(update={"costs": Costs(sweep=policy)})
    app = App(context={"aws:cdk:bundling-stacks": []})
    env = Environment(region="us-east-1")
    foundation = FoundationStack(app, "Foundation", platform=platform, env=env)
    return Template.from_stack(CostsStack(app, "Costs", platform=platform, foundation=foundation, env=env))


def sagemaker_actions(template: Template) -> dict[str, dict[str, Any]]:
    """Each SageMaker action that is allowed, with the statement that allows it."""
    found = {}
    for policy in template.find_resources("AWS::IAM::Policy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            found |= {action: statement for action in actions if action.startswith("sagemaker:")}
    return found


def test_it_observes_unless_told_otherwise(costs: Template) -> None:
    variables = {"SLUICE_MODE": "observe", "SLUICE_PLATFORM": "sluice-dev", "SLUICE_ENVIRONMENT": "dev"}
    costs.has_resource_properties("AWS::Lambda::Function", {"Environment": {"Variables": Match.object_like(variables)}})


def test_an_observing_sweep_has_no_permission_to_end_anything(costs: Template) -> None:
    verbs = {action.removeprefix("sagemaker:")[:4] for action in sagemaker_actions(costs)}
    assert verbs == {"List", "Desc"}


def test_an_enforcing_sweep_may_end_only_what_bears_the_platforms_tag(enforcing: Template) -> None:
    actions = sagemaker_actions(enforcing)
    for action in ("sagemaker:DeleteEndpoint", "sagemaker:StopNotebookInstance"):
        assert actions[action]["Condition"] == {"StringEquals": {"aws:ResourceTag/sluice:platform": "sluice-dev"}}


def test_in_production_even_an_enforcing_sweep_may_end_nothing(synthesis: Any) -> None:
    production = synthesis.platform.model_copy(update={"environment": "prod"})
    verbs = {a.removeprefix("sagemaker:")[:4] for a in sagemaker_actions(template(production, ENFORCE))}
    assert verbs == {"List", "Desc"}


def test_it_runs_on_its_schedule(costs: Template, enforcing: Template) -> None:
    costs.has_resource_properties("AWS::Events::Rule", {"ScheduleExpression": "rate(1 hour)"})
    enforcing.has_resource_properties("AWS::Events::Rule", {"ScheduleExpression": "rate(1 day)"})


def test_the_ledger_is_encrypted_recoverable_and_forgets_after_its_time(costs: Template) -> None:
    costs.has_resource_properties(
        "AWS::DynamoDB::Table",
        {
            "KeySchema": [
                {"AttributeName": "resource", "KeyType": "HASH"},
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
    swept = template(synthesis.platform, SweepPolicy(every_hours=every_hours))
    [alarm] = swept.find_resources("AWS::CloudWatch::Alarm").values()
    properties = alarm["Properties"]
    assert properties["TreatMissingData"] == "missing"
    assert properties["AlarmActions"] == properties["InsufficientDataActions"] != []
    stats = [m["MetricStat"] for m in properties["Metrics"] if "MetricStat" in m]
    assert {stat["Metric"]["MetricName"] for stat in stats} == {
        "Errors",
        "Invocations",
        "ApproximateNumberOfMessagesVisible",
    }
    assert {stat["Period"] for stat in stats} == {period}
