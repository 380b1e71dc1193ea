"""The figures of training: what compiling and searching take, what a search gains, what an interruption costs."""

import csv
import json
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from bench import spot_drill, spot_jobs
from bench.figure import ROOT, BenchError, Figure, timed
from config.load import load_workload
from config.workload import Script
from rehearsal.embedded import EmbeddedCloud

OUT = ROOT / "out" / "rehearsal-training"
TABULAR = ROOT / "workloads" / "tabular"
# Above zero, and seen in the figure's three decimals.
LEAST_GAIN = 0.001
JOBS_PYTHON = str(ROOT / ".venv-cloud" / "bin" / "python")


def compiling() -> list[Figure]:
    """Every workload's pipeline, compiled and compared with the committed one; most of it is the SDK's import."""
    seconds, _ = timed([sys.executable, "-m", "cli.main", "pipelines", "compile", "--check"])
    count = len(list((ROOT / "workloads").glob("*/workload.yaml")))
    note = f"`sluice pipelines compile --check`, {count} workloads"
    return [Figure(name="compile.seconds", value=seconds, unit="s", limit=40, against=note, samples=count)]


def story() -> list[Figure]:
    """Plays the story `training` and reads what it measured; the gain is told on rows that no training saw."""
    timed([sys.executable, "-m", "rehearsal.runner", "--story", "training"])
    measured = _read(OUT / "measured.json")
    tuning = load_workload(TABULAR / "workload.yaml").tuning
    if tuning is None:
        raise BenchError("workloads/tabular/workload.yaml has no `tuning`")
    jobs = f"{tuning.max_jobs} jobs, {tuning.parallel_jobs} at a time"
    return [
        Figure(
            name="tuning.seconds",
            value=_number(measured, "tuning_seconds"),
            unit="s",
            limit=120,
            against=f"the whole run of `tabular`: {jobs}",
            samples=tuning.max_jobs,
        ),
        _gain(_number(measured, "tuned", "log_loss"), jobs),
        Figure(
            name="automl.auc",
            value=_number(measured, "automl_auc"),
            unit="auc",
            limit=0.8,
            lowest=True,
            against="held-out passengers of the Titanic; scikit-learn stands in for Autopilot",
            samples=int(_number(measured, "automl_rows")),
        ),
    ]


def _gain(tuned: float, jobs: str) -> Figure:
    default, rows = _default_loss(OUT / "tabular")
    return Figure(
        name="tuning.gain_over_default",
        value=default - tuned,
        unit="log loss",
        limit=LEAST_GAIN,
        lowest=True,
        against=f"{default:.4f} of the default hyperparameters less {tuned:.4f} of the best of {jobs}, held-out rows",
        samples=rows,
    )


def _default_loss(split: Path) -> tuple[float, int]:
    """The log loss on the test rows of a model with workload.yaml's own hyperparameters, and the number of those rows.

    It is trained and measured by the workload's scripts, on the files that the search used.
    """
    workload = load_workload(TABULAR / "workload.yaml")
    if not isinstance(workload.algorithm, Script):
        raise BenchError("workloads/tabular has no script of its own")
    train, validation, test = (split / f"{part}.csv" for part in ("train", "validation", "test"))
    given = [f"--{name.replace('_', '-')}={value}" for name, value in workload.algorithm.hyperparameters.items()]
    scripts, metric = TABULAR / "scripts", [f"--metric={workload.metric.name}", "--direction=minimize"]
    with tempfile.TemporaryDirectory() as folder:
        model, packed = f"{folder}/model", f"{folder}/model.tar.gz"
        places = [f"--train={train}", f"--validation={validation}", f"--model={model}"]
        timed([JOBS_PYTHON, str(scripts / "train.py"), f"--target={workload.data.target}", *places, *given])
        with tarfile.open(packed, "w:gz") as archive:
            archive.add(model, ".")
        places = [f"--model={packed}", f"--test={test}", f"--output={folder}"]
        timed([JOBS_PYTHON, str(scripts / "evaluate.py"), *places, *metric])
        loss = _number(_read(Path(folder, "evaluation.json")), "metrics", "log_loss", "value")
    with test.open(newline="") as file:
        return loss, sum(1 for _ in csv.DictReader(file))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BenchError(f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}: {error}") from error


def _number(told: Any, *names: str) -> float:
    """The number below these names. Raises BenchError where there is none."""
    value = told
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, int | float):
        raise BenchError(f"no number at {'.'.join(names)} of {told}")
    return value


def interruptions() -> list[Figure]:
    """Finished epochs that were lost and half-written checkpoints that were loaded, however often it was killed."""
    with tempfile.TemporaryDirectory() as folder:
        alone = spot_drill.drill(spot_drill.KILLS, Path(folder))
    with tempfile.TemporaryDirectory() as folder, EmbeddedCloud("us-east-1", Path(folder)) as cloud:
        cloud.start()
        jobs = spot_jobs.drill(cloud, spot_drill.JOBS)
    kills = sum(job.kills for job in jobs)
    if not kills:
        raise BenchError("no job was killed before it ended")
    against = (
        f"{alone.kills} kills of the module in-process, {kills} of {len(jobs)} real spot jobs on the embedded cloud"
    )
    told = {"limit": 0, "against": against, "samples": alone.kills + kills, "profile": spot_drill.PROFILE}
    lost = alone.lost_epochs + sum(job.lost_epochs for job in jobs)
    # A job that had gone on from half of a state would train its next epochs to other losses than the calm one.
    wrong = alone.half_written_loaded + sum(job.told != jobs[0].told or job.differing > 0 for job in jobs)
    return [
        Figure(name="spot_drill.lost_epochs", value=lost, unit="epochs", **told),
        Figure(name="spot_drill.half_written_loaded", value=wrong, unit="checkpoints", **told),
    ]
