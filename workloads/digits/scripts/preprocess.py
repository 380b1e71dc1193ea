"""Splits the digits into shards to cluster and a labelled set to measure the clusters with."""

# pyright: reportMissingImports=false

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from toolkit import baseline

PIXELS = 64
HIGHEST_PIXEL = 16
TEST_SHARE = 0.2
SEED = 0


def main(argv=None):
    """Reads `--input` (64 pixels and a label a row, no header) and writes headerless CSV files.

    `--train`: part-00.csv, part-01.csv... with pixels only, because K-means takes every column for a feature.
    `--test`: features.csv and labels.csv, row by row. `--baseline`: statistics and constraints of the training pixels.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", type=Path, required=True, help="CSV: 64 pixel columns from 0 to 16, then the label")
    parser.add_argument("--train", type=Path, required=True, help="folder for the training shards")
    parser.add_argument("--test", type=Path, required=True, help="folder for features.csv and labels.csv")
    parser.add_argument("--baseline", type=Path, help="folder for statistics.json and constraints.json; none without")
    parser.add_argument("--shards", type=int, default=4, help="training files, at least one for each instance")
    options = parser.parse_args(argv)
    if options.shards < 1:
        parser.error(f"--shards is {options.shards}; it must be at least 1")
    rows = read(options.input)
    # One seed, so that two runs over the same data are measured on the same images.
    rows = np.random.RandomState(SEED).permutation(rows)
    held_out = int(len(rows) * TEST_SHARE)
    test, train = rows[:held_out], rows[held_out:]
    for index, shard in enumerate(np.array_split(train, options.shards)):
        write(options.train / f"part-{index:02d}.csv", shard[:, :PIXELS])
    if options.baseline:  # columns without a header are named as Model Monitor names them
        baseline.write(pd.DataFrame(train[:, :PIXELS]).add_prefix("_c"), options.baseline)
    write(options.test / "features.csv", test[:, :PIXELS])
    write(options.test / "labels.csv", test[:, PIXELS:])
    print(f"{len(train)} images in {options.shards} shards to train on, {len(test)} to test with")


def read(path):
    """The rows of `path` as integers; raises ValueError when they are no digits."""
    rows = np.loadtxt(path, delimiter=",", dtype=np.int64, ndmin=2)
    if rows.shape[1] != PIXELS + 1:
        raise ValueError(f"{path} has {rows.shape[1]} columns; {PIXELS} pixels and a label are expected")
    pixels = rows[:, :PIXELS]
    if pixels.min() < 0 or pixels.max() > HIGHEST_PIXEL:
        raise ValueError(f"{path} has pixels from {pixels.min()} to {pixels.max()}; 0 to {HIGHEST_PIXEL} are expected")
    return rows


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, rows, delimiter=",", fmt="%d")


if __name__ == "__main__":
    main()
