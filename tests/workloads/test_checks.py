"""The compiler's rules refuse a definition that breaks them, by name, unless the workload waives them."""

import copy
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from config.load import load_workload
from config.workload import RuleException, Workload
from workloads.compiler.canonical import canonical
from workloads.compiler.checks import check
from workloads.compiler.findings import Finding

DIGITS = Path(__file__).parents[2] / "workloads" / "digits"
COMMITTED = json.loads((DIGITS / "pipeline.json").read_text())
IMAGES = json.loads((DIGITS / "images.json").read_text())
WORKLOAD = load_workload(DIGITS / "workload.yaml")

TODAY, TOMORROW, YESTERDAY = date(2026, 6, 15), date(2026, 6, 16), date(2026, 6, 14)

Change = Callable[[dict[str, Any]], object]


def findings(change: Change, step: str = "Train", workload: Workload = WORKLOAD) -> list[Finding]:
    """What the checks say after `change` was applied to the arguments of `step` in the committed definition."""
    definition = copy.deepcopy(COMMITTED)
    change(next(entry for entry in definition["Steps"] if entry["Name"] == step)["Arguments"])
    return check("digits", definition, IMAGES, workload, TODAY)


def waiving(*waivers: tuple[str, str], until: date = TODAY) -> Workload:
    exceptions = tuple(RuleException(step=step, rule=rule, reason="a test", until=until) for step, rule in waivers)  # pyright: ignore[reportArgumentType]
    return WORKLOAD.model_copy(update={"exceptions": exceptions})


def without(*names: str) -> Change:
    def change(arguments: dict[str, Any]) -> None:
        for name in names[:-1]:
            arguments = arguments[name]
        del arguments[names[-1]]

    return change


def with_(value: object, *names: str) -> Change:
    def change(arguments: dict[str, Any]) -> None:
        for name in names[:-1]:
            arguments = arguments.setdefault(name, {})
        arguments[names[-1]] = value

    return change


WAIT, RUN = ("StoppingCondition", "MaxWaitTimeInSeconds"), ("StoppingCondition", "MaxRuntimeInSeconds")
CLUSTER = ("ProcessingResources", "ClusterConfig")
BROKEN = [
    ("Train", with_(3, "ResourceConfig", "InstanceCount"), "instances", "ResourceConfig.InstanceCount"),
    (
        "Train",
        with_({"Get": "Parameters.N"}, "ResourceConfig", "InstanceCount"),
        "instances",
        "ResourceConfig.InstanceCount",
    ),
    ("Preprocess", with_(2, *CLUSTER, "InstanceCount"), "instances", ".".join((*CLUSTER, "InstanceCount"))),
    ("Train", without("EnableManagedSpotTraining"), "spot", "EnableManagedSpotTraining"),
    ("Train", with_(False, "EnableManagedSpotTraining"), "spot", "EnableManagedSpotTraining"),
    ("Train", with_({"Get": "Parameters.Spot"}, "EnableManagedSpotTraining"), "spot", "EnableManagedSpotTraining"),
    ("Train", without(*WAIT), "spot", ".".join(WAIT)),
    ("Train", with_(1799, *WAIT), "spot", ".".join(WAIT)),
    ("Train", with_(3601, *WAIT), "checkpoint", ".".join(WAIT)),
    ("Train", with_("ml.m5.xlarge", "ResourceConfig", "InstanceType"), "instances", "ResourceConfig.InstanceType"),
    ("Evaluate", with_("ml.m5.xlarge", *CLUSTER, "InstanceType"), "instances", ".".join((*CLUSTER, "InstanceType"))),
    ("Train", with_(1801, *RUN), "limit", ".".join(RUN)),
    ("Train", with_("alias/other", "OutputDataConfig", "KmsKeyId"), "encryption", "OutputDataConfig.KmsKeyId"),
    ("Train", with_(["${SubnetIds}", "subnet-1"], "VpcConfig", "Subnets"), "isolation", "VpcConfig.Subnets"),
    ("Train", with_("own/image:1", "AlgorithmSpecification", "TrainingImage"), "checkpoint", "CheckpointConfig.S3Uri"),
    ("Train", without("ResourceConfig", "VolumeKmsKeyId"), "encryption", "ResourceConfig.VolumeKmsKeyId"),
    ("Train", without("OutputDataConfig", "KmsKeyId"), "encryption", "OutputDataConfig.KmsKeyId"),
    (
        "Train",
        without("EnableInterContainerTrafficEncryption"),
        "encryption",
        "EnableInterContainerTrafficEncryption",
    ),
    ("Train", without("EnableNetworkIsolation"), "isolation", "EnableNetworkIsolation"),
    (
        "Train",
        with_({"Get": "Parameters.Groups"}, "VpcConfig", "SecurityGroupIds"),
        "isolation",
        "VpcConfig.SecurityGroupIds",
    ),
    ("Train", without(*RUN), "limit", ".".join(RUN)),
    ("Preprocess", without("StoppingCondition"), "limit", ".".join(RUN)),
    ("Preprocess", without(*CLUSTER, "VolumeKmsKeyId"), "encryption", ".".join((*CLUSTER, "VolumeKmsKeyId"))),
    ("Evaluate", without("ProcessingOutputConfig", "KmsKeyId"), "encryption", "ProcessingOutputConfig.KmsKeyId"),
    (
        "Evaluate",
        without("NetworkConfig", "EnableNetworkIsolation"),
        "isolation",
        "NetworkConfig.EnableNetworkIsolation",
    ),
    (
        "Preprocess",
        without("NetworkConfig", "EnableInterContainerTrafficEncryption"),
        "encryption",
        "NetworkConfig.EnableInterContainerTrafficEncryption",
    ),
]


