"""Filling a committed pipeline definition."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack

from sluice.definition import DefinitionError, fill, images


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    definition = {"Steps": [{"Type": "Fail", "Bucket": "s3://${Bucket}/x", "Subnets": ["${SubnetIds}"]}]}
    (tmp_path / "pipeline.json").write_text(json.dumps(definition, indent=1))
    (tmp_path / "images.json").write_text(json.dumps({"Image": {"us-east-1": "a", "eu-west-1": "b"}}))
    return tmp_path


def filled(folder: Path, values: dict[str, Any]) -> Any:
    return Stack().resolve(fill(folder / "pipeline.json", values, {}))


def test_a_list_fills_the_whole_array(folder: Path) -> None:
    body, values = filled(folder, {"Bucket": "b", "SubnetIds": ["s1", "s2"], "Unused": "x"})["Fn::Sub"]
    assert values == {"Bucket": "b", "SubnetIds": 's1","s2'}
    for name, value in values.items():
        body = body.replace(f"${{{name}}}", value)
    assert json.loads(body) == {"Steps": [{"Type": "Fail", "Bucket": "s3://b/x", "Subnets": ["s1", "s2"]}]}


def test_a_placeholder_that_nothing_fills_is_named(folder: Path) -> None:
    with pytest.raises(DefinitionError, match=r"pipeline\.json asks for \['SubnetIds'\]; there are \['Bucket'\]"):
        fill(folder / "pipeline.json", {"Bucket": "b"}, {})


def test_a_region_without_an_image_is_named_with_those_that_have_one(folder: Path) -> None:
    assert images(folder, "eu-west-1") == {"Image": "b"}
    with pytest.raises(DefinitionError, match="Image does not exist in mars-north-1; it does in eu-west-1, us-east-1"):
        images(folder, "mars-north-1")


def test_what_steps_start_is_tagged_in_branches_too(folder: Path) -> None:
    job: dict[str, Any] = {"Type": "Training", "Arguments": {"Tags": []}}
    condition = {"Type": "Condition", "Arguments": {"IfSteps": [job], "ElseSteps": [{"Type": "Fail", "Arguments": {}}]}}
    (folder / "pipeline.json").write_text(
        json.dumps({"Steps": [{"Type": "Processing", "Arguments": {"Bucket": "${Bucket}"}}, condition]})
    )
    body = Stack().resolve(fill(folder / "pipeline.json", {"Bucket": "b"}, {"sluice:owner": "me"}))["Fn::Sub"][0]
    first, second = json.loads(body)["Steps"]
    tags = [{"Key": "sluice:owner", "Value": "me"}]
    assert first["Arguments"]["Tags"] == second["Arguments"]["IfSteps"][0]["Arguments"]["Tags"] == tags
    assert second["Arguments"]["ElseSteps"][0]["Arguments"] == {}


def registering(*more: dict[str, Any]) -> str:
    register = {"Name": "Register", "Type": "RegisterModel", "Arguments": {}}
    branch = {"IfSteps": [register], "ElseSteps": [{"Name": "Stop", "Type": "Fail", "Arguments": {}}]}
    train = {"Name": "Train", "Type": "Training", "Arguments": {}}
    better = {"Name": "Better", "Type": "Condition", "Arguments": branch, "DependsOn": ["Train"]}
    return json.dumps({"Steps": [train, better, *more]})


def test_without_a_registry_only_the_steps_that_register_are_left_out(folder: Path) -> None:
    (folder / "pipeline.json").write_text(registering())
    body = fill(folder / "pipeline.json", {}, {}, registers=False)
    train, better = json.loads(Stack().resolve(body)["Fn::Sub"][0])["Steps"]
    assert train["Name"] == "Train" and better["Arguments"]["IfSteps"] == []
    assert [step["Name"] for step in better["Arguments"]["ElseSteps"]] == ["Stop"]


@pytest.mark.parametrize("workload", ["digits", "tabular"])
def test_a_workload_without_a_registry_still_ends_when_its_model_is_not_better(workload: str) -> None:
    path = Path(__file__).parents[2] / "workloads" / workload / "pipeline.json"
    asked = set(re.findall(r"\$\{(\w+)\}", path.read_text())) - {"PackageGroup"}
    body = Stack().resolve(fill(path, dict.fromkeys(asked, "x"), {}, registers=False))["Fn::Sub"][0]
    better = json.loads(body)["Steps"][-1]
    assert better["Arguments"]["IfSteps"] == [] and len(better["Arguments"]["Conditions"]) == 1
    assert [step["Name"] for step in better["Arguments"]["ElseSteps"]] == ["NotBetter"]
    assert "RegisterModel" not in body


def test_what_waits_for_a_registration_that_is_left_out_is_named(folder: Path) -> None:
    after = {"Name": "Tell", "Type": "Lambda", "Arguments": {}, "DependsOn": ["Register"]}
    (folder / "pipeline.json").write_text(registering(after))
    with pytest.raises(DefinitionError, match=r"Tell depends on \['Register'\], which cannot run in this region"):
        fill(folder / "pipeline.json", {}, {}, registers=False)
