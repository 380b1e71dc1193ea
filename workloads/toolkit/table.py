"""Tables in CSV or Parquet with a target column: read, or refused with what to change.

    frame = read_table("table.csv", target="Survived")
    kind = problem_of(frame["Survived"])  # binary, multiclass or regression

A CSV is UTF-8 with a header and commas. Empty fields and the words in MISSING of `table_file` are missing values.
"""

# pyright: reportMissingImports=false

import difflib

import pandas as pd
from pandas.api.types import is_numeric_dtype

from toolkit.files import files_of, name_of, noted
from toolkit.table_file import READERS, TableError, is_number, some

MOST_CLASSES = 20


def read_table(path, target, format="csv"):
    """A pandas DataFrame of a file, or of all files of that format below a folder, in the order of their names.

    Columns are numbers or (dtype object) texts; missing values are NaN, in no row of the target. The index tells
    file and row. Raises TableError.
    """
    parts = {name_of(path, file): READERS[format](file) for file in files_of(path, format)}
    first, expected = next((name, list(part.columns)) for name, part in parts.items())
    for name, part in parts.items():
        if list(part.columns) != expected:
            raise TableError(f"{name} has the columns {some(part.columns)}, {first} has {some(expected)}: align them")
        if part.empty:
            raise TableError(f"{name} has a header and no rows: add rows or remove the file")
    frame = pd.concat(parts)
    if target not in frame.columns:
        raise TableError(_no_target(target, expected, first))
    _refuse_empty_rows(frame)
    frame = pd.DataFrame({name: _typed(frame[name]) for name in frame.columns})
    _check_target(frame[target])
    _refuse_infinite(frame)
    return frame


def problem_of(target):
    """What is to be predicted: `binary`, `multiclass` or `regression`.

    Texts are classes, and so are two values, and whole numbers of which there are at most MOST_CLASSES different ones.
    """
    values = target.dropna().unique()
    if len(values) == 2:
        return "binary"
    if not is_numeric_dtype(target):
        return "multiclass"
    whole = all(float(value).is_integer() for value in values[: MOST_CLASSES + 1])
    return "multiclass" if whole and len(values) <= MOST_CLASSES else "regression"


def manifest(path, frame, target, format="csv", begin=None):
    """What was read, so that a run can be repeated; `begin` tells the versions in S3: a file or its folder, or None."""
    told = noted(path, frame.index.get_level_values(0).value_counts(), format, begin)
    kinds = {name: "number" if is_numeric_dtype(frame[name]) else "text" for name in frame.columns}
    return {**told, "columns": kinds, "target": target, "problem": problem_of(frame[target])}


def _typed(column):
    """Numbers if all values are, texts if none is."""
    if is_numeric_dtype(column):
        return column.astype(float if column.isna().any() or column.dtype == bool else column.to_numpy().dtype)
    numbers = pd.to_numeric(column, errors="coerce")
    text = column[numbers.isna() & column.notna()]
    number = column[numbers.notna()]
    if len(text) and len(number):
        raise TableError(
            f"column {column.name!r} mixes numbers and texts: {_where(number)} and {_where(text)} "
            f"({len(number)} numbers, {len(text)} texts). Write only one kind; leave a missing number empty"
        )
    return column.astype(object) if len(text) else numbers


def _refuse_empty_rows(frame):
    empty = frame.index[frame.isna().all(axis=1)]
    if len(empty):
        raise TableError(f"{len(empty)} empty rows, the first is {_place(empty[0])}: remove them")


def _refuse_infinite(frame):
    for name, column in frame.items():
        if is_numeric_dtype(column) and column.abs().max() == float("inf"):
            where = _place(column.abs().idxmax())
            raise TableError(f"column {name!r} is infinite in {where}: correct it, or leave it empty if it is unknown")


def _check_target(target):
    missing = target.index[target.isna()]
    if len(missing) == len(target):
        raise TableError(f"the target {target.name!r} has no value in any row: fill it in or name another column")
    if len(missing):
        raise TableError(
            f"the target {target.name!r} is missing in {len(missing)} rows, the first is {_place(missing[0])}: "
            "fill it in or remove these rows"
        )
    values = target.unique().tolist()
    if len(values) == 1:
        raise TableError(
            f"the target {target.name!r} is {values[0]!r} in all {len(target)} rows: there is nothing to learn; add "
            "rows with other values or name another column"
        )
    if not is_numeric_dtype(target) and len(values) > max(MOST_CLASSES, len(target) / 10):
        raise TableError(
            f"the target {target.name!r} has {len(values)} different texts in {len(target)} rows: these are names, "
            "not classes; name another column"
        )
    if is_numeric_dtype(target) and target.abs().max() == float("inf"):
        raise TableError(f"the target {target.name!r} is infinite in {_place(target.abs().idxmax())}: correct it")


def _no_target(target, names, file):
    near = difflib.get_close_matches(target, names, 1) or [name for name in names if name.lower() == target.lower()]
    words = f"{file} has no column {target!r}; it has {some(names)}"
    if near:
        return f"{words}. Is it {near[0]!r}? Write that as data.target"
    numbers = ". Some names are numbers, so perhaps the header is missing: put a first line with names"
    return words + (numbers if any(map(is_number, names)) else ". Write one of them as data.target")


def _where(column):
    return f"{_place(column.index[0])} has {column.iloc[0]!r}"


def _place(index):
    return f"row {index[1]} of {index[0]}"
