"""What a workload.yaml may ask for beside what the workloads that ship do: built by the SDK, held to all rules.

Spark and Debugger are validated here and never run: the embedded cloud has neither.
"""

import json
import os
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.load import SPARK_SCRIPT, load_workload
from workloads.compiler.checks import check

ROOT = Path(__file__).parents[2]
TABULAR = ROOT / "workloads" / "tabular" / "workload.yaml"
TODAY = date(2026, 6, 15)
SPARK = {"engine": "spark", "instance_count": 3}
GRID = {name: {"type": "categorical", "values": ["5", "20"]} for name in ("min_samples_leaf", "max_leaf_nodes")}
STOPS = {"target": 0.1, "jobs_without_improvement": 3, "max_run_seconds": 7200, "early_stopping": False, "seed": 7}
VARIANTS: dict[str, dict[str, Any]] = {
    "search": {},
    "alone": {
        "tuning": None,
        "train": {"instance_count": 2, "distributed": True},
        "run": {"cache_days": 0, "retries": 0},
    },
    "pytorch": {
        "algorithm": {"framework": "pytorch"},
        "tuning": None,
        "monitor": None,
        "train": {"instance_count": 2, "distributed": True, "instance_type": "ml.g4dn.xlarge"},
    },
    "hyperband": {"tuning": {"strategy": "Hyperband", "early_stopping": False}},
    "random": {"tuning": {"strategy": "Random"}},
    "grid": {"tuning": {"strategy": "Grid", "max_jobs": 4, "ranges": GRID}},
    "spark": {"process": SPARK},
    "debugger": {"tuning": None, "debugger": ["VanishingGradient", "Overfit"]},
    "stops": {"tuning": STOPS},
    "segment": {"data": {"segment": "sex", "format": "parquet", "path": "tables/"}},
}

pytestmark = pytest.mark.slow


def changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with the changes, merged into its sections; None takes a section out."""
    merged = dict(base)
    for name, value in changes.items():
        merged[name] = {**base.get(name, {}), **value} if isinstance(value, dict) else value
    return {name: value for name, value in merged.items() if value is not None}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The variants as workload.yaml files, each with its definition beside it, all built by one process."""
    folder, base = tmp_path_factory.mktemp("variants"), yaml.safe_load(TABULAR.read_text())
    for name, changes in VARIANTS.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(changed(base, changes)))
    (folder / "scripts").mkdir()
    (folder / SPARK_SCRIPT).write_text("from pyspark.sql import SparkSession\n")
    (folder / "scripts" / "train.py").write_text("from toolkit import distributed\n")
    command = [str(ROOT / ".venv-sdk/bin/python"), "tests/workloads/build_variants.py", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def steps(folder: Path) -> Callable[[str], dict[str, Any]]:
    """The steps of a variant by name, those of the condition's branch included."""

    def read(name: str) -> dict[str, Any]:
        found = json.loads((folder / f"{name}.json").read_text())[0]["Steps"]
        return {step["Name"]: step for step in [*found, *found[-1]["Arguments"]["IfSteps"]]}

    return read


@pytest.mark.parametrize("name", VARIANTS)
def test_each_variant_keeps_all_rules(folder: Path, name: str) -> None:
    definition, images = json.loads((folder / f"{name}.json").read_text())
    assert check("tabular", definition, images, load_workload(folder / f"{name}.yaml"), TODAY) == []


def test_the_sdk_still_drops_what_the_compiler_puts_back(folder: Path) -> None:
    # When this fails, the SDK has learnt it: take it out of workloads/compiler/tuning.py.
    [tune] = [s for s in json.loads((folder / "dropped.json").read_text())["Steps"] if s["Type"] == "Tuning"]
    definition = tune["Arguments"]["TrainingJobDefinition"]
    assert "VolumeKmsKeyId" not in definition["ResourceConfig"]
    assert not {"EnableInterContainerTrafficEncryption", "EnableNetworkIsolation"} & definition.keys()
    assert "RandomSeed" not in tune["Arguments"]["HyperParameterTuningJobConfig"]


def test_without_tuning_one_job_trains_on_each_instance_by_the_script_itself(
    steps: Callable[[str], dict[str, Any]],
) -> None:
    found = steps("alone")
    job = found["Train"]["Arguments"]
    specification = job["AlgorithmSpecification"]
    assert specification["ContainerEntrypoint"] == ["python3", "/opt/ml/input/data/code/${CodeKey}"]
    assert specification["ContainerArguments"] == ["train", "--job", "/opt/ml"]
    assert [definition["Name"] for definition in specification["MetricDefinitions"]] == ["validation:log_loss"]
    assert job["ResourceConfig"]["InstanceCount"] == 2
    assert [channel["ChannelName"] for channel in job["InputDataConfig"]] == ["code", "train", "validation"]
    assert job["HyperParameters"]["learning_rate"] == "0.1" and "sagemaker_program" not in job["HyperParameters"]
    given = specification["MetricDefinitions"][0]["Regex"]
    searched = steps("search")["Tune"]["Arguments"]["TrainingJobDefinition"]["StaticHyperParameters"]
    assert json.loads(job["HyperParameters"]["metric_pattern"]) == json.loads(searched["metric_pattern"]) == given
    assert found["Register"]["Arguments"]["CustomerMetadataProperties"].keys() == {
        *("execution", "manifest", "champion_version", "test")
    }


def test_what_a_search_chose_is_registered_for_each_range(steps: Callable[[str], dict[str, Any]]) -> None:
    told = steps("search")["Register"]["Arguments"]["CustomerMetadataProperties"]
    best = "Steps.Tune.BestTrainingJob"
    assert told["best_training_job"] == {"Get": f"{best}.TrainingJobName"}
    assert {name: value["Get"] for name, value in told.items() if name.startswith("hyperparameter.")} == {
        f"hyperparameter.{name}": f"{best}.TunedHyperParameters['{name}']"
        for name in ("learning_rate", "min_samples_leaf", "max_features")
    }


def test_reuse_and_retries_are_those_of_workload_yaml(steps: Callable[[str], dict[str, Any]]) -> None:
    alone, search = steps("alone"), steps("search")
    assert not [step for step in alone.values() if {"CacheConfig", "RetryPolicies"} & step.keys()]
    cached = {name: step["CacheConfig"] for name, step in search.items() if "CacheConfig" in step}
    week = {"Enabled": True, "ExpireAfter": "P7D"}
    assert cached == {"Preprocess": week, "Evaluate": week}
    retried = {name: len(step["RetryPolicies"]) for name, step in search.items() if "RetryPolicies" in step}
    assert retried == {"Preprocess": 2, "Tune": 1, "Evaluate": 2, "Register": 1}


def test_pytorch_trains_evaluates_and_serves_on_its_own_images(
    steps: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    found, images = steps("pytorch"), json.loads((folder / "pytorch.json").read_text())[1]
    job = found["Train"]["Arguments"]
    assert job["AlgorithmSpecification"]["TrainingImage"] == "${PytorchTrainImage}"
    assert job["ResourceConfig"]["InstanceCount"] == 2
    assert found["Preprocess"]["Arguments"]["AppSpecification"]["ImageUri"] == "${SklearnImage}"
    assert found["Evaluate"]["Arguments"]["AppSpecification"]["ImageUri"] == "${PytorchProcessImage}"
    [container] = found["Register"]["Arguments"]["InferenceSpecification"]["Containers"]
    assert container["Image"] == "${PytorchServeImage}"
    uris = {name: images[name]["eu-west-1"].rpartition("/")[2] for name in images if name.startswith("Pytorch")}
    assert uris == {
        "PytorchTrainImage": "pytorch-training:2.6.0-gpu-py312",  # one with a GPU's drivers, by the instance type
        "PytorchProcessImage": "pytorch-training:2.6.0-cpu-py312",
        "PytorchServeImage": "pytorch-inference:2.6.0-cpu-py312",
    }


@pytest.mark.parametrize("strategy", ["Hyperband", "Random", "Grid"])
def test_each_other_strategy_searches_the_ranges_of_workload_yaml(
    steps: Callable[[str], dict[str, Any]], strategy: str
) -> None:
    config = steps(strategy.lower())["Tune"]["Arguments"]["HyperParameterTuningJobConfig"]
    assert config["Strategy"] == strategy
    assert config["TrainingJobEarlyStoppingType"] == ("Off" if strategy == "Hyperband" else "Auto")
    names = {part["Name"] for parts in config["ParameterRanges"].values() for part in parts}
    assert names == (set(GRID) if strategy == "Grid" else {"learning_rate", "min_samples_leaf", "max_features"})
    assert config["ResourceLimits"]["MaxNumberOfTrainingJobs"] == (4 if strategy == "Grid" else 8)


def test_spark_preprocesses_on_several_instances_and_a_script_evaluates_on_one(
    steps: Callable[[str], dict[str, Any]], folder: Path
) -> None:
    found = steps("spark")
    work, judge = (found[name]["Arguments"] for name in ("Preprocess", "Evaluate"))
    assert work["AppSpecification"]["ImageUri"] == "${SparkImage}"
    assert work["AppSpecification"]["ContainerEntrypoint"][0] == "smspark-submit"
    assert work["AppSpecification"]["ContainerArguments"][0] == "preprocess_spark"
    assert work["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 3
    assert judge["AppSpecification"]["ImageUri"] == "${SklearnImage}"
    assert judge["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 1
    images = json.loads((folder / "spark.json").read_text())[1]
    assert "sagemaker-spark-processing:3.5-cpu-py39" in images["SparkImage"]["eu-west-1"]


def test_debugger_rules_watch_the_training_job(steps: Callable[[str], dict[str, Any]], folder: Path) -> None:
    job = steps("debugger")["Train"]["Arguments"]
    rules = job["DebugRuleConfigurations"]
    assert [rule["RuleParameters"]["rule_to_invoke"] for rule in rules] == ["VanishingGradient", "Overfit"]
    assert {rule["RuleEvaluatorImage"] for rule in rules} == {"${DebuggerImage}"}
    assert job["DebugHookConfig"]["S3OutputPath"]["Std:Join"]["Values"][-1] == "debugger"
    images = json.loads((folder / "debugger.json").read_text())[1]
    assert "sagemaker-debugger-rules:latest" in images["DebuggerImage"]["us-east-1"]


def test_a_search_ends_by_the_criteria_of_workload_yaml(steps: Callable[[str], dict[str, Any]]) -> None:
    config = steps("stops")["Tune"]["Arguments"]["HyperParameterTuningJobConfig"]
    assert config["ResourceLimits"]["MaxRuntimeInSeconds"] == 7200
    assert (config["TrainingJobEarlyStoppingType"], config["RandomSeed"]) == ("Off", 7)
    assert config["TuningJobCompletionCriteria"] == {
        "TargetObjectiveMetricValue": 0.1,
        "BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3},
    }


def test_bias_is_registered_where_there_is_a_segment(steps: Callable[[str], dict[str, Any]]) -> None:
    found = steps("segment")
    assert "Bias" in found["Register"]["Arguments"]["ModelMetrics"]
    assert "Bias" not in steps("search")["Register"]["Arguments"]["ModelMetrics"]
    words = found["Preprocess"]["Arguments"]["AppSpecification"]["ContainerArguments"]
    assert words[words.index("--input") + 1] == "/opt/ml/processing/input/data"
    assert words[words.index("--segment") + 1] == "sex" and words[words.index("--format") + 1] == "parquet"
