"""What a batch transform job was asked and what it answered.

Its data capture copies nothing: below `input/` and `output/` of the destination, in folders by hour, are manifests that
name the objects in S3. SageMaker brings those of a manifest into a job's folder (S3DataType ManifestFile), so that here
are two folders of objects: `<name>` and, with the same number of records in the same order, `<name>.out`. With
GenerateInferenceId each answer ends with an inference id and the time when the transform job began; which window a job
belongs to is said by when it was complete. Source: AWS, "Capture data from batch transform job".
"""

import csv
import json
import re
from itertools import zip_longest

from toolkit.asked import SchemaError, answers_of, rows_of
from toolkit.lines import lines

ID, TIME = "SageMakerInferenceId", "SageMakerInferenceTime"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def read(asked, answered, columns, skipped, complete):
    """Yields what `captured.read` does of the objects in two folders that `complete` names.

    It has the time when each was answered, which is that of its rows. Without GenerateInferenceId a row's key is
    `<name of the object>/<number>`, from 0.
    """
    for name, moment in complete.items():
        path = asked / name
        if not path.is_file():
            skipped["object that is not there"] += 1
            continue
        if not path.stat().st_size:
            skipped["empty file"] += 1
        results = answered / f"{name}.out"
        if not results.is_file():
            skipped["object without answers"] += 1
        rows = _rows(path, columns, skipped)
        told = lines(results, skipped) if results.is_file() else ()
        for number, (row, line) in enumerate(zip_longest(rows, told)):
            if row is None:
                skipped["answer"] += 1
                continue
            answer, key = _answer(line, row, skipped)
            if row[1]:
                yield key or f"{name}/{number}", moment, row[1], answer


def _rows(path, columns, skipped):
    """Yields (line, row) of each line but a header. The row is None where it cannot be read: it has an answer too."""
    for number, line in enumerate(lines(path, skipped)):
        try:
            text = line.decode("utf-8-sig").strip()
            rows = rows_of(text, columns)
        except UnicodeDecodeError:
            skipped["encoding"] += 1
        except SchemaError:
            skipped["schema"] += 1
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, csv.Error):
            skipped["unparsable"] += 1
        else:
            if len(rows) == 1:
                yield text, rows[0]
                continue
            if number == 0 and not rows:
                continue  # a header
            skipped["unparsable"] += 1
        yield "", None


def _answer(line, row, skipped):
    """(answer, inference id), each None where it is not told."""
    if line is None:
        return None, None
    try:
        text = line.decode("utf-8-sig").strip()
        if text[:1] in ("[", "{"):
            told = json.loads(text)
            key, _ = (told.pop(name, None) for name in (ID, TIME)) if isinstance(told, dict) else (None, None)
            [answer] = answers_of(json.dumps(told)) if not isinstance(told, dict) or "predictions" in told else [told]
        else:
            fields = [field.strip() for field in next(csv.reader([text]))]
            key, fields = _appended(fields)
            before = len(next(csv.reader([row[0]]))) if row[0] else 0
            joined = len(fields) > before > 0  # JoinSource Input puts what was asked before the answer
            [answer] = answers_of(",".join(fields[before:] if joined else fields))
        return answer, key
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, csv.Error, StopIteration):
        skipped["answer"] += 1
        return None, None


def _appended(fields):
    """(inference id, what is before it); None where the last field is no time."""
    if len(fields) > 2 and _TIME.fullmatch(fields[-1]):
        return fields[-2], fields[:-2]
    return None, fields
