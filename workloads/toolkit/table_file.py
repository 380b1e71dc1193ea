"""One file of a table: its columns by name, every field still a text where it is a CSV; or why it cannot be read."""

# pyright: reportMissingImports=false

import csv
import io

import pandas as pd
from pandas.api.types import is_numeric_dtype

from toolkit.asked import MISSING

PARQUET = b"PAR1"  # what such a file begins with
SHOWN = 12


class TableError(Exception):
    """What is wrong with a table, where, and what to change."""


def read_csv(file):
    """The fields as texts, NaN for those in MISSING; the index is the row, the first below the header is 1."""
    reader = csv.reader(io.StringIO(decoded(file).rstrip("\r\n"), newline=""), strict=True)
    try:
        names, *rows = list(reader) or [[]]
    except csv.Error as error:
        told = f"{file.name} line {reader.line_num}: {error}"
        raise TableError(f"{told}: close the quotes, and write a quote inside of them twice") from error
    _check_header(file, names)
    for number, row in enumerate(rows, 1):
        if row and len(row) != len(names):
            told = f"{file.name} row {number} has {len(row)} fields, the header {len(names)}"
            raise TableError(f"{told}: put fields with commas in double quotes, and a comma for each empty field")
    whole = (row or [""] * len(names) for row in rows)
    frame = pd.DataFrame(whole, columns=names, index=range(1, len(rows) + 1), dtype=object)
    return frame.mask(frame.isin(MISSING))


def decoded(file):
    """The text of a file in UTF-8; raises TableError where it is none."""
    content = file.read_bytes()
    if content.startswith(PARQUET):
        told = "write data.format: parquet in workload.yaml, or upload it as a CSV"
        raise TableError(f"{file.name} is a Parquet file: {told}")
    try:
        text, at = content.decode("utf-8-sig"), content.find(b"\0")  # which UTF-16 without a mark is full of
    except UnicodeDecodeError as error:
        text, at = "", error.start
    if at < 0:
        return text
    known = _encoding(content)
    raise TableError(
        f"{file.name} is not UTF-8: byte {content[at]:#04x} at position {at}. If it is {known}, "
        f"convert it: iconv -f {known} -t UTF-8 {file.name} > utf8.csv"
    )


def _encoding(content):
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "UTF-16"
    if b"\0" in content:  # most characters' high bytes are 0: the second of each pair, or the first
        return "UTF-16LE" if content[1::2].count(0) > content[::2].count(0) else "UTF-16BE"
    return "WINDOWS-1252"


def _check_header(file, names):
    if not names:
        raise TableError(f"{file.name} begins with an empty line: put a first line with the columns' names")
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        raise TableError(f"{file.name} has one column, {names[0]!r}: part the columns with commas")
    if all(is_number(name) for name in names):
        raise TableError(f"{file.name} begins with numbers, {some(names)}: put a first line with the columns' names")
    if "" in (stripped := [name.strip() for name in names]):
        at = stripped.index("") + 1
        raise TableError(f"{file.name}: column {at} has no name: name it in the first line or leave it out")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TableError(f"{file.name} has more than one column named {some(twice)}: rename all but one")


def read_parquet(file):
    """The columns as they were written. Whether the framework image has pyarrow, AWS does not say."""
    try:
        frame = pd.read_parquet(file)
    except (ValueError, OSError) as error:  # pyarrow's errors are ValueErrors
        raise TableError(f"{file.name} is no Parquet file: {error}") from error
    except ImportError as error:
        raise TableError("this image cannot read Parquet (pyarrow is missing): write data.format: csv") from error
    frame.index = range(1, len(frame) + 1)
    for name in frame.columns:
        other = [] if is_numeric_dtype(frame[name]) else {type(v) for v in frame[name].dropna()} - {str, bool}
        if other:
            kinds = ", ".join(sorted(kind.__name__ for kind in other))
            raise TableError(f"{file.name}: column {name!r} holds {kinds}: write numbers or texts")
    return frame


READERS = {"csv": read_csv, "parquet": read_parquet}


def some(names):
    """The names in a sentence; of many, the first."""
    listed = [repr(str(name)) for name in names]
    return ", ".join(listed[:SHOWN]) + (f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else "")


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True
