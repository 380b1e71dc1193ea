"""The world that the story of drift asks its model about: patients of clinics, until something about them changes.

A row is one of the breast-cancer table's with a little noise, so that no two are the same, and the clinic it came from.
The same seed gives the same rows. What has changed stays changed: the world does not go back to what it was.
"""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

TARGET, CLINIC = "target", "clinic"
NOISE = 0.03  # of a measurement, standard deviation
CLINICS = ("north", "east", "west")
NEW_CLINIC = "south"
# Of the table's thirty: most of the others tell what these tell, so that a model hardly misses one of them.
AREA, SHAPE = "worst area", "worst concave points"
MEASURED = ("mean texture", "worst texture", AREA, SHAPE, "worst smoothness", "worst symmetry")

Row = dict[str, str]
Change = Callable[[Row, Random], Row]


def shifted(row: Row, random: Random) -> Row:
    """A scanner is calibrated anew: one measurement is larger than it was."""
    return row | {AREA: _number(float(row[AREA]) * 1.6)} if row[AREA] else row


def new_category(row: Row, random: Random) -> Row:
    """A clinic joins whose scanner measures everything smaller."""
    if random.random() >= 0.3:
        return row
    return row | {name: _number(float(row[name]) * 0.5) for name in (AREA, SHAPE)} | {CLINIC: NEW_CLINIC}


def missing(row: Row, random: Random) -> Row:
    """Two scans of five come without the area and the shape of what is seen."""
    return row | dict.fromkeys((AREA, SHAPE), "") if random.random() < 0.4 else row


def flipped(row: Row, random: Random) -> Row:
    """Two clinics begin to write 1 for what was 0."""
    return row | {TARGET: str(1 - int(row[TARGET]))} if row[CLINIC] in ("north", "east") else row


CHANGES: Mapping[str, Change] = {
    "a critical feature shifted": shifted,
    "a category that is new": new_category,
    "missing values jump": missing,
    "labels flip": flipped,
}


@dataclass
class World:
    """`table` is the breast-cancer table as workloads/tabular/data.py writes it."""

    table: str
    random: Random = field(default_factory=lambda: Random(0))
    changes: list[Change] = field(default_factory=list[Change])

    def __post_init__(self) -> None:
        self._rows = list(csv.DictReader(io.StringIO(self.table)))
        self.features = [CLINIC, *MEASURED]

    def rows(self, count: int) -> list[Row]:
        return [self._row() for _ in range(count)]

    def _row(self) -> Row:
        drawn = self.random.choice(self._rows)
        noisy = {name: _number(float(drawn[name]) * (1 + self.random.gauss(0, NOISE))) for name in MEASURED}
        row = {CLINIC: self.random.choice(CLINICS), **noisy, TARGET: drawn[TARGET]}
        for change in self.changes:
            row = change(row, self.random)
        return row


def written(rows: list[Row]) -> str:
    """As a table with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def asked(rows: list[Row], features: list[str]) -> str:
    """As an endpoint is asked: without header and target."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([row[name] for name in features] for row in rows)
    return text.getvalue()


def _number(value: float) -> str:
    return f"{value:.6g}"
