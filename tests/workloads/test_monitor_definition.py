"""The definition of a monitor's pipeline keeps the rules of the compiler, whatever pipeline.py makes of it."""

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from config.load import load_workload
from workloads.compiler import __main__ as compiler
from workloads.compiler.checks import check_monitor

ROOT = Path(__file__).parents[2]
TABULAR = ROOT / "workloads" / "tabular"
WORKLOAD = load_workload(TABULAR / "workload.yaml")
COMMITTED = json.loads((TABULAR / "monitor.json").read_text("utf-8"))


def built(folder: Path, variants: dict[str, dict[str, Any]], **data: str) -> dict[str, dict[str, Any]]:
    """The definition that the SDK makes of each variant of the monitor; its workload.yaml is `folder`/<name>.yaml."""
    base = yaml.safe_load((TABULAR / "workload.yaml").read_text("utf-8"))
    base["data"] |= data
    for name, monitor in variants.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(base | {"monitor": base["monitor"] | monitor}))
    command = [str(ROOT / ".venv-sdk/bin/python"), "tests/workloads/build_variants.py", str(folder), "monitors"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    return {name: json.loads((folder / f"{name}.json").read_text("utf-8")) for name in variants}


def found(change: Callable[[dict[str, Any]], None]) -> list[tuple[str, str]]:
    """Step and rule of each finding of the committed definition after `change`."""
    definition = copy.deepcopy(COMMITTED)
    change(definition)
    return [(finding.step, finding.rule) for finding in check_monitor("tabular", definition, WORKLOAD)]


def examine(definition: dict[str, Any]) -> dict[str, Any]:
    """The arguments of the processing step."""
    return definition["Steps"][1]["Arguments"]["IfSteps"][0]["Arguments"]


def test_the_committed_one_has_no_finding() -> None:
    assert found(lambda definition: None) == []


def test_the_image_of_scikit_learn_is_not_asked_for_evidentlys_page() -> None:
    """What an image of one's own is asked for: test_variants.py, which needs the SDK."""
    assert WORKLOAD.monitor and WORKLOAD.monitor.image is None
    assert json.loads(COMMITTED["Steps"][0]["Arguments"]["settings"])["evidently"] is False


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda a: a["NetworkConfig"].update(EnableNetworkIsolation=False), "isolation"),
        (lambda a: a["NetworkConfig"]["VpcConfig"].update(Subnets=["subnet-1"]), "isolation"),
        (lambda a: a["NetworkConfig"].update(EnableInterContainerTrafficEncryption=False), "encryption"),
        (lambda a: a["ProcessingOutputConfig"].pop("KmsKeyId"), "encryption"),
        (lambda a: a["ProcessingResources"]["ClusterConfig"].update(InstanceType="ml.m5.4xlarge"), "instances"),
        (lambda a: a["StoppingCondition"].update(MaxRuntimeInSeconds=80_000), "limit"),
        (lambda a: a.update(Surprise=1), "request"),
    ],
)
def test_a_job_that_breaks_a_rule_is_found_inside_the_condition(change: Callable[[Any], Any], rule: str) -> None:
    assert found(lambda definition: change(examine(definition))) == [("Examine", rule)]


def test_no_other_function_is_called_and_nothing_is_asked_that_synthesis_cannot_fill_in() -> None:
    assert found(lambda d: d["Steps"][0].update(FunctionArn="${BeginFunctionArn}")) == [
        ("-", "placeholder"),
        ("Watch", "step"),
    ]


