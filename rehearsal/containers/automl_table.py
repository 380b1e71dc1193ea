"""The table that the Autopilot stand-in searches a model of, and what is wrong with one."""

# pyright: reportMissingImports=false
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

LEAST_ROWS = 500  # of the training channel: API reference, CreateAutoMLJobV2, AutoMLJobInputDataConfig
# Autopilot's own limits are not documented: text with more values than these, or than a share of the rows, is left out.
MOST_CATEGORIES, MOST_SHARE = 50, 0.2
MOST_CLASSES = 20  # a target of more numbers than this is taken for a quantity
NUMERIC_SHARE = 0.9  # of a column's values that must be numbers; the others count as missing


class BadDataError(Exception):
    """What is wrong with the data, in words for a FailureReason."""


@dataclass
class Table:
    """`columns` are those of the file but for the target; `features` those that are used, in the same order."""

    problem: str
    columns: list[str]
    features: Any
    target: Any
    numbers: list[str]
    left_out: list[str]
    validation: Any  # (features, target) of the channel `validation`, or None


def read(folder, target, problem):
    """The table in the channels below a folder. Raises BadDataError."""
    rows = _rows(folder / "training", target)
    if len(rows) < LEAST_ROWS:
        raise BadDataError(f"The training dataset has {len(rows)} rows; Autopilot needs at least {LEAST_ROWS}.")
    found = problem or _problem(rows[target])
    labels = _labels(rows[target], found, target)
    columns = [name for name in rows.columns if name != target]
    numbers = [name for name in columns if _is_number(rows[name])]
    left_out = [
        name for name in columns if rows[name].nunique() < 2 or not (name in numbers or _is_category(rows[name]))
    ]
    used = [name for name in columns if name not in left_out]
    if not used:
        raise BadDataError("No column is left to predict from: all are constant, free text or identifiers.")
    held = None
    if (folder / "validation").is_dir():
        other = _rows(folder / "validation", target)
        if missing := sorted(set(columns) - set(other.columns)):
            raise BadDataError(
                f"The validation dataset lacks the columns {', '.join(missing)} of the training dataset."
            )
        held = (typed(other, used, numbers), _labels(other[target], found, target))
    return Table(found, columns, typed(rows, used, numbers), labels, numbers, left_out, held)


def typed(rows, used, numbers):
    """The columns in use, as numbers or as text."""
    return pd.DataFrame(
        {
            name: pd.to_numeric(rows[name], errors="coerce") if name in numbers else rows[name].astype(object)
            for name in used
        }
    )


def _rows(folder: Path, target):
    parts = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            part = pd.read_csv(path, dtype=str, skip_blank_lines=True, encoding="utf-8")
        except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
            raise BadDataError(f"The file {path.name} cannot be read as CSV in UTF-8: {error}") from error
        if target not in part.columns:
            told = ", ".join(map(str, part.columns[:20]))
            raise BadDataError(f"The target column {target} is not in the file {path.name}, which has: {told}")
        parts.append(part)
    rows = pd.concat(parts, ignore_index=True).dropna(how="all")
    rows = rows[rows[target].notna()]  # a row without a target teaches nothing
    if rows.empty:
        raise BadDataError(f"The target column {target} has no values.")
    if rows[target].nunique() < 2:
        value = rows[target].iloc[0]
        raise BadDataError(f"The target column {target} has the single value {value}: there is nothing to predict.")
    return rows


def _problem(target):
    count = target.nunique()
    if count == 2:
        return "BinaryClassification"
    many = count > MOST_CLASSES and pd.to_numeric(target, errors="coerce").notna().all()
    return "Regression" if many else "MulticlassClassification"


def _labels(target, problem, name):
    if problem == "Regression":
        numbers = pd.to_numeric(target, errors="coerce")
        if numbers.isna().any():
            raise BadDataError(f"The target column {name} has values that are no numbers: Regression needs numbers.")
        return numbers
    if problem == "BinaryClassification" and target.nunique() > 2:
        raise BadDataError(f"The target column {name} has {target.nunique()} values: BinaryClassification needs two.")
    if (fewest := target.value_counts().min()) < 5:
        raise BadDataError(f"A value of the target column {name} occurs {fewest} times only: five are needed.")
    return target


def _is_number(column):
    values = column.dropna()
    return bool(len(values)) and pd.to_numeric(values, errors="coerce").notna().mean() >= NUMERIC_SHARE


def _is_category(column):
    return column.nunique() <= min(MOST_CATEGORIES, MOST_SHARE * len(column))
