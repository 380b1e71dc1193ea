"""The figures of the embedded cloud, each on a cloud of its own."""

import tempfile
import time
from pathlib import Path

from bench.figure import Figure
from rehearsal.embedded import EmbeddedCloud
from rehearsal.guard import children

STARTS = 3


def cloud() -> list[Figure]:
    """How fast it answers and what it holds on to before anything was asked of it."""
    seconds, megabytes, operations = [], [], 0
    for _ in range(STARTS):
        with tempfile.TemporaryDirectory() as folder, EmbeddedCloud("us-east-1", Path(folder)) as started:
            began = time.perf_counter()
            started.start()
            seconds.append(time.perf_counter() - began)
            started.client("sagemaker").list_endpoints()  # the first call loads botocore's model
            megabytes.append(_resident_megabytes(started.process.pid))
            operations = len(started.control("operations")["operations"])
    told = {"against": f"the worst of {STARTS} starts", "samples": STARTS}
    return [
        Figure(name="cloud.ready_seconds", value=max(seconds), unit="s", limit=4, **told),
        Figure(name="cloud.idle_mb", value=max(megabytes), unit="MB", limit=250, **told),
        Figure(
            name="cloud.operations", value=operations, unit="operations", against="what is served by name", samples=1
        ),
    ]


def _resident_megabytes(pid: int) -> float:
    """Of a process and all its descendants."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024 + sum(map(_resident_megabytes, children(pid)))
