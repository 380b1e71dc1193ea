"""Whether a model, the challenger, is better than the champion on the same rows, as far as these rows can tell.

The difference of the metric is positive where the challenger is better. Its interval is that of the paired bootstrap's
percentiles: rows drawn with replacement, in each draw the same for both. Those of few rows are too narrow, and so taken
further out. Source: Hesterberg, What Teachers Should Know about the Bootstrap, 2015, "expanded percentile interval".
Rows that are alike are drawn together: they came into a set of rows together, and tell as much as one of them.
docs/challengers.md has how often luck wins.
"""

# pyright: reportMissingImports=false

import numpy as np
from scipy import stats

from toolkit.decision import FEW, LOSES, NOT_WORSE, UNTOLD, WINS, WORSE
from toolkit.resampled import drawn, resampled

FEWEST = 30  # rows that differ, of all or of a segment's value, that say anything
DRAWS = 2_000
CONFIDENCE = 0.95


def compared(metric, maximize, truth, ours, theirs, alike, *, margin=0.0, seed=0):
    """{rows, distinct, challenger, champion, difference, interval, margin, verdict}; `wins`: all of it is above margin.

    `truth` is the code of each row's class, or its value; `ours` and `theirs` are the probabilities of all classes
    (rows x classes, in the order of the codes), or values; `alike` has a number for each row, the same for those that
    are. A difference of rmse is one in standard deviations of the truth, so that margins and limits mean the same for
    any table.
    """
    told = _difference(metric, maximize, truth, ours, theirs, alike, seed)
    verdict = FEW if told["interval"] is None else WINS if told["interval"][0] > margin else LOSES
    return {**told, "margin": margin, "verdict": verdict}


def segments(metric, maximize, truth, ours, theirs, alike, values, *, limit, seed=0):
    """The same for each of the segment's `values` (one a row), as a list of dicts with `value`, `limit` and `verdict`.

    `worse`: worse by more than `limit`, and all of the interval on that side of 0. Worse by more than `limit` with an
    interval that holds 0, or on too few rows, is `not told by its rows`: it forbids nothing.
    """
    found = []
    for value in sorted(set(values), key=str):
        own = np.array([one == value for one in values])
        told = _difference(metric, maximize, truth[own], ours[own], theirs[own], alike[own], seed)
        found.append({"value": value, **told, "limit": limit, "verdict": _of_segment(told, limit)})
    return found


def _difference(metric, maximize, truth, ours, theirs, alike, seed):
    distinct, place = np.unique(alike, return_inverse=True)  # of those that are alike
    everything = np.ones((1, len(truth)))
    spread = (np.std(truth) or 1.0) if metric == "rmse" and len(truth) else 1.0
    sign = (1 if maximize else -1) / spread
    none = dict.fromkeys(("challenger", "champion", "difference", "interval"))
    told = {"rows": len(truth), "distinct": len(distinct), **none}
    if not len(truth):
        return told
    measures = [resampled(metric, truth, answers) for answers in (ours, theirs)]
    challenger, champion = (float(measure(everything)[0]) for measure in measures)
    if not np.isfinite(challenger - champion):
        return told
    told.update(challenger=challenger, champion=champion, difference=float(sign * (challenger - champion)))
    if len(distinct) < FEWEST:
        return told
    pieces = drawn(place, DRAWS, seed)
    found = np.concatenate([sign * (measures[0](counts) - measures[1](counts)) for counts in pieces])
    found = found[np.isfinite(found)]  # auc has no value where a class was not drawn
    if len(found) >= DRAWS / 2:
        tail = _tail(len(distinct))
        told["interval"] = [float(end) for end in np.quantile(found, [tail, 1 - tail])]
    return told


def _tail(rows):
    """The share of draws beyond each end."""
    wide = stats.t.ppf((1 - CONFIDENCE) / 2, rows - 1) * np.sqrt(rows / (rows - 1))
    return float(stats.norm.cdf(wide))


def _of_segment(told, limit):
    if told["interval"] is None:
        return UNTOLD
    if told["difference"] >= -limit:
        return NOT_WORSE
    return WORSE if told["interval"][1] < 0 else UNTOLD
