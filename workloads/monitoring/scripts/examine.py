"""Compares what a model was asked in a window with the rows that it was trained with.

Writes metrics.json (docs/monitoring.md tells its members), report.html and labelled.csv, the rows whose label is known;
and evidently.html where Evidently is installed. Rows and files that cannot be read are counted, and end nothing: there
is a report whatever was captured.
"""

# pyright: reportMissingImports=false

import argparse
import json
import math
import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path

import batch
import captured
import page
import second
import tables
from examination import Examination
from toolkit.asked import moment_of

# How much is kept of a window; more is sampled, so that memory does not grow with traffic, columns nor texts.
MOST_ROWS, MOST_FIELDS, MOST_CHARACTERS = 20_000, 2_000_000, 50_000_000
DEFAULTS = {
    "kinds": ["data-quality"],
    "critical": [],
    "minimum_rows": 200,
    "false_alarm_rate": 0.01,
    "drift_share": 0.3,
    "segment": None,
    "metric": None,
    "delay_hours": 0,
    "evidently": False,
}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--capture", type=Path, metavar="DIR", help="files of an endpoint's data capture")
    source.add_argument("--asked", type=Path, metavar="DIR", help="objects that batch transform read; with --answered")
    parser.add_argument("--answered", type=Path, metavar="DIR", help="objects that it wrote, each <name>.out")
    parser.add_argument("--baseline", type=Path, required=True, metavar="DIR", help="data.json and rows")
    parser.add_argument("--watch", type=Path, required=True, metavar="FILE", help="what the first step noted, JSON")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="emptied first")
    parser.add_argument("--labels", type=Path, metavar="DIR", help="CSV files with inference_id and label")
    parser.add_argument(
        "--model", type=Path, metavar="FILE", help="model.tar.gz; without it there is only data quality"
    )
    parser.add_argument("--evaluation", type=Path, metavar="FILE", help="evaluation.json of the model's registration")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    if options.asked and not options.answered:
        parser.error("--asked needs --answered")
    examine(options)


def examine(options):
    watch = json.loads(tables.only(options.watch, "watch.json").read_text())
    settings = {**DEFAULTS, **watch.get("settings", {})}
    data = json.loads((options.baseline / "data.json").read_text())
    reference, tested = (tables.read(options.baseline / name, data) for name in ("reference.csv", "tested.csv"))
    if reference is None:
        raise FileNotFoundError(f"{options.baseline} holds no reference.csv: the model is too old, train a new one")
    features = [name for name in reference if name != data["target"]]
    window, skipped = Window(watch["window"], settings["delay_hours"], len(features)), Counter()
    for key, moment, row, _ in _rows(options, features, skipped, window, watch):
        window.offer((key, moment, row))
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
    recent, labelled = tables.frame(window.recent.rows, reference[features]), None
    if found["state"] == "examined":
        examination = Examination(options, settings, data, reference, tested, skipped)
        found["kinds"], labelled = examination.of(recent, window.older.rows)
        found["causes"] = [f"{name}: {cause}" for name, kind in found["kinds"].items() for cause in kind.pop("causes")]
        found["faults"] = examination.faults
    found["skipped"] = {name: count for name, count in sorted(skipped.items()) if count}
    compared = tables.compared(reference[features]), tables.compared(recent)
    write(options.output, finite(found), *compared, labelled, evidently=settings["evidently"])


def _rows(options, features, skipped, window, watch):
    if options.capture:
        return captured.read(options.capture, features, skipped, window.wants)
    complete = {name: moment_of(text) for name, text in watch["complete"].items()}
    return batch.read(options.asked, options.answered, features, skipped, complete)


class Window:
    """Two samples: rows of the window, and rows of the same length that are old enough for labels to be there."""

    def __init__(self, told, delay_hours, columns):
        self._start, self._end = (moment_of(told[name]) for name in ("start", "end"))
        self._delay = timedelta(hours=delay_hours)
        most = min(MOST_ROWS, MOST_FIELDS // columns)
        self.recent, self.older = (captured.Sample(most, MOST_CHARACTERS, seed) for seed in (1, 2))

    def wants(self, moment):
        return self._within(moment) or self._within(moment + self._delay)

    def _within(self, moment):
        return self._start <= moment < self._end

    def offer(self, row):
        if self._within(row[1]):
            self.recent.offer(row)
        if self._within(row[1] + self._delay):
            self.older.offer(row)

    def state(self, minimum):
        if not self.recent.offered:
            return "no-traffic"
        return "examined" if self.recent.offered >= minimum else "too-little"


def finite(told):
    """With None in place of each number that is not finite, which JSON does not have."""
    if isinstance(told, dict):
        return {name: finite(one) for name, one in told.items()}
    if isinstance(told, (list, tuple)):
        return [finite(one) for one in told]
    return None if isinstance(told, float) and not math.isfinite(told) else told


def _emptied(folder):
    """Else what the model left there would be taken for what was found."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def write(folder, found, reference, recent, labelled, *, evidently):
    _emptied(folder)
    (folder / "metrics.json").write_text(json.dumps(found, indent=1, allow_nan=False) + "\n")
    if labelled is not None:
        # With such ends of lines each value that holds a part of one is quoted, so that it can be read again.
        labelled.to_csv(folder / "labelled.csv", index=False, lineterminator="\r\n")
    (folder / "report.html").write_text(page.page(found, reference, recent), encoding="utf-8")
    if evidently and found["state"] == "examined" and second.write(folder, reference, recent):
        (folder / "report.html").write_text(page.page(found, reference, recent, second.NAME), encoding="utf-8")
    print(f"{found['state']}: {found['rows']} rows; {'; '.join(found['causes']) or 'no drift'}")


if __name__ == "__main__":
    main()
