"""Endpoints: one HTTP process per variant under the serving contract (`/ping`, `/invocations`)."""

import random
import secrets
import tarfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.sagemaker import capture, images, invocation, serving_container
from rehearsal.sagemaker.capture import Capture
from rehearsal.sagemaker.container_log import ContainerLog
from rehearsal.sagemaker.service import Service, identifier
from rehearsal.sagemaker.serving_container import ServingContainer, ServingError
from rehearsal.sagemaker.store import AwsError, Record

# As reported in aws/deep-learning-containers#6673.
_CAPACITY = "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error."


@dataclass
class Variant:
    """One production variant in service."""

    name: str
    weight: float
    instances: int
    container: ServingContainer
    log: threading.Thread  # ends when the container's last line is in CloudWatch
    capture: Capture | None
    _busy: int = 0
    _idle: threading.Condition = field(default_factory=threading.Condition)

    def take(self) -> None:
        with self._idle:
            self._busy += 1

    def leave(self) -> None:
        with self._idle:
            self._busy -= 1
            self._idle.notify_all()

    def end(self) -> None:
        """End the container when the requests that it has are answered; log and captured data are kept."""
        with self._idle:
            self._idle.wait_for(lambda: not self._busy, invocation.TIMEOUT_SECONDS)
        if self.capture:
            self.capture.flush()
        self.container.stop()
        self.log.join()
        self.container.clear()


class Endpoints:
    """Keeps the processes of every endpoint in step with its configuration."""

    def __init__(self, service: Service, work: Path, environment: Mapping[str, str]) -> None:
        self._service, self._work, self._environment = service, work, dict(environment)
        self._variants: dict[str, list[Variant]] = {}
        service.checked["EndpointConfig"] = _check
        service.started["Endpoint"] = self._create
        service.updated["Endpoint"] = self._update
        service.deleted["Endpoint"] = self._delete

    def invoke(self, name: str, headers: Mapping[str, str], body: bytes) -> tuple[bytes, dict[str, str]]:
        """Send one request to a variant. Raises AwsError as sagemaker-runtime does."""
        began = time.monotonic()
        request = invocation.read(headers, body)
        variant = self._choose(name, request.get("TargetVariant"))
        try:
            sent = time.monotonic()
            answer = invocation.send(variant.container.port, request, body)
            seconds = time.monotonic() - sent
            if variant.capture and answer.good:  # whether AWS captures what failed is not verified
                variant.capture.keep(request, body, answer.headers.get("content-type", ""), answer.body)
        finally:
            variant.leave()
        dimensions = {"EndpointName": name, "VariantName": variant.name}
        for metric, value, unit in invocation.metrics(answer, variant.instances, seconds, time.monotonic() - began):
            self._service.host.put_metric("AWS/SageMaker", metric, dimensions, value, unit)
        if not answer.good:
            raise invocation.model_error(answer, self._service.host.arn(f"endpoint/{name}"))
        return answer.body, invocation.headers(answer, variant.name)

    def _choose(self, name: str, wanted: str | None) -> Variant:
        """The variant that a request goes to, by weight unless it names one; who gets it must let it go."""
        with self._service.lock:
            variants = self._variants.get(name, [])
            self._refuse_other_ways(name)
            if not variants:  # AWS says the same of an endpoint that is not in service yet
                account = self._service.host.arn("").split(":")[4]
                raise AwsError("ValidationError", f"Endpoint {name} of account {account} not found.")
            named = [v for v in variants if wanted in (None, v.name)]
            if not named:  # AWS's words are not verified
                raise AwsError("ValidationError", f"Variant {wanted} not found for endpoint {name}.")
            variant = named[0] if wanted else random.choices(named, [v.weight for v in named])[0]
            variant.take()
            return variant

    def _refuse_other_ways(self, name: str) -> None:
        """An endpoint that is not invoked so: by its queue alone, or by a component. AWS's words are not verified."""
        for record in self._service.store.all("Endpoint"):
            if record["EndpointName"] != name or name not in self._variants:
                continue
            if record.get("AsyncInferenceConfig"):
                raise AwsError("ValidationError", f"Endpoint {name} is asynchronous: InvokeEndpoint is not supported.")
            if not self._variants[name]:
                raise AwsError("ValidationError", "Invoking inference components is not emulated by this cloud.")

    def _create(self, record: Record) -> None:
        self._later(record, record["EndpointConfigName"])

    def _update(self, record: Record, request: dict[str, Any]) -> None:
        self._service.store.find("EndpointConfig", "UpdateEndpoint", **request)
        # The endpoint keeps its old configuration until the new variants are in service.
        self._later(record, request.pop("EndpointConfigName"))

    def _later(self, record: Record, config_name: str) -> None:
        config = self._service.store.find("EndpointConfig", EndpointConfigName=config_name)
        threading.Thread(target=self._deploy, args=(record, config), name=record["EndpointName"], daemon=True).start()

    def _deploy(self, record: Record, config: Record) -> None:
        started: list[Variant] = []
        reason: str | None = "InternalServerError: the cloud's own log says why"
        try:
            serving = [asked for asked in config["ProductionVariants"] if "ModelName" in asked]
            for asked in serving:
                started.append(self._open(record["EndpointName"], config, asked))
            for variant, asked in zip(started, serving, strict=True):
                limit = asked.get("ContainerStartupHealthCheckTimeoutInSeconds", serving_container.START_SECONDS)
                _wait_until_ready(variant, limit)
            reason = None
        except (ServingError, images.NoRunnerError, AwsError, ClientError, BotoCoreError, tarfile.TarError) as error:
            reason = str(error) if isinstance(error, ServingError) else f"{type(error).__name__}: {error}"
        finally:
            self._settle(record, config, started, reason)

    def _settle(self, record: Record, config: Record, started: list[Variant], reason: str | None) -> None:
        name = record["EndpointName"]
        if reason:  # their log is complete before the failure is told
            for variant in started:
                variant.end()
        with self._service.lock:
            failed = bool(reason)
            superseded = [] if reason else started if failed else self._variants.get(name, [])
            if not failed:
                self._variants[name] = started
                record["EndpointConfigName"] = config["EndpointConfigName"]
                record["ProductionVariants"] = [_variant_summary(asked) for asked in config["ProductionVariants"]]
                record["AsyncInferenceConfig"] = config.get("AsyncInferenceConfig")
                captured = config.get("DataCaptureConfig")
                record["DataCaptureConfig"] = capture.summary(captured) if captured else None
            # API_EndpointMetadata: after a failed update the status is InService, with a FailureReason. The old
            # variants serve on; a failed creation has none.
            status = "InService" if name in self._variants else "Failed"
            self._service.move("Endpoint", record, status, FailureReason=reason)
        for variant in superseded:
            variant.end()

    def _open(self, endpoint: str, config: Record, asked: Record) -> Variant:
        """Start a variant, with its log and its data capture."""
        if asked.get("InstanceType") in self._service.faults.no_capacity:
            raise ServingError(_CAPACITY)
        model = self._service.store.find("Model", ModelName=asked["ModelName"])
        folder, name = self._work / "Endpoint" / identifier(12), asked["VariantName"]
        container = serving_container.start(self._service, model, folder, self._environment, {})
        client = partial(self._service.host.client, role_arn=model["ExecutionRoleArn"])
        stream = f"{name}/i-{secrets.token_hex(9)[:17]}"
        group = f"/aws/sagemaker/Endpoints/{endpoint}"
        log = ContainerLog(container.log, group, stream, partial(client, "logs"), self._service.clock)
        given, captured = config.get("DataCaptureConfig"), None
        if given:
            place, open_s3 = f"{endpoint}/{name}", partial(client, "s3")
            captured = Capture(given, place, self._service.clock, open_s3, log.say)
        weight = asked.get("InitialVariantWeight", 1.0)
        return Variant(
            name, weight, asked.get("InitialInstanceCount", 1), container, log.follow(container.process), captured
        )

    def _delete(self, record: Record) -> None:
        for variant in self._variants.pop(record["EndpointName"], []):
            threading.Thread(target=variant.end, name=record["EndpointName"], daemon=True).start()


