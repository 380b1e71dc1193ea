"""A workload that Autopilot trains: its state machine, who may do what, and what ends what is left running."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Validations
from aws_cdk.assertions import Match, Template
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks

from config.load import ROOT
from sluice import waiver
from sluice.autopilot import stem
from tests import autopilot_app

NAME = autopilot_app.NAME
STEM = stem(NAME)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assembly, with the report of cdk-nag."""
    out = tmp_path_factory.mktemp("autopilot")
    context = {"aws:cdk:bundling-stacks": [], "@aws-cdk/core:failSynthOnValidationErrors": False}
    app = App(outdir=str(out), context=context)
    autopilot_app.build(app)
    waiver.acknowledge()
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app))
    app.synth()
    return out


@pytest.fixture(scope="module")
def template(folder: Path) -> Template:
    return Template.from_json(json.loads((folder / "sluice-dev-autopilot.template.json").read_text()))


def machine(template: Template) -> list[Any]:
    [found] = template.find_resources("AWS::StepFunctions::StateMachine").values()
    return found["Properties"]["DefinitionString"]["Fn::Sub"]


def statements(template: Template, role: str) -> list[dict[str, Any]]:
    return [
        statement
        for name, policy in template.find_resources("AWS::IAM::Policy").items()
        if name.startswith(role)
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_every_placeholder_is_filled_and_the_states_are_the_committed_ones(template: Template) -> None:
    body, values = machine(template)
    assert set(re.findall(r"\$\{(\w+)\}", body)) == values.keys()
    committed = json.loads((ROOT / "workloads" / "automl" / "pipeline.json").read_text("utf-8"))
    assert json.loads(body)["States"].keys() == committed["States"].keys()
    template.has_resource_properties("AWS::StepFunctions::StateMachine", {"StateMachineName": NAME})


def test_what_the_machine_starts_has_the_platforms_tags(template: Template) -> None:
    states = json.loads(machine(template)[0])["States"].values()
    starting = [state for state in states if ":aws-sdk:sagemaker:create" in state.get("Resource", "")]
    tagged = [state for state in starting if "createModelPackage" not in state["Resource"]]
    assert len(tagged) == 7
    for state in tagged:
        keys = {tag["Key"] for tag in state["Arguments"]["Tags"]}
        assert {"sluice:owner", "sluice:team", "sluice:workload"} <= keys


def test_without_a_registry_the_machine_ends_without_registering() -> None:
    app = App(context={"aws:cdk:bundling-stacks": []})
    template = Template.from_stack(autopilot_app.build(app, registers=False))
    states = json.loads(machine(template)[0])["States"]
    assert "Register" not in states and states["Better"]["Choices"][0]["Next"] == "Done"
    template.resource_count_is("AWS::SageMaker::ModelPackageGroup", 0)
    assert not [s for s in statements(template, "AutopilotRole") if "CreateModelPackage" in json.dumps(s["Action"])]


def test_the_machine_is_logged_with_the_key_and_traced(template: Template) -> None:
    logged = {"Level": "ALL", "IncludeExecutionData": False}
    properties = {"LoggingConfiguration": Match.object_like(logged), "TracingConfiguration": {"Enabled": True}}
    template.has_resource_properties("AWS::StepFunctions::StateMachine", properties)
    group = {"LogGroupName": f"/aws/vendedlogs/states/{NAME}", "KmsKeyId": Match.any_value()}
    template.has_resource_properties("AWS::Logs::LogGroup", group)


@pytest.mark.parametrize("role", ["AutopilotRole", "AutopilotJobRole", "AutopilotCancelRole"])
def test_no_role_may_do_a_kind_of_action_whole(template: Template, role: str) -> None:
    found = [action for statement in statements(template, role) for action in listed(statement["Action"])]
    assert found and not [action for action in found if "*" in action]


def test_the_machine_and_what_cancels_it_touch_what_bears_the_stem_alone(template: Template) -> None:
    unbound = {"sagemaker:ListCandidatesForAutoMLJob", "sagemaker:CreateModelPackage"}
    for role in ("AutopilotRole", "AutopilotCancelRole"):
        for statement in statements(template, role):
            actions = set(listed(statement["Action"]))
            if {a for a in actions if a.startswith("sagemaker:")} - unbound:
                assert all(f"/{STEM}-*" in json.dumps(r) for r in listed(statement["Resource"])), statement


def test_no_name_but_those_of_its_own_runs_bears_the_stem() -> None:
    longest = f"{'p' * 16}-{'e' * 8}-{'w' * 20}"
    for name in (NAME, longest):
        own, run = stem(name), f"{stem(name)}-{'0' * 12}"
        others = (
            f"{name}-v3-0123abcd",
            f"{name}-two",
            f"pipelines-{'0' * 12}-Train-0",
            stem(f"{name}-two"),
            stem(name[:-1]),
        )
        assert len(run) <= 32 and not [other for other in others if other.startswith(f"{own}-") or other == own]


def test_the_job_role_is_handed_to_sagemaker_alone(template: Template) -> None:
    passing = [
        s
        for r in ("AutopilotRole", "AutopilotJobRole")
        for s in statements(template, r)
        if s["Action"] == "iam:PassRole"
    ]
    assert len(passing) == 2
    for statement in passing:
        assert statement["Resource"]["Fn::GetAtt"][0].startswith("AutopilotJobRole")
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_an_execution_that_came_to_no_good_end_is_cancelled(template: Template) -> None:
    [rule] = template.find_resources("AWS::Events::Rule").values()
    pattern = rule["Properties"]["EventPattern"]
    assert pattern["source"] == ["aws.states"]
    assert pattern["detail-type"] == ["Step Functions Execution Status Change"]
    assert pattern["detail"]["status"] == ["ABORTED", "FAILED", "TIMED_OUT"]
    assert pattern["detail"]["stateMachineArn"][0]["Ref"].startswith("Autopilot")
    properties = {"Handler": "controls.cancel.handler", "Environment": {"Variables": {"SLUICE_STEM": STEM}}}
    template.has_resource_properties("AWS::Lambda::Function", properties)


def test_cdk_nag_finds_nothing_that_is_not_accepted(folder: Path) -> None:
    report = json.loads((folder / "validation-report.json").read_text("utf-8"))
    assert len(report["pluginReports"]) >= 2
    found = [
        (violation["ruleName"], construct["constructPath"])
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
        if "/Autopilot/" in construct["constructPath"]
    ]
    assert not found
