"""Real training jobs of the tabular workload on managed spot in an embedded cloud, each killed up to three times."""

import json
import os
import re
import subprocess
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figure import ROOT, BenchError
from rehearsal.embedded import EmbeddedCloud

TABULAR = ROOT / "workloads" / "tabular"
PYTHON = ROOT / ".venv-cloud" / "bin" / "python"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
AT_ONCE = 3
# A few trees an epoch and many epochs, so that most kills come in the middle of the training.
HYPERPARAMETERS = {"target": "target", "iterations": "40", "epoch_iterations": "1"}
WITHIN_SECONDS, TIMES, PATIENCE_SECONDS = 3.0, 3, 900
TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_TOLD = re.compile(r"(goes on after )?epoch (\d+)(?: of \d+)?: (.*)$")


@dataclass
class Killed:
    """What the log of one job tells. `told` are its epochs with their metrics, the last time that each was trained."""

    kills: int
    lost_epochs: int
    told: dict[int, str]
    differing: int  # epochs that came out otherwise when they were trained again


def drill(cloud: EmbeddedCloud, jobs: int, seed: int = 0) -> list[Killed]:
    """So many jobs, each killed up to TIMES times; all of them have ended well. Raises BenchError."""
    sagemaker, prefix = cloud.client("sagemaker"), f"drill-{seed}"
    role = _prepare(cloud, prefix)
    cloud.control("faults", kill_spot_within_seconds=WITHIN_SECONDS, kill_spot_times=TIMES, seed=seed)
    try:
        names = [f"{prefix}-{number}" for number in range(jobs)]
        for first in range(0, jobs, AT_ONCE):
            for name in names[first : first + AT_ONCE]:
                sagemaker.create_training_job(**_request(name, prefix, role))
            _wait(sagemaker, names[first : first + AT_ONCE])
    finally:
        cloud.control("faults", reset=True)
    return [_killed(cloud, sagemaker.describe_training_job(TrainingJobName=name)) for name in names]


def judge(lines: list[str], kills: int) -> Killed:
    """From what a job printed, all attempts after one another."""
    found = Killed(kills, 0, {}, 0)
    for restored, number, metrics in (match.groups() for line in lines if (match := _TOLD.search(line))):
        epoch, latest = int(number), max(found.told, default=0)
        # An attempt that found no checkpoint starts at 1 and says nothing of it.
        found.lost_epochs += max(0, latest - (epoch if restored else epoch - 1))
        found.differing += found.told.get(epoch, metrics) != metrics
        found.told = {known: line for known, line in found.told.items() if known <= epoch} | {epoch: metrics}
    return found


def _prepare(cloud: EmbeddedCloud, prefix: str) -> str:
    """Data and code in the bucket named as the prefix; gives the ARN of a role that may do everything."""
    s3, iam = cloud.client("s3"), cloud.client("iam")
    s3.create_bucket(Bucket=prefix)
    with tempfile.TemporaryDirectory() as folder:
        table, code = Path(folder, "table.csv"), Path(folder, "code.zip")
        _pack(code)
        sets = [f"--{name}={folder}/{name}" for name in ("train", "validation", "test", "baseline")]
        _run(TABULAR / "data.py", table)
        _run(code, "preprocess", "--input", table, "--target", "target", *sets)
        for path in (Path(folder, "train", "train.csv"), Path(folder, "validation", "validation.csv"), code):
            s3.upload_file(str(path), prefix, f"{path.stem}/{path.name}")
    documents = ({"Version": "2012-10-17", "Statement": [statement]} for statement in (TRUST, EVERYTHING))
    trust, policy = (json.dumps(document) for document in documents)
    role = iam.create_role(RoleName=prefix, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=prefix, PolicyName="all", PolicyDocument=policy)
    return role


def _pack(target: Path) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        for folder, _, names in os.walk(TABULAR / "scripts", followlinks=True):
            for path in (Path(folder, name) for name in names if name.endswith(".py")):
                archive.write(path, path.relative_to(TABULAR / "scripts"))


def _run(*words: object) -> None:
    done = subprocess.run([str(PYTHON), *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(done.stderr[-3000:])


def _request(name: str, bucket: str, role: str) -> dict[str, Any]:
    def channel(part: str) -> dict[str, Any]:
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/{part}/"}
        return {"ChannelName": part, "DataSource": {"S3DataSource": source}}

    return {
        "TrainingJobName": name,
        "RoleArn": role,
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/code.zip"],
            "ContainerArguments": ["train", "--job", "/opt/ml"],
        },
        "HyperParameters": HYPERPARAMETERS,
        "InputDataConfig": [channel(part) for part in ("code", "train", "validation")],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "CheckpointConfig": {"S3Uri": f"s3://{bucket}/checkpoints/{name}", "LocalPath": "/opt/ml/checkpoints"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
        "EnableManagedSpotTraining": True,
    }


def _wait(sagemaker: Any, names: list[str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    for name in names:
        while (job := sagemaker.describe_training_job(TrainingJobName=name))["TrainingJobStatus"] == "InProgress":
            if time.monotonic() > deadline:
                raise BenchError(f"{name} did not end within {PATIENCE_SECONDS} s")
            time.sleep(0.2)
        if job["TrainingJobStatus"] != "Completed":
            raise BenchError(f"{name} ended {job['TrainingJobStatus']}: {job.get('FailureReason')}")


def _killed(cloud: EmbeddedCloud, job: dict[str, Any]) -> Killed:
    kills = [step["Status"] for step in job["SecondaryStatusTransitions"]].count("Interrupted")
    return judge(_lines(cloud, job["TrainingJobName"]), kills)


def _lines(cloud: EmbeddedCloud, name: str) -> list[str]:
    logs, group = cloud.client("logs"), "/aws/sagemaker/TrainingJobs"
    streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{name}/")["logStreams"]
    return [
        event["message"]
        for stream in streams
        for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)[
            "events"
        ]
    ]
