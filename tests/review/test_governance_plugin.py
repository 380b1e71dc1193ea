"""The pack within a synth: what stops it, what is a warning, what is accepted."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Acknowledgment, App, Stack, Tags, Validations
from aws_cdk import aws_sagemaker as sagemaker

from review.governance.plugin import SluiceGovernance
from review.governance.settings import Settings

os.environ.setdefault("CDK_VALIDATION", "false")


def notebook(stack: Stack, id: str, **properties: Any) -> sagemaker.CfnNotebookInstance:
    """One that keeps every rule, but for its tags."""
    given: dict[str, Any] = {
        "direct_internet_access": "Disabled",
        "subnet_id": "subnet-1",
        "security_group_ids": ["sg-1"],
        "root_access": "Disabled",
        "kms_key_id": "key",
        "platform_identifier": "notebook-al2-v3",
        "lifecycle_config_name": "stop-when-idle",
        "instance_type": "ml.t3.medium",
        "role_arn": "role",
        "instance_metadata_service_configuration": {"minimumInstanceMetadataServiceVersion": "2"},
    }
    return sagemaker.CfnNotebookInstance(stack, id, **(given | properties))


def application(folder: Path, settings: Settings | None = None) -> tuple[App, Stack]:
    app = App(outdir=str(folder), context={"@aws-cdk/core:explicitStackTags": False})
    stack = Stack(app, "Lab")
    Validations.of(app).add_plugins(SluiceGovernance(settings) if settings else SluiceGovernance())
    return app, stack


def report(folder: Path) -> dict[str, Any]:
    [told] = json.loads((folder / "validation-report.json").read_text("utf-8"))["pluginReports"]
    return told


def rules(violations: Any) -> dict[str, str]:
    return {each["violatingConstructs"][0]["constructPath"]: each["ruleName"] for each in violations}


def test_a_finding_stops_the_synth_and_names_the_property(tmp_path: Path) -> None:
    app, stack = application(tmp_path)
    Tags.of(app).add("owner", "ada")
    notebook(
        stack, "Notebook", root_access="Enabled", tags=[{"key": "team", "value": "a"}, {"key": "cost", "value": "b"}]
    )
    with pytest.raises(Exception, match="Users of a notebook are not root"):
        app.synth()
    [violation] = report(tmp_path)["violations"]
    [construct] = violation["violatingConstructs"]
    assert violation["ruleName"] == "SLUICE-NB-03" and violation["suggestedFix"]
    assert construct["cloudFormationResource"]["propertyPaths"] == ["Properties/RootAccess"]


def test_what_is_low_or_undecided_is_a_warning(tmp_path: Path) -> None:
    app, stack = application(tmp_path)
    notebook(stack, "Notebook")
    app.synth()
    told = report(tmp_path)
    assert told["conclusion"] == "success"
    assert [(each["ruleName"], each["severity"]) for each in told["violations"]] == [("SLUICE-GEN-04", "warning")]


def test_waivers_in_the_application_and_in_metadata_hold_and_a_bare_id_does_not(tmp_path: Path) -> None:
    app, stack = application(tmp_path)
    told, written, bare = (notebook(stack, name, root_access="Enabled") for name in ("Told", "Written", "Bare"))
    Validations.of(told).acknowledge(Acknowledgment(id="SLUICE::SLUICE-NB-03", reason="drivers"))
    written.add_metadata("Sluice", {"waivers": {"SLUICE-NB-03": "drivers"}})
    Validations.of(bare).acknowledge(Acknowledgment(id="SLUICE-NB-03", reason="drivers"))
    with pytest.raises(Exception, match="Users of a notebook are not root"):
        app.synth()
    found = report(tmp_path)
    stopping = [each for each in found["violations"] if each["severity"] == "error"]
    assert rules(stopping) == {"Lab/Bare": "SLUICE-NB-03"}
    assert rules(found["suppressedViolations"]) == {"Lab/Told": "SLUICE-NB-03"}


def test_settings_are_told_in_the_report(tmp_path: Path) -> None:
    settings = Settings(instances=3)
    app, stack = application(tmp_path, settings)
    notebook(stack, "Notebook")
    app.synth()
    assert Settings.model_validate_json(report(tmp_path)["metadata"]["settings"]) == settings
