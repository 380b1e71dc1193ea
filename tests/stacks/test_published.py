"""What is published for readers outside, and that taking workloads away leaves nothing in a lurch."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from app import build
from config.load import ROOT, load, load_workload
from config.schema import Platform
from sluice.published import VALUES

ROW = re.compile(r"\| `/<prefix>/([a-z-]+)` \| (.+) \| (\w+) \|")


def test_the_table_in_the_docs_shows_every_parameter_its_meaning_and_its_stack(
    app_templates: Mapping[str, Template],
) -> None:
    found = {
        (resource["Properties"]["Name"], resource["Properties"]["Description"], stack)
        for stack, template in app_templates.items()
        for resource in template.find_resources("AWS::SSM::Parameter", {"Properties": {"Type": "String"}}).values()
    }
    rows = ROW.findall((ROOT / "docs" / "published.md").read_text("utf-8"))
    assert {(f"/sluice-dev/{name}", meaning, stack) for name, meaning, stack in rows} == found
    assert {name for name, _, _ in rows} == VALUES.keys()


def test_stacks_hand_objects_to_each_other_and_read_no_parameter(synthesis: Any) -> None:
    assert "{{resolve:ssm:" not in str(synthesis.templates)
    assert not [
        name
        for template in synthesis.templates.values()
        for name, parameter in template["Parameters"].items()
        if parameter["Type"].startswith("AWS::SSM") and name != "BootstrapVersion"
    ]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory, platform: Platform) -> dict[str, Any]:
    """The templates of the platform without workloads and users, by the last part of the stack's name."""
    studio = platform.studio.model_copy(update={"users": ()})
    app = App(outdir=str(tmp_path_factory.mktemp("bare")), context={"aws:cdk:bundling-stacks": []})
    build(app, platform.model_copy(update={"workloads": {}, "studio": studio}))
    return {
        stack.node.id.removeprefix(f"{platform.prefix}-"): Template.from_stack(stack).to_json()
        for stack in app.node.children
        if isinstance(stack, Stack)
    }


def test_without_workloads_and_users_the_same_stacks_are_there_and_export_the_same(
    synthesis: Any, bare: dict[str, Any]
) -> None:
    """CloudFormation would refuse to remove an export before its importers let go; producers are updated first."""

    def exports(templates: Mapping[str, Any]) -> dict[str, set[str]]:
        return {
            stack: {str(output["Export"]) for output in template.get("Outputs", {}).values() if "Export" in output}
            for stack, template in templates.items()
        }

    assert exports(bare) == exports(synthesis.templates)
    assert len(exports(bare)["foundation"]) > 5


def test_without_workloads_serving_holds_its_parameter_and_training_keeps_the_record_of_runs(
    bare: dict[str, Any],
) -> None:
    kinds = {stack: [r["Type"] for r in bare[stack]["Resources"].values()] for stack in ("training", "serving")}
    assert kinds["serving"] == ["AWS::SSM::Parameter"]
    assert not {"AWS::SageMaker::Pipeline", "AWS::SageMaker::ModelPackageGroup"} & {*kinds["training"]}
    assert "AWS::SageMaker::MlflowApp" in kinds["training"]


def test_a_state_machine_is_not_published_as_a_pipeline(platform: Platform) -> None:
    automl = load_workload(ROOT / "workloads" / "automl" / "workload.yaml")
    app = App(context={"aws:cdk:bundling-stacks": []})
    build(app, platform.model_copy(update={"workloads": {**platform.workloads, "automl": automl}}))
    training = Template.from_stack(app.node.find_child("sluice-dev-training"))  # pyright: ignore[reportArgumentType]
    for name, value in (("pipelines", '["sluice-dev-digits"]'), ("state-machines", '["sluice-dev-automl"]')):
        training.has_resource_properties("AWS::SSM::Parameter", {"Name": f"/sluice-dev/{name}", "Value": value})


def test_where_studio_cannot_be_made_it_is_left_out(tmp_path: Path) -> None:
    text = (ROOT / "config" / "team.yaml").read_text("utf-8").replace("us-east-1", "ca-west-1")
    (tmp_path / "team.yaml").write_text(text)
    app = App(outdir=str(tmp_path / "out"), context={"aws:cdk:bundling-stacks": []})
    build(app, load(tmp_path / "team.yaml"))
    assert [child.node.id for child in app.node.children if isinstance(child, Stack)] == [
        f"sluice-dev-{name}" for name in ("foundation", "training", "serving", "costs", "monitoring")
    ]
