"""Tables: a search for hyperparameters, Autopilot, runs that must fail, and every try on record."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from rehearsal.embedded import ROOT, EmbeddedCloud, RehearsalError
from rehearsal.stories.deployed import CONFIG, Deployed

PYTHON = ROOT / ".venv-cloud" / "bin" / "python"
LOWEST_AUC = 0.8


class Story(Deployed):
    """Holds what one step hands to the next; `measured` keeps the figures that a bench reads."""

    def __init__(self, cloud: EmbeddedCloud, out: Path) -> None:
        config = out / "training.yaml"
        settings = yaml.safe_load(CONFIG.read_text()) | {"workloads": ["tabular", "automl"]}
        config.write_text(yaml.safe_dump(settings, sort_keys=False))
        super().__init__(cloud, out, config=config)
        self.measured: dict[str, float] = {}

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        return [
            ("start the embedded cloud", self.start),
            ("cdk bootstrap", self.bootstrap),
            ("cdk deploy --all; cdk diff finds nothing", self.deploy),
            ("put two tables into the data bucket", self.put_data),
            ("search for hyperparameters: 8 training jobs, 4 at a time; the best is registered", self.tune),
            ("approve it: promotion makes the endpoint, which predicts", self.predict),
            ("the same run again does not beat the champion, and mails why", self.lose),
            ("a table without its target ends the first step that can know", self.refuse),
            ("Autopilot finds a model for the Titanic's passengers", self.search),
            ("Autopilot is stopped half-way, and nothing goes on", self.cancel),
            ("compare the runs: sluice runs tabular", self.compare),
            ("cdk destroy --all", self.destroy),
        ]

    def put_data(self) -> str:
        self._s3, self._mail = self.cloud.client("s3"), self._subscribe()
        told = []
        for name in self.platform.workloads:
            path = self.out / f"{name}.csv"
            self.cloud.run([str(PYTHON), str(ROOT / "workloads" / name / "data.py"), str(path)], self.log("data"))
            self._upload(name, path.read_text())
            told.append(f"{name}: {path.read_text().count(chr(10)) - 1} rows")
        return ", ".join(told)

    def tune(self) -> str:
        began = time.monotonic()
        run, steps = self._run("tabular")
        self.measured["tuning_seconds"] = time.monotonic() - began
        if run["PipelineExecutionStatus"] != "Succeeded":
            raise RehearsalError(f"the run ended {run['PipelineExecutionStatus']}: {run.get('FailureReason')}")
        wanted = self.platform.workloads["tabular"].tuning
        assert wanted
        tuner = next(s["Metadata"]["TuningJob"]["Arn"] for s in steps if s["StepType"] == "Tuning").rsplit("/", 1)[-1]
        job = self.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=tuner)
        tries = self.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=tuner, MaxResults=100
        )["TrainingJobSummaries"]
        most = _most_at_once(tries)
        if len(tries) != wanted.max_jobs or most > wanted.parallel_jobs:
            raise RehearsalError(f"{len(tries)} training jobs, up to {most} at once")
        self.check_tags(*(each["TrainingJobArn"] for each in tries))
        best = job["BestTrainingJob"]
        self.pictures["tries"] = [_flat(each) for each in tries]
        found = self._evaluation(run, "tabular")
        value = best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        return (
            f"{len(tries)} jobs, at most {most} at once, {self.measured['tuning_seconds']:.0f} s; "
            f"best {value:.4f} with {best['TunedHyperParameters']}; on held-out rows {_metrics(found)}"
        )
