"""A search for hyperparameters keeps to what workload.yaml says of it, and each of its jobs to the rules of a job."""

import copy
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from config.load import load_workload
from config.workload import Workload
from workloads.compiler.checks import check
from workloads.compiler.findings import Finding

TABULAR = Path(__file__).parents[2] / "workloads" / "tabular"
COMMITTED = json.loads((TABULAR / "pipeline.json").read_text())
IMAGES = json.loads((TABULAR / "images.json").read_text())
WORKLOAD = load_workload(TABULAR / "workload.yaml")
TODAY = date(2026, 6, 15)
CONFIG, DEFINITION = "HyperParameterTuningJobConfig", "TrainingJobDefinition"

Change = Callable[[dict[str, Any]], object]


def findings(change: Change, workload: Workload = WORKLOAD) -> list[Finding]:
    """What the checks say after `change` was applied to the arguments of the committed definition's search."""
    definition = copy.deepcopy(COMMITTED)
    change(next(step for step in definition["Steps"] if step["Type"] == "Tuning")["Arguments"])
    return check("tabular", definition, IMAGES, workload, TODAY)


def set_(path: str, value: object) -> Change:
    """Sets the member at a dotted path, or takes it out where the value is `...`."""

    def change(arguments: Any) -> None:
        *names, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        for name in names:
            arguments = arguments[name]
        if value is ...:
            del arguments[last]
        else:
            arguments[last] = value

    return change


LIMITS = f"{CONFIG}.ResourceLimits"
RANGES = f"{CONFIG}.ParameterRanges.ContinuousParameterRanges"
METRIC = f"{CONFIG}.HyperParameterTuningJobObjective.MetricName"
BROKEN: list[tuple[str, object, str, str]] = [
    (f"{LIMITS}.MaxNumberOfTrainingJobs", 9, "tuning", f"{LIMITS}.MaxNumberOfTrainingJobs"),
    (f"{LIMITS}.MaxNumberOfTrainingJobs", ..., "tuning", f"{LIMITS}.MaxNumberOfTrainingJobs"),
    (f"{LIMITS}.MaxParallelTrainingJobs", 5, "tuning", f"{LIMITS}.MaxParallelTrainingJobs"),
    (f"{LIMITS}.MaxParallelTrainingJobs", {"Get": "Parameters.N"}, "tuning", f"{LIMITS}.MaxParallelTrainingJobs"),
    (f"{RANGES}.0.MinValue", "0.6", "tuning", f"{RANGES}[0]"),
    (f"{RANGES}.0.MaxValue", "much", "tuning", f"{RANGES}[0]"),
    (METRIC, "accuracy", "tuning", METRIC),
    (f"{DEFINITION}.AlgorithmSpecification.MetricDefinitions", ..., "tuning", METRIC),
    ("Autotune", {"Mode": "Enabled"}, "tuning", "Autotune"),
    (f"{DEFINITION}.EnableManagedSpotTraining", False, "spot", f"{DEFINITION}.EnableManagedSpotTraining"),
    (f"{DEFINITION}.CheckpointConfig", ..., "checkpoint", f"{DEFINITION}.CheckpointConfig.S3Uri"),
    (f"{DEFINITION}.ResourceConfig.VolumeKmsKeyId", ..., "encryption", f"{DEFINITION}.ResourceConfig.VolumeKmsKeyId"),
    (f"{DEFINITION}.EnableNetworkIsolation", ..., "isolation", f"{DEFINITION}.EnableNetworkIsolation"),
    (
        f"{DEFINITION}.EnableInterContainerTrafficEncryption",
        False,
        "encryption",
        f"{DEFINITION}.EnableInterContainerTrafficEncryption",
    ),
    (f"{DEFINITION}.ResourceConfig.InstanceCount", 2, "instances", f"{DEFINITION}.ResourceConfig.InstanceCount"),
    (
        f"{DEFINITION}.StoppingCondition.MaxRuntimeInSeconds",
        3601,
        "limit",
        f"{DEFINITION}.StoppingCondition.MaxRuntimeInSeconds",
    ),
]


def test_the_committed_search_is_accepted_and_is_what_workload_yaml_says() -> None:
    assert check("tabular", COMMITTED, IMAGES, WORKLOAD, TODAY) == []
    [tune] = [step["Arguments"] for step in COMMITTED["Steps"] if step["Type"] == "Tuning"]
    limits = {"MaxNumberOfTrainingJobs": 8, "MaxParallelTrainingJobs": 4}
    assert tune[CONFIG]["ResourceLimits"] == limits
    assert tune[CONFIG]["RandomSeed"] == 0
    given = tune[DEFINITION]["StaticHyperParameters"]
    assert (given["target"], given["iterations"], "learning_rate" in given) == ("target", "60", False)
    assert json.loads(given["watch"]) == WORKLOAD.watch


@pytest.mark.parametrize(("path", "value", "rule", "field"), BROKEN)
def test_a_broken_rule_of_a_search_is_reported_with_its_name_and_field(
    path: str, value: object, rule: str, field: str
) -> None:
    found = findings(set_(path, value))
    assert [(finding.step, finding.rule, finding.field) for finding in found] == [("Tune", rule, f"Arguments.{field}")]


def test_a_search_does_not_start_from_the_jobs_of_another_one() -> None:
    parent = {"ParentHyperParameterTuningJobs": [], "WarmStartType": "TransferLearning"}
    assert "WarmStartConfig" in str(findings(set_("WarmStartConfig", parent)))


def test_jobs_of_several_definitions_are_refused() -> None:
    found = findings(lambda arguments: arguments.update(TrainingJobDefinitions=[arguments[DEFINITION]]))
    assert ("tuning", "Arguments.TrainingJobDefinitions") in [(finding.rule, finding.field) for finding in found]


def test_a_search_that_workload_yaml_does_not_know_is_refused() -> None:
    [found] = findings(lambda arguments: None, WORKLOAD.model_copy(update={"tuning": None}))
    assert (found.rule, found.allowed) == ("tuning", "none: workload.yaml has no `tuning`")


def test_a_limit_of_the_whole_search_is_kept() -> None:
    assert WORKLOAD.tuning is not None
    limited = WORKLOAD.model_copy(update={"tuning": WORKLOAD.tuning.model_copy(update={"max_run_seconds": 3600})})
    assert [found.rule for found in findings(lambda arguments: None, limited)] == ["tuning"]
    assert findings(set_(f"{LIMITS}.MaxRuntimeInSeconds", 3600), limited) == []
