"""AutoML jobs on tables. A small search by scikit-learn stands in for Autopilot, as a process of its own.

Source: AWS, CreateAutoMLJobV2, AutoMLJobCompletionCriteria and "Create an AutoML job". AWS does not say in which order
the secondary statuses come, nor which one a job ends with that tried as many candidates as it might: here
MaxCandidatesReached. No reports of explainability and insights are made.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from rehearsal import processes
from rehearsal.sagemaker import candidates, storage
from rehearsal.sagemaker.container_log import ContainerLog
from rehearsal.sagemaker.images import CONTAINERS
from rehearsal.sagemaker.run import JobError, Run
from rehearsal.sagemaker.store import Record

COMMAND = (sys.executable, str(CONTAINERS / "automl.py"))
STAND_IN = "a small search by scikit-learn stands in for Autopilot"
POLL_SECONDS = 0.05
ENSEMBLING_BYTES = 100 * 1024 * 1024  # up to which AUTO means ENSEMBLING: AWS, "Training modes and algorithm support"
PARTIAL_REASONS = 5  # told at most, by the model


def search(run: Run, environment: Mapping[str, str]) -> None:
    """Carry out an AutoML job. Raises JobError, EndedError and what S3 raises."""
    _Search(run).carry_out(environment)


class _Search:
    """One search: the process, and what it has made so far."""

    def __init__(self, run: Run) -> None:
        self._run, self._record, self._clock = run, run.record, run.service.clock
        self._asked: Record = run.record["AutoMLProblemTypeConfig"]["TabularJobConfig"]
        self._limits: Record = self._asked.get("CompletionCriteria", {})
        self._s3, self._found = run.client("s3", run.record["RoleArn"]), run.record.setdefault("_Candidates", [])
        self._is_time_over = False
        self._analysis: Record = {}
        self._began: dict[str, float] = {}

    def carry_out(self, environment: Mapping[str, str]) -> None:
        run, folder = self._run, self._run.folder
        if "MaxAutoMLJobRuntimeInSeconds" in self._limits:
            self._clock.after(self._limits["MaxAutoMLJobRuntimeInSeconds"], self._end_time)
        run.enter("AnalyzingData", "")
        self._prepare()
        log_path = folder / "job.log"
        log_path.write_text(f"stand-in: {STAND_IN}\n")
        # Autopilot's own jobs write there too, under names that it gives them.
        log = ContainerLog(
            log_path,
            "/aws/sagemaker/TrainingJobs",
            f"{run.name}/algo-1-{int(self._clock.now())}",
            lambda: run.client("logs", self._record["RoleArn"]),
            self._clock,
        )
        process = processes.start(COMMAND, env={**environment, "SLUICE_ML": str(folder)}, cwd=folder, log=log_path)
        try:
            while process.poll() is None and not run.verdict and not self._is_time_over:
                self._look()
                log.carry(to_the_end=False)
                time.sleep(POLL_SECONDS)
        finally:
            processes.stop(process, grace_seconds=0)
            self._look()
            log.carry(to_the_end=True)
        self._conclude(process.returncode)

    def _end_time(self) -> None:
        self._is_time_over = True

    def _prepare(self) -> None:
        """The channels and the request, where the process looks for them."""
        folder = self._run.folder
        for part in ("input", "output", "candidates"):
            (folder / part).mkdir(parents=True)
        for channel in self._record["AutoMLJobInputDataConfig"]:
            kind = channel.get("ChannelType", "training")
            storage.download(self._s3, channel["DataSource"]["S3DataSource"]["S3Uri"], folder / "input" / kind)
        mode = self._asked.get("Mode", "AUTO")
        if mode == "AUTO":
            size = sum(path.stat().st_size for path in (folder / "input").rglob("*") if path.is_file())
            mode = "ENSEMBLING" if size <= ENSEMBLING_BYTES else "HYPERPARAMETER_TUNING"
        request = {
            "target": self._asked["TargetAttributeName"],
            "problem": self._asked.get("ProblemType"),
            "objective": self._record.get("AutoMLJobObjective", {}).get("MetricName"),
            "mode": mode,
            "candidates": self._limits.get("MaxCandidates"),
            "fraction": self._record.get("DataSplitConfig", {}).get("ValidationFraction"),
        }
        (folder / "request.json").write_text(json.dumps(request))

    def _look(self) -> None:
        """Take up what the process has made since, and end a candidate whose time is over."""
        folder = self._run.folder
        if not self._analysis and (folder / "analysis.json").exists():
            self._analysis = json.loads((folder / "analysis.json").read_text())
            self._tell_analysis()
        for part in sorted((folder / "candidates").iterdir()):
            if not (part / "begun.json").exists():
                continue
            begun, now = json.loads((part / "begun.json").read_text()), self._clock.now()
            name = f"{self._run.name}-{part.name}-{begun['algorithm']}"
            if name not in self._began:
                self._began[name] = now
                self._found.append(candidates.begun(name, now))
            candidate = self._found[list(self._began).index(name)]
            if candidate["CandidateStatus"] == "InProgress":
                self._follow(candidate, part, begun["pid"], now)

    def _follow(self, candidate: Record, part: Path, process: int, now: float) -> None:
        limit = self._limits.get("MaxRuntimePerTrainingJobInSeconds")
        if (part / "result.json").exists():
            self._take(candidate, part, json.loads((part / "result.json").read_text()))
        elif limit is not None and now - self._began[candidate["CandidateName"]] >= limit:
            candidates.end(candidate, "Stopped", now, f"MaxRuntimePerTrainingJobInSeconds ({limit}) is over")
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                return

    def _take(self, candidate: Record, part: Path, result: Record) -> None:
        """A candidate that has ended: its model goes to S3 under the job's role."""
        if "error" in result:
            candidates.end(candidate, "Failed", self._clock.now(), f"AlgorithmError: {result['error']}"[:1024])
            return
        output = self._record["OutputDataConfig"]
        place = f"{output['S3OutputPath'].rstrip('/')}/{self._run.name}/models"
        uri = f"{place}/{candidate['CandidateName']}/model.tar.gz"
        storage.upload_tar(self._s3, [part / "model"], uri, output.get("KmsKeyId"), part)
        candidates.finish(candidate, result["metrics"], self._analysis, uri, self._clock.now())
        self._tell_best()

    def _tell_analysis(self) -> None:
        attributes = {"TabularResolvedAttributes": {"ProblemType": self._analysis["problem"]}}
        self._record["ResolvedAttributes"] = {
            "AutoMLJobObjective": {"MetricName": self._analysis["objective"]},
            "CompletionCriteria": self._limits,
            "AutoMLProblemTypeResolvedAttributes": attributes,
        }
        self._run.enter("FeatureEngineering", "")
        self._run.enter("ModelTuning", "")

    def _tell_best(self) -> None:
        best = candidates.best(self._found)
        if best:
            self._record["BestCandidate"] = best

    def _conclude(self, status: int) -> None:
        """Raises JobError when there is no model, EndedError when the job is stopped."""
        run, now = self._run, self._clock.now()
        for candidate in self._found:
            if candidate["CandidateStatus"] == "InProgress":
                candidates.end(candidate, "Stopped", now)
        run.check()
        failure = run.folder / "output" / "failure"
        if failure.exists():
            raise JobError(f"ClientError: {failure.read_text()}")
        if not self._is_time_over and status:
            tail = (run.folder / "job.log").read_text(errors="replace").splitlines()[-8:]
            raise JobError(f"AlgorithmError: {' | '.join(tail)}")
        reasons = [reason for candidate in self._found if (reason := candidate.get("FailureReason"))]
        if reasons:
            told = [{"PartialFailureMessage": reason} for reason in reasons[:PARTIAL_REASONS]]
            self._record["PartialFailureReasons"] = told
        if "BestCandidate" not in self._record:
            why = "the job's time is over" if self._is_time_over else "; ".join(reasons[:PARTIAL_REASONS])
            raise JobError(f"AlgorithmError: no candidate was completed: {why}")
        if self._is_time_over:
            run.outcome = "MaxAutoMLJobRuntimeReached"
        elif len(self._found) >= self._limits.get("MaxCandidates", len(self._found) + 1):
            run.outcome = "MaxCandidatesReached"
