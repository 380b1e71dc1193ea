"""Three workloads: a search for hyperparameters, Autopilot, runs that must fail, and every try on record."""

import io
import json
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from rehearsal.embedded import ROOT, EmbeddedCloud, RehearsalError
from rehearsal.stories import default_model
from rehearsal.stories.deployed import CONFIG, PATIENCE_SECONDS, Deployed
from rehearsal.stories.mail import Mailbox

PYTHON = ROOT / ".venv-cloud" / "bin" / "python"
SPLIT = ("train", "validation", "test")
LOWEST_AUC = 0.8
LONGEST_SEARCH_SECONDS = 120
LOOK_SECONDS = 30  # of the cloud's clock, between two looks of the state machine at a job


class Story(Deployed):
    """Holds what one step hands to the next. `measured.json` and `tabular/` in the report's folder are for a bench."""

    def __init__(self, cloud: EmbeddedCloud, out: Path) -> None:
        config = out / "training.yaml"
        settings = yaml.safe_load(CONFIG.read_text()) | {"workloads": ["digits", "tabular", "automl"]}
        config.write_text(yaml.safe_dump(settings, sort_keys=False))
        super().__init__(cloud, out, config=config)
        self._measured: dict[str, Any] = {}

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        return [
            ("start the embedded cloud", self.start),
            ("cdk bootstrap", self.bootstrap),
            ("cdk deploy --all; cdk diff finds nothing", self.deploy),
            ("put three tables into the data bucket", self.put_data),
            ("search for hyperparameters: 8 training jobs, 4 at a time; the best is registered", self.tune),
            ("approve it: promotion makes the endpoint, which predicts", self.predict),
            ("K-means twice: what is no better than the champion is not registered", self.lose),
            ("a table without its target ends the first step that can know", self.refuse),
            ("Autopilot finds a model for the Titanic's passengers", self.search),
            ("Autopilot is stopped half-way, and nothing goes on", self.cancel),
            ("compare the runs: sluice runs tabular", self.compare),
            ("cdk destroy --all", self.destroy),
        ]

    def put_data(self) -> str:
        self._s3, self._states = self.cloud.client("s3"), self.cloud.client("stepfunctions")
        self._mail = Mailbox(self.cloud, self.published("alert-topic-arn"))
        told = []
        for name in self.platform.workloads:
            path = self.out / f"{name}.csv"
            self.cloud.run([str(PYTHON), str(ROOT / "workloads" / name / "data.py"), str(path)], self.log("data"))
            self._upload(name, path.read_text())
            told.append(f"{name}: {path.read_text().count(chr(10))} lines")
        return ", ".join(told)

    def tune(self) -> str:
        began = time.monotonic()
        run = self._succeeded("tabular")
        seconds = time.monotonic() - began
        tuner = next(step["Metadata"]["TuningJob"]["Arn"] for step in self._steps(run) if step["StepName"] == "Tune")
        named = {"HyperParameterTuningJobName": tuner.rsplit("/", 1)[-1]}
        tries = self.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(**named, MaxResults=100)
        best = self.sagemaker.describe_hyper_parameter_tuning_job(**named)["BestTrainingJob"]
        jobs, limits = tries["TrainingJobSummaries"], self.platform.workloads["tabular"].tuning
        at_once = _most_at_once(jobs)
        if not limits or len(jobs) != limits.max_jobs or at_once > limits.parallel_jobs:
            raise RehearsalError(f"{len(jobs)} training jobs, up to {at_once} at once; allowed: {limits}")
        self.check_tags(*(job["TrainingJobArn"] for job in jobs))
        evaluation = self._evaluation("tabular", run)
        self._keep_split(run)
        self._keep_report(best["TrainingJobName"])
        self._measure(tuning_seconds=seconds, tuned_execution=run, tuned=_values(evaluation))
        default = default_model.loss(
            self.platform.workloads["tabular"],
            self.out / "tabular",
            lambda command: self.cloud.run(command, self.log("default")),
        )
        beats(_values(evaluation)["log_loss"], default)
        if seconds > LONGEST_SEARCH_SECONDS:
            raise RehearsalError(f"the run of tabular took {seconds:.0f} s, more than {LONGEST_SEARCH_SECONDS}")
        (self.out / "tuned-evaluation.json").write_text(json.dumps(evaluation))
        package = self._package("tabular")
        if best["TrainingJobName"] not in package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]:
            raise RehearsalError(f"the model of {best['TrainingJobName']} is not what was registered: {package}")
        told = package["CustomerMetadataProperties"]
        if best["TunedHyperParameters"] != {
            name.partition(".")[2]: value for name, value in told.items() if name.startswith("hyperparameter.")
        }:
            raise RehearsalError(f"{best['TunedHyperParameters']} are not registered: {told}")
        value = best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        chosen = ", ".join(f"{name} {value}" for name, value in sorted(best["TunedHyperParameters"].items()))
        return (
            f"{len(jobs)} jobs, up to {at_once} at once, {seconds:.0f} s; best validation loss {value:.4f} ({chosen}); "
            f"on held-out rows {_shown(evaluation)}, against log_loss {default:.3f} of the default hyperparameters"
        )

    def predict(self) -> str:
        name = f"{self.platform.prefix}-tabular"
        self._approve("tabular")
        answer = self.until(
            lambda: self.sagemaker.list_endpoints(NameContains=name)["Endpoints"],
            lambda found: found and found[0]["EndpointStatus"] in ("InService", "Failed"),
            "the endpoint",
        )
        if answer[0]["EndpointStatus"] != "InService":
            raise RehearsalError(f"the endpoint is {answer[0]}")
        header, *rows = (self.out / "tabular" / "test.csv").read_text().splitlines()
        target = header.split(",").index(str(self.platform.workloads["tabular"].data.target))
        truth = [row.split(",")[target] for row in rows]
        asked = "\n".join(",".join(v for i, v in enumerate(row.split(",")) if i != target) for row in rows)
        runtime = self.as_persona("data-scientist", "sagemaker-runtime")
        body = (
            runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Accept="text/csv", Body=asked)["Body"]
            .read()
            .decode()
        )
        right = sum(line.split(",")[0] == true for line, true in zip(body.splitlines(), truth, strict=True))
        if right / len(truth) < LOWEST_AUC:
            raise RehearsalError(f"{right} of {len(truth)} predictions are right")
        return f"{name} is InService; {right} of {len(truth)} held-out rows predicted right"

    def lose(self) -> str:
        self._succeeded("digits")
        self._approve("digits")
        run = self._run("digits")
        evaluation, found = self._evaluation("digits", run["PipelineExecutionArn"]), self._packages("digits")
        if run["PipelineExecutionStatus"] != "Failed" or evaluation["better"] or len(found) != 1:
            raise RehearsalError(f"{run['PipelineExecutionStatus']}, {evaluation}, {len(found)} packages")
        mail = self._letter("digits: a run failed at NotBetter")
        return f"{evaluation['reason']}; mailed: {mail.splitlines()[4]}"

    def refuse(self) -> str:
        whole = (self.out / "tabular.csv").read_text()
        self._upload("tabular", whole.replace("target", "label", 1))
        run, before = self._run("tabular"), len(self._packages("tabular"))
        failed = [step for step in self._steps(run["PipelineExecutionArn"]) if step["StepStatus"] == "Failed"]
        self._upload("tabular", whole)
        if [step["StepName"] for step in failed] != ["Preprocess"] or len(self._packages("tabular")) != before:
            raise RehearsalError(f"{run['PipelineExecutionStatus']}: {failed}")
        mail = self._letter("tabular: a run failed at Preprocess")
        if "has no column 'target'" not in mail or "log: https://" not in mail:
            raise RehearsalError(f"the mail says:\n{mail}")
        return mail.split("reason: ")[1].split("\n")[0].split(" | ")[-1]

    def search(self) -> str:
        execution = self._start_search("first")
        told = self._until_search(execution, lambda: self._status(execution) != "RUNNING")
        if told["status"] != "SUCCEEDED":
            raise RehearsalError(f"{told['status']}: {told.get('error')}: {told.get('cause')}")
        evaluation, board = self._evaluation("automl", "first"), self._read("automl/first/leaderboard/leaderboard.json")
        auc = _values(evaluation)["auc"]
        if auc < LOWEST_AUC or len(self._packages("automl")) != 1:
            raise RehearsalError(f"AUC {auc}, {len(self._packages('automl'))} packages")
        self._measure(automl_auc=auc, automl_rows=self._lines("automl/first/preprocess/labels/labels.csv"))
        best = board["candidates"][0]
        return (
            f"{len(board['candidates'])} candidates in {board['job']}, best {best['name']} "
            f"({board['objective']} {best['objective']:.3f}); on held-out rows {_shown(evaluation)}"
        )

    def cancel(self) -> str:
        execution = self._start_search("second")
        self._until_search(execution, lambda: self._busy("list_auto_ml_jobs"))
        self._states.stop_execution(executionArn=execution)
        newest = self.until(
            lambda: max(self.sagemaker.list_auto_ml_jobs()["AutoMLJobSummaries"], key=lambda row: row["CreationTime"]),
            lambda job: job["AutoMLJobStatus"] not in ("InProgress", "Stopping"),
            "the search to end",
        )
        if newest["AutoMLJobStatus"] != "Stopped" or self._busy() or len(self._packages("automl")) != 1:
            raise RehearsalError(f"{newest}; {len(self._packages('automl'))} packages")
        return f"{newest['AutoMLJobName']} is Stopped, nothing was registered"

    def compare(self) -> str:
        log = self.log("runs")
        self.until(lambda: self._recorded(log), lambda shown: shown.count("FINISHED") and shown.count("FAILED"), "runs")
        self.pictures["runs"] = log.read_text()
        return log.read_text().splitlines()[0].strip()

    def destroy(self) -> str:
        self._mail.close()
        return super().destroy()

    def _recorded(self, log: Path) -> str:
        log.unlink(missing_ok=True)
        command = [str(ROOT / ".venv" / "bin" / "python"), "-m", "cli.main", "runs", "tabular"]
        try:
            self.cloud.run(command, log, SLUICE_CONFIG=str(self.config), COLUMNS="100")
        except RehearsalError:
            return ""  # none is recorded yet
        return log.read_text()

    def _letter(self, subject: str) -> str:
        """The text of the mail with these words in its subject."""

        def look() -> str:
            return next((text for told, text in self._mail.letters() if subject in told), "")

        return self.until(look, bool, f"a mail: {subject}")

    def _run(self, workload: str) -> dict[str, Any]:
        """A run that the data scientist starts, once it has ended."""
        scientist = self.as_persona("data-scientist", "sagemaker")
        name = f"{self.platform.prefix}-{workload}"
        arn = scientist.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
        return self.until(
            lambda: self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn),
            lambda answer: answer["PipelineExecutionStatus"] != "Executing",
            f"the run of {workload} to end",
        )

    def _succeeded(self, workload: str) -> str:
        run = self._run(workload)
        if run["PipelineExecutionStatus"] != "Succeeded":
            raise RehearsalError(f"the run ended {run['PipelineExecutionStatus']}: {run.get('FailureReason')}")
        return run["PipelineExecutionArn"]

    def _steps(self, execution: str) -> list[dict[str, Any]]:
        answer = self.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution, SortOrder="Ascending")
        return answer["PipelineExecutionSteps"]

    def _packages(self, workload: str) -> list[dict[str, Any]]:
        group = f"{self.platform.prefix}-{workload}"
        return self.sagemaker.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]

    def _package(self, workload: str) -> dict[str, Any]:
        [package] = self._packages(workload)
        return self.sagemaker.describe_model_package(ModelPackageName=package["ModelPackageArn"])

    def _approve(self, workload: str) -> None:
        arn = self._package(workload)["ModelPackageArn"]
        engineer = self.as_persona("ml-engineer", "sagemaker")
        engineer.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")

    def _start_search(self, name: str) -> str:
        machine = f"{self.platform.prefix}-automl"
        [arn] = [
            row["stateMachineArn"]
            for row in self._states.list_state_machines()["stateMachines"]
            if row["name"] == machine
        ]
        scientist = self.as_persona("data-scientist", "stepfunctions")
        return scientist.start_execution(stateMachineArn=arn, name=name, input="{}")["executionArn"]

    def _status(self, execution: str) -> str:
        return self._states.describe_execution(executionArn=execution)["status"]

    def _until_search(self, execution: str, enough: Callable[[], Any]) -> dict[str, Any]:
        """Skips the state machine's waits, but no time in which a job runs."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not enough():
            if self._status(execution) != "RUNNING" or time.monotonic() > deadline:
                break
            if not self._busy():
                self.cloud.control("advance", seconds=LOOK_SECONDS)
            time.sleep(0.05)
        return self._states.describe_execution(executionArn=execution)

    def _busy(self, *lists: str) -> list[dict[str, Any]]:
        """The jobs that run."""
        answers = [
            getattr(self.sagemaker, each)(StatusEquals="InProgress")
            for each in lists or ("list_processing_jobs", "list_transform_jobs", "list_auto_ml_jobs")
        ]
        return [job for answer in answers for rows in answer.values() if isinstance(rows, list) for job in rows]

    def _upload(self, workload: str, table: str) -> None:
        key = f"{workload}/{self.platform.workloads[workload].data.path}"
        self._s3.put_object(Bucket=self.published("data-bucket"), Key=key, Body=table.encode())

    def _read(self, key: str) -> dict[str, Any]:
        return json.loads(self._s3.get_object(Bucket=self.published("artifact-bucket"), Key=key)["Body"].read())

    def _lines(self, key: str) -> int:
        body = self._s3.get_object(Bucket=self.published("artifact-bucket"), Key=key)["Body"].read()
        return len(body.decode().splitlines())

    def _evaluation(self, workload: str, execution: str) -> dict[str, Any]:
        return self._read(f"{workload}/{execution.rsplit('/', 1)[-1]}/evaluate/evaluation/evaluation.json")

    def _keep_split(self, execution: str) -> None:
        bucket, run = self.published("artifact-bucket"), execution.rsplit("/", 1)[-1]
        (self.out / "tabular").mkdir()
        for part in SPLIT:
            key = f"tabular/{run}/preprocess/{part}/{part}.csv"
            self._s3.download_file(bucket, key, str(self.out / "tabular" / f"{part}.csv"))

    def _keep_report(self, job: str) -> None:
        """What the hook in the training script drew of the best try, as `inside.html` beside this story's report."""
        model = self.sagemaker.describe_training_job(TrainingJobName=job)["ModelArtifacts"]["S3ModelArtifacts"]
        bucket, _, key = model.removeprefix("s3://").partition("/")
        body = self._s3.get_object(Bucket=bucket, Key=key.replace("model.tar.gz", "output.tar.gz"))["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            report = archive.extractfile("inside/report.html")
            assert report is not None
            (self.out / "inside.html").write_bytes(report.read())
        self.pictures["pages"] = {"inside.html": "A look inside the best try"}

    def _measure(self, **figures: Any) -> None:
        self._measured |= figures
        (self.out / "measured.json").write_text(json.dumps(self._measured, indent=1) + "\n")


def beats(tuned: float, default: float) -> None:
    """Raises RehearsalError where the best of a search is not better on held-out rows than what it began from."""
    if not tuned < default:
        raise RehearsalError(
            f"the best job's log loss is {tuned:.4f}, that of the default hyperparameters {default:.4f}"
        )


def _values(evaluation: dict[str, Any]) -> dict[str, float]:
    return {name: metric["value"] for name, metric in evaluation["metrics"].items()}


def _shown(evaluation: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in _values(evaluation).items())


def _most_at_once(jobs: list[dict[str, Any]]) -> int:
    """How many of these training jobs ran at one moment."""
    changes = [(job["CreationTime"], 1) for job in jobs] + [(job["TrainingEndTime"], -1) for job in jobs]
    running, most = 0, 0
    for _, change in sorted(changes):
        running += change
        most = max(most, running)
    return most
