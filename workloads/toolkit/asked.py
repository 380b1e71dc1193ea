"""The rows that a request holds, and the answers to them, in the forms that models here read and write.

CSV with or without a header, JSON lists of rows, or {"instances": rows}; answers as {"predictions": answers} or CSV.
"""

import csv
import io
import json
from datetime import UTC, datetime

MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null")
# Characters of a value, the rest of which is cut off: as many as Python's csv reads, so no row of a table has more.
LONGEST_TEXT = 2**17
_LARGEST = 2**63  # of a number that tables can hold


class SchemaError(ValueError):
    """A request has other columns than the model was trained with."""


def moment_of(text):
    """Raises ValueError, AttributeError. What tells no zone is UTC."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def rows_of(text, columns):
    """The rows of one request, CSV or JSON, whose texts can be written in UTF-8. Raises SchemaError, ValueError."""
    if text.lstrip()[:1] in ("[", "{"):
        told = json.loads(text)
        rows = told.get("instances", [told]) if isinstance(told, dict) else told
        if rows and isinstance(rows, list) and not isinstance(rows[0], (list, dict)):
            rows = [rows]
    else:
        rows = [row for row in csv.reader(io.StringIO(text), strict=True) if row]
        if rows and set(rows[0]) >= set(columns):
            header, *rest = rows
            rows = [dict(zip(header, row, strict=False)) for row in rest]
    return [_row(row, columns) for row in rows]


def _row(row, columns):
    if isinstance(row, dict):
        if not set(columns) <= set(row):
            raise SchemaError(sorted(set(columns) - set(row)))
        row = [row[name] for name in columns]
    if len(row) != len(columns):
        raise SchemaError(len(row))
    return tuple(map(_value, row))


def _value(value):
    if value is None or value in MISSING or value != value:  # JSON's NaN is not equal to itself
        return None
    if isinstance(value, (list, dict)):
        raise SchemaError("a value is no single one")
    if isinstance(value, str):
        return writable(value)[:LONGEST_TEXT]
    return str(value) if isinstance(value, int) and abs(value) > _LARGEST else value


def writable(text):
    """With ? for what no file in UTF-8 holds, halves of characters, and what no table may, NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def answers_of(text):
    """Raises ValueError, TypeError, KeyError."""
    if text.lstrip()[:1] in ("[", "{"):
        told = json.loads(text)
        answers = told["predictions"] if isinstance(told, dict) else told
        return [answer if isinstance(answer, dict) else {"value": answer} for answer in answers]
    rows = [row for row in csv.reader(io.StringIO(text)) if row]
    return [{"class": row[0], "probability": row[1]} if len(row) > 1 else {"value": row[0]} for row in rows]
