"""Runs of the tabular workload whose model meets a champion on recent rows: only a winner is registered."""

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from controls.monitors.challengers import Challengers
from controls.monitors.drift import Outcome
from rehearsal.embedded import ROOT, EmbeddedCloud
from sluice import archive
from tests.rehearsal.conftest import begins
from tests.rehearsal.pipelining import ended
from tests.workloads.tabling import pack, succeed

pytestmark = pytest.mark.slow

TABULAR, GROUP, DATA = ROOT / "workloads" / "tabular", "challengers", "tabular/challengers/table.csv"
# A run gives the ARN of the execution, its end, its steps, and its evaluation.json.
Go = Callable[..., tuple[dict[str, Any], dict[str, Any], Any]]


@pytest.fixture(scope="module")
def definition(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of the workload as it ships, but without a search."""
    folder, given = tmp_path_factory.mktemp("challengers"), yaml.safe_load((TABULAR / "workload.yaml").read_text())
    (folder / "search.yaml").write_text(yaml.safe_dump(given))
    del given["tuning"]
    (folder / "alone.yaml").write_text(yaml.safe_dump(given))
    command = [str(ROOT / ".venv-sdk/bin/python"), "tests/workloads/build_variants.py", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=240)
    return json.dumps(json.loads((folder / "alone.json").read_text())[0])


@pytest.fixture(scope="module")
def go(
    cloud: EmbeddedCloud, role: str, digits: dict[str, str], definition: str, tmp_path_factory: pytest.TempPathFactory
) -> Go:
    """Runs the pipeline once, where Begin answers what is given of the champion."""
    s3, sagemaker, folder = cloud.client("s3"), cloud.client("sagemaker"), tmp_path_factory.mktemp("tabular")
    succeed(TABULAR / "data.py", folder / "t.csv", "--table", "cancer")
    s3.upload_file(str(folder / "t.csv"), "workload", DATA)
    code = archive.write(folder / "code.py", {"": TABULAR / "scripts"})
    s3.upload_file(str(code), "workload", "challengers.py")
    sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)

    def run(name: str, **champion: str) -> tuple[dict[str, Any], dict[str, Any], Any]:
        begin = begins(cloud, f"begins-{GROUP}-{name}", DATA, **champion)
        values = {**digits, "BeginFunctionArn": begin, "CodeKey": "challengers.py", "PackageGroup": GROUP}
        text = definition
        for key, value in values.items():
            text = text.replace(f"${{{key}}}", value)
        asked: dict[str, Any] = {"PipelineName": f"{GROUP}-{name}", "PipelineDefinition": text, "RoleArn": role}
        sagemaker.create_pipeline(**asked, ClientRequestToken="t" * 32)
        arn = sagemaker.start_pipeline_execution(PipelineName=asked["PipelineName"])["PipelineExecutionArn"]
        execution, steps = ended(cloud, arn, 180)
        key = f"tabular/{arn.rsplit('/', 1)[-1]}/evaluate/evaluation/evaluation.json"
        return execution, steps, json.loads(s3.get_object(Bucket="workload", Key=key)["Body"].read())

    return run


def registered(cloud: EmbeddedCloud, steps: dict[str, Any]) -> Any:
    """The package that a run has made, or None."""
    told = [step.get("Metadata", {}).get("RegisterModel") for step in steps.values()]
    made = [each["Arn"] for each in told if each]
    return cloud.client("sagemaker").describe_model_package(ModelPackageName=made[0]) if made else None


@pytest.fixture(scope="module")
def first(cloud: EmbeddedCloud, go: Go) -> dict[str, Any]:
    """The package of a run that had no champion, approved; its test rows are put where recent ones are looked for."""
    execution, steps, evaluation = go("first")
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution
    assert (evaluation["champion"], "challenge" in evaluation) == (None, False)
    package = registered(cloud, steps)
    place, s3 = package["CustomerMetadataProperties"]["test"], cloud.client("s3")
    assert place.startswith("s3://workload/tabular/") and place.endswith("/preprocess/test")
    source = {"Bucket": "workload", "Key": f"{place.removeprefix('s3://workload/')}/test.csv"}
    approved = {"ModelPackageArn": package["ModelPackageArn"], "ModelApprovalStatus": "Approved"}
    cloud.client("sagemaker").update_model_package(**approved)
    s3.copy_object(Bucket="workload", Key="tabular/met/2026-11-27T02-00-00Z/labelled.csv", CopySource=source)
    return package


@pytest.fixture(scope="module")
def weak(cloud: EmbeddedCloud, first: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URI of a model that has hardly learned, of the rows that the first one was trained with."""
    s3, folder = cloud.client("s3"), tmp_path_factory.mktemp("weak")
    source = first["CustomerMetadataProperties"]["test"].removeprefix("s3://workload/").rpartition("/")[0]
    for name in ("train/train.csv", "train/data.json", "validation/validation.csv"):
        (folder / name).parent.mkdir(exist_ok=True)
        s3.download_file("workload", f"{source}/{name}", str(folder / name))
    given = [f"--{name}={folder / name}" for name in ("train", "validation", "model")]
    succeed(TABULAR / "scripts", "train", *given, "--target", "target", "--iterations", "1", "--learning-rate", "0.01")
    s3.upload_file(str(pack(folder / "model", folder / "model.tar.gz")), "workload", "tabular/weak/model.tar.gz")
    return "s3://workload/tabular/weak/model.tar.gz"


def met(first: dict[str, Any], model: str) -> dict[str, str]:
    """Begin's answers where `model` is the champion."""
    test = f"{first['CustomerMetadataProperties']['test']}/"
    rows = {"RecentUri": "s3://workload/tabular/met/", "ChampionTestUri": test}
    return {"ChampionModel": model, "ChampionVersion": "1", **rows}


def test_a_challenger_that_is_not_better_ends_the_run_and_the_record_says_why(
    cloud: EmbeddedCloud, go: Go, first: dict[str, Any]
) -> None:
    [container] = first["InferenceSpecification"]["Containers"]
    execution, steps, told = go("lost", **met(first, container["ModelDataUrl"]))  # trained alike, it is the same
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert "evaluate/evaluation/evaluation.json" in steps["NotBetter"]["FailureReason"]
    assert registered(cloud, steps) is None
    recent = told["challenge"]["recent"]
    assert (told["better"], recent["verdict"], recent["difference"]) == (False, "does not win", 0)
    assert recent["rows"] == told["challenge"]["champion_test"]["rows"] == 113
    assert f"on 113 recent rows log_loss is {recent['challenger']:.6g}" in told["reason"]


def test_without_recent_rows_todays_test_rows_decide_beyond_chance(
    cloud: EmbeddedCloud, go: Go, first: dict[str, Any]
) -> None:
    [container] = first["InferenceSpecification"]["Containers"]
    _, steps, told = go("today", ChampionModel=container["ModelDataUrl"], ChampionVersion="1")
    assert (told["better"], told["challenge"]["today"]["verdict"]) == (False, "does not win")
    assert told["reason"].startswith("on 113 of today's test rows") and told["reason"].endswith("; no recent rows")
    assert "NotBetter" in steps and registered(cloud, steps) is None


def test_one_whose_champion_cannot_be_measured_is_registered_and_no_machine_may_approve_it(
    cloud: EmbeddedCloud, go: Go, first: dict[str, Any]
) -> None:
    rows = met(first, f"s3://workload/{DATA}")  # no model
    execution, steps, told = go("unmeasured", **rows)
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution
    assert (told["better"], told["proven"], "challenge" in told) == (True, False, False)
    assert "champion version 1 could not be measured on the same rows" in told["reason"]
    assert registered(cloud, steps)["ModelApprovalStatus"] == "PendingManualApproval"
    outcome, *_ = Challengers(cloud.client, GROUP).outcome(execution["PipelineExecutionArn"])
    assert outcome is Outcome.UNPROVEN


def test_one_that_is_better_is_registered_and_awaits_its_approval(
    cloud: EmbeddedCloud, go: Go, first: dict[str, Any], weak: str
) -> None:
    execution, steps, told = go("won", **met(first, weak))
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution
    assert (told["better"], told["challenge"]["recent"]["verdict"]) == (True, "wins")
    package = registered(cloud, steps)
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert package["CustomerMetadataProperties"]["champion_version"] == "1"
    assert told["proven"] is True
    outcome = Challengers(cloud.client, GROUP).outcome(execution["PipelineExecutionArn"])
    assert outcome == (Outcome.AWAITS, "", package["ModelPackageVersion"]), "what a machine may approve"
