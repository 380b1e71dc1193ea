"""Whether rows are like those that a model was trained with: a test for each feature, corrected for their number.

Numbers are compared by Kolmogorov and Smirnov's test, categories (and numbers of few different values) by chi-squared,
values that were never seen and values that are missing by Fisher's exact test. The p-values of one feature are joined
by Bonferroni's correction and those of all features by Holm's, which holds however features depend on each other. What
is significant counts only if it is large enough to matter: with many rows the smallest change is significant. What is
measured of this is in docs/monitoring-statistics.md.
"""

# pyright: reportMissingImports=false

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from scipy.stats import chi2_contingency, fisher_exact, ks_2samp

FEW_VALUES = 20  # numbers of no more different ones are categories
LONGEST_SHOWN = 40  # characters of a value in a cause
RARE = 5  # categories that the smaller sample should have less often are counted as one: Cochran, 1954
# The smallest change that matters: of a distribution, the largest distance between the cumulated shares, or half the
# sum of the shares' differences; of values that are missing or new, the difference of their shares.
EFFECT, SHARE_EFFECT = 0.1, 0.02
_NO_TEST = {"test": "none", "statistic": 0.0, "p": 1.0, "matters": False, "told": ""}


def features(reference, window, critical=()):
    """For each column of `reference`: type, test, statistic, p (of the feature), missing shares, effect, critical.

    `window` has the same columns. `p` is not yet corrected for the number of features; `matters` tells whether the
    change that was tested is large enough.
    """
    return [_feature(name, reference[name], window[name], name in critical) for name in reference.columns]


def judged(found, *, false_alarm_rate=0.01, drift_share=0.3):
    """(features with `drifted`, share of them, whether the window has drifted, causes in words).

    It has where a critical feature drifted, or at least `drift_share` of all. Each of the two is tested at half the
    rate at which windows without drift may be called drifted; without critical features the second has all of it.
    """
    chosen = [feature for feature in found if feature["critical"]]
    rate = false_alarm_rate / 2 if chosen else false_alarm_rate
    alone = holm([feature["p"] for feature in chosen])
    by_name = {feature["name"]: p for feature, p in zip(chosen, alone, strict=True)}
    corrected = holm([feature["p"] for feature in found])
    told = []
    for feature, p in zip(found, corrected, strict=True):
        p = min(p, by_name.get(feature["name"], 1.0))
        told.append({**feature, "p_corrected": p, "drifted": bool(p <= rate and feature["matters"])})
    drifted = [feature for feature in told if feature["drifted"]]
    share = len(drifted) / len(told) if told else 0.0
    causes = [_cause(feature) for feature in drifted if feature["critical"]]
    if drifted and share >= drift_share:
        names = ", ".join(feature["name"] for feature in drifted[:5])
        causes.append(f"{len(drifted)} of {len(told)} features changed: {names}{', ...' if len(drifted) > 5 else ''}")
    return told, share, bool(causes), causes


def holm(values):
    """Holm's corrected p-values (1979), in the same order; each is at most 1."""
    order, corrected, highest = np.argsort(values), np.ones(len(values)), 0.0
    for place, at in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - place) * values[at]))
        corrected[at] = highest
    return [float(value) for value in corrected]


def _feature(name, before, after, critical):
    numeric = is_numeric_dtype(before)
    if numeric:
        # As one kind of number: 1 and 1.0 are not two categories.
        before, after = before.astype(float), after.astype(float)
    known, given = before.dropna(), after.dropna()
    tests = [_missing(before, after)]
    if len(known) and len(given):
        if numeric and known.nunique() > FEW_VALUES:
            tests.append(_numbers(known.to_numpy(dtype=float), given.to_numpy(dtype=float)))
        else:
            tests += _categories(known, given)
    tests = [test for test in tests if test]
    # What is too small to matter must not stand before what is not.
    least = min(tests, key=lambda test: (not test["matters"], test["p"]), default=_NO_TEST)
    shares = {"missing": float(after.isna().mean()), "missing_before": float(before.isna().mean())}
    p = min(1.0, least["p"] * max(1, len(tests)))
    return {"name": name, "type": "number" if numeric else "text", **least, "p": p, **shares, "critical": critical}


def _numbers(before, after):
    found = ks_2samp(before, after, method="asymp")
    distance = float(found.statistic)
    moved = "higher" if np.median(after) > np.median(before) else "lower"
    middles = f"median {np.median(before):.4g} -> {np.median(after):.4g}, {moved}"
    return _test("Kolmogorov-Smirnov", distance, found.pvalue, distance >= EFFECT, middles)


def _categories(before, after):
    table = pd.DataFrame({"old": _named(before).value_counts(), "new": _named(after).value_counts()}).fillna(0)
    rare = table.sum(axis=1) * min(len(before), len(after)) / (len(before) + len(after)) < RARE
    counts, names = table[~rare].to_numpy(), [*table.index[~rare], "rare values"]
    if rare.any():
        counts = np.vstack([counts, table[rare].to_numpy().sum(axis=0)])
    tests = [_unseen(table, len(before), len(after))]
    if len(counts) > 1:
        found = chi2_contingency(counts.T, correction=False)
        shares = counts / counts.sum(axis=0)
        changes = np.abs(shares[:, 1] - shares[:, 0])
        largest = int(changes.argmax())
        told = f"{_shown(names[largest])} {shares[largest, 0]:.0%} -> {shares[largest, 1]:.0%}"
        tests.append(_test("chi-squared", found.statistic, found.pvalue, changes.sum() / 2 >= EFFECT, told))
    return tests


def _named(values):
    return values.map("{:.15g}".format) if is_numeric_dtype(values) else values.astype(str)


def _unseen(table, before, after):
    """The commonest of the values that were never seen; corrected for the number of values that it was chosen from."""
    unseen = table[table["old"] == 0]
    if unseen.empty:
        return None
    value, count = unseen["new"].idxmax(), unseen["new"].max()
    p = fisher_exact([[0, before], [count, after - count]], alternative="less").pvalue
    told = f"{_shown(value)} was never seen and is {count / after:.1%}"
    return _test("new value", count / after, min(1.0, p * len(table)), count / after >= SHARE_EFFECT, told)


def _shown(value):
    return repr(value if len(str(value)) <= LONGEST_SHOWN else f"{str(value)[:LONGEST_SHOWN]}...")


def _missing(before, after):
    old, new = int(before.isna().sum()), int(after.isna().sum())
    if not old and not new:
        return None
    p = fisher_exact([[old, len(before) - old], [new, len(after) - new]]).pvalue
    shares = old / max(1, len(before)), new / max(1, len(after))
    matters = abs(shares[0] - shares[1]) >= SHARE_EFFECT
    return _test("missing", abs(shares[0] - shares[1]), p, matters, f"missing {shares[0]:.1%} -> {shares[1]:.1%}")


def _test(name, statistic, p, matters, told):
    return {"test": name, "statistic": float(statistic), "p": float(p), "matters": bool(matters), "told": told}


def _cause(feature):
    return f"{feature['name']} changed ({feature['told']}; {feature['test']}, p {feature['p_corrected']:.1e})"
