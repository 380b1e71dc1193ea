"""Transform jobs: every object of the input goes through a model's container. Source: AWS, CreateTransformJob and
"Use Your Own Inference Code with Batch Transform"."""

import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from rehearsal import processes
from rehearsal.sagemaker import batch_capture, serving_container, storage
from rehearsal.sagemaker.joblog import JobLog
from rehearsal.sagemaker.run import JobError, Run
from rehearsal.sagemaker.service import identifier
from rehearsal.sagemaker.serving_container import ServingContainer
from rehearsal.sagemaker.store import Record

MEGABYTE = 1024 * 1024
POLL_SECONDS = 0.05
DEFAULT_PAYLOAD_MB = 6
DEFAULT_TIMEOUT_SECONDS, DEFAULT_RETRIES = 600, 3


class InvocationError(Exception):
    """Why one object could not be transformed."""


def transform(run: Run, environment: Mapping[str, str]) -> None:
    """Carry out a transform job. Raises JobError, EndedError, ServingError, and what S3 raises."""
    record, store = run.record, run.service.store
    model = store.find("Model", ModelName=record["ModelName"])
    resources = record["TransformResources"]
    run.require_capacity(resources["InstanceType"])
    record["TransformStartTime"] = run.service.clock.now()
    run.folder.mkdir(parents=True)
    log: JobLog | None = None
    containers: list[ServingContainer] = []
    try:
        for number in range(resources["InstanceCount"]):
            folder = run.folder / f"instance-{number}"
            containers.append(serving_container.start(run.service, model, folder, environment, _variables(record)))
        files = [(f"i-{identifier(17)}", each.log) for each in containers]
        log = JobLog(run, model["ExecutionRoleArn"], files)
        for each in containers:
            each.wait_until_ready()
        _transform_all(run, containers, run.client("s3", model["ExecutionRoleArn"]), log)
    finally:
        if log:
            log.follow(to_the_end=True)
        for each in containers:
            each.stop()
            each.clear()


def _variables(record: Record) -> dict[str, str]:
    """What AWS tells a container of its batch transform job."""
    told = {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(record.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB)),
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(record.get("MaxConcurrentTransforms") or 1),
    }
    if "BatchStrategy" in record:
        strategy = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}[record["BatchStrategy"]]
        told["SAGEMAKER_BATCH_STRATEGY"] = strategy
    return {**told, **record.get("Environment", {})}


def _transform_all(run: Run, containers: list[ServingContainer], s3: Any, log: JobLog) -> None:
    """Objects that fail leave the others alone, but fail the job. Nothing is stored of a job that is stopped."""
    record = run.record
    uri, output = record["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"], record["TransformOutput"]
    bucket, prefix = storage.split(uri)
    done: dict[str, bytes] = {}
    failed: list[str] = []
    keys = storage.keys(s3, uri)
    for index, key in enumerate(keys):
        client = _Client(run, containers[index % len(containers)])
        content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        try:
            done[f"{storage.relative(key, prefix)}.out"] = batch_capture.identified(record, client.transform(content))
        except InvocationError as error:
            failed.append(f"{key}: {error}")
        log.follow()
    run.check()
    for name, content in done.items():
        path = run.folder / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    storage.upload(s3, run.folder / "out", output["S3OutputPath"], output.get("KmsKeyId"))
    if failed:
        raise JobError(f"AlgorithmError: {len(failed)} of {len(done) + len(failed)} objects failed; {failed[0]}")
    batch_capture.write(record, s3, keys, list(done))


@dataclass(frozen=True)
class _Client:
    """Sends the records of one object to one container."""

    run: Run
    container: ServingContainer

    def transform(self, content: bytes) -> bytes:
        """The assembled answers. Raises InvocationError and EndedError."""
        record = self.run.record
        split = record["TransformInput"].get("SplitType", "None") == "Line"
        limit = record.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB) * MEGABYTE
        # AWS names no default of BatchStrategy; fewer requests are taken here.
        single = record.get("BatchStrategy") == "SingleRecord"
        payloads = list(batches(content, 1 if single else limit, limit)) if split else [content]
        if any(len(payload) > limit for payload in payloads):
            raise InvocationError(f"a payload is larger than MaxPayloadInMB ({limit // MEGABYTE})")
        with ThreadPoolExecutor(record.get("MaxConcurrentTransforms") or 1) as pool:
            sent = [pool.submit(self._invoke, payload) for payload in payloads]
            while wait(sent, POLL_SECONDS).not_done:
                if self.run.verdict:  # a request under way ends with its container
                    processes.stop(self.container.process)
            answers = [each.result() for each in sent]
        if record["TransformOutput"].get("AssembleWith", "None") == "Line":
            return b"".join(answer.removesuffix(b"\n") + b"\n" for answer in answers)
        return b"".join(answers)

    def _invoke(self, payload: bytes) -> bytes:
        """One request, again while the container has a fault of its own and ModelClientConfig lets it."""
        record = self.run.record
        config = record.get("ModelClientConfig", {})
        headers = {"Content-Type": record["TransformInput"].get("ContentType", "")}
        if accept := record["TransformOutput"].get("Accept"):
            headers["Accept"] = accept
        timeout = config.get("InvocationsTimeoutInSeconds", DEFAULT_TIMEOUT_SECONDS)
        request = urllib.request.Request(f"{self.container.url}/invocations", payload, headers, method="POST")
        why = ""
        for _ in range(1 + config.get("InvocationsMaxRetries", DEFAULT_RETRIES)):
            self.run.check()
            try:
                with urllib.request.urlopen(request, timeout=timeout) as answer:
                    return answer.read()
            except urllib.error.HTTPError as error:
                why = f"HTTP {error.code}: {error.read().decode(errors='replace')[:300]}"
                if error.code < 500:
                    break
            except OSError as error:
                why = f"the container does not answer: {error}"
        self.run.check()
        raise InvocationError(why)


def batches(content: bytes, wanted_bytes: int, limit_bytes: int) -> Iterator[bytes]:
    """The lines of an object in payloads of at most so many bytes, a payload being one line at least."""
    batch: list[bytes] = []
    size = 0
    for line in content.splitlines():
        if batch and size + 1 + len(line) > min(wanted_bytes, limit_bytes):
            yield b"\n".join(batch)
            batch, size = [], 0
        size += len(line) + bool(batch)
        batch.append(line)
    if batch:
        yield b"\n".join(batch)
