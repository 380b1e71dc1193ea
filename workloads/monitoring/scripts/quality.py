"""How good the answers were, by labels that came later; overall and between the values of a segment.

An interval is that of the bootstrap's percentiles over rows. Source: Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, chapter 13.
"""

# pyright: reportMissingImports=false

import numpy as np
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score, roc_auc_score

DRAWS = 400
CONFIDENCE = 0.99
FEWEST = 30  # labelled rows with one value of the segment
GAP = 0.1  # by which a gap may be wider than it was
# By how much a model may be worse than on its test rows, which are a sample too: of metrics that end at 1, and, of
# losses, the share of what they were.
WORSE, WORSE_SHARE = 0.02, 0.05


def _auc(truth, found):
    score = found[:, 1] if found.shape[1] == 2 else found
    return roc_auc_score(truth, score, multi_class="ovo", labels=np.arange(found.shape[1]))


# Whether more is better, and how it is measured.
MEASURES = {
    "auc": (True, _auc),
    "accuracy": (True, lambda truth, found: accuracy_score(truth, found.argmax(axis=1))),
    "r2": (True, r2_score),
    "log_loss": (False, lambda truth, found: log_loss(truth, found, labels=np.arange(found.shape[1]))),
    "rmse": (False, lambda truth, found: mean_squared_error(truth, found) ** 0.5),
}


def measured(metric, truth, found):
    """`metric` of `found`: values, or the probabilities of all classes (rows x classes, by their codes)."""
    return float(MEASURES[metric][1](truth, found))


def tells(metric, truth, found):
    """Why `metric` tells nothing of these rows; empty where it does."""
    if metric not in MEASURES:
        return f"there is no metric {metric!r}; there are {', '.join(MEASURES)}"
    if (found.ndim == 1 and metric not in ("r2", "rmse")) or (found.ndim == 2 and metric in ("r2", "rmse")):
        return f"{metric} is no metric of what this model answers"
    if metric == "auc" and len(np.unique(truth)) < found.shape[1]:
        return "auc needs labels of every class"
    return ""


def judged(metric, truth, found, before, *, seed=0):
    """{metric, value, interval, before, drifted, cause}: drifted where the whole interval is worse than `before`.

    `before` is what the model reached on its test rows when it was registered, or None. A little worse is no drift.
    """
    value, (low, high) = measured(metric, truth, found), interval(metric, truth, found, seed)
    better = MEASURES[metric][0]
    drifted = before is not None and (high < before - WORSE if better else low > before * (1 + WORSE_SHARE))
    told = {"metric": metric, "value": value, "interval": [low, high], "before": before, "drifted": bool(drifted)}
    cause = f"{metric} {before:.4g} -> {value:.4g} ({low:.4g} to {high:.4g} on {len(truth)} rows)" if drifted else ""
    return {**told, "cause": cause}


def interval(metric, truth, found, seed=0):
    """Of the bootstrap; a draw that lacks a class tells nothing of auc and is left out."""
    draws, values, classes = np.random.default_rng(seed), [], len(np.unique(truth))
    for _ in range(DRAWS):
        rows = draws.integers(0, len(truth), len(truth))
        if metric == "auc" and len(np.unique(truth[rows])) < classes:
            continue
        values.append(measured(metric, truth[rows], found[rows]))
    ends = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]) if values else (-np.inf, np.inf)
    return tuple(float(value) for value in ends)


def gaps(segment, truth, chosen):
    """{selection_rate, tpr, fpr: largest difference between two values of the segment, rows: of each}.

    `truth` and `chosen` are 0 or 1 for each row; a value of the segment with fewer than FEWEST rows is left out.
    """
    rates, rows, segment = {}, {}, np.asarray(segment, dtype=object)
    for value in sorted(set(segment), key=str):
        own = segment == value
        if own.sum() < FEWEST:
            continue
        rows[str(value)] = int(own.sum())
        for name, among in (("selection_rate", own), ("tpr", own & (truth == 1)), ("fpr", own & (truth == 0))):
            if among.any():
                rates.setdefault(name, []).append(float(chosen[among].mean()))
    return {name: max(values) - min(values) for name, values in rates.items() if len(values) > 1}, rows


def bias(segment, truth, chosen, before, *, seed=0):
    """Gaps now and `before`; drifted where the bootstrap says that one has grown by more than GAP."""
    now, rows = gaps(segment, truth, chosen)
    draws, lows = np.random.default_rng(seed), {name: [] for name in now}
    segment = np.asarray(segment, dtype=object)
    for _ in range(DRAWS if now else 0):
        at = draws.integers(0, len(truth), len(truth))
        for name, value in gaps(segment[at], truth[at], chosen[at])[0].items():
            if name in lows:
                lows[name].append(value)
    causes = []
    for name, value in now.items():
        # The gap of a sample is wider than that of everybody: what its draws add to it is taken off it.
        least = 2 * value - float(np.quantile(lows[name], (1 + CONFIDENCE) / 2)) if lows[name] else 0.0
        if least > before.get(name, 0.0) + GAP:
            causes.append(f"gap of {name} between segments {before.get(name, 0.0):.2f} -> {value:.2f}")
    return {"gaps": now, "before": before, "rows": rows, "drifted": bool(causes), "cause": "; ".join(causes)}
