"""Filling a committed pipeline definition."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack

from sluice.definition import DefinitionError, fill, images


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    definition = {"Steps": [{"Bucket": "s3://${Bucket}/x", "Subnets": ["${SubnetIds}"]}]}
    (tmp_path / "pipeline.json").write_text(json.dumps(definition, indent=1))
    (tmp_path / "images.json").write_text(json.dumps({"Image": {"us-east-1": "a", "eu-west-1": "b"}}))
    return tmp_path


def filled(folder: Path, values: dict[str, Any]) -> Any:
    return Stack().resolve(fill(folder / "pipeline.json", values))


def test_a_list_fills_the_whole_array(folder: Path) -> None:
    body, values = filled(folder, {"Bucket": "b", "SubnetIds": ["s1", "s2"], "Unused": "x"})["Fn::Sub"]
    assert values == {"Bucket": "b", "SubnetIds": 's1","s2'}
    for name, value in values.items():
        body = body.replace(f"${{{name}}}", value)
    assert json.loads(body) == {"Steps": [{"Bucket": "s3://b/x", "Subnets": ["s1", "s2"]}]}


def test_a_placeholder_that_nothing_fills_is_named(folder: Path) -> None:
    with pytest.raises(DefinitionError, match=r"pipeline\.json asks for \['SubnetIds'\]; there are \['Bucket'\]"):
        fill(folder / "pipeline.json", {"Bucket": "b"})


def test_a_region_without_an_image_is_named_with_those_that_have_one(folder: Path) -> None:
    assert images(folder, "eu-west-1") == {"Image": "b"}
    with pytest.raises(DefinitionError, match="Image does not exist in mars-north-1; it does in eu-west-1, us-east-1"):
        images(folder, "mars-north-1")
