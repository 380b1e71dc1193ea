"""The shape of one feature, as the model was trained with it and as it is now: an SVG in a figure of HTML."""

# pyright: reportMissingImports=false

from html import escape

import numpy as np
import pandas as pd

BARS, DOWN = 16, 60
MOST_VALUES = 200  # of texts that a few bars tell something of
OUTSIDE = 0.005  # of the values at each end that a chart leaves out: one outlier would press all others into one bar


def chart(feature, before, now):
    """`feature` is that of metrics.json; `before` and `now` are its values."""
    shares, ends = _numbers(before, now) if pd.api.types.is_numeric_dtype(before) else _texts(before, now)
    top, width = max(max(pair) for pair in shares) or 1.0, 100 / len(shares)
    bars = "".join(
        f'<rect class="before" x="{at * width:.2f}" y="{DOWN - 56 * old / top:.2f}" width="{width * 0.9:.2f}" '
        f'height="{56 * old / top:.2f}"/>'
        for at, (old, _) in enumerate(shares)
    )
    steps = " ".join(
        f"{x:.2f},{DOWN - 56 * new / top:.2f}"
        for at, (_, new) in enumerate(shares)
        for x in (at * width, (at + 0.9) * width)
    )
    line = f'<polyline class="now" vector-effect="non-scaling-stroke" points="{steps}"/>'
    name = escape(feature["name"])
    drawing = f'<svg viewBox="0 0 100 60" preserveAspectRatio="none" role="img" aria-label="{name}">{bars}{line}</svg>'
    star = '<span class="star">critical</span>' if feature["critical"] else ""
    told = f'<p class="told">{escape(_told(feature))}</p>'
    axis = f'<p class="axis"><span>{escape(ends[0])}</span><span>{escape(ends[1])}</span></p>'
    css = ' class="changed"' if feature["drifted"] else ""
    return f"<figure{css}><figcaption><b>{name}</b>{star}</figcaption>{told}{drawing}{axis}</figure>"


def _told(feature):
    if feature["drifted"]:
        return f"{feature['told']} (p {feature['p_corrected']:.1e})"
    if feature["p_corrected"] <= 0.01:
        return "a change too small to matter"
    return f"no change (p {feature['p_corrected']:.2g})"


def _numbers(before, now):
    """(pairs of shares of bins, what stands at both ends)."""
    known = [values.dropna().to_numpy(dtype=float) for values in (before, now)]
    if not any(len(values) for values in known):
        return [(0.0, 0.0)], ("", "no value")
    ends = [np.quantile(values, [OUTSIDE, 1 - OUTSIDE], method="nearest") for values in known if len(values)]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    # By quarters, whose difference is finite even of the largest numbers. Some may be alike.
    first, last = (low, high) if low < high else (low - 0.5, high + 0.5)
    edges = 4 * np.linspace(first / 4, last / 4, BARS + 1)
    counts = [np.histogram(values.clip(low, high), edges)[0] / max(1, len(values)) for values in known]
    return list(zip(*(part.tolist() for part in counts), strict=True)), (f"{low:.4g}", f"{high:.4g}")


def _texts(before, now):
    """(pairs of shares of the commonest values, how they are called)."""
    old, new = (values.value_counts(normalize=True) for values in (before, now))
    if (different := len(old.index.union(new.index))) > MOST_VALUES:
        return [(0.0, 0.0)], (f"{different:,} different values, too many to draw", "")
    names = old.add(new, fill_value=0).sort_values(ascending=False, kind="stable").index[:BARS]
    shares = [(float(old.get(name, 0)), float(new.get(name, 0))) for name in names]
    if not shares:
        return [(0.0, 0.0)], ("", "no value")
    called = ", ".join(_short(name) for name in names[:4])
    more = different - min(4, len(names))
    return shares, (called, f"and {more:,} more" if more else "")


def _short(value):
    return value if len(value) <= 14 else f"{value[:13]}…"
