"""Trains on real tables with one fault each and a look inside; prints as JSON by fault the rules that fired."""

# pyright: reportMissingImports=false

import argparse
import contextlib
import io
import json
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import xgboost
from healthy_trainings import split
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.neural_network import MLPClassifier

sys.path.insert(0, str(Path(__file__).parents[2] / "workloads"))
from toolkit.inside import Inside
from toolkit.inside.boosting import Watch
from toolkit.inside.estimators import watch_estimator


def started(estimator, X, y):  # noqa: N803
    """The network with its weights made, so that they can be spoilt."""
    return estimator.partial_fit(X, y, classes=np.unique(y))


def deep_sigmoids_with_tiny_weights(inside, seed):
    X, y, *_ = split("load_digits", seed)  # noqa: N806
    network = started(MLPClassifier((32,) * 6, activation="logistic", random_state=seed), X, y)
    network.coefs_ = [coef * 0.01 for coef in network.coefs_]
    watch_estimator(inside, network, X, y, 10)


def steps_too_large_for_a_linear_model(inside, seed):
    X, y, *_ = split("load_diabetes", seed)  # noqa: N806
    coef = np.zeros(X.shape[1])
    rate = 3 / np.linalg.eigvalsh(X.T @ X / len(X))[-1]  # stable are rates up to 2 by the largest eigenvalue
    for step in range(40):
        error = X @ coef - y
        gradient = X.T @ error / len(X)
        inside.record(step, {"train": np.mean(error**2)}, {"coef": gradient}, {"coef": coef})
        coef = coef - rate * gradient


def steps_too_small(inside, seed):
    X, y, *_ = split("load_digits", seed)  # noqa: N806
    watch_estimator(inside, MLPClassifier((32,), learning_rate_init=1e-7, random_state=seed), X, y, 25)


def steps_too_large(inside, seed):
    X, y, *_ = split("load_digits", seed)  # noqa: N806
    network = MLPClassifier((32,), solver="sgd", learning_rate_init=5.0, random_state=seed)
    watch_estimator(inside, network, X, y, 25)


def labels_of_other_rows(inside, seed):
    X, y, X_valid, y_valid = split("load_breast_cancer", seed)  # noqa: N806
    y = np.random.RandomState(seed).permutation(y)
    watch_estimator(inside, MLPClassifier((200,), random_state=seed), X, y, 150, (X_valid, y_valid))


def few_rows_and_a_large_network(inside, seed):
    X, y, X_valid, y_valid = split("load_breast_cancer", seed)  # noqa: N806
    network = MLPClassifier((200, 200), learning_rate_init=0.01, alpha=0.0, random_state=seed)
    watch_estimator(inside, network, X[:40], y[:40], 60, (X_valid, y_valid))


def few_rows_and_deep_trees(inside, seed):
    X, y, X_valid, y_valid = split("load_breast_cancer", seed)  # noqa: N806
    trees = GradientBoostingClassifier(learning_rate=0.3, max_depth=6, random_state=seed)
    watch_estimator(inside, trees, X[:60], y[:60], 60, (X_valid, y_valid))


def too_many_trees(inside, seed):
    X, y, X_valid, y_valid = split("load_breast_cancer", seed)  # noqa: N806
    trees = HistGradientBoostingClassifier(learning_rate=0.5, min_samples_leaf=2, random_state=seed)
    watch_estimator(inside, trees, X, y, 60, (X_valid, y_valid))


def few_rows_and_deep_trees_of_xgboost(inside, seed):
    X, y, X_valid, y_valid = split("load_breast_cancer", seed)  # noqa: N806
    rows = xgboost.DMatrix(X[:60], y[:60])
    evals = [(rows, "train"), (xgboost.DMatrix(X_valid, y_valid), "validation")]
    parameters = {
        "objective": "binary:logistic",
        "eta": 0.5,
        "lambda": 0,
        "min_child_weight": 0,
        "seed": seed,
        "nthread": 1,
    }
    xgboost.train(parameters, rows, 60, evals, callbacks=[Watch(inside, rows)], verbose_eval=False)


def strongly_negative_biases(inside, seed):
    X, y, *_ = split("load_digits", seed)  # noqa: N806
    network = started(MLPClassifier((32, 32), random_state=seed), X, y)
    network.intercepts_[0] -= 100.0
    watch_estimator(inside, network, X, y, 10)


def one_class_in_thirty(inside, seed):
    X, y, *_ = split("load_breast_cancer", seed)  # noqa: N806
    kept = np.concatenate([np.flatnonzero(y == 1), np.flatnonzero(y == 0)[:8]])
    watch_estimator(inside, GradientBoostingClassifier(max_depth=2, random_state=seed), X[kept], y[kept], 3)


FAULTS = (
    deep_sigmoids_with_tiny_weights,
    steps_too_large_for_a_linear_model,
    steps_too_small,
    steps_too_large,
    labels_of_other_rows,
    few_rows_and_a_large_network,
    few_rows_and_deep_trees,
    too_many_trees,
    few_rows_and_deep_trees_of_xgboost,
    strongly_negative_biases,
    one_class_in_thirty,
)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=100, help="first seed; the rules were tried out on 0 to 4")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    found = {fault.__name__: [] for fault in FAULTS}
    for fault in FAULTS:
        for seed in range(options.first, options.first + options.seeds):
            with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
                inside = Inside(folder)
                fault(inside, seed)
            found[fault.__name__].append([one["symptom"] for one in inside.history.about["fired"]])
    sys.stdout.write(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
