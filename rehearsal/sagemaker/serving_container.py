"""A model's container under the serving contract: found, started, waited for. Endpoints and transform jobs share it.

Source of the contract: AWS, "Use Your Own Inference Code with Hosting Services" and "... with Batch Transform".
"""

import shutil
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rehearsal import processes
from rehearsal.sagemaker import images, storage
from rehearsal.sagemaker.container import ML, local
from rehearsal.sagemaker.service import Service
from rehearsal.sagemaker.store import Record

START_SECONDS = 60


class ServingError(Exception):
    """Why a container did not come up."""


@dataclass(frozen=True)
class ServingContainer:
    """One running model container; `url` answers /ping and /invocations."""

    port: int
    process: "subprocess.Popen[bytes]"
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "serve.log"

    def wait_until_ready(self, limit_seconds: float = START_SECONDS) -> None:
        """Return when /ping answers. Raises ServingError when the container ends, or does not answer in time."""
        deadline = time.monotonic() + limit_seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise ServingError(f"The container ended: {self.log.read_text(errors='replace')[-600:]}")
            try:
                with urllib.request.urlopen(f"{self.url}/ping", timeout=2):
                    return
            except OSError:
                time.sleep(0.05)
        raise ServingError(f"The container gave no good answer to /ping within {limit_seconds} s.")

    def stop(self) -> None:
        processes.stop(self.process)

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def start(
    service: Service, model: Record, folder: Path, environment: Mapping[str, str], further: Mapping[str, str]
) -> ServingContainer:
    """Start the container of a model in a new folder, its data read under the model's role.

    `further` are variables beside the model's own. Raises ServingError, images.NoRunnerError, tarfile.TarError and
    what S3 raises.
    """
    container = definition(service, model)
    runner = images.runner(container["Image"])
    if not runner.serve:
        raise ServingError(f"image {container['Image']} has no serve entry point here")
    s3 = service.host.client("s3", model["ExecutionRoleArn"])
    (folder / "model").mkdir(parents=True)
    if "ModelDataUrl" in container:
        storage.download_tar(s3, container["ModelDataUrl"], folder / "model")
    variables = {**container.get("Environment", {}), **further}
    submitted = variables.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if submitted.startswith("s3://"):
        storage.download_tar(s3, submitted, folder / "code")
        variables["SAGEMAKER_SUBMIT_DIRECTORY"] = f"{ML}/code"
    port = processes.free_port()
    own = {name: local(value, folder) for name, value in variables.items()}
    env = {**environment, **own, "SLUICE_ML": str(folder), "SAGEMAKER_BIND_TO_PORT": str(port)}
    (folder / "serve.log").write_text(f"stand-in: {runner.stand_in}\n")
    process = processes.start(list(runner.serve), env=env, cwd=folder, log=folder / "serve.log")
    return ServingContainer(port, process, folder)


def definition(service: Service, model: Record) -> Record:
    """The one container of a model, through its model package where it names one. Raises ServingError."""
    containers = model.get("Containers") or [model["PrimaryContainer"]]
    if len(containers) > 1:
        raise ServingError("inference pipelines of several containers are not emulated by this cloud")
    container = containers[0]
    if "ModelPackageName" in container:
        package = service.store.find("ModelPackage", ModelPackageName=container["ModelPackageName"])
        return {**package["InferenceSpecification"]["Containers"][0], **container}
    return container
