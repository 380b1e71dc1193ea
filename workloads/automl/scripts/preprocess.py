"""Splits a table into what Autopilot searches a model of and rows held out to measure the model with."""

# pyright: reportMissingImports=false

import argparse
import json
import sys
from pathlib import Path

from evaluate import METRICS
from sklearn.model_selection import train_test_split
from toolkit import baseline
from toolkit.table import TableError, manifest, problem_of, read_table
from toolkit.verdict import metric_of

HELD_OUT = 0.2
SEED = 0
LEAST_ROWS = 500  # that Autopilot trains with: API reference, CreateAutoMLJobV2


def main(argv=None):
    """Reads `--input`, a file or a folder, and writes CSV files in UTF-8.

    `--train`: train.csv with a header and the target. `--features`: features.csv without both, as Autopilot's
    containers take rows. `--labels`: labels.csv, the target of the same rows, without a header. `--baseline`:
    data.json, what was read: hash, bytes and rows of each file, kinds of the columns, the problem, the versions in S3;
    statistics.json and constraints.json of the rows to search with.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, required=True, help="the table: a file, or a folder of files")
    parser.add_argument("--target", required=True, help="the column that is to be predicted")
    parser.add_argument("--format", choices=["csv", "parquet"], default="csv")
    parser.add_argument("--train", type=Path, required=True, help="folder for train.csv")
    parser.add_argument("--features", type=Path, required=True, help="folder for features.csv")
    parser.add_argument("--labels", type=Path, required=True, help="folder for labels.csv")
    parser.add_argument("--metric", help="what will decide, if the table is to tell the problem; only checked here")
    parser.add_argument(
        "--baseline", type=Path, required=True, help="folder for data.json, statistics.json and constraints.json"
    )
    parser.add_argument("--manifest", type=Path, help="of the run's first step, or its folder; ends up in data.json")
    options = parser.parse_args(argv)
    try:
        table = read_table(options.input, options.target, options.format)
        described = manifest(options.input, table, options.target, options.format, options.manifest)
        if options.metric:
            metric_of(options.metric, METRICS[described["problem"]], described["problem"])
        train, held_out = split(table, options.target)
    except TableError as error:
        sys.exit(str(error))
    features = held_out.drop(columns=options.target)
    for folder, name, rows, header in (
        (options.train, "train.csv", train, True),
        (options.features, "features.csv", features, False),
        (options.labels, "labels.csv", held_out[options.target], False),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        rows.to_csv(folder / name, index=False, header=header)
    options.baseline.mkdir(parents=True, exist_ok=True)
    (options.baseline / "data.json").write_text(json.dumps(described, indent=1) + "\n")
    baseline.write(train, options.baseline)
    print(f"{len(train)} rows to search with, {len(held_out)} held out")


def split(table, target):
    """(rows to train with, rows held out), each class in both in the same share. Raises TableError."""
    classes = None if problem_of(table[target]) == "regression" else table[target]
    if classes is not None and (fewest := classes.value_counts()).iloc[-1] < 10:
        value, count = fewest.index[-1], fewest.iloc[-1]
        raise TableError(f"the target {target!r} is {value!r} in {count} rows: 10 are needed to learn and to measure")
    # One seed, so that two runs over the same data are measured on the same rows.
    train, held_out = train_test_split(table, test_size=HELD_OUT, random_state=SEED, stratify=classes)
    if len(train) < LEAST_ROWS:
        needed = round(LEAST_ROWS / (1 - HELD_OUT))
        raise TableError(f"the table has {len(table)} rows: Autopilot needs {needed}, a fifth of which is held out")
    return train, held_out


if __name__ == "__main__":
    main()
