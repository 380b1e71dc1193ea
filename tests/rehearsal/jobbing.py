"""A SageMaker service in the test's own process, with a clock and faults of its own, whose jobs use the cloud's S3."""

import io
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rehearsal import processes
from rehearsal.embedded import ACCOUNT, EmbeddedCloud
from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.jobs import Jobs
from rehearsal.sagemaker.service import Service

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
ENDED = ("Completed", "Failed", "Stopped")
PATIENCE_SECONDS = 60


class Host:
    """The cloud around the service: events are kept in a list, clients are the embedded cloud's."""

    def __init__(self, cloud: EmbeddedCloud) -> None:
        self._cloud = cloud
        self.events: list[tuple[str, dict[str, Any]]] = []

    def emit(self, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
        self.events.append((detail_type, detail))

    def arn(self, resource: str) -> str:
        return f"arn:aws:sagemaker:{self._cloud.region}:{ACCOUNT}:{resource}"

    def pass_role(self, role_arn: str) -> None: ...
    def client(self, service: str, role_arn: str) -> Any:
        return self._cloud.as_role(service, role_arn)

    def put_metric(self, namespace: str, name: str, dimensions: dict[str, str], value: float, unit: str) -> None: ...


class Workshop:
    """The service, with requests filled in that a test does not care about."""

    def __init__(self, cloud: EmbeddedCloud, role: str, folder: Path) -> None:
        self.host, self.clock, self._role, self._s3 = Host(cloud), Clock(), role, cloud.client("s3")
        self.service = Service(self.host, self.clock)
        self.jobs = Jobs(self.service, folder, processes.clean_environment(HOME=str(folder), PYTHONUNBUFFERED="1"))

    def train(
        self, name: str, script: str = "", *, spot_wait: int | None = None, limit: int = 3600, **more: Any
    ) -> None:
        """Create a training job that runs a few lines of Python, which come by a channel of their own."""
        stopping = {"MaxRuntimeInSeconds": limit} | ({"MaxWaitTimeInSeconds": spot_wait} if spot_wait else {})
        specification: dict[str, Any] = {"TrainingImage": SKLEARN, "TrainingInputMode": "File"}
        request: dict[str, Any] = {
            "TrainingJobName": name,
            "RoleArn": self._role,
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": more.pop("instances", 1),
                "VolumeSizeInGB": 1,
            },
            "OutputDataConfig": {"S3OutputPath": "s3://jobs/out"},
            "StoppingCondition": stopping,
            "EnableManagedSpotTraining": spot_wait is not None,
        }
        if script:
            specification["ContainerEntrypoint"] = ["python3", "/opt/ml/input/data/main/main.py"]
            source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": self._put(name, script)}}
            request["InputDataConfig"] = [{"ChannelName": "main", "DataSource": source}]
        request["AlgorithmSpecification"] = specification | more.pop("specification", {})
        self.service.call("CreateTrainingJob", {**request, **more})

    def process(self, name: str, script: str, *, inputs: tuple[dict[str, Any], ...] = (), **more: Any) -> None:
        """Create a processing job that runs a few lines of Python, with `inputs` beside them."""
        cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        place = "/opt/ml/processing/main"
        source = {"S3Uri": self._put(name, script), "LocalPath": place, "S3DataType": "S3Prefix", "S3InputMode": "File"}
        request = {
            "ProcessingJobName": name,
            "RoleArn": self._role,
            "AppSpecification": {"ImageUri": SKLEARN, "ContainerEntrypoint": ["python3", f"{place}/main.py"]},
            "ProcessingInputs": [{"InputName": "main", "S3Input": source}, *inputs],
            "ProcessingResources": {"ClusterConfig": cluster},
        }
        self.service.call("CreateProcessingJob", {**request, **more})

    def _put(self, name: str, script: str) -> str:
        self._s3.put_object(Bucket="jobs", Key=f"scripts/{name}/main.py", Body=script.encode())
        return f"s3://jobs/scripts/{name}/"

    def job(self, name: str, noun: str = "TrainingJob") -> dict[str, Any]:
        return self.service.call(f"Describe{noun}", {f"{noun}Name": name})

    def ended(self, name: str, noun: str = "TrainingJob") -> dict[str, Any]:
        """The answer once the job has ended."""
        until(lambda: self.job(name, noun)[f"{noun}Status"] in ENDED, lambda: self.job(name, noun))
        return self.job(name, noun)

    def phases(self, name: str) -> list[str]:
        return [step["Status"] for step in self.job(name)["SecondaryStatusTransitions"]]


def until(holds: Callable[[], Any], seen: Callable[[], Any] = lambda: "") -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, seen()
        time.sleep(0.05)


def packed(**files: str) -> bytes:
    """A tar.gz of text files; `__` in a name stands for a folder, and every file is Python."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"{name.replace('__', '/')}.py")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return made.getvalue()


def unpacked(cloud: EmbeddedCloud, key: str) -> dict[str, str]:
    """The text files of an archive in the bucket of the jobs."""
    content = cloud.client("s3").get_object(Bucket="jobs", Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        files = {member.name: tar.extractfile(member) for member in tar.getmembers()}
        return {name: file.read().decode() for name, file in files.items() if file}


def text(cloud: EmbeddedCloud, key: str) -> str:
    return cloud.client("s3").get_object(Bucket="jobs", Key=key)["Body"].read().decode()


def lines(cloud: EmbeddedCloud, noun: str, name: str) -> list[str]:
    """What CloudWatch has of a job's log, all streams."""
    logs = cloud.client("logs")
    try:
        answer = logs.describe_log_streams(logGroupName=f"/aws/sagemaker/{noun}s", logStreamNamePrefix=f"{name}/")
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [
        event["message"]
        for stream in answer["logStreams"]
        for event in logs.get_log_events(
            logGroupName=f"/aws/sagemaker/{noun}s", logStreamName=stream["logStreamName"], startFromHead=True
        )["events"]
    ]
