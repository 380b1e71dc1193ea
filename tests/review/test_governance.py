"""The pack's rules: each is broken by its failing example alone, and kept by its passing one."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review.cloud_assembly import stack_of
from review.governance import RULES, check
from review.governance.examples import Example, examples
from review.governance.rule import Violation
from review.model import Severity

BY_ID = {rule.id: rule for rule in RULES}


def found(example: Example, fragment: Any) -> list[Violation]:
    return list(check(stack_of(example.template(fragment)), example.settings))


@pytest.mark.parametrize("rule", BY_ID)
def test_the_failing_example_breaks_its_rule_and_no_other(rule: str) -> None:
    example = examples()[rule]
    violations = found(example, example.failing)
    assert {violation.rule.id for violation in violations} == {rule, example.besides} - {""}
    for violation in violations:
        assert violation.message and violation.path.split(".")[0] in (violation.message + violation.path)


@pytest.mark.parametrize("rule", BY_ID)
def test_the_passing_example_keeps_every_rule(rule: str) -> None:
    example = examples()[rule]
    violations = found(example, example.passing)
    assert {violation.rule.id for violation in violations} <= {example.besides} - {""}, violations


def test_each_rule_has_an_example_and_each_example_a_rule() -> None:
    assert set(examples()) == set(BY_ID)
    assert len(BY_ID) == len(RULES) >= 40


def test_rules_say_why_and_what_to_do() -> None:
    for rule in RULES:
        assert re.fullmatch(r"SLUICE-[A-Z]+-\d\d", rule.id)
        assert rule.types and not rule.title.endswith(".")
        assert all(text.endswith(".") and len(text) > 10 for text in (rule.reason, rule.fix, rule.unknown)), rule.id
        assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in rule.config)


def test_what_the_template_does_not_decide_is_told_as_undecided() -> None:
    example = examples()["SLUICE-DOM-01"]
    template = example.template({"Domain": {"Properties": {"AppNetworkAccessType": {"Ref": "Access"}}}})
    template["Parameters"] = {"Access": {"Type": "String", "Default": "VpcOnly"}}
    [violation] = check(stack_of(template))
    assert (violation.rule.id, violation.certain, violation.severity) == ("SLUICE-DOM-01", False, Severity.LOW)
    assert "the parameter Access" in violation.message


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [(["VpcOnly"], []), (["PublicInternetOnly"], [True]), (["VpcOnly", "PublicInternetOnly"], [False])],
)
def test_a_parameters_allowed_values_decide_if_all_are_right_or_none(allowed: list[str], expected: list[bool]) -> None:
    example = examples()["SLUICE-DOM-01"]
    template = example.template({"Domain": {"Properties": {"AppNetworkAccessType": {"Ref": "Access"}}}})
    template["Parameters"] = {"Access": {"Type": "String", "AllowedValues": allowed}}
    assert [violation.certain for violation in check(stack_of(template))] == expected


def test_both_branches_of_a_condition_are_judged_and_the_message_names_the_branch() -> None:
    example = examples()["SLUICE-NB-03"]
    nested = {"Fn::If": ["IsProduction", "Disabled", {"Fn::If": ["IsTest", "Disabled", "Enabled"]}]}
    [violation] = check(stack_of(example.template({"Notebook": {"Properties": {"RootAccess": nested}}})))
    assert violation.certain and "(if not IsProduction and not IsTest)" in violation.message


def test_a_mapping_is_looked_up_and_a_text_without_references_is_read() -> None:
    example = examples()["SLUICE-DOM-01"]
    table = {"Fn::FindInMap": ["Access", {"Ref": "AWS::Region"}, "Kind"]}
    template = example.template({"Domain": {"Properties": {"AppNetworkAccessType": table}}})
    template["Mappings"] = {"Access": {"us-east-1": {"Kind": "VpcOnly"}, "eu-west-1": {"Kind": "VpcOnly"}}}
    assert not list(check(stack_of(template)))
    joined = {"Fn::Join": ["", ["Vpc", "Only"]]}
    assert not found(example, {"Domain": {"Properties": {"AppNetworkAccessType": joined}}})


def test_a_definition_within_a_join_is_read_step_by_step_those_of_conditions_too() -> None:
    inner = '{"Name":"Deep","Type":"Training","Arguments":{"EnableNetworkIsolation":false,"RoleArn":"'
    text = ['{"Steps":[{"Name":"If","Type":"Condition","Arguments":{"IfSteps":[' + inner, {"Ref": "Role"}, '"}}]}}]}']
    pipeline = {
        "Type": "AWS::SageMaker::Pipeline",
        "Properties": {"PipelineDefinition": {"PipelineDefinitionBody": {"Fn::Join": ["", text]}}},
    }
    violations = list(check(stack_of({"Resources": {"Pipeline": pipeline}})))
    paths = {violation.rule.id: violation.path for violation in violations}
    assert paths["SLUICE-PIPE-02"] == "PipelineDefinition.Steps.Deep.EnableNetworkIsolation"
    assert "SLUICE-PIPE-01" not in paths


def test_a_number_that_a_deployment_fills_in_leaves_the_definition_readable() -> None:
    arguments = '{"StoppingCondition":{"MaxRuntimeInSeconds":${Seconds}}}'
    body = {"Fn::Sub": '{"Steps":[{"Name":"T","Type":"Training","Arguments":' + arguments + "}]}"}
    properties = {"PipelineDefinition": {"PipelineDefinitionBody": body}}
    pipeline = {"Type": "AWS::SageMaker::Pipeline", "Properties": properties}
    violations = {each.rule.id: each for each in check(stack_of({"Resources": {"P": pipeline}}))}
    assert "SLUICE-PIPE-01" not in violations and not violations["SLUICE-PIPE-08"].certain


def test_a_secret_never_stands_in_a_message() -> None:
    example = examples()["SLUICE-GEN-07"]
    fragment = {"Model": {"Properties": {"PrimaryContainer": {"Environment": {"API_TOKEN": "hunter2"}}}}}
    [violation] = found(example, fragment)
    assert "hunter2" not in violation.message and violation.path.endswith("API_TOKEN")


def test_a_rule_may_be_switched_off() -> None:
    example = examples()["SLUICE-DOM-01"]
    fewer = example.settings.model_copy(update={"switched_off": ("SLUICE-DOM-01",)})
    assert not list(check(stack_of(example.template(example.failing)), fewer))


def test_models_that_serverless_variants_alone_serve_are_not_asked_for_a_network() -> None:
    example = examples()["SLUICE-MOD-01"]
    variants = [{"VariantName": "a", "ModelName": {"Ref": "Model"}, "ServerlessConfig": {"MaxConcurrency": 5}}]
    fragment = {
        "Model": {"Properties": {"EnableNetworkIsolation": None, "VpcConfig": None}},
        "Config": {"Properties": {"ProductionVariants": variants, "DataCaptureConfig": None}},
    }
    assert not found(example, fragment)


@pytest.mark.parametrize("odd", [{}, [], "x", None, 3, {"Fn::Transform": {"Name": "AWS::Include"}}, {"Fn::If": ["A"]}])
def test_odd_properties_are_no_stack_trace(odd: Any) -> None:
    """Each property of each resource of the base in a form that no rule expects."""
    base = next(iter(examples().values())).base
    for name, resource in base.items():
        for key in resource.get("Properties", {}):
            template = {"Resources": {name: {**resource, "Properties": {**resource["Properties"], key: odd}}}}
            list(check(stack_of(template)))
        list(check(stack_of({"Resources": {name: {**resource, "Properties": odd}}})))


def test_a_key_of_awss_own_is_not_the_accounts() -> None:
    example = examples()["SLUICE-NB-04"]
    [violation] = found(example, {"Notebook": {"Properties": {"KmsKeyId": "alias/aws/sagemaker"}}})
    assert violation.rule.id == "SLUICE-NB-04"


KEYS = st.sampled_from(["Ref", "Fn::If", "Fn::Sub", "Fn::Join", "Fn::GetAtt", "Fn::FindInMap", "Key", "Statement", "*"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["${A}", "AWS::NoValue", "Model"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=6,
)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_no_form_of_a_value_is_a_stack_trace(data: st.DataObject) -> None:
    """Some value anywhere in the base, within lists and policies and steps too."""
    template = examples()["SLUICE-ROLE-04"].template(examples()["SLUICE-ROLE-04"].failing)
    name = data.draw(st.sampled_from(sorted(template["Resources"])))
    holder: Any = template["Resources"][name]
    key: Any = "Properties"
    for _ in range(data.draw(st.integers(0, 7))):
        inner = holder[key]
        if not isinstance(inner, dict | list) or not inner:
            break
        holder, key = inner, data.draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else range(len(inner))))
    holder[key] = data.draw(VALUES)
    for violation in check(stack_of(template)):
        assert violation.message
