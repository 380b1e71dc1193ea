"""Our decisions and Evidently's on the same windows, half of them with a drift.

Run in .venv-cloud: `python -m bench.drift_evidently --windows 20 --output FILE`. Evidently is asked as it comes: its
preset for drift, each column by the test that it chooses itself, a window by half of its columns.
"""

# pyright: reportMissingImports=false
import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer

from bench.drift_windows import CRITICAL, apart, judged, shifted


def main() -> None:
    """Writes {"windows", "columns", "both", "neither", "ours", "theirs": columns that drifted for whom, "seconds",
    "drifts": of windows, "clean": of columns without drift, what each side has said}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    os.environ["DO_NOT_TRACK"] = "1"
    table, draws = load_breast_cancer(as_frame=True).data, np.random.default_rng(1)
    columns = {"both": 0, "neither": 0, "ours": 0, "theirs": 0}
    windows = {"with a shift": [0, 0, 0], "without": [0, 0, 0]}
    for number in range(options.windows):
        shift = number % 2 == 0
        reference, window = shifted(table, draws) if shift else apart(table, draws)
        ours, theirs = _ours(reference, window), _theirs(reference, window)
        told = windows["with a shift" if shift else "without"]
        told[:] = told[0] + 1, told[1] + ours[1], told[2] + theirs[1]
        for name in reference:
            mine, other = name in ours[0], name in theirs[0]
            columns["both" if mine and other else "ours" if mine else "theirs" if other else "neither"] += 1
    options.output.write_text(json.dumps({"columns": columns, "windows": windows}) + "\n")


def _ours(reference: pd.DataFrame, window: pd.DataFrame) -> tuple[set[str], bool]:
    features, drifted = judged(reference, window, CRITICAL)
    return {feature["name"] for feature in features if feature["drifted"]}, drifted


def _theirs(reference: pd.DataFrame, window: pd.DataFrame) -> tuple[set[str], bool]:
    from evidently import Report
    from evidently.presets import DataDriftPreset

    told: dict[str, Any] = Report([DataDriftPreset()]).run(window, reference).dict()
    found, drifted = set[str](), False
    for metric in told["metrics"]:
        config, value = metric["config"], metric["value"]
        if "column" in config:
            # Of a distance more is drift, of a p-value less.
            far = value >= config["threshold"] if "distance" in config["method"] else value < config["threshold"]
            found |= {config["column"]} if far else set()
        else:
            drifted = value["share"] >= config["drift_share"]
    return found, drifted


if __name__ == "__main__":
    main()
