"""Training and processing jobs: processes under SageMaker's container contract.

There is no /opt/ml on this machine. Each instance of a job gets a folder of its own that stands for it; `/opt/ml` at
the start of an argument is rewritten to that folder, and the same paths are given in `SM_*`. Source of the contract:
AWS, "How Amazon SageMaker Runs Your Training Image" and "... Your Processing Container Image".
"""

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jmespath
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from rehearsal import processes
from rehearsal.sagemaker import images, storage
from rehearsal.sagemaker.service import Service
from rehearsal.sagemaker.store import AwsError, Record

ML = "/opt/ml"
# What a job may ask for and this cloud does not do, as a JMESPath that finds something then.
_NOT_EMULATED = {
    "TrainingJob": {
        "CheckpointConfig": "CheckpointConfig",
        "RetryStrategy": "RetryStrategy",
        "MetricDefinitions": "AlgorithmSpecification.MetricDefinitions",
        "InputDataConfig.CompressionType": "InputDataConfig[?CompressionType && CompressionType != 'None']",
        "TrainingInputMode": "AlgorithmSpecification.TrainingInputMode != 'File' || null",
    },
    "ProcessingJob": {
        "S3InputMode": "ProcessingInputs[?S3Input.S3InputMode && S3Input.S3InputMode != 'File']",
        "S3CompressionType": "ProcessingInputs[?S3Input.S3CompressionType && S3Input.S3CompressionType != 'None']",
        "S3DataDistributionType": "ProcessingInputs[?S3Input.S3DataDistributionType == 'ShardedByS3Key']",
        "DatasetDefinition": "ProcessingInputs[?DatasetDefinition]",
        "S3UploadMode": "ProcessingOutputConfig.Outputs[?S3Output.S3UploadMode != 'EndOfJob']",
    },
}


class JobError(Exception):
    """Why a job failed, in the words of its FailureReason."""


