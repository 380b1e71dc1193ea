"""The figures of training: what compiling and searching take, what a search gains, what an interruption costs."""

import json
import statistics
import sys
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
# Above zero, and seen in the figure's three decimals; and more often than a coin.
LEAST_GAIN, LEAST_SHARE = 0.001, 0.501
SPLITS = 30 if spot_drill.PROFILE == "nightly" else 10
JOBS_PYTHON = str(ROOT / ".venv-cloud" / "bin" / "python")


def compiling() -> list[Figure]:
    """Every workload's pipeline, compiled and compared with the committed one; most of it is the SDK's import."""
    seconds, _ = timed([sys.executable, "-m", "cli.main", "pipelines", "compile", "--check"])
    count = len(list((ROOT / "workloads").glob("*/workload.yaml")))
    note = f"`sluice pipelines compile --check`, {count} workloads"
    return [Figure(name="compile.seconds", value=seconds, unit="s", limit=40, against=note, samples=count)]


def story() -> list[Figure]:
    """Plays the story `training`, which holds what it asks for by itself, and reads what it measured."""
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


def gains() -> list[Figure]:
    """What a search gains on rows that no training saw, at several splits: a few dozen rows of one tell little."""
    workload = load_workload(TABULAR / "workload.yaml")
    if not isinstance(workload.algorithm, Script):
        raise BenchError("workloads/tabular has no script of its own")
    with tempfile.TemporaryDirectory() as folder:
        table, output = Path(folder, "table.csv"), Path(folder, "gains.json")
        timed([JOBS_PYTHON, str(TABULAR / "data.py"), str(table)])
        words = [str(table), json.dumps(workload.algorithm.hyperparameters), f"--splits={SPLITS}", f"--output={output}"]
        # As in the embedded cloud: OpenMP's threads of small trainings wait for each other most of the time.
        timed([JOBS_PYTHON, "-m", "bench.gains", *words], OMP_NUM_THREADS="1")
        return gain_figures(_read(output))


def gain_figures(splits: list[dict[str, float]]) -> list[Figure]:
    """The median gain and how often there is one, of what bench/gains.py measured."""
    won = [split["default"] - split["tuned"] for split in splits]
    default, rows = statistics.median(split["default"] for split in splits), sum(split["rows"] for split in splits)
    told: dict[str, Any] = {"lowest": True, "samples": len(splits), "profile": spot_drill.PROFILE}
    note = f"median of {len(splits)} splits, each searched anew and measured on its held-out rows ({rows} in all)"
    return [
        Figure(
            name="tuning.gain_over_default",
            value=statistics.median(won),
            unit="log loss",
            limit=LEAST_GAIN,
            against=f"{note}; the default's median is {default:.4f}",
            **told,
        ),
        Figure(
            name="tuning.gain_share_of_splits",
            value=sum(gain > 0 for gain in won) / len(won),
            unit="share",
            limit=LEAST_SHARE,
            against="splits at which the best job beats the default hyperparameters",
            **told,
        ),
    ]


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
