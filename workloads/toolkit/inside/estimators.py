"""The hook for scikit-learn's estimators that learn in steps: it trains them step by step and records in between.

    watch_estimator(inside, MLPClassifier(), X, y, steps=50, validation=(X_valid, y_valid))

What is exact and what is not:
- MLPClassifier, MLPRegressor, SGDClassifier (log_loss), SGDRegressor (squared_error): a step is one pass over the rows
  by `partial_fit`, without the estimator's own early stopping. Gradients are exact for the mean loss on up to
  ROWS evenly spaced training rows at the end of the step; the optimizer itself follows those of its batches.
- GradientBoosting and HistGradientBoosting, classifiers and regressors: a step is one more tree (per class), by
  `warm_start`. In place of a layer's gradients stands `rows`: the first derivative of the loss (log loss, squared
  error) at each training row, exact. Weights are the new trees' `leaves`, of GradientBoosting only.
Losses are the log loss of classifiers and the mean squared error of regressors, without penalties. Step 0 is the
loss of knowing nothing but how often each class occurs, or the mean, which is what a training has to get below.
"""

# pyright: reportMissingImports=false

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import log_loss, mean_squared_error

from toolkit.inside.layers import backward

ROWS = 1_000
PASSES = ("MLPClassifier", "MLPRegressor", "SGDClassifier", "SGDRegressor")
STAGES = {
    "GradientBoostingClassifier": "n_estimators",
    "GradientBoostingRegressor": "n_estimators",
    "HistGradientBoostingClassifier": "max_iter",
    "HistGradientBoostingRegressor": "max_iter",
}
# What the derivatives here are of.
LOSSES = ("log_loss", "squared_error")


def watch_estimator(inside, estimator, X, y, steps, validation=None):  # noqa: N803 (scikit-learn's own name)
    """Trains for so many steps, records each, and returns the estimator, which is fitted then.

    Raises StopTrainingError, and ValueError for an estimator or a loss that it does not know how to watch.
    """
    name, X, y = type(estimator).__name__, np.asarray(X), np.asarray(y)  # noqa: N806
    if name not in (*PASSES, *STAGES):
        raise ValueError(f"{name} cannot be watched; these can: {', '.join((*PASSES, *STAGES))}")
    loss = getattr(estimator, "loss", "log_loss")
    if loss not in LOSSES:
        raise ValueError(f"{name} has the loss {loss!r}; watched are {' and '.join(LOSSES)}")
    network = name in PASSES
    inside.gradients_are(f"exact, of the mean loss on up to {ROWS} rows" if network else "exact, at each row")
    classes = np.unique(y) if is_classifier(estimator) else None
    if classes is not None:
        inside.labels(y)
    inside.record(0, {"train": loss_of_nothing(y, classes)})
    for step in range(1, steps + 1):
        if network:
            estimator.partial_fit(X, y, **({} if classes is None else {"classes": classes}))
        else:
            estimator.set_params(warm_start=True, **{STAGES[name]: step}).fit(X, y)
        sets = {"train": (X, y)} if validation is None else {"train": (X, y), "validation": validation}
        losses = {part: loss_of(estimator, *rows) for part, rows in sets.items()}
        if inside.due(step):
            inside.record(step, losses, *(_of_network if network else _of_trees)(estimator, X, y))
        else:
            inside.record(step, losses)
    return estimator


def loss_of(estimator, X, y):  # noqa: N803
    """The log loss of a classifier, the mean squared error of a regressor. Weights that overflowed give NaN."""
    if is_classifier(estimator):
        predicted = estimator.predict_proba(X)
        return log_loss(y, predicted, labels=estimator.classes_) if np.isfinite(predicted).all() else float("nan")
    predicted = estimator.predict(X)
    return mean_squared_error(y, predicted) if np.isfinite(predicted).all() else float("nan")


def loss_of_nothing(y, classes):
    """The loss of answering each row with the frequencies of the classes, or without classes with the mean."""
    if classes is None:
        return float(np.var(y))
    shares = np.unique(y, return_counts=True)[1] / len(y)
    return float(-(shares * np.log(shares)).sum())


def row_gradients(estimator, X, y):  # noqa: N803
    """The first derivative of the log loss or half the squared error by the raw prediction, at each row."""
    if not is_classifier(estimator):
        return estimator.predict(X) - y
    gradients = estimator.predict_proba(X) - (np.asarray(y)[:, None] == estimator.classes_)
    return gradients[:, 1] if len(estimator.classes_) == 2 else gradients


def _of_trees(estimator, X, y):  # noqa: N803
    weights = {}
    if hasattr(estimator, "estimators_"):
        trees = [tree.tree_ for tree in estimator.estimators_[-1]]
        weights["leaves"] = np.concatenate([tree.value[tree.children_left < 0].ravel() for tree in trees])
    return {"rows": row_gradients(estimator, X, y)}, weights


def _of_network(estimator, X, y):  # noqa: N803
    every = -(-len(X) // ROWS)
    X, y = X[::every], y[::every]  # noqa: N806
    if hasattr(estimator, "coefs_"):
        coefs, intercepts = estimator.coefs_, estimator.intercepts_
        activation, output, penalty = estimator.activation, estimator.out_activation_, estimator.alpha / len(X)
    else:
        coefs, intercepts = [np.atleast_2d(estimator.coef_).T], [estimator.intercept_]
        # With more than two classes SGD learns each against all others, so each output is a logistic one of its own.
        activation, output = "identity", "logistic" if is_classifier(estimator) else "identity"
        penalty = estimator.alpha if estimator.penalty == "l2" else 0.0
    if is_classifier(estimator):
        columns = estimator.classes_[1:] if coefs[-1].shape[1] == 1 else estimator.classes_
        targets = (y[:, None] == columns).astype(float)
    else:
        targets = y.reshape(len(y), -1)
    gradients, dead = backward(coefs, intercepts, activation, output, X, targets, penalty)
    weights = {f"layer {at + 1} weights": coef for at, coef in enumerate(coefs)}
    return gradients, {**weights, **{f"layer {at + 1} intercepts": one for at, one in enumerate(intercepts)}}, dead
