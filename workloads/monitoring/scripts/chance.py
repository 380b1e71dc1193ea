"""How often chance alone parts two samples so far: all their rows are dealt to the two anew, again and again.

Of rows that are alike in both this is exact, however few they are and whatever is measured of them. Sources: Good,
Permutation, Parametric and Bootstrap Tests of Hypotheses, 2005, chapter 3; of the tail, by the curve that has the
draws' mean, deviation and skewness, Mielke and Berry, Permutation Methods, 2007, chapter 2.
"""

# pyright: reportMissingImports=false

import numpy as np
from scipy.stats import pearson3, skew
from toolkit.resampled import PIECE

DEALS = 2_000


def dealt(first, second, *, seed=0):
    """Which rows are the second sample's (deals x all rows, of 0 and 1), in pieces of some megabytes."""
    random, rows = np.random.default_rng(seed), first + second
    sample, at_once = np.arange(rows) >= first, max(1, PIECE // rows)
    for begin in range(0, DEALS, at_once):
        some = min(at_once, DEALS - begin)
        yield random.permuted(np.tile(sample, (some, 1)), axis=1).astype(float)


def p_value(seen, draws):
    """The share of `draws` that are at least `seen`, which counts as one of them; NaN stands for none.

    Beyond the farthest draw the curve tells, or the smallest share that so many draws can show would hide from low
    rates what is far off.
    """
    draws = draws[np.isfinite(draws)]
    least = 1 / (1 + len(draws))
    beyond = int((draws >= seen - 1e-12).sum())
    if beyond or len(draws) < DEALS / 2 or not draws.std():
        return (1 + beyond) * least
    return min(least, float(pearson3.sf(seen, skew(draws), draws.mean(), draws.std())))
