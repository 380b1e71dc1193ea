"""The automl state machine end to end: deployed, under its own roles and their boundary, on the Titanic's table."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App

from rehearsal.embedded import ROOT, EmbeddedCloud
from tests import autopilot_app
from tests.rehearsal.jobbing import until

pytestmark = pytest.mark.slow

NAME = autopilot_app.NAME
LISTS = ("list_processing_jobs", "list_transform_jobs", "list_auto_ml_jobs")
PATIENCE_SECONDS = 120


class Platform:
    """What is deployed, and executions of its state machine."""

    def __init__(self, cloud: EmbeddedCloud, folder: Path) -> None:
        self._cloud, self._log = cloud, folder / "log"
        self.sagemaker, self.s3, self._states = (cloud.client(s) for s in ("sagemaker", "s3", "stepfunctions"))
        app = App(outdir=str(folder / "out"), context={"aws:cdk:bundling-stacks": []})
        autopilot_app.build(app)
        app.synth()
        cloud.cdk("bootstrap", "--app", str(folder / "out"), log=self._log)
        cloud.cdk("deploy", "--all", "--require-approval", "never", "--app", str(folder / "out"), log=self._log)
        buckets = [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]]
        self.data, self.artifacts = (
            next(b for b in buckets if part in b) for part in ("storagedata", "storageartifacts")
        )
        self.arn = self._states.list_state_machines()["stateMachines"][0]["stateMachineArn"]
        self.s3.put_object(Bucket=self.artifacts, Key="automl/manifest.json", Body=b'{"objects": []}')
        cloud.run(
            [str(ROOT / ".venv-cloud/bin/python"), str(ROOT / "workloads/automl/data.py"), str(folder / "t.csv")],
            self._log,
        )
        self.table = (folder / "t.csv").read_text()

    def start(self, name: str, table: str | None = None) -> str:
        self.s3.put_object(Bucket=self.data, Key="automl/table.csv", Body=(table or self.table).encode())
        return self._states.start_execution(stateMachineArn=self.arn, name=name, input="{}")["executionArn"]

    def stop(self, execution: str) -> None:
        self._states.stop_execution(executionArn=execution)

    def pause(self, paused: bool) -> None:
        self._cloud.control("jobs", paused=paused)

    def advance(self, seconds: float) -> None:
        self._cloud.control("advance", seconds=seconds)

    def look(self, execution: str) -> dict[str, Any]:
        return self._states.describe_execution(executionArn=execution)

    def busy(self) -> list[dict[str, Any]]:
        """The jobs that run."""
        answers = [getattr(self.sagemaker, each)(StatusEquals="InProgress") for each in LISTS]
        return [job for answer in answers for rows in answer.values() if isinstance(rows, list) for job in rows]

    def until(self, execution: str, enough: Callable[[], Any]) -> None:
        """Skip the waits between the looks, but not the jobs."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not enough():
            told = self.look(execution)
            assert told["status"] == "RUNNING" and time.monotonic() < deadline, told
            if not self.busy():
                self.advance(30)
            time.sleep(0.05)

    def ended(self, execution: str) -> dict[str, Any]:
        self.until(execution, lambda: self.look(execution)["status"] != "RUNNING")
        return self.look(execution)

    def read(self, key: str) -> Any:
        return json.loads(self.s3.get_object(Bucket=self.artifacts, Key=key)["Body"].read())

    def packages(self) -> list[dict[str, Any]]:
        return self.sagemaker.list_model_packages(ModelPackageGroupName=NAME)["ModelPackageSummaryList"]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """In a cloud of its own, because time is skipped here."""
    with EmbeddedCloud("us-east-1", tmp_path_factory.mktemp("cloud")) as cloud:
        cloud.start()
        yield Platform(cloud, tmp_path_factory.mktemp("autopilot"))