def test_the_committed_definition_is_accepted_and_canonical() -> None:
    assert check("digits", COMMITTED, IMAGES, WORKLOAD, TODAY) == []
    assert (DIGITS / "pipeline.json").read_text() == canonical(COMMITTED)
    assert (DIGITS / "images.json").read_text() == canonical(IMAGES)


@pytest.mark.parametrize(("step", "change", "rule", "field"), BROKEN)
def test_a_broken_rule_is_reported_with_its_name_step_and_field(
    step: str, change: Change, rule: str, field: str
) -> None:
    reported = [(finding.step, finding.rule, finding.field) for finding in findings(change, step)]
    assert reported == [(step, rule, f"Arguments.{field}")]


def test_every_finding_is_reported_at_once_with_the_value_and_what_is_allowed() -> None:
    def change(arguments: dict[str, Any]) -> None:
        without("VpcConfig")(arguments)
        with_(3601, *WAIT)(arguments)
        with_("ml.m5.huge", "ResourceConfig", "InstanceType")(arguments)

    found = findings(change)
    assert {finding.rule for finding in found} == {"isolation", "checkpoint", "request", "instances"}
    text = "\n".join(map(str, found))
    assert "digits: step Train: Arguments.StoppingCondition.MaxWaitTimeInSeconds: [checkpoint] 3601; " in text
    assert "allowed: at most 3600, because kmeans writes no checkpoints" in text
    assert "'ml.m5.huge'; allowed: ml.m4.xlarge" in text


@pytest.mark.parametrize(
    ("step", "change", "rule", "field"), [case for case in BROKEN if case[2] not in ("limit", "instances")]
)
def test_an_exception_waives_its_rule_for_its_step_alone(step: str, change: Change, rule: str, field: str) -> None:
    assert findings(change, step, waiving((step, rule))) == []
    elsewhere = "Evaluate" if step != "Evaluate" else "Preprocess"
    assert rule in {finding.rule for finding in findings(change, step, waiving((elsewhere, rule)))}


def test_an_on_demand_job_needs_one_exception_and_no_max_wait() -> None:
    def change(arguments: dict[str, Any]) -> None:
        with_(False, "EnableManagedSpotTraining")(arguments)
        without(*WAIT)(arguments)

    assert findings(change, workload=waiving(("Train", "spot"))) == []


