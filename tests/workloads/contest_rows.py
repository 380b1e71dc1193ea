"""Run by test_challenge.py with the libraries of the jobs: reads what is asked from standard input, answers in JSON.

[{"kind": "swapped", "seed"}]: a random pair of models on random rows, compared in both orders.
[{"kind": "copied", "seed"}]: such a pair on some rows, and on five of each of them.
[{"kind": "luck", "rows", "trials", "models": [...], "test"}]: how often one of two real models that are equal by
construction, since each row takes its two answers in random order, is said to win.
"""

# pyright: reportMissingImports=false

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "workloads" / "tabular" / "scripts")]

import numpy as np  # noqa: E402
from contest import read  # noqa: E402
from evaluate import load  # noqa: E402
from inference import encode  # noqa: E402
from toolkit.challenge import compared, segments  # noqa: E402

METRICS = {"log_loss": False, "accuracy": True, "auc": True, "rmse": False, "r2": True}


def pair_of(random, rows):
    """(metric, truth, the answers of two models)."""
    metric = str(random.choice(list(METRICS)))
    classes = int(random.integers(2, 5))
    if metric in ("rmse", "r2"):
        truth = random.choice([random.normal(size=rows), np.ones(rows)])
        pair = [truth + random.exponential() * random.normal(size=rows) for _ in range(2)]
    else:
        truth = random.integers(0, classes, rows)
        pair = [random.dirichlet(np.ones(classes), rows).round(int(random.integers(1, 5))) for _ in range(2)]
        skill = random.random()
        pair[0][np.arange(rows), truth] += skill
        pair = [one / np.maximum(one.sum(axis=1, keepdims=True), 1e-9) for one in pair]
    return metric, truth, pair


def swapped(asked):
    random = np.random.default_rng(asked["seed"])
    rows = int(random.integers(1, 120))
    metric, truth, pair = pair_of(random, rows)
    values, alike = random.choice(["a", "b", None], rows).tolist(), random.integers(0, 3 * rows, rows)
    margin, limit = random.exponential(0.05, 2)
    told = []
    for ours, theirs in (pair, pair[::-1]):
        given = (metric, METRICS[metric], truth, ours, theirs, alike)
        told.append(compared(*given, margin=margin) | {"segments": segments(*given, values, limit=limit)})
    return told


def copied(asked):
    random, told = np.random.default_rng(asked["seed"]), []
    metric, truth, pair = pair_of(random, 40)
    for times in (1, 5):
        given = [np.repeat(each, times, axis=0) for each in (truth, *pair, np.arange(40))]
        told.append(compared(metric, METRICS[metric], *given))
    return told


def luck(asked):
    random, (first, second) = np.random.default_rng(0), (load(Path(model)) for model in asked["models"])
    described = first[1]
    names = [*(column["name"] for column in described["columns"]), described["target"]]
    frame = read(Path(asked["test"]), "*.csv", names)
    truth = frame[described["target"]].astype(int).to_numpy()
    answers = np.stack([model.predict_proba(encode(frame, told["columns"])) for model, told in (first, second)])
    wins = 0
    for trial in range(asked["trials"]):
        at = random.integers(0, len(truth), asked["rows"])
        turned = random.integers(0, 2, asked["rows"])
        ours, theirs = answers[turned, at], answers[1 - turned, at]
        told = compared("log_loss", False, truth[at], ours, theirs, np.arange(len(at)), seed=trial)
        wins += told["verdict"] == "wins"
    return wins / asked["trials"]


if __name__ == "__main__":
    json.dump(
        [{"swapped": swapped, "copied": copied, "luck": luck}[asked["kind"]](asked) for asked in json.load(sys.stdin)],
        sys.stdout,
    )
