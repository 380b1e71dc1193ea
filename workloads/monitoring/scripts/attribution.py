"""Which features a model's answers rest on: Shapley values by sampling, and whether their ranks have changed.

A feature's value for one row is the mean change of the answer when it takes the row's value after others, in random
order, have taken theirs; all begin with the values of a random row of the reference. Sources: Strumbelj and Kononenko,
"Explaining prediction models and individual predictions with feature contributions", 2014; for the comparison of ranks
AWS, "Feature Attribution Drift", which alerts below an NDCG of 0.90.
"""

# pyright: reportMissingImports=false

import numpy as np
import pandas as pd
from chance import dealt, p_value

ROWS, ORDERS = 200, 8
AT_ONCE = 64  # columns whose rows are asked for together: each question to a model takes its time
# The smallest change that matters: half the sum of the differences of the features' shares, or that of their ranks.
MOVED, LEAST_NDCG = 0.1, 0.90


def judged(answer, window, reference, *, rate=0.01, seed=0):
    """{moved, ndcg, p, before, now, drifted, cause}: drifted where it is enough to matter, and not by chance.

    `answer` takes rows (frames) and gives of each a number, or the probability of each class; `rate` is how often
    chance may be called drift. `moved` is the distance of the features' shares, 0 to 1.
    """
    old, new = (rows.sample(min(ROWS, len(rows)), random_state=seed) for rows in (reference, window))
    values = importances(answer, pd.concat([old, new], ignore_index=True), reference, seed=seed)
    second = (np.arange(len(values)) >= len(old)).astype(float)[None]
    before, now = (shares[0] for shares in _shares(values, second))
    moved = float(_distance(before, now))
    draws = [_distance(*_shares(values, part)) for part in dealt(len(old), len(new), seed=seed)]
    told = {"moved": moved, "ndcg": ndcg(before, now), "p": p_value(moved, np.concatenate(draws))}
    drifted = told["p"] <= rate and (moved >= MOVED or told["ndcg"] < LEAST_NDCG)
    shares = {name: dict(zip(window, part.tolist(), strict=True)) for name, part in (("before", before), ("now", now))}
    largest = window.columns[np.abs(now - before).argmax()]
    words = f"{largest} {shares['before'][largest]:.0%} -> {shares['now'][largest]:.0%}"
    cause = f"{moved:.0%} of what the answers rest on moved, most {words}" if drifted else ""
    return {**told, **shares, "drifted": drifted, "cause": cause}


def _shares(values, second):
    """Of the rows of either sample the features' shares (draws x features); `second` tells whose each row is."""
    sums = (1 - second) @ values, second @ values
    return [part / np.maximum(part.sum(axis=1, keepdims=True), 1e-300) for part in sums]


def _distance(before, now):
    return np.abs(before - now).sum(axis=-1) / 2


def importances(answer, rows, reference, *, seed=0):
    """The absolute Shapley value of each column for each row (rows x columns), in sum over classes."""
    draws, columns = np.random.default_rng(seed), list(rows.columns)
    total = 0.0
    for order in range(ORDERS):
        current = reference.sample(len(rows), replace=True, random_state=seed * 1000 + order).reset_index(drop=True)
        known = answer(current).reshape(len(rows), -1)
        permuted, changes = draws.permutation(len(columns)), np.zeros((len(columns), *known.shape))
        for first in range(0, len(columns), AT_ONCE):
            places, steps = permuted[first : first + AT_ONCE], []
            for at in places:
                current = current.assign(**{columns[at]: rows[columns[at]]})
                steps.append(current)
            answers = answer(pd.concat(steps, ignore_index=True)).reshape(len(steps), *known.shape)
            for at, now in zip(places, answers, strict=True):
                changes[at] = now - known
                known = now
        total = total + changes
    return np.abs(total / ORDERS).sum(axis=2).T


def ndcg(before, now):
    """How well the order of `now` agrees with the values of `before`: 1 is the same order."""
    discounts = 1 / np.log2(np.arange(len(before)) + 2)
    best = np.sort(before)[::-1] @ discounts
    return float(before[np.argsort(-now, kind="stable")] @ discounts / best) if best else 1.0
