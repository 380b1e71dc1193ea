"""What a monitor compares with is registered with each model that ships."""

import json
from typing import Any

import pytest

from config.load import ROOT

WORKLOADS = sorted(path.parent.name for path in ROOT.glob("workloads/*/pipeline.json"))


def package(workload: str) -> dict[str, Any]:
    """The workload's CreateModelPackage request."""
    definition = json.loads((ROOT / "workloads" / workload / "pipeline.json").read_text())
    if "States" in definition:
        return definition["States"]["Register"]["Arguments"]
    [step] = [step for step in definition["Steps"][-1]["Arguments"]["IfSteps"] if step["Type"] == "RegisterModel"]
    return step["Arguments"]


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_package_carries_statistics_of_its_data_and_baselines_for_drift(workload: str) -> None:
    request = package(workload)
    told, baselines = request["ModelMetrics"], request["DriftCheckBaselines"]
    assert told["ModelDataQuality"].keys() == {"Statistics", "Constraints"}
    assert all("baseline" in json.dumps(place["S3Uri"]) for place in told["ModelDataQuality"].values())
    for kind in ("ModelQuality", "ModelDataQuality"):
        assert baselines[kind] == told[kind]
