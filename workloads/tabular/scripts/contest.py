"""The model and the champion on the same labelled rows: recent ones, those of the champion's own test, today's test.

Of the first two, rows that the model has learned from do not count, since it knows their answers; the champion cannot
have learned from rows that are newer than itself. A row is taken for the same where all its features are, so that of a
table in which many rows are alike few are left. Today's test rows are what the split has left for both.

Of the recent rows the newest windows count, as many as it takes to tell: whether the model fits the world as it now is,
older rows only blur. docs/challengers.md has what the number costs and brings.
"""

# pyright: reportMissingImports=false

import math

import inference
import numpy as np
import pandas as pd
from toolkit import challenge
from toolkit.decision import FEW
from toolkit.table_file import TableError, read_csv

ENOUGH = 300  # recent rows that differ: older windows are not read
MOST_ROWS = 20_000  # of a set; more are sampled
LEARNED, UNREAD = "learned from", "in files that cannot be read or lack columns"  # why rows do not count
UNKNOWN = "label of no known class"
RECENT, TEST = "labelled.csv", "*.csv"  # as the monitor of models and `preprocess` write them


def contests(options, metric, ours, theirs):
    """{"recent", "champion_test": what challenge.compared finds, `segments`, `left_out`} of the folders that are given.

    `today`: the same of the test rows, where the recent ones cannot tell. `ours` and `theirs` are each (estimator,
    description). What cannot be compared has a `trouble` and no verdict.
    """
    contest, learned, found = Contest(options, metric, ours, theirs), options.trained or [], {}
    if options.recent:
        found["recent"] = contest.on(options.recent, RECENT, learned, ENOUGH)
    if options.champion_test:
        found["champion_test"] = contest.on(options.champion_test, TEST, learned)
    if found.get("recent", {"verdict": FEW})["verdict"] == FEW:
        found["today"] = contest.on(options.test, TEST)
    return found


class Contest:
    def __init__(self, options, metric, ours, theirs):
        self._options, self._metric, self._ours, self._theirs = options, metric, ours, theirs
        _, description = ours
        self._target, self._features = description["target"], [column["name"] for column in description["columns"]]
        known = [name for _, described in (ours, theirs) for name in described["classes"] or []]
        self._classes = {_text(name): None for name in known}  # ours first, each once
        self._classes = {name: code for code, name in enumerate(self._classes)}
        self._segment = [options.segment] if options.segment else []

    def on(self, folder, files, learned=(), enough=math.inf):
        """What the two models' answers to the rows of a folder say. Rows that do not count stand in `left_out`.

        Those do not that also lie in one of the folders in `learned`. The files are read from the last to the first by
        name until `enough` rows that count differ; `files` says how many they were.
        """
        told = {"rows": 0, "verdict": FEW, "files": 0, "left_out": {}, "segments": []}
        try:
            frame, told["files"], told["left_out"] = self._rows(folder, files, learned, enough)
            return {**told, **(self._compared(frame) if len(frame) else {})}
        except ValueError as error:  # such as a text where a model takes numbers
            return {**told, "trouble": str(error)}

    def _compared(self, frame):
        options, truth = self._options, self._codes(frame[self._target])
        truth = truth.astype(int) if self._classes else truth
        answers = {"ours": self._answers(self._ours, frame), "theirs": self._answers(self._theirs, frame)}
        alike = _keys(frame, [*self._features, self._target])
        given = {"metric": self._metric, "maximize": options.direction == "maximize", "truth": truth, "alike": alike}
        given |= answers
        told = challenge.compared(**given, margin=options.margin, seed=options.seed)
        for name in self._segment:
            values = frame[name].map(_text, na_action="ignore").astype(object)
            values = values.where(values.notna(), None).tolist()
            told["segments"] = challenge.segments(
                **given, values=values, limit=options.segment_limit, seed=options.seed
            )
        return told

    def _rows(self, folder, files, learned, enough):
        """(the rows that count, the files that they are of, {why others do not: how many})."""
        used = {column["name"] for _, told in (self._ours, self._theirs) for column in told["columns"]}
        columns = sorted({self._target, *used, *self._segment})
        known = [_keys(read(place, TEST, self._features), self._features) for place in learned]
        known = np.concatenate([np.array([], dtype=np.uint64), *known])  # a number of another kind would round them
        parts, alike, left_out = [pd.DataFrame(columns=columns)], set(), dict.fromkeys((LEARNED, UNREAD, UNKNOWN), 0)
        for file in sorted(folder.rglob(files), reverse=True):
            if len(alike) >= enough:
                break
            part = read_file(file, columns)
            if part is None:
                left_out[UNREAD] += 1
                continue
            part = part[part[self._target].notna()]
            seen = np.isin(_keys(part, self._features), known)
            strange = ~seen & np.isnan(self._codes(part[self._target]))
            left_out[LEARNED] += int(seen.sum())
            left_out[UNKNOWN] += int(strange.sum())
            parts.append(part[~seen & ~strange])
            alike.update(_keys(parts[-1], [*self._features, self._target]))
        frame = pd.concat(parts, ignore_index=True)
        if len(frame) > MOST_ROWS:
            frame = frame.sample(MOST_ROWS, random_state=self._options.seed, ignore_index=True)
        return frame, len(parts) - 1, left_out

    def _codes(self, labels):
        """Places among the classes, or values; NaN for what is none."""
        if not self._classes:
            return pd.to_numeric(labels, errors="coerce").to_numpy(dtype=float)
        return np.array([self._classes.get(_text(label), np.nan) for label in labels], dtype=float)

    def _answers(self, model, frame):
        """Values, or the probabilities of all classes: 0 of those that a model does not know."""
        estimator, description = model
        matrix = inference.encode(frame, description["columns"])
        if not self._classes:
            return estimator.predict(matrix)
        answers = np.zeros((len(frame), len(self._classes)))
        answers[:, [self._classes[_text(name)] for name in description["classes"]]] = estimator.predict_proba(matrix)
        return answers


def read(folder, files, columns):
    """These columns of all files of that name in a folder that can be read and have them, as texts."""
    parts = [read_file(file, columns) for file in sorted(folder.rglob(files))]
    return pd.concat([pd.DataFrame(columns=columns), *(part for part in parts if part is not None)], ignore_index=True)


def read_file(file, columns):
    """These columns of a file, as texts; None where it cannot be read or lacks one."""
    try:
        part = read_csv(file)
    except TableError:
        return None
    return part[columns] if set(columns) <= set(part.columns) else None


def _keys(frame, names):
    """A number for each row, equal where all its features are: 1 and 1.0 are the same."""
    parts = {}
    for place, name in enumerate(names):
        numbers = pd.to_numeric(frame[name], errors="coerce").astype(float)
        parts[f"number {place}"] = numbers
        parts[f"text {place}"] = frame[name].where(numbers.isna() & frame[name].notna(), "").astype(str)
    return pd.util.hash_pandas_object(pd.DataFrame(parts), index=False).to_numpy()


def _text(value):
    """A class as text: 1, 1.0 and "1" are the same."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return str(int(number)) if number.is_integer() else str(number)
