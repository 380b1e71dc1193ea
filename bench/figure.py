"""What a figure is, and how a command is timed."""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured figure; `limit` is None where it is only told. `lowest` turns the limit into a least value."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    lowest: bool = False
    against: str
    samples: int
    profile: str = "default"

    def row(self, commit: str, at: str) -> dict[str, object]:
        ok = self.limit is None or (self.value >= self.limit if self.lowest else self.value <= self.limit)
        return {
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "limit": self.limit,
            "ok": ok,
            "against": self.against,
            "samples": self.samples,
            "profile": self.profile,
            "commit": commit,
            "at": at,
        }


class BenchError(Exception):
    """A command that should have been measured failed; the message holds the end of its output."""


def timed(command: list[str], **extra: str) -> tuple[float, float]:
    """Wall seconds of a command and the peak memory (MB) of its largest process. Raises BenchError if it fails."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env={**env, "CDK_VALIDATION": "false", **extra}, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            raise BenchError(
                f"`{' '.join(command)}` ended with {process.returncode}:\n{output.read().decode()[-3000:]}"
            )
    return seconds, usage.ru_maxrss / 1024