def test_an_exception_that_waives_nothing_is_reported() -> None:
    found = findings(lambda arguments: None, workload=waiving(("Train", "spot"), ("Trian", "isolation")))
    assert [(finding.step, finding.field, finding.value) for finding in found] == [
        ("Train", "exceptions", "waives nothing"),
        ("Trian", "exceptions", "waives nothing"),
    ]


def test_an_exception_holds_through_its_last_day_and_is_a_finding_afterwards() -> None:
    change = without("EnableNetworkIsolation")
    waiver = ("Train", "isolation")
    assert findings(change, workload=waiving(waiver, until=TODAY)) == []
    assert findings(change, workload=waiving(waiver, until=TOMORROW)) == []
    found = findings(change, workload=waiving(waiver, until=YESTERDAY))
    assert [finding.value for finding in found] == ["missing", "expired on 2026-06-14"]
    assert {(finding.step, finding.rule) for finding in found} == {waiver}


def test_an_exception_is_looked_at_again_within_a_year() -> None:
    change, waiver = without("EnableNetworkIsolation"), ("Train", "isolation")
    assert findings(change, workload=waiving(waiver, until=date(2027, 6, 15))) == []
    [found] = findings(change, workload=waiving(waiver, until=date(2027, 6, 17)))
    assert (found.field, found.value) == ("exceptions", "until 2027-06-17")


def test_a_built_in_that_writes_no_checkpoints_gets_no_longer_wait_by_a_place_for_them() -> None:
    def change(arguments: dict[str, Any]) -> None:
        with_("s3://bucket/checkpoints", "CheckpointConfig", "S3Uri")(arguments)
        with_(3601, *WAIT)(arguments)

    assert [finding.rule for finding in findings(change)] == ["checkpoint"]


def test_a_step_may_call_no_function_but_begin() -> None:
    definition = copy.deepcopy(COMMITTED)
    [begin] = [step for step in definition["Steps"] if step["Type"] == "Lambda"]
    begin["FunctionArn"] = "arn:aws:lambda:us-east-1:111122223333:function:other"
    [found] = check("digits", definition, IMAGES, WORKLOAD, TODAY)
    assert (found.step, found.field, found.rule, found.allowed) == (
        *("Begin", "FunctionArn", "step"),
        "${BeginFunctionArn}",
    )


def test_a_job_in_a_branch_of_a_condition_is_checked_too() -> None:
    definition = copy.deepcopy(COMMITTED)
    train = next(step for step in definition["Steps"] if step["Name"] == "Train")
    del train["Arguments"]["EnableNetworkIsolation"]
    branch = {
        "Name": "Maybe",
        "Type": "Condition",
        "Arguments": {"Conditions": [], "IfSteps": [], "ElseSteps": [train]},
    }
    definition["Steps"] = [branch]
    assert [finding.step for finding in check("digits", definition, IMAGES, WORKLOAD, TODAY)] == ["Train"]


@pytest.mark.parametrize("kind", ["AutoML", "EMR", "Transform"])
def test_a_step_type_without_rules_is_refused(kind: str) -> None:
    definition = {"Steps": [{"Name": "Other", "Type": kind, "Arguments": {}}]}
    (found,) = check("digits", definition, IMAGES, WORKLOAD, TODAY)
    assert (found.rule, found.value) == ("step", repr(kind))


@pytest.mark.parametrize("text", ["${Nonsense}", "${AWS::Region}", "${", "${KeyArn.Arn}"])
def test_a_placeholder_that_synthesis_does_not_fill_is_reported(text: str) -> None:
    found = findings(with_(text, "HyperParameters", "extra"))
    assert [finding.rule for finding in found] == ["placeholder"]


def test_lists_of_the_network_stand_alone_so_that_synthesis_can_fill_them() -> None:
    text = (DIGITS / "pipeline.json").read_text()
    networks = [line.strip() for line in text.splitlines() if "${SubnetIds}" in line or "${SecurityGroupIds}" in line]
    assert set(networks) == {'"${SubnetIds}"', '"${SecurityGroupIds}"'}
