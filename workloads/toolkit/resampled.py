"""Metrics of rows that count several times or not at all, for many such draws at once."""

# pyright: reportMissingImports=false

import numpy as np

DRAWS = 400  # for a deviation
PIECE = 2_000_000  # counts that are held at a time


def resampled(metric, truth, answers):
    """A function of counts (draws x rows) that gives the metric of each draw, NaN where it has none.

    `truth` holds codes of classes and `answers` their probabilities (rows x classes), or both hold values. Raises
    KeyError for a metric that is none of METRICS.
    """
    return METRICS[metric](truth, answers)


def value(metric, truth, answers):
    """The metric of the rows as they are, NaN where it has none."""
    return float(resampled(metric, truth, answers)(np.ones((1, len(truth))))[0])


def bootstrapped(metric, truth, answers, draws, *, seed=0):
    """The metric of each of `draws` samples of as many rows, drawn with replacement; those without one are left out."""
    measure = resampled(metric, truth, answers)
    found = np.concatenate([measure(counts) for counts in drawn(np.arange(len(truth)), draws, seed)])
    return found[np.isfinite(found)]


def deviations(metrics, truth, answers, *, seed=0):
    """{metric: its standard deviation by the bootstrap}, of those of `metrics` that have one."""
    found = {name: bootstrapped(name, truth, answers, DRAWS, seed=seed) for name in metrics}
    return {name: float(values.std(ddof=1)) for name, values in found.items() if len(values) >= DRAWS / 2}


def drawn(place, draws, seed):
    """How often each row is drawn with replacement (draws x rows), in pieces of some megabytes.

    `place` numbers the rows from 0: those that are alike have one number, and are drawn together.
    """
    random, at_once, distinct = np.random.default_rng(seed), max(1, PIECE // len(place)), place.max() + 1
    for begin in range(0, draws, at_once):
        some = range(min(at_once, draws - begin))
        found = [np.bincount(random.integers(0, distinct, distinct), minlength=distinct) for _ in some]
        yield np.array(found, dtype=float)[:, place]


def _log_loss(truth, answers):
    of_truth = answers[np.arange(len(truth)), truth]
    return _means(-np.log(np.clip(of_truth, np.finfo(float).eps, 1)), finish=lambda loss: loss)


def _accuracy(truth, answers):
    return _means(answers.argmax(axis=1) == truth, finish=lambda share: share)


def _rmse(truth, answers):
    return _means((truth - answers) ** 2, finish=np.sqrt)


def _r2(truth, answers):
    centred = truth - truth.mean()  # the same spread from smaller numbers

    def finish(error, mean, square):
        spread = square - mean**2
        return 1 - error / np.where(spread > 0, spread, np.nan)

    return _means((truth - answers) ** 2, centred, centred**2, finish=finish)


def _means(*columns, finish):
    table = np.column_stack(columns).astype(float)
    return lambda counts: finish(*(counts @ table / counts.sum(axis=1, keepdims=True)).T)


def _auc(truth, answers):
    """Of two classes, or the mean of each class against each other one, as scikit-learn's `ovo`."""
    pairs = [(1, 0)] if answers.shape[1] == 2 else list(np.argwhere(~np.eye(answers.shape[1], dtype=bool)))

    def measure(counts):
        areas = []
        for one, other in pairs:
            rows = np.isin(truth, (one, other))
            areas.append(_area(answers[rows, one], truth[rows] == one, counts[:, rows]))
        return np.mean(areas, axis=0)

    return measure


def _area(score, positive, counts):
    """The chance that a row of the class has the higher score; equal scores are half of it."""
    if not len(score):
        return np.full(len(counts), np.nan)
    order = np.argsort(score, kind="stable")
    firsts = np.flatnonzero(np.diff(score[order], prepend=-np.inf))
    own, others = (
        np.add.reduceat(counts[:, order] * chosen[order], firsts, axis=1) for chosen in (positive, ~positive)
    )
    area = (own * (others.cumsum(axis=1) - others / 2)).sum(axis=1)
    pairs = own.sum(axis=1) * others.sum(axis=1)
    return area / np.where(pairs > 0, pairs, np.nan)


METRICS = {"log_loss": _log_loss, "accuracy": _accuracy, "auc": _auc, "rmse": _rmse, "r2": _r2}
