"""Whom the answers treat otherwise than when the model was tested: gaps between the values of a segment.

Selection rate, true and false positive rate are those of Hardt, Price and Srebro, "Equality of Opportunity in
Supervised Learning", 2016.
"""

# pyright: reportMissingImports=false

from collections import Counter

import numpy as np
from chance import dealt, p_value

FEWEST = 30  # rows with one value of the segment, in either sample
GAP = 0.1  # by which a gap may be wider than it was


def judged(now, before, *, rate=0.01, seed=0):
    """{gaps, before, p, rows, drifted, cause}: drifted where a gap is wider by more than GAP, and not by chance.

    Both are (segment, truth, chosen): of each row the segment's value, and 0 or 1. A gap is the largest difference
    between two values; those with fewer than FEWEST rows in either are left out, and where fewer than two are left
    there is None. The chance of each gap is corrected for their number by Bonferroni.
    """
    values = sorted(set.intersection(*(known(part[0]) for part in (now, before))))
    if len(values) < 2:
        return None
    gaps = _gaps(values, *(np.concatenate(pair) for pair in zip(before, now, strict=True)))
    window = (np.arange(len(before[0]) + len(now[0])) >= len(before[0])).astype(float)[None]
    new, old = ({name: float(gap[0]) for name, gap in gaps(part).items()} for part in (window, 1 - window))
    draws = {name: [] for name in new if np.isfinite(new[name] - old[name])}
    for part in dealt(len(before[0]), len(now[0]), seed=seed):
        found, other = gaps(part), gaps(1 - part)
        for name, kept in draws.items():
            kept.append(found[name] - other[name])
    p = {
        name: min(1.0, len(draws) * p_value(new[name] - old[name], np.concatenate(kept)))
        for name, kept in draws.items()
    }
    wider = [name for name in p if p[name] <= rate and new[name] - old[name] > GAP]
    cause = "; ".join(f"gap of {name} between segments {old[name]:.2f} -> {new[name]:.2f}" for name in wider)
    told = {"gaps": {name: new[name] for name in p}, "before": {name: old[name] for name in p}, "p": p}
    rows = {name: int((now[0] == name).sum()) for name in values}
    return {**told, "rows": rows, "drifted": bool(wider), "cause": cause}


def known(segment):
    """The values that have rows enough."""
    return {name for name, count in Counter(segment.tolist()).items() if count >= FEWEST}


def _gaps(values, segment, truth, chosen):
    """A function of counts (draws x rows) that gives the gaps of each draw by name, NaN where they cannot be known."""
    own = np.column_stack([segment == name for name in values])
    among = {"selection_rate": np.ones(len(truth), dtype=bool), "tpr": truth == 1, "fpr": truth == 0}
    parts = {
        name: [(own & rows[:, None]).astype(float) for rows in (chosen.astype(bool) & all_, all_)]
        for name, all_ in among.items()
    }

    def measure(counts):
        return {name: _widest(counts @ some, counts @ all_) for name, (some, all_) in parts.items()}

    return measure


def _widest(some, all_):
    rates = np.divide(some, all_, out=np.full(some.shape, np.nan), where=all_ > 0)
    known = np.isfinite(rates).sum(axis=1)
    return np.where(known > 1, np.fmax.reduce(rates, axis=1) - np.fmin.reduce(rates, axis=1), np.nan)
