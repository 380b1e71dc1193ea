"""SageMaker's own monitors in the control plane: made, replaced by what is in them, removed. Nothing runs in them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rehearsal.embedded import EmbeddedCloud
from review import synthesis
from tests.rehearsal.test_cloudformation import Stack

pytestmark = pytest.mark.slow

KINDS = ("data-quality", "model-quality", "bias", "attribution")


def resources(found: Any) -> dict[str, Any]:
    """Those of SageMaker, with a text for each value that other stacks or resources give."""
    chosen = {
        name: {"Type": each["Type"], "Properties": _plain(each["Properties"])}
        for name, each in found.templates["monitoring"]["Resources"].items()
        if each["Type"].startswith("AWS::SageMaker::")
    }
    return {"Resources": chosen}


def _plain(value: Any) -> Any:
    match value:
        case {"Fn::ImportValue": _} | {"Fn::GetAtt": _} | {"Ref": _}:
            return "given"
        case {"Fn::Join": [separator, parts]}:
            return separator.join(map(str, map(_plain, parts)))
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case _:
            return value


def changed(found: Any, folder: Path, **process: int) -> Any:
    """The sample with all four kinds, and with a job of another size."""
    tabular = found.platform.workloads["tabular"]
    sized = tabular.monitor.process.model_copy(update=process)
    monitor = tabular.monitor.model_copy(update={"kinds": KINDS, "process": sized})
    workloads = {"tabular": tabular.model_copy(update={"monitor": monitor})}
    return synthesis.synthesize(found.platform.model_copy(update={"workloads": workloads}), folder)


def test_four_definitions_and_their_schedules_are_made_replaced_and_removed(
    cloud: EmbeddedCloud, role: str, synthesize: Callable[[str], Any], tmp_path: Path
) -> None:
    sample = synthesize("native-monitors")
    first, second = (resources(changed(sample, tmp_path / str(gb), volume_gb=gb)) for gb in (20, 30))
    assert len(first["Resources"]) == 8
    names = [json.dumps(each, sort_keys=True) for each in (first, second)]
    assert names[0] != names[1]
    stack = Stack(cloud, "native-monitors", role)
    assert stack.deploy(first) == "CREATE_COMPLETE", stack.reasons()
    made = cloud.control("inert")["inert"]
    assert sum("native-monitors-" in each for each in made) == 8, "what examines nothing here is told by its name"
    assert stack.deploy(second) == "UPDATE_COMPLETE", stack.reasons()
    stack.delete()
    assert not [each for each in cloud.control("inert")["inert"] if "native-monitors-" in each]
