"""Splits the digits into shards to cluster and a labelled set to measure the clusters with."""

# pyright: reportMissingImports=false

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from toolkit import baseline
from toolkit.files import files_of, name_of, noted
from toolkit.table_file import TableError, decoded

PIXELS = 64
HIGHEST_PIXEL = 16
TEST_SHARE = 0.2
SEED = 0


def main(argv=None):
    """Reads `--input` (64 pixels and a label a row, no header) and writes headerless CSV files.

    `--train`: part-00.csv, part-01.csv... with pixels only, because K-means takes every column for a feature.
    `--test`: features.csv and labels.csv, row by row. `--baseline`: data.json, what was read: hash, bytes and rows of
    each file, and the versions in S3; statistics.json and
    constraints.json of the training pixels.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, required=True, help="CSV: 64 pixel columns from 0 to 16, then the label")
    parser.add_argument("--train", type=Path, required=True, help="folder for the training shards")
    parser.add_argument("--test", type=Path, required=True, help="folder for features.csv and labels.csv")
    parser.add_argument("--manifest", type=Path, help="of the run's first step, or its folder; ends up in data.json")
    parser.add_argument(
        "--baseline", type=Path, required=True, help="folder for data.json, statistics.json and constraints.json"
    )
    parser.add_argument("--shards", type=int, default=4, help="training files, at least one for each instance")
    options = parser.parse_args(argv)
    if options.shards < 1:
        parser.error(f"--shards is {options.shards}; it must be at least 1")
    try:
        files = read(options.input)
    except TableError as error:
        sys.exit(str(error))
    described = noted(options.input, {name: len(rows) for name, rows in files.items()}, begin=options.manifest)
    rows = np.concatenate(list(files.values()))
    # One seed, so that two runs over the same data are measured on the same images.
    rows = np.random.RandomState(SEED).permutation(rows)
    held_out = int(len(rows) * TEST_SHARE)
    test, train = rows[:held_out], rows[held_out:]
    for index, shard in enumerate(np.array_split(train, options.shards)):
        write(options.train / f"part-{index:02d}.csv", shard[:, :PIXELS])
    # Columns without a header are named as Model Monitor names them.
    baseline.write(pd.DataFrame(train[:, :PIXELS]).add_prefix("_c"), options.baseline)
    write(options.test / "features.csv", test[:, :PIXELS])
    write(options.test / "labels.csv", test[:, PIXELS:])
    options.baseline.mkdir(parents=True, exist_ok=True)
    (options.baseline / "data.json").write_text(json.dumps(described, indent=1) + "\n")
    print(f"{len(train)} images in {options.shards} shards to train on, {len(test)} to test with")


def read(path):
    """The rows as integers by the name of their file, of one or of all below a folder; raises TableError when they are
    no digits.
    """
    files = {}
    for file in files_of(path, "csv"):
        lines = decoded(file).rstrip("\r\n").splitlines() or [""]
        rows = [_numbers(line, f"row {number} of {file.name}") for number, line in enumerate(lines, 1)]
        files[name_of(path, file)] = np.array(rows, dtype=np.int64)
    labels = np.concatenate([rows[:, PIXELS] for rows in files.values()])
    if len(np.unique(labels)) == 1:
        told = f"the label, column {PIXELS + 1}, is {labels[0]} in all {len(labels)} rows"
        raise TableError(f"{told}: any clusters would be pure; add images with other labels")
    return files


def _numbers(line, place):
    fields = [field.strip() for field in line.split(",")]
    if not any(fields):
        raise TableError(f"{place} is empty: remove it")
    if len(fields) != PIXELS + 1:
        raise TableError(f"{place} has {len(fields)} columns; {PIXELS} pixels and a label are expected: correct it")
    for column, field in enumerate(fields, 1):
        if not field.removeprefix("-").isdecimal():
            told = f"{place} has {field!r} in column {column}"
            raise TableError(f"{told}: write whole numbers, and no line with the columns' names")
    numbers = [int(field) for field in fields]
    lowest, highest = min(numbers[:PIXELS]), max(numbers[:PIXELS])
    if lowest < 0 or highest > HIGHEST_PIXEL:
        told = f"{place} has pixels from {lowest} to {highest}; 0 to {HIGHEST_PIXEL} are expected"
        raise TableError(f"{told}: scale the images to these")
    return numbers


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, rows, delimiter=",", fmt="%d")


if __name__ == "__main__":
    main()
