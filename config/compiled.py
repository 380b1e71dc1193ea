"""Whether what `sluice pipelines compile` made of a workload is still of its workload.yaml."""

import json
from collections.abc import Iterator
from pathlib import Path

from config.load import ROOT, ConfigurationError, Problem
from config.monitoring import Monitor, watched
from config.schema import Platform
from config.workload import Workload


def check(platform: Platform, *, root: Path = ROOT) -> None:
    """Raises ConfigurationError where a definition is missing, or a monitor's was compiled of other settings.

    Of such a monitor the jobs would be granted what they do not ask for, and refused what they do. Of pipelines,
    `sluice pipelines compile --check` says more: it compiles them.
    """
    problems = list[Problem]()
    for name, workload in platform.workloads.items():
        folder = root / "workloads" / name
        monitor = None if platform.monitoring.is_native else platform.monitors.get(name)
        for file in ("pipeline.json", *(["monitor.json"] if monitor else [])):
            if not (folder / file).is_file():
                problems.append(_problem(folder / file, "is missing"))
            elif monitor and file == "monitor.json" and (stale := ", ".join(_stale(folder / file, monitor, workload))):
                problems.append(_problem(folder / file, f"was compiled of another {stale} than workload.yaml has"))
    if problems:
        raise ConfigurationError(problems)


def _stale(path: Path, monitor: Monitor, workload: Workload) -> Iterator[str]:
    compiled = json.loads(path.read_text("utf-8"))["Steps"][0]["Arguments"]
    wanted = watched(monitor, workload.data.segment, workload.metric.name)
    return (name for name, value in wanted.items() if compiled.get(name) != value)


def _problem(path: Path, what: str) -> Problem:
    return Problem(str(path), 1, "", "", f"{what}. Next: sluice pipelines compile {path.parent.name}")