def test_a_run_registers_the_best_candidate_and_only_a_better_one_after_it(platform: Platform) -> None:
    told = platform.ended(platform.start("first"))
    assert told["status"] == "SUCCEEDED", told
    board = platform.read("automl/first/leaderboard/leaderboard.json")
    assert board["execution"] == "first" and board["objective"] == "F1" and len(board["job"]) <= 32
    scores = [candidate["objective"] for candidate in board["candidates"]]
    assert len(scores) >= 4 and scores == sorted(scores, reverse=True)
    assert {"name", "algorithm", "objective", "metrics", "model"} == board["candidates"][0].keys()
    evaluation = platform.read("automl/first/evaluate/evaluation/evaluation.json")
    assert evaluation["better"] and evaluation["metrics"]["auc"]["value"] >= 0.80 and evaluation["champion"] is None
    [package] = platform.packages()
    described = platform.sagemaker.describe_model_package(ModelPackageName=package["ModelPackageArn"])
    assert described["ModelApprovalStatus"] == "PendingManualApproval"
    assert described["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == board["candidates"][0]["model"]
    origin = described["CustomerMetadataProperties"]
    assert (origin["execution"], origin["search-job"], origin["champion_version"]) == ("first", board["job"], "0")
    assert origin["manifest"] == board["manifest"]
    read = platform.read("automl/first/preprocess/baseline/data.json")
    digest = hashlib.sha256(platform.table.encode()).hexdigest()
    assert [file["sha256"] for file in read["files"]] == [digest] and read["begin"] == {"objects": []}
    reports = described["DriftCheckBaselines"]["ModelDataQuality"]
    assert described["ModelMetrics"]["ModelDataQuality"] == reports
    places = {name: report["S3Uri"].removeprefix(f"s3://{platform.artifacts}/") for name, report in reports.items()}
    assert platform.read(places["Statistics"])["dataset"]["item_count"] == 1050
    assert [rule["name"] for rule in platform.read(places["Constraints"])["features"]] == [
        *platform.table.split("\n")[0].split(",")
    ]
    card = json.loads(described["ModelCard"]["ModelCardContent"])
    assert card["model_overview"]["model_artifact"] == [board["candidates"][0]["model"]]
    assert card["evaluation_details"][0]["datasets"] == [
        f"s3://{platform.artifacts}/automl/first/evaluate/evaluation/evaluation.json"
    ]
    assert platform.sagemaker.list_models()["Models"] == []

    platform.sagemaker.update_model_package(ModelPackageArn=package["ModelPackageArn"], ModelApprovalStatus="Approved")
    told = platform.ended(platform.start("second"))
    assert (told["status"], told["error"]) == ("FAILED", "NotBetter"), told
    evaluation = platform.read("automl/second/evaluate/evaluation/evaluation.json")
    assert evaluation["champion"]["version"] == "1" and evaluation["champion"]["metrics"] == evaluation["metrics"]
    assert told["cause"] == evaluation["reason"] and "not better" in told["cause"]
    assert len(platform.packages()) == 1 and platform.sagemaker.list_models()["Models"] == []


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("renamed", ("Survived", "Alive"), "has no column 'Survived'"),
        ("constant", (",0,", ",1,"), "there is nothing to learn"),
    ],
)
def test_bad_data_end_the_run_at_its_first_step(
    platform: Platform, name: str, change: tuple[str, str], words: str
) -> None:
    lines = platform.table.splitlines()
    table = platform.table.replace(*change)
    if name == "constant":  # the target is the last column but one
        table = "\n".join([lines[0], *(f"{line[:-3]}1{line[-2:]}" for line in lines[1:])])
    before = len(platform.packages())
    told = platform.ended(platform.start(name, table))
    assert (told["status"], told["error"]) == ("FAILED", "PreprocessFailed")
    assert words in told["cause"] and "See job logs" not in told["cause"]
    assert len(platform.packages()) == before


def searching(platform: Platform, name: str) -> tuple[str, str]:
    """An execution whose search is under way, and the name of its AutoML job."""
    execution = platform.start(name)
    jobs: list[str] = []

    def found() -> bool:
        rows = platform.sagemaker.list_auto_ml_jobs(StatusEquals="InProgress")["AutoMLJobSummaries"]
        jobs[:] = [row["AutoMLJobName"] for row in rows]
        return bool(jobs)

    platform.until(execution, found)
    return execution, jobs[0]


def stopped(platform: Platform, job: str) -> None:
    def status() -> str:
        return platform.sagemaker.describe_auto_ml_job_v2(AutoMLJobName=job)["AutoMLJobStatus"]

    until(lambda: status() == "Stopped", status)


def test_the_search_of_an_aborted_execution_is_stopped(platform: Platform) -> None:
    execution, job = searching(platform, "aborted")
    platform.stop(execution)
    stopped(platform, job)
    assert platform.look(execution)["status"] == "ABORTED"


def test_what_an_execution_that_is_out_of_time_started_is_stopped(platform: Platform) -> None:
    platform.pause(True)  # a job that does not begin, as one that waits for instances
    execution = platform.start("timed-out")
    platform.until(execution, platform.busy)
    [job] = platform.busy()
    platform.advance(24 * 3600)
    assert platform.look(execution)["status"] == "TIMED_OUT"
    until(lambda: not platform.busy(), platform.busy)
    told = platform.sagemaker.describe_processing_job(ProcessingJobName=job["ProcessingJobName"])
    assert told["ProcessingJobStatus"] == "Stopped"
    platform.pause(False)
