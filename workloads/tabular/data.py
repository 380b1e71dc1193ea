"""Writes a table that ships with scikit-learn as the CSV that the pipeline reads: wine, or breast cancer.

Runs where scikit-learn is installed: `.venv-cloud/bin/python workloads/tabular/data.py table.csv`.
"""

# pyright: reportMissingImports=false

import argparse
from pathlib import Path

from sklearn.datasets import load_breast_cancer, load_wine

TABLES = {"cancer": load_breast_cancer, "wine": load_wine}


def main() -> None:
    """A header, the measurements (178 x 13, or 569 x 30), and the class in the column `target` (0 to 2, or to 1)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="the CSV file to write")
    parser.add_argument("--table", choices=TABLES, default="wine")
    options = parser.parse_args()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    TABLES[options.table](as_frame=True).frame.to_csv(options.output, index=False)


if __name__ == "__main__":
    main()
