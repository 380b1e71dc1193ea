"""Pipeline executions that have ended, with their jobs and what they left in S3, behind real boto3 clients."""
# ruff: noqa: N802, N803 - operations and their parameters are named as AWS names them

import importlib
import io
import json
import tarfile
from datetime import timedelta
from typing import Any

cloud = importlib.import_module("tests.lambda.cloud")  # `lambda` is a keyword
arn, NOW, OURS = cloud.arn, cloud.NOW, cloud.OURS

BUCKET = "artifacts"
MANIFEST = f"s3://{BUCKET}/digits/manifests/0a1b.json"
EXECUTION = arn("pipeline/sluice-dev-digits/execution/abc123")
EVALUATION = {
    "metrics": {"purity": {"value": 0.79}},
    "champion": {"version": "3", "metrics": {"purity": {"value": 0.7}}},
    "better": True,
    "reason": "0.79 is better than 0.7",
}


class Executions(cloud.Cloud):
    """The in-memory cloud with one execution: Begin, Train, Evaluate, Register."""

    def __init__(self) -> None:
        super().__init__()
        self.status = "Succeeded"
        self.steps: list[dict[str, Any]] = []
        self.jobs: dict[str, dict[str, Any]] = {}
        self.objects: dict[str, bytes] = {}
        self.parameters = {"Manifest": "", "Epochs": "5", "Seed": "1"}
        self.step("Begin", Lambda={"OutputParameters": _rows(ManifestUri=MANIFEST, ChampionVersion="3")})
        self.train("train-1", {"k": "10", "_tuning": "1"}, {"test:msd": 12.5})
        self.step("Train", TrainingJob={"Arn": arn("training-job/train-1")})
        self.process("evaluate-1", uri("evaluate/evaluation"))
        self.step("Evaluate", ProcessingJob={"Arn": arn("processing-job/evaluate-1")})
        self.step("Register", RegisterModel={"Arn": arn("model-package/sluice-dev-digits/4")})
        self.objects["digits/manifests/0a1b.json"] = b'{"objects": []}'
        self.put("evaluate/evaluation/evaluation.json", json.dumps(EVALUATION).encode())
        self.put("evaluate/evaluation/other.csv", b"1,2")

    def step(self, name: str, status: str = "Succeeded", **metadata: Any) -> dict[str, Any]:
        self.steps.append({"StepName": name, "StepStatus": status, "Metadata": metadata})
        return self.steps[-1]

    def put(self, path: str, content: bytes) -> None:
        self.objects[f"digits/abc123/{path}"] = content

    def train(self, name: str, hyperparameters: dict[str, str], metrics: dict[str, float]) -> None:
        self.tags[arn(f"training-job/{name}")] = OURS
        self.jobs[name] = {
            "TrainingJobName": name,
            "HyperParameters": hyperparameters,
            "FinalMetricDataList": [{"MetricName": n, "Value": v} for n, v in metrics.items()],
            "OutputDataConfig": {"S3OutputPath": uri("train")},
            "TrainingTimeInSeconds": 60,
            "BillableTimeInSeconds": 20,
        }

    def process(self, name: str, output: str) -> None:
        self.tags[arn(f"processing-job/{name}")] = OURS
        self.jobs[name] = {"ProcessingOutputConfig": {"Outputs": [{"S3Output": {"S3Uri": output}}]}}

    def tune(self, name: str, tries: dict[str, tuple[dict[str, str], float | None]], best: str) -> None:
        """`tries`: by job, its tuned hyperparameters and its objective; None: it failed."""
        self.tags[arn(f"hyper-parameter-tuning-job/{name}")] = OURS
        self.jobs[name] = {"best": best, "tries": tries}
        self.train(best, {"max_depth": "3", **tries[best][0]}, {"validation:auc": tries[best][1] or 0.0})

    # The API

    def DescribePipelineExecution(self, PipelineExecutionArn: str) -> dict[str, Any]:
        times = {"CreationTime": NOW, "LastModifiedTime": NOW + timedelta(minutes=5)}
        return {"PipelineExecutionArn": PipelineExecutionArn, "PipelineExecutionStatus": self.status, **times}

    def ListPipelineExecutionSteps(self, PipelineExecutionArn: str, **page: Any) -> dict[str, Any]:
        return cloud.base.page("PipelineExecutionSteps", self.steps, **page)

    def ListPipelineParametersForExecution(self, PipelineExecutionArn: str, **page: Any) -> dict[str, Any]:
        return cloud.base.page("PipelineParameters", _rows(**self.parameters), **page)

    def DescribeTrainingJob(self, TrainingJobName: str) -> dict[str, Any]:
        return self.jobs[TrainingJobName]

    def DescribeProcessingJob(self, ProcessingJobName: str) -> dict[str, Any]:
        return self.jobs[ProcessingJobName]

    def DescribeHyperParameterTuningJob(self, HyperParameterTuningJobName: str) -> dict[str, Any]:
        return {"BestTrainingJob": {"TrainingJobName": self.jobs[HyperParameterTuningJobName]["best"]}}

    def ListTrainingJobsForHyperParameterTuningJob(
        self, HyperParameterTuningJobName: str, **page: Any
    ) -> dict[str, Any]:
        rows = [
            {
                "TrainingJobName": name,
                "TrainingJobStatus": "Failed" if value is None else "Completed",
                "CreationTime": NOW,
                "TrainingEndTime": NOW + timedelta(minutes=1),
                "TunedHyperParameters": tuned,
                **({} if value is None else {OBJECTIVE: {"MetricName": "validation:auc", "Value": value}}),
            }
            for name, (tuned, value) in self.jobs[HyperParameterTuningJobName]["tries"].items()
        ]
        return cloud.base.page("TrainingJobSummaries", rows, **page)

    def ListObjectsV2(self, Bucket: str, Prefix: str, **_: Any) -> dict[str, Any]:
        return {"Contents": [{"Key": key} for key in sorted(self.objects) if key.startswith(Prefix)]}

    def GetObject(self, Bucket: str, Key: str, **_: Any) -> dict[str, Any]:
        content = self.objects[Key]
        return {"ContentLength": len(content), "Body": io.BytesIO(content)}

    def PutObject(self, Bucket: str, Key: str, Body: Any, **_: Any) -> None:
        self.objects[Key] = Body.read()


OBJECTIVE = "FinalHyperParameterTuningJobObjectiveMetric"


def uri(path: str) -> str:
    return f"s3://{BUCKET}/digits/abc123/{path}"


def archive(**files: bytes) -> bytes:
    """A tar.gz; `__` in a name stands for a slash."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("__", "/").replace("_html", ".html"))
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()


def _rows(**values: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items()]
