"""A run of the tabular workload whose metric.pattern finds nothing in the log ends there, and registers nothing."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from rehearsal.embedded import ROOT, EmbeddedCloud
from sluice import archive
from tests.rehearsal.conftest import begins
from tests.rehearsal.pipelining import ended

pytestmark = pytest.mark.slow

TABULAR = ROOT / "workloads" / "tabular"
GROUP = "metric-not-found"


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the definitions `search` and `alone`, whose pattern is misspelt."""
    folder, given = tmp_path_factory.mktemp("misspelt"), yaml.safe_load((TABULAR / "workload.yaml").read_text())
    given["metric"]["pattern"] = given["metric"]["pattern"].replace("log_loss", "logg_loss")
    given["tuning"].update(max_jobs=2, parallel_jobs=2)
    (folder / "search.yaml").write_text(yaml.safe_dump(given))
    del given["tuning"]
    (folder / "alone.yaml").write_text(yaml.safe_dump(given))
    command = [str(ROOT / ".venv-sdk/bin/python"), "tests/workloads/build_variants.py", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=240)
    return folder


@pytest.fixture(scope="module")
def values(cloud: EmbeddedCloud, digits: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The values of the definitions' placeholders, with data, code and package group in place."""
    s3, folder = cloud.client("s3"), tmp_path_factory.mktemp("tabular")
    cloud.run([str(ROOT / ".venv-cloud/bin/python"), str(TABULAR / "data.py"), str(folder / "t.csv")], folder / "log")
    s3.upload_file(str(folder / "t.csv"), "workload", "tabular/table.csv")
    s3.upload_file(str(archive.write(folder / "tabular.py", {"": TABULAR / "scripts"})), "workload", "tabular.py")
    cloud.client("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
    begin = begins(cloud, "begins-tabular", "tabular/table.csv")
    return {**digits, "BeginFunctionArn": begin, "CodeKey": "tabular.py", "PackageGroup": GROUP}


@pytest.mark.parametrize(("mode", "step"), [("alone", "Train"), ("search", "Tune")])
def test_nothing_is_registered_and_the_jobs_say_which_field_to_change(
    cloud: EmbeddedCloud, role: str, definitions: Path, values: dict[str, str], mode: str, step: str
) -> None:
    sagemaker, text = cloud.client("sagemaker"), json.dumps(json.loads((definitions / f"{mode}.json").read_text())[0])
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    pipeline: dict[str, Any] = {"PipelineName": f"{GROUP}-{mode}", "PipelineDefinition": text, "RoleArn": role}
    sagemaker.create_pipeline(**pipeline, ClientRequestToken="t" * 32)
    arn = sagemaker.start_pipeline_execution(PipelineName=pipeline["PipelineName"])["PipelineExecutionArn"]
    run, steps = ended(cloud, arn)
    assert run["PipelineExecutionStatus"] == "Failed"
    assert [name for name, told in steps.items() if told["StepStatus"] == "Failed"] == [step]
    assert list(steps)[-1] == step and steps["Preprocess"]["StepStatus"] == "Succeeded"
    jobs = sagemaker.list_training_jobs(NameContains=arn.rsplit("/", 1)[-1])["TrainingJobSummaries"]
    reasons = [sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])["FailureReason"] for job in jobs]
    assert len(reasons) == (1 if mode == "alone" else 2)
    for reason in reasons:
        assert "metric.pattern of workload.yaml, 'validation:logg_loss=([0-9.eE+-]+)', finds no number" in reason
        assert "epoch 1 of 12: train:log_loss=" in reason and "validation:log_loss=" in reason
    assert not sagemaker.list_model_packages(ModelPackageGroupName=GROUP)["ModelPackageSummaryList"]
