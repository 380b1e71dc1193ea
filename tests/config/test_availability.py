"""What the table says is missing in a region is what cfn-lint's schemas of that region lack."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from cfnlint.helpers import REGIONS
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from config.availability import EXPERIMENTS, MISSING, NATIVE_MONITORS, REGISTRY, STUDIO, WITHOUT_NATIVE_MONITORS
from config.instances import regions


@pytest.mark.slow
def test_the_table_has_every_type_of_the_templates_that_a_region_lacks(synthesize: Callable[[str], Any]) -> None:
    used = {
        resource["Type"]
        for sample in ("team", "govcloud")
        for template in synthesize(sample).templates.values()
        for resource in template["Resources"].values()
        if resource["Type"].startswith("AWS::")
    }
    assert used >= {*REGISTRY, *STUDIO, *EXPERIMENTS}
    lacking = {
        region: tuple(sorted(used.difference(PROVIDER_SCHEMA_MANAGER.get_resource_types(region))))
        for region in regions() & set(REGIONS)
    }
    assert {region: types for region, types in lacking.items() if types} == MISSING


@pytest.mark.slow
def test_the_types_of_sagemakers_own_monitors_are_where_they_are_said_to_be() -> None:
    for name in NATIVE_MONITORS:
        lacking = {r for r in regions() & set(REGIONS) if name not in PROVIDER_SCHEMA_MANAGER.get_resource_types(r)}
        assert lacking == WITHOUT_NATIVE_MONITORS, name


@pytest.mark.slow
def test_where_there_is_no_registry_runs_train_and_nothing_is_registered_or_served(
    synthesize: Callable[[str], Any],
) -> None:
    templates = synthesize("china").templates
    kinds = [resource["Type"] for resource in templates["training"]["Resources"].values()]
    [pipeline] = [r for r in templates["training"]["Resources"].values() if r["Type"] == "AWS::SageMaker::Pipeline"]
    body = pipeline["Properties"]["PipelineDefinition"]["PipelineDefinitionBody"]["Fn::Sub"][0]
    assert '"Type":"Training"' in body and '"Type":"RegisterModel"' not in body
    assert "AWS::SageMaker::ModelPackageGroup" not in kinds
    assert [resource["Type"] for resource in templates["serving"]["Resources"].values()] == ["AWS::SSM::Parameter"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sample", "lacking"),
    [("team", []), ("china", ["AWS::SageMaker::ModelPackageGroup", "AWS::SageMaker::MlflowApp"])],
)
def test_the_synth_tells_what_it_leaves_out_by_the_types_name(
    synthesize: Callable[[str], Any], sample: str, lacking: list[str]
) -> None:
    told = "".join(path.read_text("utf-8") for path in synthesize(sample).folder.glob("*manifest.json"))
    told += "".join(path.read_text("utf-8") for path in synthesize(sample).folder.glob("*.metadata.json"))
    assert re.findall(r"Left out: [\w ,]+\. \S+ has no ([\w:]+)", told) == lacking