class Instance:
    """One machine of a job: its folder, its name, its process."""

    def __init__(self, folder: Path, host: str) -> None:
        self.folder, self.host, self.log = folder, host, folder / "job.log"
        self.process: subprocess.Popen[bytes] | None = None
        for name in ("input/config", "input/data", "model", "output/data", "checkpoints", "config", "processing"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def end(self) -> None:
        if self.process:
            processes.stop(self.process)

    def local(self, path: str) -> str:
        return path.replace(ML, str(self.folder), 1) if path.startswith(ML) else path


class Jobs:
    """Runs every job of the service; one thread a job."""

    def __init__(self, service: Service, work: Path, environment: Mapping[str, str]) -> None:
        self._service, self._work, self._environment = service, work, dict(environment)
        self._running: dict[str, list[Instance]] = {}
        for noun, run in (("TrainingJob", self._train), ("ProcessingJob", self._process)):
            service.checked[noun] = lambda record, noun=noun: _refuse(noun, record)
            service.started[noun] = lambda record, noun=noun, run=run: self._launch(noun, record, run)
            service.stopped[noun] = lambda record, noun=noun: self._stop(noun, record)

    def _launch(self, noun: str, record: Record, run: Any) -> None:
        threading.Thread(
            target=self._supervise, args=(noun, record, run), name=record[f"{noun}Name"], daemon=True
        ).start()

    def _supervise(self, noun: str, record: Record, run: Any) -> None:
        folder = self._work / noun / record[f"{noun}Name"]
        status, reason = "Failed", "InternalServerError: the cloud's own log says why"
        try:
            run(record, folder)
            status, reason = "Completed", None
        except (JobError, images.NoRunnerError, FileNotFoundError, ClientError, BotoCoreError, Boto3Error) as error:
            reason = f"{type(error).__name__}: {error}"
        finally:
            self._end(noun, record, folder, status, reason)

    def _end(self, noun: str, record: Record, folder: Path, status: str, reason: str | None) -> None:
        if record[f"{noun}Status"] == "Stopping":
            status, reason = "Stopped", None
        self._write_log(noun, record, self._running.pop(record[f"{noun}Name"], []))
        shutil.rmtree(folder, ignore_errors=True)
        ended = "TrainingEndTime" if noun == "TrainingJob" else "ProcessingEndTime"
        members: dict[str, Any] = {ended: self._service.clock.now(), "FailureReason": reason}
        if noun == "TrainingJob":
            members["SecondaryStatus"] = status
        self._service.move(noun, record, status, **members)

    def _stop(self, noun: str, record: Record) -> None:
        if record[f"{noun}Status"] != "InProgress":
            return
        self._service.move(noun, record, "Stopping")
        for instance in self._running.get(record[f"{noun}Name"], []):
            instance.end()

    def _train(self, record: Record, folder: Path) -> None:
        specification, resources = record["AlgorithmSpecification"], record["ResourceConfig"]
        runner = images.runner(specification["TrainingImage"])
        if not runner.train:
            raise JobError(f"ClientError: image {specification['TrainingImage']} has no train entry point here")
        instances = self._instances(record["TrainingJobName"], folder, resources["InstanceCount"])
        s3 = self._service.host.client("s3", record["RoleArn"])
        self._phase(record, "Downloading")
        for channel in record.get("InputDataConfig", []):
            _download_channel(s3, channel, instances)
        parameters = record.get("HyperParameters", {})
        for instance in instances:
            config = instance.folder / "input" / "config"
            (config / "hyperparameters.json").write_text(json.dumps(parameters))
            (config / "inputdataconfig.json").write_text(
                json.dumps({c["ChannelName"]: c for c in record.get("InputDataConfig", [])})
            )
        self._phase(record, "Training")
        began = time.monotonic()
        record["TrainingStartTime"] = self._service.clock.now()
        channels = {
            f"SM_CHANNEL_{c['ChannelName'].upper()}": f"{ML}/input/data/{c['ChannelName']}"
            for c in record.get("InputDataConfig", [])
        }
        environment = {
            "TRAINING_JOB_NAME": record["TrainingJobName"],
            "SM_HPS": json.dumps(parameters),
            "SM_MODEL_DIR": f"{ML}/model",
            "SM_OUTPUT_DATA_DIR": f"{ML}/output/data",
            **channels,
            **record.get("Environment", {}),
        }
        try:
            limit = record["StoppingCondition"].get("MaxRuntimeInSeconds")
            command = list(runner.train)
            self._run(instances, command, environment, limit, lambda: record["TrainingJobStatus"] == "Stopping")
        finally:
            seconds = max(1, round(time.monotonic() - began))
            record["TrainingTimeInSeconds"] = record["BillableTimeInSeconds"] = seconds
        self._phase(record, "Uploading")
        output = record["OutputDataConfig"]
        target = f"{output['S3OutputPath'].rstrip('/')}/{record['TrainingJobName']}/output"
        for name, parts in (("model", "model"), ("output", "output/data")):
            folders = [instance.folder / parts for instance in instances]
            if name == "model" or any(any(part.iterdir()) for part in folders):
                storage.upload_tar(s3, folders, f"{target}/{name}.tar.gz", output.get("KmsKeyId"), folder)
        record["ModelArtifacts"] = {"S3ModelArtifacts": f"{target}/model.tar.gz"}

    def _phase(self, record: Record, phase: str) -> None:
        now = self._service.clock.now()
        transitions = record.setdefault("SecondaryStatusTransitions", [])
        if transitions:
            transitions[-1]["EndTime"] = now
        transitions.append({"Status": phase, "StartTime": now})
        self._service.move("TrainingJob", record, record["TrainingJobStatus"], SecondaryStatus=phase)

    def _process(self, record: Record, folder: Path) -> None:
        application, cluster = record["AppSpecification"], record["ProcessingResources"]["ClusterConfig"]
        images.runner(application["ImageUri"])
        instances = self._instances(record["ProcessingJobName"], folder, cluster["InstanceCount"])
        s3 = self._service.host.client("s3", record["RoleArn"])
        for instance in instances:
            for item in record.get("ProcessingInputs", []):
                source = item["S3Input"]
                storage.download(s3, source["S3Uri"], Path(instance.local(source["LocalPath"])))
        command = application.get("ContainerEntrypoint", []) + application.get("ContainerArguments", [])
        outputs = record.get("ProcessingOutputConfig", {})
        for instance in instances:
            for item in outputs.get("Outputs", []):
                Path(instance.local(item["S3Output"]["LocalPath"])).mkdir(parents=True, exist_ok=True)
        record["ProcessingStartTime"] = self._service.clock.now()
        limit = record.get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
        environment = record.get("Environment", {})
        self._run(instances, command, environment, limit, lambda: record["ProcessingJobStatus"] == "Stopping")
        for instance in instances:
            for item in outputs.get("Outputs", []):
                target = item["S3Output"]
                storage.upload(s3, Path(instance.local(target["LocalPath"])), target["S3Uri"], outputs.get("KmsKeyId"))

    def _instances(self, name: str, folder: Path, count: int) -> list[Instance]:
        instances = [Instance(folder / f"algo-{i + 1}", f"algo-{i + 1}") for i in range(count)]
        self._running[name] = instances
        return instances

    def _run(
        self,
        instances: list[Instance],
        command: list[str],
        environment: Mapping[str, str],
        limit_seconds: int | None,
        stopping: Callable[[], bool],
    ) -> None:
        """Start the command on every instance and wait. Raises JobError when one fails or the time is over."""
        hosts = [instance.host for instance in instances]
        # A container reaches its peers by name; on one machine each host name gets a loopback port instead.
        peers = json.dumps({host: processes.free_port() for host in hosts})
        for instance in instances:
            description = {"current_host": instance.host, "hosts": hosts, "network_interface_name": "lo"}
            for place in ("input/config", "config"):
                (instance.folder / place / "resourceconfig.json").write_text(json.dumps(description))
            own = {
                "SM_HOSTS": json.dumps(hosts),
                "SM_CURRENT_HOST": instance.host,
                "SM_NUM_GPUS": "0",
                "SM_NUM_CPUS": "1",
                "SLUICE_ML": str(instance.folder),
                "SLUICE_PEERS": peers,
            }
            env = {**self._environment, **{k: instance.local(v) for k, v in environment.items()}, **own}
            local = [instance.local(part) for part in command]
            instance.process = processes.start(local, env=env, cwd=instance.folder, log=instance.log)
        try:
            _wait(instances, limit_seconds, stopping)
        finally:
            for instance in instances:
                instance.end()

    def _write_log(self, noun: str, record: Record, instances: list[Instance]) -> None:
        """The job's output as CloudWatch shows it, written under the job's own role."""
        logs, group = self._service.host.client("logs", record["RoleArn"]), f"/aws/sagemaker/{noun}s"
        when = int(self._service.clock.now() * 1000)
        try:
            _ignore_existing(logs.create_log_group, logGroupName=group)
            for instance in instances:
                lines = instance.log.read_text(errors="replace").splitlines() if instance.log.exists() else []
                if lines:
                    stream = f"{record[f'{noun}Name']}/{instance.host}"
                    _ignore_existing(logs.create_log_stream, logGroupName=group, logStreamName=stream)
                    events = [{"timestamp": when, "message": line or " "} for line in lines[-1000:]]
                    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
        except (ClientError, BotoCoreError) as error:  # as in AWS, a role that may not write logs loses the log
            record["LogFault"] = str(error)


def _refuse(noun: str, record: Record) -> None:
    for member, path in _NOT_EMULATED[noun].items():
        if jmespath.search(path, record):
            raise AwsError("ValidationException", f"{member} as asked for is not emulated by this cloud.")


def _wait(instances: list[Instance], limit_seconds: int | None, stopping: Callable[[], bool]) -> None:
    """Until every process has ended well. Raises JobError as soon as one has failed, or when the time is over."""
    deadline = time.monotonic() + (limit_seconds or 86_400)
    while True:
        states = {instance: instance.process.poll() for instance in instances if instance.process}
        for instance, status in states.items():
            if status:
                raise JobError(f"AlgorithmError: exit code {status} on {instance.host}: {_tail(instance.log)}")
        if all(status == 0 for status in states.values()):
            return
        if stopping():  # asked for before there was a process to end
            raise JobError("stopped")
        if time.monotonic() > deadline:
            raise JobError(f"MaxRuntimeExceeded after {limit_seconds} s")
        time.sleep(0.02)


def _download_channel(s3: Any, channel: Mapping[str, Any], instances: list[Instance]) -> None:
    source = channel["DataSource"]["S3DataSource"]
    found = storage.keys(s3, source["S3Uri"])
    sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
    for index, instance in enumerate(instances):
        share = found[index :: len(instances)] if sharded else found
        storage.download(s3, source["S3Uri"], instance.folder / "input" / "data" / channel["ChannelName"], share)


def _ignore_existing(call: Any, **arguments: str) -> None:
    try:
        call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise


def _tail(log: Path) -> str:
    return " | ".join(log.read_text(errors="replace").splitlines()[-8:])[-900:]
