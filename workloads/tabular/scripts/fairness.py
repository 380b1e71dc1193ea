"""Whom a model treats otherwise, and by what it decides.

The measures of bias are those that SageMaker Clarify names: DPL, DPPL, DI and AD. Source: AWS, "Pre-training Bias
Metrics" and "Post-training Data and Model Bias Metrics"; the facet d is the rows with one value of the segment, the
facet a is all others.
"""

# pyright: reportMissingImports=false

import sys

import inference
import numpy as np
from measures import LOSSES, measure
from model import target_of
from sklearn.inspection import permutation_importance

REPEATS = 5
MOST_ROWS = 2_000  # that are permuted


def bias(estimator, description, frame, segment):
    """For each value of the segment its rows, its metrics, and of two classes the measures of bias."""
    if segment not in frame.columns:
        sys.exit(f"there is no column {segment!r} to measure bias by; there are {', '.join(frame.columns)}")
    matrix = inference.encode(frame, description["columns"])
    target = target_of(frame[description["target"]], description)
    named = frame[segment].astype(object).where(frame[segment].notna(), None)
    found = []
    for value in sorted(named.unique().tolist(), key=str):
        chosen = np.array([one == value for one in named])
        told = {"value": value, "rows": int(chosen.sum())}
        told["metrics"] = measure(description, estimator, matrix[chosen], target[chosen])
        if description["problem"] == "binary" and not chosen.all():
            told.update(_between(estimator.predict(matrix), target, chosen))
        found.append(told)
    positive = description["classes"][1] if description["problem"] == "binary" else None
    return {"segment": segment, "positive": positive, "values": found}


def _between(predicted, target, chosen):
    """Differences between all others and the chosen; 0 (DI: 1) is no bias. The second class is the positive one."""
    label_a, label_d = target[~chosen].mean(), target[chosen].mean()
    share_a, share_d = predicted[~chosen].mean(), predicted[chosen].mean()
    right = predicted == target
    return {
        "DPL": float(label_a - label_d),  # positive proportions in the labels
        "DPPL": float(share_a - share_d),  # positive proportions in the predictions
        "DI": float(share_d / share_a) if share_a else None,  # disparate impact: their ratio
        "AD": float(right[~chosen].mean() - right[chosen].mean()),  # accuracy
    }


def explanation(estimator, description, frame, seed):
    """By how much the loss grows when one column's values are shuffled among the rows: mean and deviation."""
    rows = frame if len(frame) <= MOST_ROWS else frame.sample(MOST_ROWS, random_state=seed)
    matrix = inference.encode(rows, description["columns"])
    target = target_of(rows[description["target"]], description)
    loss = LOSSES[description["problem"]]

    def score(model, shuffled, truth):
        return -measure(description, model, shuffled, truth)[loss]

    found = permutation_importance(estimator, matrix, target, scoring=score, n_repeats=REPEATS, random_state=seed)
    used = [column["name"] for column in description["columns"] if column["kind"] != "dropped"]
    columns = {
        name: {"mean": float(found.importances_mean[at]), "std": float(found.importances_std[at])}
        for at, name in enumerate(used)
    }
    return {"method": f"permutation importance: growth of {loss}", "rows": len(rows), "columns": columns}
