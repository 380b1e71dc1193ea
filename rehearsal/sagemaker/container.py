"""The processes of a job under the container contract.

There is no /opt/ml on this machine. Each instance of a job gets a folder of its own that stands for it; `/opt/ml` in
an argument or a variable is rewritten to that folder. Source of the contract: AWS, "How Amazon SageMaker AI Runs Your
Training Image" and "How Amazon SageMaker Processing Runs Your Processing Container Image".
"""

import json
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rehearsal import processes
from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.run import JobError

ML = "/opt/ml"
GRACE_SECONDS = 120  # of the cloud's clock between SIGTERM and SIGKILL: AWS, StopTrainingJob
POLL_SECONDS, TICK_SECONDS = 0.02, 0.25
FAILURE_LENGTH = 900  # of the failure file or the log, so that the reason has room for the exit code
_ML = re.compile(r"(?<![\w./-])/opt/ml(?![\w-])")
_FOLDERS = ("input/config", "input/data", "model", "output/data", "checkpoints", "config", "processing", "code")


def local(text: str, folder: Path) -> str:
    """The text with every /opt/ml path in it as it is in the folder that stands for /opt/ml."""
    return _ML.sub(lambda _: str(folder), text)


class Instance:
    """One machine of a job: its folder, its name, its process."""

    def __init__(self, folder: Path, host: str, instance_type: str) -> None:
        self.folder, self.host, self.instance_type, self.log = folder, host, instance_type, folder / "job.log"
        self.process: subprocess.Popen[bytes] | None = None
        for name in _FOLDERS:
            (folder / name).mkdir(parents=True, exist_ok=True)

    def local(self, text: str) -> str:
        """The text with every /opt/ml path in it as it is on this machine."""
        return local(text, self.folder)

    def path(self, container_path: str) -> Path:
        return Path(self.local(container_path))

    def said(self, name: str) -> str:
        """What the container wrote to a file of /opt/ml/output, such as `failure`."""
        path = self.folder / "output" / name
        return path.read_text(errors="replace").strip()[:1024] if path.is_file() else ""

    def kill(self) -> None:
        if self.process:
            processes.kill(self.process)

    def end(self) -> None:
        if self.process:
            processes.stop(self.process, grace_seconds=0)


class FailedError(JobError):
    """A process ended with `status`; the reason is the file `failure`, and where there is none the end of the log."""

    def __init__(self, instance: Instance, status: int) -> None:
        text = instance.said("failure") or _tail(instance.log)
        super().__init__(f"AlgorithmError: {text[:FAILURE_LENGTH]}, exit code: {status}")


def instances(folder: Path, count: int, instance_type: str) -> list[Instance]:
    """New instances under a folder, with the resource configuration that tells each of the others."""
    made = [Instance(folder / f"algo-{i + 1}", f"algo-{i + 1}", instance_type) for i in range(count)]
    hosts = [instance.host for instance in made]
    for instance in made:
        group = {"instance_group_name": "homogeneousCluster", "instance_type": instance_type, "hosts": hosts}
        description = {
            "current_host": instance.host,
            "current_instance_type": instance_type,
            "current_group_name": group["instance_group_name"],
            "hosts": hosts,
            "instance_groups": [group],
            "network_interface_name": "lo",
        }
        for place in ("input/config", "config"):
            (instance.folder / place / "resourceconfig.json").write_text(json.dumps(description))
    return made


def start(
    cluster: Sequence[Instance],
    command: Sequence[str],
    environment: Mapping[str, str],
    own: Mapping[str, str],
    cwd: str,
) -> None:
    """Start the command on every instance. `environment` is the machine's, `own` the job's with /opt/ml paths."""
    # A container reaches its peers by name; on one machine each host name gets a loopback port instead.
    peers = {instance.host: processes.free_port() for instance in cluster}
    for instance in cluster:
        variables = {
            "SM_HOSTS": json.dumps([each.host for each in cluster]),
            "SM_CURRENT_HOST": instance.host,
            "SLUICE_ML": str(instance.folder),
            "SLUICE_PEERS": json.dumps(peers),
        }
        env = {**environment, **{k: instance.local(v) for k, v in own.items()}, **variables}
        local = [instance.local(part) for part in command]
        try:
            instance.process = processes.start(local, env=env, cwd=instance.path(cwd), log=instance.log)
        except OSError as error:
            raise JobError(f"ClientError: the container's command cannot start: {error}") from error


def wait(cluster: Sequence[Instance], told: Callable[[], bool], tick: Callable[[], None]) -> bool:
    """True when every process has ended well, False once told to end them. Raises FailedError when one has failed."""
    next_tick = 0.0
    while not told():
        states = {instance: instance.process.poll() for instance in cluster if instance.process}
        for instance, status in states.items():
            if status:
                raise FailedError(instance, status)
        if all(status == 0 for status in states.values()):
            return True
        if time.monotonic() >= next_tick:
            tick()
            next_tick = time.monotonic() + TICK_SECONDS
        time.sleep(POLL_SECONDS)
    return False


def terminate(cluster: Sequence[Instance], clock: Clock, tick: Callable[[], None]) -> None:
    """SIGTERM to every instance, and SIGKILL to what is still there after the grace period."""
    running = [instance.process for instance in cluster if instance.process]
    deadline = clock.now() + GRACE_SECONDS
    for process in running:
        processes.ask_to_end(process)
    while clock.now() < deadline and any(process.poll() is None for process in running):
        tick()
        time.sleep(POLL_SECONDS)
    for instance in cluster:
        instance.end()


def _tail(log: Path) -> str:
    return " | ".join(log.read_text(errors="replace").splitlines()[-8:])[-FAILURE_LENGTH:]
