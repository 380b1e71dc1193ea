"""What an endpoint was asked and what it answered, as SageMaker's data capture wrote it, read in pieces.

Source: AWS, "Capture data from real-time endpoint" (JSON lines in a folder for each hour). Whatever cannot be read is
counted under a name and skipped. Batch transform captures otherwise: `batch.py`.
"""

import base64
import csv
import json
import random

from toolkit.asked import SchemaError, answers_of, moment_of, rows_of
from toolkit.lines import lines


class Sample:
    """At most `size` rows of as many as are offered, each as likely as every other (reservoir sampling).

    A row is (key, time, row). Where those that are kept have more than `characters` in sum, half of them are kept on.
    """

    def __init__(self, size, characters, seed=0):
        self.rows, self.offered, self._size, self._random = [], 0, size, random.Random(seed)
        self._most, self._characters = characters, 0

    def offer(self, row):
        self.offered += 1
        if len(self.rows) < self._size:
            self.rows.append(row)
        elif (place := self._random.randrange(self.offered)) < self._size:
            self._characters -= _characters(self.rows[place])
            self.rows[place] = row
        else:
            return
        self._characters += _characters(row)
        while self._characters > self._most and len(self.rows) > 1:
            self._size = len(self.rows) // 2
            self.rows = self._random.sample(self.rows, self._size)
            self._characters = sum(map(_characters, self.rows))


def _characters(row):
    key, _, values = row
    return len(key) + sum(len(value) for value in values if isinstance(value, str))


def read(folder, columns, skipped, wanted=lambda moment: True):
    """Yields (key, time, row, answer) of each row that was asked for; `skipped` counts what could not be read.

    `key` is the request's inference id, or its event id where the caller gave none; of a request with several rows
    `<id>/<number>`, from 0. `row` has a text, a number or None for each of `columns`; `answer` is a dict or None.
    Of requests at a time that is not `wanted` no more is looked at than the time.
    """
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if not path.stat().st_size:
            skipped["empty file"] += 1
        for line in lines(path, skipped):
            yield from _rows(line, columns, skipped, wanted)


def _rows(line, columns, skipped, wanted):
    try:
        told = json.loads(line.decode("utf-8-sig"))
        event, data = told["eventMetadata"], told["captureData"]
        moment = moment_of(event["inferenceTime"])
        if not wanted(moment):
            return
        rows = rows_of(_text(data["endpointInput"]), columns)
    except UnicodeDecodeError:
        skipped["encoding"] += 1
        return
    except SchemaError:
        skipped["schema"] += 1
        return
    # A value that is nested very deeply is no request either, nor is one at the end of time, the year 9999.
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError, csv.Error):
        skipped["unparsable"] += 1
        return
    key = str(event.get("inferenceId") or event.get("eventId", ""))
    answers = _answered(data.get("endpointOutput"), len(rows), skipped)
    for number, (row, answer) in enumerate(zip(rows, answers, strict=True)):
        yield key if len(rows) == 1 else f"{key}/{number}", moment, row, answer


def _text(side):
    if side.get("encoding") == "BASE64":
        return base64.b64decode(side["data"], validate=True).decode("utf-8-sig")
    return side["data"]


def _answered(side, count, skipped):
    """The answer to each row: its `class`, `probability` or `value`, as far as it can be read."""
    if side is None:
        return [None] * count
    try:
        answers = answers_of(_text(side))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, csv.Error):
        answers = []
    if len(answers) != count:
        skipped["answer"] += 1
        return [None] * count
    return answers


def labels(folder, keys, skipped):
    """The labels that are known by now of rows in `keys`: {key: text}. A later line for a key replaces an earlier one.

    CSV files with a header that names `inference_id` and `label`, read in pieces; no value has a line break in it.
    """
    found = {}
    for path in sorted(folder.rglob("*.csv")) if folder and folder.exists() else []:
        header = None
        for line in lines(path, skipped):
            try:
                fields = next(csv.reader([line.decode("utf-8-sig")]))
            except (UnicodeDecodeError, csv.Error):
                skipped["label line"] += 1
                continue
            if header is None:
                header = fields
                if not {"inference_id", "label"} <= set(header):
                    skipped["labels without the columns inference_id and label"] += 1
                    break
                continue
            row = dict(zip(header, fields, strict=False))
            if not row.get("label"):
                skipped["empty label"] += 1
            elif row.get("inference_id") in keys:
                found[row["inference_id"]] = row["label"]
    return found
