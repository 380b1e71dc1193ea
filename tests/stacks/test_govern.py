"""What governs jobs: hears of each kind of job, and may do no more than its modes say."""

from collections.abc import Mapping
from typing import Any

import pytest
from aws_cdk import App, Environment
from aws_cdk.assertions import Match, Template
from pydantic import ValidationError

from config.costs import Costs
from config.schema import Platform
from stacks.costs import CostsStack
from stacks.foundation import FoundationStack

ENFORCE = {"spot": {"mode": "enforce", "fallback_mode": "enforce"}, "job_limits": {"mode": "enforce"}}
STOPS = {f"sagemaker:Stop{kind}Job" for kind in ("Training", "HyperParameterTuning", "Processing", "Transform")}
CREATES = {"sagemaker:CreateTrainingJob", "sagemaker:CreateHyperParameterTuningJob"}


@pytest.fixture(scope="module")
def costs(app_templates: Mapping[str, Template]) -> Template:
    return app_templates["costs"]


@pytest.fixture(scope="module")
def enforcing(synthesis: Any) -> Template:
    return template(synthesis.platform, ENFORCE)


def template(platform: Platform, costs: dict[str, Any], **changes: Any) -> Template:
    platform = platform.model_copy(update={"costs": Costs.model_validate(costs), **changes})
    app, env = App(context={"aws:cdk:bundling-stacks": []}), Environment(region="us-east-1")
    foundation = FoundationStack(app, "Foundation", platform=platform, env=env)
    return Template.from_stack(CostsStack(app, "Costs", platform=platform, foundation=foundation, env=env))


def allowed(template: Template) -> dict[str, dict[str, Any]]:
    """Each action that the governor's role is allowed, with the statement that allows it."""
    found = {}
    for name, policy in template.find_resources("AWS::IAM::Policy").items():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"] if name.startswith("Govern") else ():
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            found |= dict.fromkeys(actions, statement)
    return found


def test_it_hears_of_every_kind_of_job_that_begins_or_ends(costs: Template) -> None:
    statuses = ["InProgress", "Completed", "Failed", "Stopped"]
    nouns = ("TrainingJob", "HyperParameterTuningJob", "ProcessingJob", "TransformJob")
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": [
            f"SageMaker {kind} Job State Change"
            for kind in ("Training", "HyperParameter Tuning", "Processing", "Transform")
        ],
        "detail": {"$or": [{f"{noun}Status": statuses} for noun in nouns]},
    }
    costs.has_resource_properties("AWS::Events::Rule", {"EventPattern": pattern})


def test_it_observes_unless_told_otherwise(costs: Template) -> None:
    actions = {*allowed(costs)}
    assert not actions & (STOPS | CREATES | {"iam:PassRole", "kms:CreateGrant", "sagemaker:AddTags"})
    fallback = Match.string_like_regexp('"by_default": true, "acts": false, "usd_per_month": 0.0')
    variables = Match.object_like({"SLUICE_FALLBACK": fallback})
    costs.has_resource_properties("AWS::Lambda::Function", {"Environment": {"Variables": variables}})


def test_it_may_stop_only_what_bears_the_platforms_tag(enforcing: Template) -> None:
    for action in STOPS:
        tagged = {"StringEquals": {"aws:ResourceTag/sluice:platform": "sluice-dev"}}
        assert allowed(enforcing)[action]["Condition"] == tagged


def test_it_may_stop_untagged_jobs_too_where_the_platform_may_but_no_other_platforms(synthesis: Any) -> None:
    everybody = allowed(template(synthesis.platform, ENFORCE | {"sweep": {"own_only": False}}))
    for action in STOPS:
        tagged = {"StringEqualsIfExists": {"aws:ResourceTag/sluice:platform": "sluice-dev"}}
        assert everybody[action]["Condition"] == tagged


def test_it_may_start_only_fallbacks_and_tag_them_as_it_does(enforcing: Template) -> None:
    for action in CREATES:
        assert str(allowed(enforcing)[action]["Resource"]).endswith("/*-od']]}")
    assert allowed(enforcing)["sagemaker:AddTags"]["Condition"] == {"Null": {"sagemaker:TaggingAction": "false"}}


def test_it_hands_on_only_roles_of_the_platform_and_only_to_sagemaker(enforcing: Template) -> None:
    passing = allowed(enforcing)["iam:PassRole"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    assert str(passing["Resource"]).endswith(":role/sluice-dev-*']]}")


@pytest.mark.parametrize(
    ("costs", "stops", "starts"),
    [
        ({"spot": {"mode": "enforce"}}, True, False),
        ({"job_limits": {"mode": "enforce"}}, True, False),
        ({"spot": {"fallback_mode": "enforce"}}, False, True),
    ],
)
def test_each_mode_grants_its_own(synthesis: Any, costs: dict[str, Any], stops: bool, starts: bool) -> None:
    actions = {*allowed(template(synthesis.platform, costs))}
    assert (bool(actions & STOPS), bool(actions & CREATES)) == (stops, starts)


def test_in_production_it_may_stop_nothing_that_is_not_named(synthesis: Any) -> None:
    assert not {*allowed(template(synthesis.platform, ENFORCE, environment="prod"))} & STOPS
    named = ENFORCE | {"sweep": {"production": ["nightly"]}}
    assert {*allowed(template(synthesis.platform, named, environment="prod"))} >= STOPS


def test_its_limits_are_the_guardrails(costs: Template) -> None:
    limits = '{"on_demand_usd_per_hour": 1.0, "max_run_seconds": 86400, "max_instances": 8, '
    limits += '"max_tuning_jobs": 50, "max_parallel_jobs": 10}'
    variables = Match.object_like({"SLUICE_LIMITS": limits})
    costs.has_resource_properties("AWS::Lambda::Function", {"Environment": {"Variables": variables}})


def test_a_failure_of_it_raises_an_alarm(costs: Template) -> None:
    told = Match.string_like_regexp("Govern/Function")
    costs.has_resource_properties(
        "AWS::CloudWatch::Alarm", {"AlarmDescription": told, "TreatMissingData": "notBreaching"}
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"fallback_mode": "always"}, "'observe' or 'enforce'"),
        ({"fallback": "on-demand"}, "valid boolean"),
        ({"on_demand_usd_per_hour": -1}, "greater than or equal to 0"),
    ],
)
def test_a_mistake_in_its_configuration_is_named(given: dict[str, Any], told: str) -> None:
    [field] = given
    with pytest.raises(ValidationError, match=rf"spot\.{field}\n.*{told}"):
        Costs.model_validate({"spot": given})
