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
CHUNK_BYTES = 512 * 1024  # at a time: PutLogEvents takes 1 MB and 10,000 events
EVENTS = 5_000


class ContainerLog:
    """Carries the lines of a file to one log stream. As in AWS, a role that may not write logs loses them."""

    def __init__(self, path: Path, group: str, stream: str, open_logs: Callable[[], Any], clock: Clock) -> None:
        self._path, self._names = path, {"logGroupName": group, "logStreamName": stream}
        self._open_logs, self._clock = open_logs, clock
        self._client: Any = None
        self._read_bytes = 0

    def say(self, text: str) -> None:
        """Add a line of the cloud's own."""
        with self._path.open("a") as log:
            log.write(f"{text}\n")

    def follow(self, process: "subprocess.Popen[bytes]") -> threading.Thread:
        """Carry lines on a thread, which ends, with everything carried, soon after the process does."""
        thread = threading.Thread(target=self._follow, args=(process,), name=str(self._path), daemon=True)
        thread.start()
        return thread

    def _follow(self, process: "subprocess.Popen[bytes]") -> None:
        runs = True
        while runs:
            runs = process.poll() is None
            self.carry(to_the_end=not runs)
            time.sleep(SHIP_SECONDS if runs else 0)

    def carry(self, *, to_the_end: bool) -> list[str]:
        """Write what is new, and give it. The last line waits for its end, unless nothing more will come."""
        found: list[str] = []
        while lines := self._new_lines(to_the_end):
            self._put(lines)
            found += lines
        return found

    def _new_lines(self, to_the_end: bool) -> list[str]:
        if not self._path.exists():
            return []
        with self._path.open("rb") as log:
            log.seek(self._read_bytes)
            chunk = log.read(CHUNK_BYTES)
        whole = chunk.rfind(b"\n") + 1
        if len(chunk) == CHUNK_BYTES:
            chunk = chunk[: whole or None]  # a line longer than a chunk is cut
        elif not to_the_end:
            chunk = chunk[:whole]
        self._read_bytes += len(chunk)
        return chunk.decode(errors="replace").splitlines()

    def _put(self, lines: list[str]) -> None:
        now = int(self._clock.now() * 1000)
        events = [{"timestamp": now, "message": line or " "} for line in lines]
        try:
            for start in range(0, len(events), EVENTS):
                self._logs().put_log_events(**self._names, logEvents=events[start : start + EVENTS])
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
