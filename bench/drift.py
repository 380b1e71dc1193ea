"""The figures of the monitor: false alarms, what is found, the memory that a large capture takes, and Evidently."""

import csv
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import monitored
from bench.figure import ROOT, Figure, timed

PROFILE = os.environ.get("SLUICE_PROFILE", "default")
# Windows without drift of each of three tables, windows with one, MB of captures: the last is the figure.
WINDOWS, TRIALS, SIZES = {"default": (500, 200, (50, 100, 200)), "nightly": (2_000, 800, (200, 1_000, 2_000))}[PROFILE]
# Windows without drift and windows with each change, of each of five tables, that all kinds examine.
KINDS_WINDOWS, KINDS_TRIALS = {"default": (100, 20), "nightly": (400, 50)}[PROFILE]
COMPARED = 20
KINDS = ["data-quality", "model-quality", "bias", "attribution"]


def rates() -> list[Figure]:
    """Windows without drift that are called drifted, and windows with a shift of a critical feature that are found."""
    told = measured("bench.drift_windows", "--windows", str(WINDOWS), "--trials", str(TRIALS))
    alarms = {name: count / told["windows"] for name, count in told["false_alarms"].items()}
    return [
        Figure(
            name="drift.false_alarm_rate",
            value=max(alarms.values()),
            unit="share",
            limit=0.01,
            against="the worse of " + ", ".join(f"{name} {rate:.2%}" for name, rate in alarms.items()),
            samples=WINDOWS * len(alarms),
            profile=PROFILE,
        ),
        Figure(
            name="drift.power",
            value=told["found"] / told["trials"],
            unit="share",
            limit=0.95,
            lowest=True,
            against="a shift of 0.5 deviations of one critical feature of 20, 1,000 requests, breast cancer",
            samples=TRIALS,
            profile=PROFILE,
        ),
    ]


def kinds() -> list[Figure]:
    """The same of the kinds that ask the model, and of all four together; what each finds of the change it is for."""
    sizes = ("--windows", str(KINDS_WINDOWS), "--trials", str(KINDS_TRIALS))
    told = measured("bench.drift_kinds", *sizes)
    alarms = {"quality": "model-quality", "bias": "bias", "attribution": "attribution", "all_kinds": "any"}
    found = [_share(f"drift.false_alarms_of_{name}", told, kind, None, 0.01) for name, kind in alarms.items()]
    for name, change in (("quality", "labels"), ("bias", "segment"), ("attribution", "stuck")):
        found.append(_share(f"drift.power_of_{name}", told, alarms[name], change, None))
    return found


def _share(name: str, told: dict[str, Any], kind: str, change: str | None, limit: float | None) -> Figure:
    """Of the windows without drift, or with `change`, those that `kind` calls drifted; all tables together."""
    counts = {
        table: (each["found"][change] if change else each["alarms"]).get(kind, 0)
        for table, each in told.items()
        if (each["segment"] or kind != "bias") and (not change or change in each["found"])
    }
    many = KINDS_TRIALS if change else KINDS_WINDOWS
    return Figure(
        name=name,
        value=sum(counts.values()) / (many * len(counts)),
        unit="share",
        limit=limit,
        against=f"of {many} windows each: " + ", ".join(f"{table} {count}" for table, count in counts.items()),
        samples=many * len(counts),
        profile=PROFILE,
    )


def compared() -> list[Figure]:
    """How often Evidently, as it comes, says the same of a column; docs/monitoring-statistics.md tells why not more."""
    told = measured("bench.drift_evidently", "--windows", str(COMPARED))
    columns, windows = told["columns"], told["windows"]
    said = "; ".join(f"{kind}: we {ours}, it {theirs} of {all_}" for kind, (all_, ours, theirs) in windows.items())
    return [
        Figure(
            name="drift.evidently_agreement",
            value=(columns["both"] + columns["neither"]) / sum(columns.values()),
            unit="share",
            against=f"columns: only we {columns['ours']}, only it {columns['theirs']}; windows {said}",
            samples=COMPARED,
        )
    ]


def peak() -> list[Figure]:
    """Peak memory of a job that examines everything, at three sizes of its capture."""
    with tempfile.TemporaryDirectory() as place:
        folder, told = Path(place), []
        monitored.train(folder)
        rows = passengers(folder)
        for size in SIZES:
            requests = monitored.capture(folder, size, rows)
            seconds, megabytes = monitored.examine(folder, KINDS)
            told.append((size, requests, seconds, megabytes))
    against = ", ".join(f"{size} MB: {megabytes:.0f} MB in {seconds:.0f} s" for size, _, seconds, megabytes in told)
    return [
        Figure(
            name="monitor.peak_mb",
            value=told[-1][3],
            unit="MB",
            limit=1024,
            against=f"captures of {against}; the last are {told[-1][1]:,} requests",
            samples=len(told),
            profile=PROFILE,
        )
    ]


def story() -> list[Figure]:
    """Plays the story `drift` and reads how many of its changes were found, answered once and served."""
    timed([sys.executable, "-m", "rehearsal.runner", "--story", "drift"])
    measured = json.loads((ROOT / "out" / "rehearsal-drift" / "measured.json").read_text())
    return [
        Figure(
            name="drift.injections_answered",
            value=measured["injections_answered"],
            unit="injections",
            limit=measured["injections"],
            lowest=True,
            against="; ".join(f"{name}: {told['causes'][0]}" for name, told in measured["answers"].items()),
            samples=measured["injections"],
        )
    ]


def passengers(folder: Path) -> list[dict[str, str]]:
    found = []
    for name in ("train", "validation", "test"):
        with (folder / name / f"{name}.csv").open(newline="") as file:
            found += list(csv.DictReader(file))
    return found


def measured(module: str, *words: str) -> dict[str, Any]:
    """What the module writes, run with the libraries of the jobs. Raises BenchError."""
    with tempfile.TemporaryDirectory() as place:
        target = Path(place, "told.json")
        timed([monitored.PYTHON, "-m", module, *words, "--output", str(target)])
        return json.loads(target.read_text())
