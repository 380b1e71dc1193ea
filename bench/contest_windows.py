"""How often a challenger wins on the monitor's windows of 14 days: after a drift, by luck, or by being a bit better.

Run in .venv-cloud: `python -m bench.contest_windows --trials 400 --output FILE`. Windows, champion and challenger are
made up: each model is right about a row with a chance of its own, independently of the other. Errors that two models
share, as real ones do, make the difference surer. What reads, chooses and compares the rows is what `evaluate` calls.
"""

# pyright: reportMissingImports=false
import argparse
import importlib
import json
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

SCRIPTS = Path(__file__).parent.parent / "workloads" / "tabular" / "scripts"
DAYS, ROWS = 14, (50, 200, 1000)
CALM, DRIFTED, CHALLENGER = 0.88, 0.55, 0.84  # accuracies: the champion's on a calm and on a drifted day
WORST = 0.01  # the share of windows in which chance lets the champion do as badly as it does in `alarmed`
# (the champion's accuracy on calm days, on drifted ones, how many of these, the challenger's, whether by such chance)
CASES = {
    "1 day": (CALM, DRIFTED, 1, CHALLENGER, False),
    "2 days": (CALM, DRIFTED, 2, CHALLENGER, False),
    "3 days": (CALM, DRIFTED, 3, CHALLENGER, False),
    "equal": (CALM, CALM, 0, CALM, False),
    "alarmed": (CALM, CALM, 0, CALM, True),
    "better": (CHALLENGER, CHALLENGER, 0, CALM, False),
}


class Told:
    """A model of class 0 and 1 that answers what stands in a column of the rows."""

    def __init__(self, place: int) -> None:
        self._place = place

    def predict_proba(self, matrix: Any) -> Any:
        return np.column_stack([1 - matrix[:, self._place], matrix[:, self._place]])


def main() -> None:
    """Writes {case: {rows a day: the share of trials in which the challenger wins}}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, required=True, help="of each case")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--rows", nargs="+", type=int, default=list(ROWS), help="labelled ones a day")
    parser.add_argument("--enough", type=float, help="instead of the scripts' own; inf: all rows of the 14 days")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    sys.path.insert(0, str(SCRIPTS))
    contest: Any = importlib.import_module("contest")
    contest.ENOUGH = options.enough or contest.ENOUGH
    told = {
        case: {rows: share(contest, CASES[case], rows, options.trials) for rows in options.rows}
        for case in options.cases
    }
    options.output.write_text(json.dumps(told) + "\n")


def share(contest: Any, case: tuple[float, float, int, float, bool], rows: int, trials: int) -> float:
    """Of so many seeded trials, those that the challenger wins."""
    random = np.random.default_rng(rows)
    columns = [{"name": name, "kind": "number"} for name in ("row", "ours", "theirs")]
    description = {"target": "truth", "columns": columns, "classes": [0, 1]}
    given = {"champion_test": None, "trained": None, "direction": "maximize", "margin": 0.0, "segment": None}
    wins = 0
    for trial in range(trials):
        with tempfile.TemporaryDirectory() as place:
            write(Path(place), case, rows, random)
            options = SimpleNamespace(**given, recent=Path(place), test=Path(place), seed=trial)
            models = ((Told(place), description) for place in (1, 2))
            wins += contest.contests(options, "accuracy", *models)["recent"]["verdict"] == "wins"
    return wins / trials


def write(folder: Path, case: tuple[float, float, int, float, bool], rows: int, random: np.random.Generator) -> None:
    """Windows of a day each, the last of which are those that drifted."""
    calm, drifted, days, challenger, unlucky = case
    for day in range(DAYS):
        truth = random.integers(0, 2, rows)
        accuracy = calm if day < DAYS - days else drifted
        right = {"ours": random.random(rows) < challenger, "theirs": random.random(rows) < accuracy}
        if unlucky and day == DAYS - 1:
            right["theirs"] = np.arange(rows) < stats.binom.ppf(random.random() * WORST, rows, accuracy)
        answers = {name: np.where(each, truth, 1 - truth) for name, each in right.items()}
        place = folder / f"2026-11-{day + 1:02}T02-00-00Z"
        place.mkdir()
        frame = pd.DataFrame({"row": day * rows + np.arange(rows), **answers, "truth": truth})
        frame.to_csv(place / "labelled.csv", index=False)


if __name__ == "__main__":
    main()
