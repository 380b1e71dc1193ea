"""Reads the traces that `make bench TRACES=DIR` names; what is malformed is refused by file, line and column."""

import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figure import BenchError

ARRIVALS, RUN_TIMES, ADVISOR = "training_arrivals.csv", "philly_runtime.csv", "spot-advisor-data.json"
REGION = "us-east-1"
MONTH_DAYS = 30
_MOST_GPUS = 512


class TraceError(BenchError):
    """A trace is not there or not as it must be; the message says where and what is allowed."""


@dataclass(frozen=True)
class Arrival:
    """A training job: when it was asked for, in seconds from the begin of the month, and on how many GPUs."""

    seconds: float
    gpus: int


@dataclass(frozen=True)
class Spot:
    """EC2 on spot: `saving` is the share of the price that is not paid, `band` 0 to 4 how often it is interrupted."""

    saving: float
    band: int


@dataclass(frozen=True)
class Traces:
    """`arrivals` of the trace's last 30 days; `run_seconds` to draw from; `spot` by EC2 type, such as g5.xlarge."""

    arrivals: tuple[Arrival, ...]
    run_seconds: tuple[float, ...]
    spot: dict[str, Spot]


def read(folder: Path) -> Traces:
    """Raises TraceError."""
    return Traces(_arrivals(folder / ARRIVALS), _run_seconds(folder / RUN_TIMES), _advisor(folder / ADVISOR))


def _arrivals(path: Path) -> tuple[Arrival, ...]:
    """The last 30 days: the first weeks of a cluster's trace hold few jobs, because it was only being taken up."""
    rows = [
        Arrival(
            _number(path, line, row, "arrival_s", "seconds from 0 on, such as 336541"),
            int(_number(path, line, row, "gpus", f"a whole number from 1 to {_MOST_GPUS}", whole=True, least=1)),
        )
        for line, row in _rows(path, ("arrival_s", "gpus"))
    ]
    last = max(row.seconds for row in rows)
    begin = last - MONTH_DAYS * 86_400
    if begin < min(row.seconds for row in rows):
        days = (last - min(row.seconds for row in rows)) / 86_400
        raise TraceError(f"{path}: column arrival_s spans {days:.1f} days; at least {MONTH_DAYS} are needed")
    rows.sort(key=lambda row: row.seconds)
    return tuple(Arrival(row.seconds - begin, row.gpus) for row in rows if row.seconds >= begin)


def _run_seconds(path: Path) -> tuple[float, ...]:
    allowed = "seconds from 0 on, such as 3600.0"
    return tuple(_number(path, line, row, "runtime", allowed) for line, row in _rows(path, ("runtime",)))


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    table = csv.reader(_text(path).splitlines())
    header = next(table, [])
    for column in columns:
        if column not in header:
            told = f"column {column} is missing; the first line must name {', '.join(columns)}"
            raise TraceError(f"{path}:1: {told}, got {','.join(header) or 'nothing'}")
    empty = True
    for cells in table:
        if not cells:
            continue
        empty = False
        if len(cells) != len(header):
            raise TraceError(
                f"{path}:{table.line_num}: has {len(cells)} columns where the first line has {len(header)}"
            )
        yield table.line_num, dict(zip(header, cells, strict=True))
    if empty:
        raise TraceError(f"{path}: holds no rows; at least one is needed below the first line")


def _number(
    path: Path, line: int, row: dict[str, str], column: str, allowed: str, *, whole: bool = False, least: float = 0
) -> float:
    try:
        value = float(row[column])
    except ValueError:
        value = math.nan
    fits = math.isfinite(value) and value >= least and (not whole or value == int(value) <= _MOST_GPUS)
    if not fits:
        raise TraceError(f"{path}:{line}: column {column} is '{row[column]}'; allowed is {allowed}")
    return value


def _advisor(path: Path) -> dict[str, Spot]:
    try:
        told = json.loads(_text(path))
    except ValueError as error:
        raise TraceError(f"{path}: is no JSON: {error}") from error
    place = f"spot_advisor.{REGION}.Linux"
    types = told
    for name in place.split("."):
        types = types.get(name) if isinstance(types, dict) else None
    if not isinstance(types, dict) or not types:
        raise TraceError(f"{path}: {place} must hold instance types, such as g5.xlarge, each with s and r")
    return {name: _spot(path, f"{place}.{name}", told) for name, told in types.items()}


def _spot(path: Path, place: str, told: Any) -> Spot:
    saving, band = (told.get("s"), told.get("r")) if isinstance(told, dict) else (None, None)
    if type(saving) is not int or not 0 <= saving <= 100:
        raise TraceError(f"{path}: {place}.s is {saving!r}; allowed is a saving in whole per cent, 0 to 100")
    if type(band) is not int or not 0 <= band <= 4:
        raise TraceError(f"{path}: {place}.r is {band!r}; allowed is a band of interruption, 0 to 4")
    return Spot(saving / 100, band)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TraceError(f"{path}: cannot be read: {error}") from error
