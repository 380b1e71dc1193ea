"""Processing jobs. Source: AWS, "Data transformation workloads with SageMaker Processing" and the pages below it."""

import json
from collections.abc import Mapping
from typing import Any

from rehearsal.sagemaker import container, images, storage
from rehearsal.sagemaker.container import Instance
from rehearsal.sagemaker.joblog import JobLog
from rehearsal.sagemaker.kinds import DAY_SECONDS
from rehearsal.sagemaker.run import JobError, Run

# Whatever a script says: only what it leaves as ExitMessage is told. Source: the integration tests of AWS's own image
# (aws/sagemaker-spark-container).
FAILED, MESSAGE_BYTES = "AlgorithmError: See job logs for more information", 1024
_CONFIG = (
    "ProcessingJobArn",
    "ProcessingJobName",
    "AppSpecification",
    "Environment",
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "RoleArn",
    "StoppingCondition",
    "NetworkConfig",
)


def process(run: Run, environment: Mapping[str, str]) -> None:
    """Carry out a processing job. A stopped one stores no outputs. Raises JobError, EndedError and what S3 raises."""
    record, clock = run.record, run.service.clock
    application, resources = record["AppSpecification"], record["ProcessingResources"]["ClusterConfig"]
    runner = images.runner(application["ImageUri"])
    run.require_capacity(resources["InstanceType"])
    cluster = container.instances(run.folder, resources["InstanceCount"], resources["InstanceType"])
    s3, outputs = run.client("s3", record["RoleArn"]), record.get("ProcessingOutputConfig", {})
    _prepare(record, cluster, s3, runner)
    log = JobLog(run, record["RoleArn"], [(instance.host, instance.log) for instance in cluster])
    record["ProcessingStartTime"] = clock.now()
    limit = record.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DAY_SECONDS)
    clock.after(limit, lambda: run.end("MaxRuntimeExceeded"))
    command = application.get("ContainerEntrypoint", []) + application.get("ContainerArguments", [])
    run.check()
    try:
        container.start(cluster, command, environment, record.get("Environment", {}), container.ML)
        if not container.wait(cluster, lambda: bool(run.verdict), log.follow):
            container.terminate(cluster, clock, log.follow)
    except container.FailedError as error:
        raise JobError(FAILED) from error
    finally:
        for instance in cluster:
            instance.end()
        log.follow(to_the_end=True)
        record["ExitMessage"] = _message(cluster)
    run.check()
    for instance in cluster:
        for item in outputs.get("Outputs", []):
            target = item["S3Output"]
            storage.upload(s3, instance.path(target["LocalPath"]), target["S3Uri"], outputs.get("KmsKeyId"))


def _message(cluster: list[Instance]) -> str | None:
    """The beginning of what all containers left, one after the other. Raises JobError where it is not UTF-8."""
    files = [path for each in cluster if (path := each.path(f"{container.ML}/output/message")).is_file()]
    try:
        told = "".join(path.read_text("utf-8") for path in files).encode()[:MESSAGE_BYTES]
    except UnicodeDecodeError as error:
        raise JobError(f"ClientError: {container.ML}/output/message is not UTF-8") from error
    return told.decode(errors="ignore") or None


def _prepare(record: dict[str, Any], cluster: list[Instance], s3: Any, runner: images.Runner) -> None:
    described = {name: record[name] for name in _CONFIG if name in record}
    for instance in cluster:
        (instance.folder / "config" / "processingjobconfig.json").write_text(json.dumps(described))
        instance.log.write_text(f"stand-in: {runner.stand_in}\n")
        for item in record.get("ProcessingInputs", []):
            source = item["S3Input"]
            fetch = storage.download_listed if source.get("S3DataType") == "ManifestFile" else storage.download
            fetch(s3, source["S3Uri"], instance.path(source["LocalPath"]))
        for item in record.get("ProcessingOutputConfig", {}).get("Outputs", []):
            instance.path(item["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
