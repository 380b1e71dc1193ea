"""Writes the digits that ship with scikit-learn (1,797 images of 8 x 8 pixels) as the CSV that the pipeline reads.

Runs where scikit-learn is installed: `.venv-cloud/bin/python workloads/digits/data.py digits.csv`.
"""

# pyright: reportMissingImports=false

import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits


def main() -> None:
    """64 pixel columns from 0 to 16, then the label (0 to 9); no header."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="the CSV file to write")
    options = parser.parse_args()
    digits = load_digits()
    rows = np.column_stack([digits.data, digits.target])
    options.output.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(options.output, rows, delimiter=",", fmt="%d")


if __name__ == "__main__":
    main()
