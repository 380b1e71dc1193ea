"""Splits a table into rows to train, to validate and to test with, and tells what is in it.

The same rows in any order are split the same way, and a row rarely changes its set when others are added: a champion
is seldom tested on what it was trained with. Each class is split in the same shares.
"""

# pyright: reportMissingImports=false

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from measures import METRICS
from pandas.api.types import is_numeric_dtype
from toolkit import baseline
from toolkit.table import TableError, manifest, read_table
from toolkit.verdict import metric_of

FEWEST = 3  # one row for each set
MOST_SEGMENTS = 20


def main(argv=None):
    """`--train`, `--validation`, `--test`: a CSV with header in each folder.

    `--baseline`: statistics.json and constraints.json of the training rows, and data.json, which is beside the training
    rows too: hash, bytes and rows of each file read, kinds of the columns, the problem, the versions in S3.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", type=Path, required=True, help="a table, or a folder of tables with one header")
    parser.add_argument("--format", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--target", required=True, help="the column that is to be predicted")
    parser.add_argument("--metric", help="what models will be compared by; only checked here")
    parser.add_argument("--segment", help="the column by which bias will be measured; only checked here")
    parser.add_argument("--manifest", type=Path, help="of the run's first step, or its folder; ends up in data.json")
    for name in ("train", "validation", "test", "baseline"):
        parser.add_argument(f"--{name}", type=Path, required=True, metavar="DIR")
    parser.add_argument("--validation-share", type=float, default=0.2)
    parser.add_argument("--test-share", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=0)
    preprocess(parser.parse_args(argv))


def preprocess(options):
    try:
        frame = read_table(options.input, options.target, options.format)
        check_segment(frame, options.segment)
        described = manifest(options.input, frame, options.target, options.format, options.manifest)
        if options.metric:
            metric_of(options.metric, METRICS[described["problem"]], described["problem"])
        groups = None if described["problem"] == "regression" else options.target
        sets = split(frame, groups, options.validation_share, options.test_share, options.seed)
    except TableError as error:
        sys.exit(str(error))
    for name in ("train", "validation", "test"):
        folder = getattr(options, name)
        folder.mkdir(parents=True, exist_ok=True)
        sets[name].to_csv(folder / f"{name}.csv", index=False)
    write(options.train / "data.json", described)
    write(options.baseline / "data.json", described)
    baseline.write(sets["train"], options.baseline, sets["test"])
    counts = ", ".join(f"{len(rows)} to {name}" for name, rows in sets.items())
    print(f"{len(frame)} rows of {len(frame.columns)} columns, {described['problem']}: {counts}")


def split(frame, groups, validation_share, test_share, seed):
    """The rows of each set; `groups` is the column whose values are shared out evenly, if any. Raises TableError."""
    if min(validation_share, test_share) <= 0 or validation_share + test_share >= 1:
        raise TableError("--validation-share and --test-share must be above 0 and leave something to train with")
    alike = pd.DataFrame({n: c.astype(float) if is_numeric_dtype(c) else c for n, c in frame.items()})
    drawn = mixed(pd.util.hash_pandas_object(alike, index=False), seed)
    chosen = {"test": [], "validation": [], "train": []}
    keys = frame[groups] if groups else pd.Series("row", index=frame.index)
    for value, draws in drawn.groupby(keys.to_numpy()):
        if len(draws) < FEWEST:
            raise TableError(
                f"only {len(draws)} rows have {value!r} as target: {FEWEST} are needed; add or remove some"
            )
        ordered = list(draws.sort_values(kind="stable").index)
        test, validation = (max(1, round(len(draws) * share)) for share in (test_share, validation_share))
        chosen["test"] += ordered[:test]
        chosen["validation"] += ordered[test : test + validation]
        chosen["train"] += ordered[test + validation :]
    order = {place: at for at, place in enumerate(drawn.sort_values(kind="stable").index)}
    return {name: frame.loc[sorted(places, key=lambda place: order[place])] for name, places in chosen.items()}


def mixed(hashes, seed):
    """The hashes of rows as draws that depend on `seed`: pandas keys only those of texts.

    By the finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    """
    draws = hashes.to_numpy(np.uint64) + np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        draws = (draws ^ (draws >> np.uint64(shift))) * np.uint64(factor)
    return pd.Series(draws ^ (draws >> np.uint64(31)), index=hashes.index)


def check_segment(frame, segment):
    """Raises TableError where bias cannot be measured by this column."""
    if segment is None:
        return
    if segment not in frame.columns:
        raise TableError(f"there is no column {segment!r} to measure bias by; name one of {sorted(frame.columns)}")
    if frame[segment].nunique() > MOST_SEGMENTS:
        count = frame[segment].nunique()
        raise TableError(f"{segment!r} has {count} values, too many to measure bias by: name one with {MOST_SEGMENTS}")


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