def _wait_until_ready(variant: Variant, limit_seconds: float) -> None:
    try:
        variant.container.wait_until_ready(limit_seconds)
    except ServingError as error:
        words = f"The primary container for production variant {variant.name} did not pass the ping health check. "
        words += "Please check CloudWatch logs for this endpoint."
        raise ServingError(f"{words} {error}") from error


def _variant_summary(asked: Record) -> Record:
    weight, count = asked.get("InitialVariantWeight", 1.0), asked.get("InitialInstanceCount", 1)
    told = {"VariantName": asked["VariantName"], "CurrentWeight": weight, "DesiredWeight": weight}
    if serverless := asked.get("ServerlessConfig"):
        return told | {"CurrentServerlessConfig": serverless, "DesiredServerlessConfig": serverless}
    scaling = {n: asked[n] for n in ("ManagedInstanceScaling",) if n in asked}
    return told | {"CurrentInstanceCount": count, "DesiredInstanceCount": count} | scaling


def _check(config: Record) -> None:
    """Refuse a configuration that asks for what is not emulated."""
    if not sum(variant.get("InitialVariantWeight", 1.0) for variant in config["ProductionVariants"]):
        raise AwsError("ValidationException", "Variants whose weights are all 0 are not emulated by this cloud.")
    if not config.get("DataCaptureConfig", {}).get("DestinationS3Uri", "s3://").startswith("s3://"):
        raise AwsError("ValidationException", "A DestinationS3Uri that is not s3:// is not emulated by this cloud.")
