"""What a container prints, in CloudWatch Logs, written under the role that the container works under."""

import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.store import AwsError

SHIP_SECONDS = 0.5
LINES_A_CALL = 1000


class ContainerLog:
    """Carries the lines of a file to one log stream while the process that writes them runs."""

    def __init__(self, path: Path, group: str, stream: str, open_logs: Callable[[], Any], clock: Clock) -> None:
        self._path, self._names = path, {"logGroupName": group, "logStreamName": stream}
        self._open_logs, self._clock = open_logs, clock
        self._client: Any = None
        self._read_bytes = 0

    def say(self, text: str) -> None:
        """Add a line of the cloud's own."""
        with self._path.open("a") as log:
            log.write(f"{text}\n")

    def follow(self, process: subprocess.Popen[bytes]) -> threading.Thread:
        """Carry lines on a thread, which ends, with everything carried, soon after the process does."""
        thread = threading.Thread(target=self._follow, args=(process,), name=str(self._path), daemon=True)
        thread.start()
        return thread

    def _follow(self, process: subprocess.Popen[bytes]) -> None:
        runs = True
        while runs:
            runs = process.poll() is None
            self.carry()
            time.sleep(SHIP_SECONDS if runs else 0)

    def carry(self) -> None:
        """Write what is new. As in AWS, a role that may not write logs loses them."""
        with self._path.open("rb") as log:
            log.seek(self._read_bytes)
            content = log.read()
        self._read_bytes += len(content)
        lines = content.decode(errors="replace").splitlines()
        now = int(self._clock.now() * 1000)
        events = [{"timestamp": now, "message": line or " "} for line in lines]
        try:
            for start in range(0, len(events), LINES_A_CALL):
                self._logs().put_log_events(**self._names, logEvents=events[start : start + LINES_A_CALL])
        except (ClientError, BotoCoreError, AwsError):
            return

    def _logs(self) -> Any:
        if self._client is None:
            client = self._open_logs()
            group = {"logGroupName": self._names["logGroupName"]}
            for create, names in ((client.create_log_group, group), (client.create_log_stream, self._names)):
                try:
                    create(**names)
                except client.exceptions.ResourceAlreadyExistsException:
                    continue
            self._client = client
        return self._client
