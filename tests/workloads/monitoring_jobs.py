"""The monitor's script run as a process, from a zip, on what an endpoint captured of rows of real tables."""

import csv
import json
import os
import random
import zipfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rehearsal.embedded import ROOT
from tests.workloads.tabling import Split, rows, succeed

SCRIPTS = ROOT / "workloads" / "monitoring" / "scripts"
START = datetime(2026, 11, 26, 14, tzinfo=UTC)
WINDOW = {"start": "2026-11-26T14:00:00Z", "end": "2026-11-27T14:00:00Z"}
Row = dict[str, str]


def packed(path: Path) -> Path:
    """The scripts in a zip, links followed, as an asset of the deployment is."""
    with zipfile.ZipFile(path, "w") as archive:
        for folder, _, names in os.walk(SCRIPTS, followlinks=True):
            for script in (Path(folder, name) for name in names if name.endswith(".py")):
                archive.write(script, script.relative_to(SCRIPTS))
    return path


def drawn(split: Split, count: int, seed: int = 0) -> list[Row]:
    """Rows like those that the model was trained with: of the training, validation and test rows, with replacement."""
    found = [row for name in ("train", "validation", "test") for row in rows(split.folder / name / f"{name}.csv")]
    return random.Random(seed).choices(found, k=count)


class Job:
    """The folders of one run of `examine`."""

    def __init__(self, code: Path, split: Split, folder: Path, model: Path | None = None) -> None:
        self.code, self.split, self.folder, self.model = code, split, folder, model
        self.baseline = split.folder / "baseline"
        self.complete: dict[str, str] = {}  # of batches
        self.capture, self.labels, self.output = (folder / name for name in ("capture", "labels", "output"))
        self.capture.mkdir()
        self.labels.mkdir()

    def ask(self, asked: Iterable[Row], *, hours_ago: float = 0, name: str = "asked") -> None:
        """One request a row, spread over a day; the inference ids are `<name>-<number>`."""
        hour = self.capture / "churn" / "AllTraffic" / "2026" / "11" / "26" / "14"
        hour.mkdir(parents=True, exist_ok=True)
        with (hour / f"{name}.jsonl").open("w") as file:
            for number, row in enumerate(asked):
                moment = START - timedelta(hours=hours_ago) + timedelta(seconds=number * 7 % 86_000)
                features = [value for column, value in row.items() if column != self.split.target]
                file.write(captured(features, f"{name}-{number}", moment))

    def label(self, asked: Iterable[Row], *, name: str = "asked", share: float = 1.0) -> None:
        chosen = random.Random(1)
        with (self.labels / f"{name}.csv").open("w", newline="") as file:
            written = csv.writer(file)
            written.writerow(["inference_id", "label"])
            for number, row in enumerate(asked):
                if chosen.random() < share:
                    written.writerow([f"{name}-{number}", row[self.split.target]])

    def run(self, *kinds: str, evidently: bool = False, **settings: Any) -> dict[str, Any]:
        """metrics.json, which has only numbers that JSON knows."""
        told = {"kinds": kinds or ("data-quality",), "evidently": evidently, **settings}
        watch = {
            "workload": "churn",
            "package_version": 3,
            "window": WINDOW,
            "settings": told,
            "complete": self.complete,
        }
        (self.folder / "watch.json").write_text(json.dumps(watch))
        words: list[object] = ["--baseline", self.baseline, "--watch", self.folder / "watch.json"]
        words += ["--labels", self.labels, "--output", self.output, *self.source()]
        if self.model:
            words += ["--model", self.model]
        if (self.folder / "evaluation.json").exists():
            words += ["--evaluation", self.folder / "evaluation.json"]
        succeed(self.code, "examine", *words)
        assert self.report().startswith("<!doctype html>")
        return strict(self.output / "metrics.json")

    def report(self) -> str:
        return (self.output / "report.html").read_text()

    def source(self) -> list[object]:
        return ["--capture", self.capture]


def captured(features: list[str], key: str, moment: datetime) -> str:
    """A line as data capture writes it."""
    data = ",".join(f'"{value.replace(chr(34), chr(34) * 2)}"' for value in features)
    side = {"observedContentType": "text/csv", "mode": "INPUT", "data": data, "encoding": "CSV"}
    answer = {"mode": "OUTPUT", "data": '{"predictions": [{"class": 1, "probability": 0.9}]}', "encoding": "JSON"}
    event = {"eventId": f"event-{key}", "inferenceId": key, "inferenceTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
    told = {"captureData": {"endpointInput": side, "endpointOutput": answer}, "eventMetadata": event}
    return json.dumps({**told, "eventVersion": "0"}) + "\n"


def changed(asked: list[Row], **values: Callable[[str], str]) -> list[Row]:
    """The rows with other values in some columns; what is missing stays so."""
    return [{**row, **{name: make(row[name]) if row[name] else "" for name, make in values.items()}} for row in asked]


def strict(path: Path) -> Any:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(path.read_text(), parse_constant=refuse)
