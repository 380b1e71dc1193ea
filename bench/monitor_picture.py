"""`make pictures`: the report of a day in which the passengers of the Titanic got older and a class was new."""

import random
import sys
import tempfile
from pathlib import Path

from bench import monitored
from bench.costs_picture import draw
from bench.drift import KINDS, passengers
from bench.figure import ROOT

PICTURE = ROOT / "docs" / "monitor-report.png"
_SIZE, _YEARS, _NEW = "1200,1210", 8, 0.08


def write(folder: Path) -> Path:
    """report.html, below `folder`."""
    monitored.train(folder)
    chosen, rows = random.Random(3), passengers(folder)
    for row in rows:
        row["Age"] = str(float(row["Age"]) + _YEARS) if row["Age"] else ""
        row["PClass"] = "crew" if chosen.random() < _NEW else row["PClass"]
    monitored.capture(folder, 1, rows)
    (folder / "capture" / "half.jsonl").write_bytes(b'{"captureData": {"endpointInput"\n')
    monitored.examine(folder, KINDS)
    return folder / "report" / "report.html"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        draw(write(Path(place)), PICTURE, _SIZE)
    sys.stdout.write(f"{PICTURE.relative_to(ROOT)}\n")
