"""What an endpoint was asked and what it answered, as SageMaker's data capture wrote it, read in pieces.

Sources: AWS, "Capture data from real-time endpoint" and "Capture data from batch transform job" (JSON lines in a folder
for each hour). Whatever cannot be read is counted under a name and skipped.
"""

import base64
import csv
import io
import json
import random
from datetime import datetime, timezone

LONGEST_LINE = 4 * 2**20  # bytes; SageMaker takes requests of 25 MB, of which one line would be 33 MB
MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", "null")
_CHUNK = 2**16


class Sample:
    """At most `size` rows of as many as are offered, each as likely as every other (reservoir sampling)."""

    def __init__(self, size, seed=0):
        self.rows, self.offered, self._size, self._random = [], 0, size, random.Random(seed)

    def offer(self, row):
        self.offered += 1
        if len(self.rows) < self._size:
            self.rows.append(row)
        elif (place := self._random.randrange(self.offered)) < self._size:
            self.rows[place] = row


def read(folder, columns, skipped):
    """Yields (key, time, row, answer) of each row that was asked for; `skipped` counts what could not be read.

    `key` is the request's inference id, or its event id where the caller gave none; of a request with several rows
    `<id>/<number>`, from 0. `row` has a text, a number or None for each of `columns`; `answer` is a dict or None.
    """
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if not path.stat().st_size:
            skipped["empty file"] += 1
        for line in _lines(path, skipped):
            yield from _rows(line, columns, skipped)


def _lines(path, skipped):
    with path.open("rb") as file:
        while line := file.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                skipped["huge line"] += 1
                while (rest := file.readline(_CHUNK)) and not rest.endswith(b"\n"):
                    pass
            elif line.strip():
                yield line


def _rows(line, columns, skipped):
    try:
        told = json.loads(line.decode("utf-8-sig"))
        event, data = told["eventMetadata"], told["captureData"]
        moment = datetime.strptime(event["inferenceTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        asked = data.get("endpointInput") or data["batchTransformInput"]
        rows = _asked(asked, columns)
    except UnicodeDecodeError:
        skipped["encoding"] += 1
        return
    except SchemaError:
        skipped["schema"] += 1
        return
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error):
        skipped["unparsable"] += 1
        return
    key = event.get("inferenceId") or event.get("eventId", "")
    answers = _answered(data.get("endpointOutput") or data.get("batchTransformOutput"), len(rows), skipped)
    for number, (row, answer) in enumerate(zip(rows, answers)):
        yield key if len(rows) == 1 else f"{key}/{number}", moment, row, answer


class SchemaError(ValueError):
    """A request has other columns than the model was trained with."""


def _text(side):
    if side.get("encoding") == "BASE64":
        return base64.b64decode(side["data"], validate=True).decode("utf-8-sig")
    return side["data"]


def _asked(side, columns):
    """The rows of one request. Raises SchemaError, ValueError."""
    text = _text(side)
    if text.lstrip()[:1] in ("[", "{"):
        told = json.loads(text)
        rows = told.get("instances", [told]) if isinstance(told, dict) else told
        if rows and isinstance(rows, list) and not isinstance(rows[0], (list, dict)):
            rows = [rows]
    else:
        rows = [row for row in csv.reader(io.StringIO(text), strict=True) if row]
        if rows and set(rows[0]) >= set(columns):
            header, *rest = rows
            rows = [dict(zip(header, row)) for row in rest]
    return [_row(row, columns) for row in rows]


def _row(row, columns):
    if isinstance(row, dict):
        if not set(columns) <= set(row):
            raise SchemaError(sorted(set(columns) - set(row)))
        row = [row[name] for name in columns]
    if len(row) != len(columns):
        raise SchemaError(len(row))
    return tuple(None if value is None or value in MISSING else value for value in row)


def _answered(side, count, skipped):
    """The answer to each row: its `class`, `probability` or `value`, as far as it can be read."""
    if side is None:
        return [None] * count
    try:
        text = _text(side)
        if text.lstrip()[:1] in ("[", "{"):
            told = json.loads(text)
            answers = told.get("predictions") if isinstance(told, dict) else told
            answers = [answer if isinstance(answer, dict) else {"value": answer} for answer in answers]
        else:
            rows = [row for row in csv.reader(io.StringIO(text)) if row]
            answers = [{"class": row[0], "probability": row[1]} if len(row) > 1 else {"value": row[0]} for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error):
        answers = []
    if len(answers) != count:
        skipped["answer"] += 1
        return [None] * count
    return answers


def labels(folder, keys, skipped):
    """The labels that are known by now of rows in `keys`: {key: text}. A later line for a key replaces an earlier one.

    CSV files with the header `inference_id,label`, read in pieces.
    """
    found = {}
    for path in sorted(folder.rglob("*.csv")) if folder and folder.exists() else []:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            reader = csv.DictReader(file)
            if not {"inference_id", "label"} <= set(reader.fieldnames or ()):
                skipped["labels without the columns inference_id and label"] += 1
                continue
            for row in reader:
                if row["label"] in (None, ""):
                    skipped["empty label"] += 1
                elif row["inference_id"] in keys:
                    found[row["inference_id"]] = row["label"]
    return found
