"""How the model answers: it reads rows as CSV or JSON and gives the class with its probability, or the value.

CSV: one row a line, all columns of the table but the target in the table's order, or any order below a header.
JSON: a list, or {"instances": a list}, of rows that are lists in that order or objects by name. A missing value is
empty or null. The same file turns tables into numbers while training; it travels with the model, so it stands alone.
"""

# pyright: reportMissingImports=false

import csv
import io
import json
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

JSON, CSV = "application/json", "text/csv"
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null")
MODEL, DESCRIPTION = "model.joblib", "model.json"


def model_fn(folder):
    """(estimator, description): the description names columns, target, problem and classes."""
    return joblib.load(Path(folder, MODEL)), json.loads(Path(folder, DESCRIPTION).read_text())


def input_fn(body, content_type):
    """Rows, each a list or an object. Raises ValueError for other content."""
    text = body.decode("utf-8-sig") if isinstance(body, bytes) else body
    kind = content_type.split(";")[0].strip()
    if kind == CSV:
        return [row for row in csv.reader(io.StringIO(text)) if row]
    if kind != JSON:
        raise ValueError(f"{kind} cannot be read: send {CSV} or {JSON}")
    given = json.loads(text)
    rows = given.get("instances") if isinstance(given, dict) else given
    if not isinstance(rows, list) or not all(isinstance(row, (list, dict)) for row in rows):
        raise ValueError('send a list of rows, or {"instances": a list of rows}; a row is a list or an object')
    return rows


def predict_fn(rows, model):
    """One answer a row: {"class", "probability" of it, "probabilities" of all}, or {"value"} of a regression."""
    estimator, description = model
    frame = table_of(rows, [column["name"] for column in description["columns"]])
    if frame.empty:
        return []
    matrix = encode(frame, description["columns"])
    if description["problem"] == "regression":
        return [{"value": float(value)} for value in estimator.predict(matrix)]
    classes = description["classes"]
    return [_answer(classes, [float(value) for value in row]) for row in estimator.predict_proba(matrix)]


def output_fn(answers, accept):
    """JSON {"predictions": answers}, or CSV lines `class,probability` or `value`."""
    if accept.split(";")[0].strip() == CSV:
        lines = io.StringIO()
        rows = ([answer[key] for key in ("class", "probability", "value") if key in answer] for answer in answers)
        csv.writer(lines, lineterminator="\n").writerows(rows)
        return lines.getvalue()
    if accept.split(";")[0].strip() in (JSON, "*/*"):
        return json.dumps({"predictions": answers})
    raise ValueError(f"{accept} cannot be written: accept {CSV} or {JSON}")


def table_of(rows, names):
    """Rows as a table with the columns `names`. Raises ValueError that says which are missing."""
    if rows and isinstance(rows[0], dict):
        found = pd.DataFrame(rows, dtype=object)
    elif rows and 2 * len(set(map(str, rows[0])) & set(names)) > len(names):
        found = pd.DataFrame(rows[1:], columns=rows[0], dtype=object)
    else:
        if any(len(row) != len(names) for row in rows):
            wrong = next(len(row) for row in rows if len(row) != len(names))
            raise ValueError(f"a row has {wrong} fields; without a header these {len(names)} are expected: {names}")
        found = pd.DataFrame(rows, columns=names, dtype=object)
    return found


def encode(frame, columns):
    """The columns that the model looks at as numbers, NaN for what is missing or was never seen.

    Raises ValueError for a column that is not there and for a text in a column of numbers.
    """
    used = [column for column in columns if column["kind"] != "dropped"]
    absent = [column["name"] for column in used if column["name"] not in frame.columns]
    if absent:
        raise ValueError(f"the columns {absent} are missing; there are {list(frame.columns)}")
    return np.column_stack([_numbers(frame[column["name"]], column) for column in used])


def _numbers(values, column):
    values = values.mask(values.isin(MISSING))
    if column["kind"] == "category":
        codes = {name: code for code, name in enumerate(column["categories"])}
        return np.array([codes.get(str(value), np.nan) for value in values], dtype=float)
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    wrong = values[numbers.isna() & values.notna()]
    if len(wrong):
        raise ValueError(f"the column {column['name']!r} holds numbers, not {wrong.iloc[0]!r}")
    return numbers.to_numpy()


def _answer(classes, probabilities):
    best = int(np.argmax(probabilities))
    named = {str(name): probabilities[at] for at, name in enumerate(classes)}
    return {"class": classes[best], "probability": probabilities[best], "probabilities": named}
