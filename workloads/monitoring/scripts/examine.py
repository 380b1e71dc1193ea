"""Compares what an endpoint was asked and answered in a window with the rows that its model was trained with.

Writes metrics.json (docs/monitoring.md tells its members), report.html and labelled.csv, the rows whose label is known.
Rows and files that cannot be read are counted, and end nothing: there is a report whatever was captured.
"""

# pyright: reportMissingImports=false

import argparse
import json
import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import attribution
import captured
import drift
import numpy as np
import page
import pandas as pd
import quality
from served import Served
from toolkit.table_file import MISSING

MOST_ROWS = 20_000  # that are kept of a window; more are sampled, so that memory does not grow with traffic
DEFAULTS = {
    "kinds": ["data-quality"],
    "critical": [],
    "minimum_rows": 200,
    "false_alarm_rate": 0.01,
    "drift_share": 0.3,
    "segment": None,
    "metric": None,
    "delay_hours": 0,
}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--capture", type=Path, required=True, metavar="DIR", help="files of the endpoint's data capture"
    )
    parser.add_argument(
        "--baseline", type=Path, required=True, metavar="DIR", help="reference.csv and data.json of the model"
    )
    parser.add_argument(
        "--watch", type=Path, required=True, metavar="FILE", help="JSON: window, model version and settings"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--labels", type=Path, metavar="DIR", help="CSV files with inference_id and label")
    parser.add_argument(
        "--model", type=Path, metavar="FILE", help="model.tar.gz; without it only data quality is examined"
    )
    parser.add_argument("--evaluation", type=Path, metavar="FILE", help="evaluation.json of the model's registration")
    parser.add_argument("--seed", type=int, default=0)
    examine(parser.parse_args(argv))


def examine(options):
    watch = json.loads(_only(options.watch).read_text())
    settings = {**DEFAULTS, **watch.get("settings", {})}
    data = json.loads((options.baseline / "data.json").read_text())
    reference = pd.read_csv(
        options.baseline / "reference.csv",
        dtype={name: object for name, kind in data["columns"].items() if kind == "text"},
        na_values=list(MISSING),
        keep_default_na=False,
    )
    features = [name for name in data["columns"] if name != data["target"]]
    window = Window(watch["window"], settings["delay_hours"])
    skipped = Counter()
    for row in captured.read(options.capture, features, skipped):
        window.offer(row)
    found = {
        "version": 1,
        "workload": watch["workload"],
        "window": watch["window"],
        "package_version": watch["package_version"],
        "state": window.state(settings["minimum_rows"]),
        "rows": window.recent.offered,
        "examined_rows": len(window.recent.rows),
        "kinds": {},
        "causes": [],
    }
    recent, labelled = frame(window.recent.rows, reference[features]), None
    if found["state"] == "examined":
        examined = Examination(options, settings, data, reference, skipped)
        found["kinds"], labelled = examined.of(recent, window)
        found["causes"] = [f"{name}: {cause}" for name, kind in found["kinds"].items() for cause in kind.pop("causes")]
    found["skipped"] = dict(skipped)
    write(options.output, found, reference[features], recent, labelled)


class Window:
    """Two samples: rows of the window, and rows of the same length that are old enough for labels to be there."""

    def __init__(self, told, delay_hours):
        self._start, self._end = (
            datetime.fromisoformat(told[name].replace("Z", "+00:00")) for name in ("start", "end")
        )
        self._delay = timedelta(hours=delay_hours)
        self.recent, self.older = captured.Sample(MOST_ROWS, seed=1), captured.Sample(MOST_ROWS, seed=2)

    def offer(self, row):
        moment = row[1]
        if self._start <= moment < self._end:
            self.recent.offer(row)
        if self._start <= moment + self._delay < self._end:
            self.older.offer(row)

    def state(self, minimum):
        if not self.recent.offered:
            return "no-traffic"
        return "examined" if self.recent.offered >= minimum else "too-little"


class Examination:
    """What each kind of monitor finds: {kind: {..., drifted, causes}}."""

    def __init__(self, options, settings, data, reference, skipped):
        self._options, self._settings, self._data, self._skipped = options, settings, data, skipped
        self._reference, self._features = reference, [name for name in reference if name != data["target"]]
        self._folder = tempfile.TemporaryDirectory()  # the model is read from it as long as this lives
        self._served = Served(_only(options.model), Path(self._folder.name)) if options.model else None

    def of(self, recent, window):
        """(kinds, rows with their labels in the target's column or None)."""
        kinds, wanted, labelled = {"data-quality": self._data_quality(recent)}, self._settings["kinds"], None
        if self._served and "attribution" in wanted:
            told = attribution.judged(self._score, recent, self._reference[self._features], seed=self._options.seed)
            kinds["attribution"] = {**told, "causes": [told.pop("cause")] if told["drifted"] else []}
        if self._served and {"model-quality", "bias"} & set(wanted):
            labelled, share = self._labelled(window.older.rows)
            enough = len(labelled) >= self._settings["minimum_rows"]
            common = {"labelled": len(labelled), "unlabelled_share": share, "enough": enough}
            for name, judge in (("model-quality", self._model_quality), ("bias", self._bias)):
                if name in wanted:
                    told = judge(labelled) if enough else {"drifted": False, "cause": ""}
                    kinds[name] = {**common, **told, "causes": [told["cause"]] if told["drifted"] else []}
                    kinds[name].pop("cause")
        return kinds, labelled

    def _data_quality(self, recent):
        found = drift.features(self._reference[self._features], recent, set(self._settings["critical"]))
        limits = {name: self._settings[name] for name in ("false_alarm_rate", "drift_share")}
        told, share, drifted, causes = drift.judged(found, **limits)
        return {"drifted": drifted, "share": share, "features": told, "causes": causes}

    def _score(self, rows):
        """One number a row: of several classes the probability of the last, of two that of the positive one."""
        answers = self._served.answers(rows)
        return answers if answers.ndim == 1 else answers[:, -1]

    def _labelled(self, rows):
        """(rows with a known label, in the target's column; share of the rows without one)."""
        found = captured.labels(self._options.labels, {row[0] for row in rows}, self._skipped)
        chosen = [row for row in rows if row[0] in found]
        labelled = frame(chosen, self._reference[self._features])
        labelled[self._data["target"]] = [found[row[0]] for row in chosen]
        codes = self._served.codes(labelled[self._data["target"]])
        self._skipped["label of no known class"] += int(np.isnan(codes).sum())
        return labelled[~np.isnan(codes)], 1 - len(chosen) / len(rows) if rows else 0.0

    def _model_quality(self, labelled):
        truth = self._served.codes(labelled[self._data["target"]])
        before = json.loads(_only(self._options.evaluation).read_text())["metrics"] if self._options.evaluation else {}
        metric = self._settings["metric"]
        truth = truth if self._served.problem == "regression" else truth.astype(int)
        answers = self._served.answers(labelled[self._features])
        return quality.judged(metric, truth, answers, before.get(metric, {}).get("value"), seed=self._options.seed)

    def _bias(self, labelled):
        segment = self._settings["segment"]
        parts = []
        for rows in (self._reference, labelled):
            truth = self._served.codes(rows[self._data["target"]])
            chosen = (self._score(rows[self._features]) >= 0.5).astype(int)
            parts.append((rows[segment].astype(object).where(rows[segment].notna(), "missing").tolist(), truth, chosen))
        before, _ = quality.gaps(*parts[0])
        return quality.bias(*parts[1], before, seed=self._options.seed)


def frame(rows, like):
    """Captured rows as a table with the columns and kinds of `like`; a text in a column of numbers is missing."""
    found = pd.DataFrame([row[2] for row in rows], columns=list(like), dtype=object)
    for name in like:
        numeric = pd.api.types.is_numeric_dtype(like[name])
        found[name] = pd.to_numeric(found[name], errors="coerce") if numeric else found[name].map(_text)
    return found


def _text(value):
    return np.nan if value is None else str(value)


def _only(path):
    """The file, or the one file of a folder: SageMaker puts each input into a folder of its own."""
    if path.is_file():
        return path
    [file] = [each for each in path.rglob("*") if each.is_file()]
    return file


def write(folder, found, reference, recent, labelled):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
    if labelled is not None:
        labelled.to_csv(folder / "labelled.csv", index=False)
    (folder / "report.html").write_text(page.page(found, reference, recent), encoding="utf-8")
    print(f"{found['state']}: {found['rows']} rows; {'; '.join(found['causes']) or 'no drift'}")


if __name__ == "__main__":
    main()
