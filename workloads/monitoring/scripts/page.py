"""The report of a window: one HTML file that needs nothing else, no network and no script, in light and in dark."""

# pyright: reportMissingImports=false

from html import escape

import numpy as np
import pandas as pd

BARS, MOST_CHARTS = 16, 60
WORDS = {
    "no-traffic": "Nobody asked anything",
    "too-little": "Too few requests to tell",
    "examined": "No drift",
    "drifted": "Drift",
}
STYLE = """
:root { color-scheme: light dark; --ink: #1c2126; --soft: #55606a; --line: #d9dee3; --page: #fff; --card: #f6f8fa;
  --before: #8a949e; --now: #1f6fb2; --bad: #b3261e }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #a9b3bd; --line: #363d45; --page: #14171a;
  --card: #1c2126; --before: #7d8791; --now: #5aa9e0; --bad: #ff8a80 } }
* { box-sizing: border-box } body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  margin: 0 auto; max-width: 1120px; padding: 24px } h1 { font-size: 24px; margin: 0 } h2 { font-size: 18px }
.soft { color: var(--soft) } .bad { color: var(--bad); font-weight: 600 }
.charts { display: grid; gap: 12px; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)) }
figure { margin: 0; padding: 10px 12px; background: var(--card); border: 1px solid var(--line); border-radius: 8px }
figure.bad { border: 2px solid var(--bad); color: inherit; font-weight: 400 }
figcaption { font-size: 13px; overflow-wrap: anywhere } svg { display: block; width: 100%; height: 72px }
.before { fill: var(--before); opacity: .55 } .now { fill: none; stroke: var(--now); stroke-width: 2 }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: 5px 12px 5px 0;
  border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere }
"""


def page(found, reference, recent):
    """`found` is metrics.json; the rows that are compared give the shapes of the features."""
    drifted = any(kind["drifted"] for kind in found["kinds"].values())
    window = found["window"]
    parts = [
        f"<h1>{WORDS['drifted' if drifted else found['state']]}: {escape(found['workload'])}</h1>",
        f'<p class="soft">{escape(window["start"])} to {escape(window["end"])}, {found["rows"]:,} rows asked, model '
        f"version {escape(str(found['package_version']))}</p>",
        *(f'<p class="bad">{escape(cause)}</p>' for cause in found["causes"]),
        _kinds(found["kinds"]),
        _skipped(found["skipped"]),
    ]
    if quality := found["kinds"].get("data-quality"):
        order = sorted(
            quality["features"], key=lambda one: (not one["drifted"], not one["critical"], one["p_corrected"])
        )
        charts = "".join(_chart(one, reference[one["name"]], recent[one["name"]]) for one in order[:MOST_CHARTS])
        legend = "Grey: the rows that the model was trained with. Line: this window. * critical"
        parts.append(f'<h2>Features</h2><p class="soft">{legend}</p><div class="charts">{charts}</div>')
        if len(order) > MOST_CHARTS:
            parts.append(
                f"<p>{len(order) - MOST_CHARTS} more features, none of which drifted more, are in metrics.json.</p>"
            )
    head = f'<meta charset="utf-8"><title>{escape(found["workload"])}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def _kinds(kinds):
    if not kinds:
        return ""
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td{' class=bad' if kind['drifted'] else ''}>{'drift' if kind['drifted'] else 'ok'}"
        f"</td><td>{escape(_told(name, kind))}</td></tr>"
        for name, kind in kinds.items()
    )
    return f"<h2>What was examined</h2><table><tr><th>monitor<th>state<th>figures</tr>{rows}</table>"


def _told(name, kind):
    if name == "data-quality":
        return f"{sum(one['drifted'] for one in kind['features'])} of {len(kind['features'])} features changed"
    if name == "attribution":
        return f"NDCG {kind['ndcg']:.2f}, drift below {kind['limit']:.2f}"
    labelled = f"{kind['labelled']:,} rows with a label, {kind['unlabelled_share']:.0%} without"
    if not kind["enough"]:
        return f"{labelled}: too few to tell"
    if name == "bias":
        return "; ".join([*(f"gap of {one} {value:.2f}" for one, value in kind["gaps"].items()), labelled])
    low, high = kind["interval"]
    before = "unknown" if kind["before"] is None else f"{kind['before']:.4g}"
    return f"{kind['metric']} {kind['value']:.4g} ({low:.4g} to {high:.4g}), at registration {before}; {labelled}"


def _skipped(skipped):
    told = ", ".join(f"{count:,} {escape(name)}" for name, count in sorted(skipped.items()) if count)
    return f"<p>Could not be read, and was left out: {told}.</p>" if told else ""


def _chart(feature, before, now):
    shares = _shares(before, now)
    top, width = max(max(pair) for pair in shares) or 1.0, 100 / len(shares)
    bars = "".join(
        f'<rect class="before" x="{at * width:.2f}" y="{60 - 56 * old / top:.2f}" width="{width * 0.9:.2f}" '
        f'height="{56 * old / top:.2f}"/>'
        for at, (old, _) in enumerate(shares)
    )
    steps = " ".join(
        f"{x:.2f},{60 - 56 * new / top:.2f}"
        for at, (_, new) in enumerate(shares)
        for x in (at * width, (at + 0.9) * width)
    )
    name = f"{escape(feature['name'])}{' *' if feature['critical'] else ''}"
    told = escape(feature.get("told", "")) if feature["drifted"] else f"p {feature['p_corrected']:.2g}"
    line = f'<polyline class="now" vector-effect="non-scaling-stroke" points="{steps}"/>'
    drawing = f'<svg viewBox="0 0 100 60" preserveAspectRatio="none" role="img" aria-label="{name}">{bars}{line}</svg>'
    css = ' class="bad"' if feature["drifted"] else ""
    return f"<figure{css}><figcaption><b>{name}</b> {told}</figcaption>{drawing}</figure>"


def _shares(before, now):
    """Pairs of shares: of bins for numbers, of the commonest values for texts."""
    if pd.api.types.is_numeric_dtype(before):
        known = [values.dropna().to_numpy(dtype=float) for values in (before, now)]
        both = np.concatenate(known)
        if not len(both):
            return [(0.0, 0.0)]
        edges = np.histogram_bin_edges(both[np.isfinite(both)], BARS)
        counts = [np.histogram(values, edges)[0] / max(1, len(values)) for values in known]
        return list(zip(*(part.tolist() for part in counts)))
    old, new = (values.value_counts(normalize=True) for values in (before, now))
    names = (old.add(new, fill_value=0)).sort_values(ascending=False).index[:BARS]
    return [(float(old.get(name, 0)), float(new.get(name, 0))) for name in names] or [(0.0, 0.0)]
