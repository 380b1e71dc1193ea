"""How good the answers were, by labels that came later.

The rows of a window are held against those that the model was tested with when it was registered, by `chance`. Where
only what was measured then is known, the interval of the window's metric, by the bootstrap's percentiles, is joined
with that value's deviation. Sources: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13; Zou and
Donner, "Construction of confidence limits about effect measures", 2008.
"""

# pyright: reportMissingImports=false

import math

import numpy as np
from chance import dealt, p_value
from toolkit.resampled import METRICS, bootstrapped, resampled, value

DRAWS = 400
CONFIDENCE, BEYOND = 0.99, 2.576  # of an interval, and how many deviations of a normal value it reaches
# By how much a model may be worse than it was: of metrics that end at 1, and, of losses, the share of what they were.
WORSE, WORSE_SHARE = 0.02, 0.05
LOSSES = ("log_loss", "rmse")


def tells(metric, truth, found):
    """Why `metric` tells nothing of these rows; empty where it does.

    `found` holds values, or the probabilities of all classes (rows x classes, by their codes).
    """
    if metric not in METRICS:
        return f"there is no metric {metric!r}; there are {', '.join(METRICS)}"
    if (found.ndim == 1) != (metric in ("r2", "rmse")):
        return f"{metric} is no metric of what this model answers"
    if metric == "auc" and len(np.unique(truth)) < found.shape[1]:
        return "auc needs labels of every class"
    return ""


def judged(metric, truth, found, tested, *, rate=0.01, seed=0):
    """{metric, value, interval, before, p, drifted, cause}: drifted where it is worse than before, and not by chance.

    `tested` has (truth, answers) of the rows that the model was tested with; `rate` is how often chance may be called
    drift. A little worse is no drift, be it chance or not.
    """
    told = {**measured(metric, truth, found, seed), "before": value(metric, *tested)}
    both = resampled(metric, *(np.concatenate(pair) for pair in zip(tested, (truth, found), strict=True)))
    draws = [_worse(metric, both(now), both(1 - now)) for now in dealt(len(tested[0]), len(truth), seed=seed)]
    worse = _worse(metric, told["value"], told["before"])
    told["p"] = p_value(worse, np.concatenate(draws))
    return _concluded(told, told["p"] <= rate and worse > _margin(metric, told["before"]), len(truth))


def judged_by(metric, truth, found, before, deviation=0.0, *, seed=0):
    """The same where of those rows only the metric's value is known, or None, and its standard deviation."""
    told = {**measured(metric, truth, found, seed), "before": before}
    if before is None:
        return _concluded(told, False, len(truth))
    low, high = told["interval"]
    reach = math.hypot(told["value"] - low if metric in LOSSES else high - told["value"], BEYOND * deviation)
    return _concluded(told, _worse(metric, told["value"], before) - reach > _margin(metric, before), len(truth))


def measured(metric, truth, found, seed=0):
    """{metric, value, interval}; a draw that lacks a class tells nothing of auc."""
    draws = bootstrapped(metric, truth, found, DRAWS, seed=seed)
    ends = np.quantile(draws, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]) if len(draws) else (-np.inf, np.inf)
    return {"metric": metric, "value": value(metric, truth, found), "interval": [float(end) for end in ends]}


def _worse(metric, now, before):
    return now - before if metric in LOSSES else before - now


def _margin(metric, before):
    return before * WORSE_SHARE if metric in LOSSES else WORSE


def _concluded(told, drifted, rows):
    low, high = told["interval"]
    if not drifted:
        return {**told, "drifted": False, "cause": ""}
    words = f"{told['metric']} {told['before']:.4g} -> {told['value']:.4g} ({low:.4g} to {high:.4g} on {rows} rows)"
    return {**told, "drifted": True, "cause": words}
