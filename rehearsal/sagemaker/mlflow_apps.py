"""MLflow Apps: a real MLflow server each, started when the app is created and not before.

AWS, `sagemaker-mlflow` (the client's plugin): requests go to one host for all apps, signed for `sagemaker`, and the
header `x-sm-mlflow-app-arn` says which app they are for.
"""

import http.client
import importlib.metadata
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rehearsal import processes
from rehearsal.sagemaker import images
from rehearsal.sagemaker.service import Service
from rehearsal.sagemaker.store import AwsError, Record

ARN_HEADER = "x-sm-mlflow-app-arn"
START_SECONDS = 120
PORTS = 3
TIMEOUT_SECONDS = 60
_SERVER = images.CONTAINERS / "mlflow_server.py"
_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
_UP = ("Created", "Updating", "Updated", "UpdateFailed")

Answer = tuple[int, dict[str, str], bytes]


class MlflowApps:
    """Keeps a server for every app; `open_session` gives the credentials of a role, as boto3's client takes them."""

    def __init__(
        self,
        service: Service,
        work: Path,
        environment: Mapping[str, str],
        open_session: Callable[[str], dict[str, Any]],
    ) -> None:
        self._service, self._work, self._environment = service, work, dict(environment)
        self._open_session = open_session
        self._servers: dict[str, subprocess.Popen[bytes]] = {}
        service.started["MlflowApp"] = self._create
        service.updated["MlflowApp"] = _check_update
        service.deleted["MlflowApp"] = self._delete

    def forward(self, arn: str, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Hand one request to the server of an app. Raises AwsError when there is none, or it is not up."""
        record = self._service.store.find("MlflowApp", Arn=arn)
        if record["Status"] not in _UP:  # AWS's words are not verified
            raise AwsError("ValidationException", f"MLflow App {arn} is {record['Status']}.")
        sent = {"Content-Type": headers.get("content-type", "application/json")}
        connection = http.client.HTTPConnection("127.0.0.1", record["_Port"], timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, target, body=body or None, headers=sent)
            answer = connection.getresponse()
            return answer.status, {"Content-Type": answer.headers.get("Content-Type", "")}, answer.read()
        except OSError as error:
            raise AwsError("InternalFailure", f"the server of {arn} does not answer: {error}", 500) from error
        finally:
            connection.close()

    def _create(self, record: Record) -> None:
        threading.Thread(target=self._bring_up, args=(record,), name=record["MlflowAppId"], daemon=True).start()

    def _bring_up(self, record: Record) -> None:
        status = "CreateFailed"
        try:
            for _ in range(PORTS):  # another program may take a port between the look for it and its use
                port = processes.free_port()
                server = self._start(record, port)
                if _answers(server, port):
                    version = importlib.metadata.version("mlflow")
                    record.update(_Port=port, _Url=f"http://127.0.0.1:{port}/", MlflowVersion=version)
                    status = "Created"
                    break
                processes.stop(server)
        finally:  # whoever waits for the app is told, whatever went wrong; the server's own log says what
            with self._service.lock:
                self._service.move("MlflowApp", record, status)

    def _start(self, record: Record, port: int) -> subprocess.Popen[bytes]:
        folder = self._work / "MlflowApp" / record["MlflowAppId"]
        folder.mkdir(parents=True, exist_ok=True)
        given = {name.upper(): value for name, value in self._open_session(record["RoleArn"]).items()}
        command = [sys.executable, str(_SERVER), str(folder / "mlflow.db"), record["ArtifactStoreUri"], str(port)]
        env = {**self._environment, **_QUIET, **given}
        server = processes.start(command, env=env, cwd=folder, log=folder / "server.log")
        self._servers[record["Arn"]] = server
        return server

    def _delete(self, record: Record) -> None:
        if server := self._servers.pop(record["Arn"], None):
            threading.Thread(target=processes.stop, args=(server,), name=record["MlflowAppId"], daemon=True).start()


def _check_update(record: Record, request: dict[str, Any]) -> None:
    if request.get("ArtifactStoreUri", record["ArtifactStoreUri"]) != record["ArtifactStoreUri"]:
        raise AwsError(
            "ValidationException", "Another ArtifactStoreUri of an MLflow App is not emulated by this cloud."
        )


def _answers(server: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == 200 and server.poll() is None:
                return True
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    return False