@pytest.mark.slow
def test_a_monitor_of_batches_is_given_what_was_asked_and_what_was_answered(tmp_path: Path) -> None:
    variants: dict[str, dict[str, Any]] = {
        "labelled": {"source": "batch"},
        "plain": {"source": "batch", "kinds": ["data-quality"]},
        "endpoint": {},
    }
    definitions = built(tmp_path, variants)
    assert definitions["endpoint"] == COMMITTED
    for name, more in (("labelled", ["labels"]), ("plain", [])):
        workload = load_workload(tmp_path / f"{name}.yaml")
        assert check_monitor("tabular", definitions[name], workload) == []
        watch, job = definitions[name]["Steps"][0], examine(definitions[name])
        assert watch["Arguments"]["source"] == "batch"
        lists = {
            each["InputName"]: each["S3Input"]["S3Uri"]["Get"].split("'")[1]
            for each in job["ProcessingInputs"]
            if each["S3Input"]["S3DataType"] == "ManifestFile"
        }
        assert [*lists] == ["asked", "answered", *more]
        assert (lists["asked"], lists["answered"]) == ("AskedUri", "AnsweredUri")
        assert {*lists.values()} <= {each["OutputName"] for each in watch["OutputParameters"]}
        words = job["AppSpecification"]["ContainerArguments"]
        assert "--capture" not in words
        for word in ("asked", "answered"):
            assert words[words.index(f"--{word}") + 1] == f"/opt/ml/processing/input/{word}"


@pytest.mark.slow
def test_a_monitor_of_bias_is_given_the_model_the_labels_and_the_rows_that_it_was_tested_with(tmp_path: Path) -> None:
    image = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/monitors:evidently-0.7.23"
    definition = built(tmp_path, {"bias": {"kinds": ["data-quality", "bias"], "image": image}}, segment="sex")["bias"]
    assert check_monitor("tabular", definition, load_workload(tmp_path / "bias.yaml")) == []
    told = definition["Steps"][0]["Arguments"]
    settings = json.loads(told["settings"])
    assert (settings["kinds"], settings["segment"], told["labels"]) == (["data-quality", "bias"], "sex", "labels/")
    assert settings["evidently"] is True, "an image of one's own has it, and its page is encrypted like the rest"
    job = examine(definition)
    assert (
        job["ProcessingOutputConfig"]["KmsKeyId"] == "${KeyArn}" and len(job["ProcessingOutputConfig"]["Outputs"]) == 1
    )
    given = {each["InputName"]: each["S3Input"]["S3Uri"]["Get"] for each in job["ProcessingInputs"][1:]}
    answers = {"model": "Model", "labels": "Labels", "baseline": "Baseline", "capture": "Capture", "watch": "Watch"}
    assert given == {name: f"Steps.Watch.OutputParameters['{answer}Uri']" for name, answer in answers.items()}
    assert {f"--{name}" for name in answers} <= set(job["AppSpecification"]["ContainerArguments"])


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A copy of the workload whose pipelines are as they are committed."""
    folder = tmp_path / "workloads" / "tabular"
    folder.mkdir(parents=True)
    (folder.parent / "monitoring").mkdir()
    for name in ("workload.yaml", "pipeline.py", "pipeline.json", "images.json"):
        shutil.copy(TABULAR / name, folder)
    images = json.loads((TABULAR / "images.json").read_text("utf-8"))
    pipeline = json.loads((TABULAR / "pipeline.json").read_text("utf-8"))
    built = SimpleNamespace(
        build=lambda folder, workload: (pipeline, images),
        build_monitor=lambda folder, workload: COMMITTED,
        monitor_images=lambda: {"ClarifyImage": {}},
    )
    monkeypatch.setattr(compiler, "WORKLOADS", folder.parent)
    monkeypatch.setattr(compiler, "isolate", lambda: None)
    monkeypatch.setitem(sys.modules, "workloads.compiler.build", built)  # pyright: ignore[reportArgumentType]
    return folder


def test_it_is_written_compared_and_removed_with_its_monitor(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compiler.main(["--check"]) == compiler.REFUSED
    assert compiler.main([]) == 0
    assert json.loads((project / "monitor.json").read_text("utf-8")) == COMMITTED
    assert compiler.main(["--check"]) == 0
    text = (project / "workload.yaml").read_text("utf-8")
    (project / "workload.yaml").write_text(text[: text.index("# Looked at every night")] + "exceptions: []\n")
    assert compiler.main(["--check"]) == compiler.REFUSED
    assert compiler.main([]) == 0
    assert not (project / "monitor.json").exists()
    assert "workloads/tabular/monitor.json: removed" in capsys.readouterr().out
