"""A workload with other settings, without the SageMaker SDK that would compile it anew.

Only such settings can be changed as stand in the compiled definitions word by word; a test compiles the result with the
SDK and finds the same.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from config.load import load_workload
from config.workload import Workload
from workloads.compiler.canonical import canonical


def adapt(folder: Path, changes: Mapping[str, Any]) -> None:
    """Writes workload.yaml with `changes` to its sections, and what follows from them in the compiled definitions."""
    path = folder / "workload.yaml"
    path.write_text(yaml.safe_dump(_merged(yaml.safe_load(path.read_text()), changes), sort_keys=False))
    workload = load_workload(path)
    for name in ("pipeline.json", "monitor.json"):
        definition = json.loads((folder / name).read_text())
        for step in _steps(definition["Steps"]):
            _follow(step, workload)
        (folder / name).write_text(canonical(definition))


def _merged(before: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = before | {
        name: {**before.get(name, {}), **value} if isinstance(value, Mapping) else value
        for name, value in changes.items()
    }
    return {name: value for name, value in merged.items() if value is not None}


def _steps(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield step
        for branch in ("IfSteps", "ElseSteps"):
            yield from _steps(step.get("Arguments", {}).get(branch, []))


def _follow(step: dict[str, Any], workload: Workload) -> None:
    monitor, tuning, given = workload.monitor, workload.tuning, step.get("Arguments", {})
    assert monitor and tuning
    match step["Name"]:
        case "Tune":
            given["HyperParameterTuningJobConfig"]["ResourceLimits"] |= {
                "MaxNumberOfTrainingJobs": tuning.max_jobs,
                "MaxParallelTrainingJobs": tuning.parallel_jobs,
            }
        case "Begin":
            given |= {"window_hours": str(monitor.window_hours), "delay_hours": str(monitor.label_delay_hours)}
        case "Watch":
            settings = json.loads(given["settings"])
            settings |= {name: getattr(monitor, name) for name in settings if hasattr(monitor, name)}
            settings["delay_hours"] = monitor.label_delay_hours
            given["settings"] = json.dumps(settings, separators=(",", ":"), sort_keys=True)
            given["window_hours"] = str(monitor.window_hours)
        case _:
            pass
