"""Which features a model's answers rest on: Shapley values by sampling, and whether their ranks have changed.

A feature's value for one row is the mean change of the answer when it takes the row's value after others, in random
order, have taken theirs; all begin with the values of a random row of the reference. Sources: Strumbelj and Kononenko,
"Explaining prediction models and individual predictions with feature contributions", 2014; for the comparison of ranks
AWS, "Feature Attribution Drift", which alerts below an NDCG of 0.90.
"""

# pyright: reportMissingImports=false

import numpy as np
import pandas as pd

ROWS, ORDERS = 100, 8
AT_ONCE = 64  # columns whose rows are asked for together: each question to a model takes its time
LEAST_NDCG = 0.90


def importance(answer, rows, reference, *, seed=0):
    """Mean absolute Shapley value of each column, in sum over classes.

    `answer` takes rows (frames) and gives of each a number, or the probability of each class.
    """
    draws, columns = np.random.default_rng(seed), list(rows.columns)
    chosen = rows.sample(min(ROWS, len(rows)), random_state=seed).reset_index(drop=True)
    total = 0.0
    for order in range(ORDERS):
        current = reference.sample(len(chosen), replace=True, random_state=seed * 1000 + order).reset_index(drop=True)
        known = answer(current).reshape(len(chosen), -1)
        permuted, changes = draws.permutation(len(columns)), np.zeros((len(columns), *known.shape))
        for first in range(0, len(columns), AT_ONCE):
            places, steps = permuted[first : first + AT_ONCE], []
            for at in places:
                current = current.assign(**{columns[at]: chosen[columns[at]]})
                steps.append(current)
            answers = answer(pd.concat(steps, ignore_index=True)).reshape(len(steps), *known.shape)
            for at, now in zip(places, answers, strict=True):
                changes[at] = now - known
                known = now
        total = total + changes
    return dict(zip(columns, np.abs(total / ORDERS).mean(axis=1).sum(axis=1).tolist(), strict=True))


def ndcg(before, now):
    """How well the order of `now` agrees with the values of `before`: 1 is the same order."""

    def gain(order):
        return sum(before[name] / np.log2(place + 2) for place, name in enumerate(order))

    best = gain(sorted(before, key=before.get, reverse=True))
    return float(gain(sorted(now, key=now.get, reverse=True)) / best) if best else 1.0


def judged(answer, window, reference, *, seed=0):
    """{ndcg, limit, before, now, drifted, cause}.

    What two halves of the reference differ by is no drift: the limit is no higher than their NDCG.
    """
    half = len(reference) // 2
    shuffled = reference.sample(frac=1.0, random_state=seed)
    parts = [
        importance(answer, part, reference, seed=seed + n) for n, part in enumerate((shuffled[:half], shuffled[half:]))
    ]
    before = {name: (parts[0][name] + parts[1][name]) / 2 for name in parts[0]}
    now = importance(answer, window, reference, seed=seed + 2)
    limit, value = min(LEAST_NDCG, ndcg(parts[0], parts[1])), ndcg(before, now)
    first = [max(values, key=lambda name: values[name]) for values in (before, now)]
    cause = f"ranks of attributions: NDCG {value:.2f}, below {limit:.2f}; first {first[0]} -> {first[1]}"
    drifted = bool(value < limit)
    return {
        "ndcg": value,
        "limit": limit,
        "before": before,
        "now": now,
        "drifted": drifted,
        "cause": cause if drifted else "",
    }
