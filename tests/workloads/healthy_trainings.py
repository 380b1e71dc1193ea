"""Trains sensibly on real tables with a look inside, and prints as JSON how many trainings there were and which rules
fired in which of them: false alarms, every one."""

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
from sklearn import datasets
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(Path(__file__).parents[2] / "workloads"))
from toolkit.inside import Inside
from toolkit.inside.boosting import Watch
from toolkit.inside.estimators import watch_estimator

# What the estimators' documentation calls usual, and for boosting the settings that keep small tables from overfitting.
CLASSIFIERS = {
    "mlp": (lambda seed: MLPClassifier((32,), random_state=seed), 60),
    "mlp tanh": (lambda seed: MLPClassifier((32, 16), activation="tanh", alpha=0.01, random_state=seed), 60),
    "mlp sgd": (
        lambda seed: MLPClassifier((32,), solver="sgd", learning_rate_init=0.01, batch_size=32, random_state=seed),
        60,
    ),
    "sgd": (lambda seed: SGDClassifier(loss="log_loss", alpha=0.01, random_state=seed), 40),
    "boosting": (
        lambda seed: GradientBoostingClassifier(learning_rate=0.05, max_depth=2, subsample=0.7, random_state=seed),
        60,
    ),
    "hist boosting": (
        lambda seed: HistGradientBoostingClassifier(learning_rate=0.05, max_leaf_nodes=8, random_state=seed),
        60,
    ),
}
REGRESSORS = {
    "mlp": (lambda seed: MLPRegressor(hidden_layer_sizes=(32,), alpha=1.0, random_state=seed), 60),
    "sgd": (lambda seed: SGDRegressor(alpha=0.01, random_state=seed), 40),
    "boosting": (
        lambda seed: GradientBoostingRegressor(learning_rate=0.05, max_depth=2, subsample=0.7, random_state=seed),
        60,
    ),
    "hist boosting": (
        lambda seed: HistGradientBoostingRegressor(learning_rate=0.05, max_leaf_nodes=8, random_state=seed),
        60,
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=100, help="first seed; the rules were tried out on 0 to 4")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    trainings, alarms = 0, []
    for table in ("load_digits", "load_breast_cancer", "load_wine", "load_diabetes"):
        for seed in range(options.first, options.first + options.seeds):
            rows = split(table, seed)
            for name, training in trainings_of(table):
                with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
                    inside = Inside(folder)
                    training(inside, seed, *rows)
                trainings += 1
                alarms += [
                    {"table": table, "seed": seed, "estimator": name, "said": one["message"]}
                    for one in inside.history.about["fired"]
                ]
    sys.stdout.write(json.dumps({"trainings": trainings, "alarms": alarms}, indent=1))


def split(table, seed):
    X, y = getattr(datasets, table)(return_X_y=True)  # noqa: N806
    stratify = y if table != "load_diabetes" else None
    train, valid, y_train, y_valid = train_test_split(X, y, random_state=seed, stratify=stratify)
    scaler = StandardScaler().fit(train)
    if stratify is None:
        y_train, y_valid = ((part - y_train.mean()) / y_train.std() for part in (y_train, y_valid))
    return scaler.transform(train), y_train, scaler.transform(valid), y_valid


def trainings_of(table):
    for name, (make, steps) in (REGRESSORS if table == "load_diabetes" else CLASSIFIERS).items():

        def train(inside, seed, X, y, X_valid, y_valid, make=make, steps=steps):  # noqa: N803
            watch_estimator(inside, make(seed), X, y, steps, (X_valid, y_valid))

        yield name, train
    yield "xgboost", boost


def boost(inside, seed, X, y, X_valid, y_valid):  # noqa: N803
    classes = len(np.unique(y)) if y.dtype.kind == "i" else 0
    objective = {0: "reg:squarederror", 2: "binary:logistic"}.get(classes, "multi:softprob")
    parameters = {"objective": objective, "eta": 0.05, "max_depth": 3, "subsample": 0.7, "seed": seed, "nthread": 1}
    if classes > 2:
        parameters["num_class"] = classes
    rows, valid = xgboost.DMatrix(X, y), xgboost.DMatrix(X_valid, y_valid)
    evals = [(rows, "train"), (valid, "validation")]
    xgboost.train(parameters, rows, 60, evals, callbacks=[Watch(inside, rows)], verbose_eval=False)


if __name__ == "__main__":
    main()
