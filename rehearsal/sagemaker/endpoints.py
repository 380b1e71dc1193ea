"""Endpoints: one HTTP process per variant under the serving contract (`/ping`, `/invocations`)."""

import random
import tarfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.sagemaker import images, serving_container
from rehearsal.sagemaker.service import Service, identifier
from rehearsal.sagemaker.serving_container import ServingContainer, ServingError
from rehearsal.sagemaker.store import AwsError, Record


@dataclass
class Variant:
    """One running production variant."""

    name: str
    weight: float
    container: ServingContainer


class Endpoints:
    """Keeps the processes of every endpoint in step with its configuration."""

    def __init__(self, service: Service, work: Path, environment: Mapping[str, str]) -> None:
        self._service, self._work, self._environment = service, work, dict(environment)
        self._variants: dict[str, list[Variant]] = {}
        service.started["Endpoint"] = self._create
        service.updated["Endpoint"] = self._update
        service.deleted["Endpoint"] = self._delete

    def invoke(self, name: str, headers: Mapping[str, str], body: bytes) -> tuple[bytes, dict[str, str]]:
        """Send one request to a variant. Raises AwsError as sagemaker-runtime does."""
        with self._service.lock:
            variants = list(self._variants.get(name, []))
        if not variants:
            raise AwsError("ValidationError", f"Endpoint {name} of account not found.")
        wanted = headers.get("x-amzn-sagemaker-target-variant")
        if wanted:
            variants = [v for v in variants if v.name == wanted]
            if not variants:
                raise AwsError("ValidationError", f"Variant {wanted} not found for endpoint {name}.")
        variant = random.choices(variants, [v.weight for v in variants])[0]
        request = urllib.request.Request(f"{variant.container.url}/invocations", data=body, method="POST")
        for header in ("content-type", "accept"):
            if header in headers:
                request.add_header(header, headers[header])
        began = time.monotonic()
        metric = {"EndpointName": name, "VariantName": variant.name}
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                content, kind = answer.read(), answer.headers.get("Content-Type", "")
        except urllib.error.HTTPError as error:
            self._service.host.put_metric("AWS/SageMaker", f"Invocation{error.code // 100}XXErrors", metric, 1, "Count")
            raise AwsError(
                "ModelError",
                f'Received client error ({error.code}) from primary with message "{error.read().decode()}"',
                424,
            ) from error
        finally:
            self._service.host.put_metric("AWS/SageMaker", "Invocations", metric, 1, "Count")
        self._service.host.put_metric(
            "AWS/SageMaker", "ModelLatency", metric, (time.monotonic() - began) * 1e6, "Microseconds"
        )
        return content, {"Content-Type": kind, "x-Amzn-Invoked-Production-Variant": variant.name}

    def _create(self, record: Record) -> None:
        self._later(record, record["EndpointConfigName"])

    def _update(self, record: Record, request: dict[str, Any]) -> None:
        if record["EndpointStatus"] != "InService":
            raise AwsError("ValidationException", f'Cannot update in-progress endpoint "{record["EndpointArn"]}".')
        if "DeploymentConfig" in request:
            raise AwsError("ValidationException", "DeploymentConfig is not emulated by this cloud.")
        self._service.store.find("EndpointConfig", "UpdateEndpoint", **request)
        record["EndpointStatus"] = "Updating"
        # The endpoint keeps its old configuration until the new variants are in service.
        self._later(record, request.pop("EndpointConfigName"))

    def _later(self, record: Record, config_name: str) -> None:
        threading.Thread(
            target=self._deploy, args=(record, config_name), name=record["EndpointName"], daemon=True
        ).start()

    def _deploy(self, record: Record, config_name: str) -> None:
        name, started, reason = record["EndpointName"], [], "InternalServerError: the cloud's own log says why"
        try:
            config = self._service.store.find("EndpointConfig", EndpointConfigName=config_name)
            for variant in config["ProductionVariants"]:
                started.append(self._start(variant))
            for variant in started:
                variant.container.wait_until_ready(variant.name)
            reason = None
        except (ServingError, images.NoRunnerError, AwsError, ClientError, BotoCoreError, tarfile.TarError) as error:
            reason = f"{type(error).__name__}: {error}"
        finally:
            self._settle(record, name, config_name, started, reason)

    def _settle(self, record: Record, name: str, config_name: str, started: list[Variant], reason: str | None) -> None:
        with self._service.lock:
            deleted = record not in self._service.store.all("Endpoint")
            old = self._variants.get(name, [])
            superseded = started if reason or deleted else old
            if not (reason or deleted):
                self._variants[name] = started
                record["EndpointConfigName"] = config_name
                weights = [
                    {
                        "VariantName": v.name,
                        "CurrentWeight": v.weight,
                        "DesiredWeight": v.weight,
                        "CurrentInstanceCount": 1,
                        "DesiredInstanceCount": 1,
                    }
                    for v in started
                ]
                record["ProductionVariants"] = weights
        for variant in superseded:
            variant.container.end()
        if not deleted:
            # A failed update leaves the old variants in service, as AWS's roll-back does; a failed creation has none.
            status = "InService" if self._variants.get(name) else "Failed"
            self._service.move("Endpoint", record, status, FailureReason=reason)

    def _start(self, variant: dict[str, Any]) -> Variant:
        for member in ("ServerlessConfig", "ManagedInstanceScaling"):
            if member in variant:
                raise ServingError(f"{member} is not emulated by this cloud")
        model = self._service.store.find("Model", ModelName=variant["ModelName"])
        folder = self._work / "Endpoint" / identifier(12)
        container = serving_container.start(self._service, model, folder, self._environment, {})
        return Variant(variant["VariantName"], variant.get("InitialVariantWeight", 1.0), container)

    def _delete(self, record: Record) -> None:
        if record["EndpointStatus"] in ("Creating", "Updating"):
            raise AwsError("ValidationException", f'Cannot delete in-progress endpoint "{record["EndpointArn"]}".')
        for variant in self._variants.pop(record["EndpointName"], []):
            variant.container.end()
