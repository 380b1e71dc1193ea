"""The model and the champion on the same labelled rows: recent ones, those of the champion's own test, today's test.

Of the first two, rows that the model has learned from do not count, since it knows their answers; the champion cannot
have learned from rows that are newer than itself. A row is taken for the same where all its features are, so that of a
table in which many rows are alike few are left. Today's test rows are what the split has left for both.
"""

# pyright: reportMissingImports=false

import inference
import numpy as np
import pandas as pd
from toolkit import challenge
from toolkit.decision import FEW
from toolkit.table_file import TableError, read_csv

MOST_ROWS = 20_000  # of a set; more are sampled
RECENT, TEST = "labelled.csv", "*.csv"  # as the monitor of models and `preprocess` write them


def contests(options, metric, ours, theirs):
    """{"recent", "champion_test": what challenge.compared finds, `segments`, `left_out`} of the folders that are given.

    `today`: the same of the test rows, where the recent ones cannot tell. `ours` and `theirs` are each (estimator,
    description). What cannot be compared has a `trouble` and no verdict.
    """
    contest = Contest(options, metric, ours, theirs)
    given = {"recent": (options.recent, RECENT), "champion_test": (options.champion_test, TEST)}
    learned = options.trained or []
    found = {name: contest.on(folder, files, learned) for name, (folder, files) in given.items() if folder}
    if found.get("recent", {"verdict": FEW})["verdict"] == FEW:
        found["today"] = contest.on(options.test, TEST, [])
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

    def on(self, folder, files, learned):
        """What the two models' answers to the rows of a folder say. Rows that do not count stand in `left_out`.

        Those do not that also lie in one of the folders in `learned`.
        """
        told = {"rows": 0, "verdict": FEW, "left_out": {}, "segments": []}
        try:
            frame, told["left_out"] = self._rows(folder, files, learned)
            truth = self._codes(frame[self._target])
            told["left_out"]["label of no known class"] = int(np.isnan(truth).sum())
            frame, truth = frame[~np.isnan(truth)], truth[~np.isnan(truth)]
            return {**told, **(self._compared(frame, truth) if len(frame) else {})}
        except ValueError as error:  # such as a text where a model takes numbers
            return {**told, "trouble": str(error)}

    def _compared(self, frame, truth):
        options, truth = self._options, truth.astype(int) if self._classes else truth
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

    def _rows(self, folder, files, learned):
        """(the rows that count, {why others do not: how many})."""
        used = {column["name"] for _, told in (self._ours, self._theirs) for column in told["columns"]}
        frame, unread = read(folder, files, {self._target, *used, *self._segment})
        frame = frame[frame[self._target].notna()] if len(frame) else frame
        seen = np.zeros(len(frame), dtype=bool)
        for place in learned if len(frame) else []:
            known, _ = read(place, TEST, set(self._features))
            seen |= np.isin(_keys(frame, self._features), _keys(known, self._features))
        left_out = {"learned from": int(seen.sum()), "in files that cannot be read or lack columns": unread}
        frame = frame[~seen]
        if len(frame) > MOST_ROWS:
            frame = frame.sample(MOST_ROWS, random_state=self._options.seed)
        return frame.reset_index(drop=True), left_out

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
    """(the rows of all files of that name in a folder with these columns, as texts; how many other files there are)."""
    parts, unread = [], 0
    for file in sorted(folder.rglob(files)):
        try:
            part = read_csv(file)
        except TableError:
            part = None
        if part is None or not columns <= set(part.columns):
            unread += 1
        else:
            parts.append(part[sorted(columns)])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=sorted(columns)), unread


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
