"""The report of a window: one HTML file that needs nothing else, no network and no script, in light and in dark."""

# pyright: reportMissingImports=false

from html import escape

from chart import chart

MOST_CHARTS, MOST_RANKS = 60, 8
WORDS = {
    "no-traffic": "Nobody asked anything",
    "too-little": "Too few requests to tell",
    "examined": "No drift",
    "drifted": "Drift",
}
STYLE = """
:root { color-scheme: light dark; --ink: #1c2126; --soft: #55606a; --line: #d9dee3; --page: #fff; --card: #f6f8fa;
  --before: #8a949e; --now: #1f6fb2; --bad: #b3261e; --good: #1a7f37; --pale: #fdecea }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #a9b3bd; --line: #363d45; --page: #14171a;
  --card: #1c2126; --before: #7d8791; --now: #5aa9e0; --bad: #ff8a80; --good: #6fce86; --pale: #3a1f1d } }
* { box-sizing: border-box } body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  margin: 0 auto; max-width: 1120px; padding: 24px; overflow-wrap: anywhere }
h1 { font-size: 26px; margin: 0; border-left: 6px solid var(--good); padding-left: 12px }
h1.bad { border-color: var(--bad) } h1.none { border-color: var(--before) }
h2 { font-size: 18px; margin: 28px 0 8px } p { margin: 6px 0 }
.soft, .told, .axis { color: var(--soft) } .bad { color: var(--bad) } td.bad, td.good { font-weight: 600 }
.good { color: var(--good) } h1.bad, h1.good { color: inherit } a { color: var(--now) }
.causes { background: var(--pale); border-radius: 8px; padding: 10px 16px 10px 32px; margin: 14px 0 }
.charts { display: grid; gap: 12px; grid-template-columns: repeat(auto-fill, minmax(250px, 1fr)) }
figure { margin: 0; padding: 10px 12px; background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  display: flex; flex-direction: column; min-width: 0 }
figure.changed { border: 2px solid var(--bad); padding: 9px 11px } figure svg { margin-top: auto }
figcaption { font-size: 14px } .told { font-size: 12px; margin: 0 0 6px; line-height: 1.35 }
.star { font-size: 11px; border: 1px solid var(--line); border-radius: 8px; padding: 0 6px; margin-left: 6px }
.axis { font-size: 11px; margin: 3px 0 0; display: flex; justify-content: space-between; gap: 8px }
svg { display: block; width: 100%; height: 68px } .before { fill: var(--before); opacity: .55 }
.now { fill: none; stroke: var(--now); stroke-width: 2 }
.key { display: inline-block; width: 14px; height: 10px; background: var(--before); opacity: .55; margin-right: 5px }
.key.line { height: 0; border-top: 2px solid var(--now); background: none; opacity: 1; vertical-align: middle }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: 6px 14px 6px 0;
  border-bottom: 1px solid var(--line); vertical-align: top }
th { color: var(--soft); font-weight: 500; font-size: 13px }
td:not(:last-child) { white-space: nowrap } td.number { font-variant-numeric: tabular-nums }
"""


def page(found, reference, recent, more=""):
    """`found` is metrics.json; the rows that are compared give the shapes of features. `more` is a file beside it."""
    parts = [*head(found), _kinds(found), _skipped(found["skipped"])]
    if more:
        parts.append(f'<p><a href="{escape(more)}">The same rows as Evidently sees them</a>, at its own limits.</p>')
    if quality := found["kinds"].get("data-quality"):
        order = sorted(quality["features"], key=_order)
        charts = "".join(chart(one, reference[one["name"]], recent[one["name"]]) for one in order[:MOST_CHARTS])
        parts.append(f'<h2>Features</h2>{_legend(found)}<div class="charts">{charts}</div>')
        if len(order) > MOST_CHARTS:
            parts.append(f"<p>{len(order) - MOST_CHARTS} more features are in metrics.json.</p>")
    if ranks := found["kinds"].get("attribution"):
        parts.append(_ranks(ranks))
    return whole(found["workload"], parts)


def _order(feature):
    return not feature["drifted"], not feature["critical"], feature["p_corrected"]


def whole(title, parts):
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>'
    head += '<meta name="viewport" content="width=device-width">'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def head(found):
    """Title, window and causes."""
    drifted = any(kind["drifted"] for kind in found["kinds"].values())
    state = "drifted" if drifted else found["state"]
    css = {"drifted": "bad", "examined": "good"}.get(state, "none")
    window = " to ".join(found["window"][name].replace("T", " ").replace("Z", "") for name in ("start", "end"))
    told = f"{window} UTC · {found['rows']:,} rows asked · model version {found['package_version']}"
    yield f'<h1 class="{css}">{WORDS[state]}: {escape(found["workload"])}</h1><p class="soft">{escape(told)}</p>'
    if found["causes"]:
        yield f'<ul class="causes">{"".join(f"<li>{escape(cause)}</li>" for cause in found["causes"])}</ul>'


def _legend(found):
    keys = '<span class="key"></span>trained with &nbsp; <span class="key line"></span>this window'
    sampled = "" if found["examined_rows"] == found["rows"] else f", a sample of {found['examined_rows']:,} rows"
    return f'<p class="soft">{keys}{sampled}. What changed stands first, then what is critical.</p>'


def _kinds(found):
    faults = found.get("faults", {})
    rows = [
        f"<tr><td>{escape(name)}<td{_state(kind)}<td>{escape(_told(name, kind, faults))}"
        for name, kind in found["kinds"].items()
    ]
    # What stands here and not above could not be examined at all.
    rows += [
        f'<tr><td>{escape(name)}<td class="bad">not examined<td>{escape(why)}'
        for name, why in faults.items()
        if name not in found["kinds"]
    ]
    table = f"<table><tr><th>monitor<th>state<th>figures{''.join(rows)}</table>"
    return f"<h2>What was examined</h2>{table}" if rows else ""


def _state(kind):
    if kind["drifted"]:
        return ' class="bad">drift'
    return ' class="good">no drift' if kind.get("enough", True) else ' class="soft">not known'


def _told(name, kind, faults):
    if name == "data-quality":
        told = f"{sum(one['drifted'] for one in kind['features'])} of {len(kind['features'])} features changed"
        return f"{told}; {faults[name]}" if name in faults else told
    if name == "attribution":
        return f"{kind['moved']:.0%} moved, NDCG {_number(kind['ndcg'])}, p {_number(kind['p'])}"
    labelled = f"{kind['labelled']:,} rows with a label, {kind['unlabelled_share']:.0%} without"
    if not kind["enough"]:
        few = "too few of two values of the segment" if name == "bias" else "too few to tell"
        return f"{labelled}: {faults.get(name, few)}"
    if name == "bias":
        gaps = [f"gap of {one} {_number(now)}, was {_number(kind['before'][one])}" for one, now in kind["gaps"].items()]
        return "; ".join([*gaps, labelled])
    low, high = map(_number, kind["interval"])
    before = f"at registration {_number(kind['before'])}" + (f", p {_number(kind['p'])}" if "p" in kind else "")
    return f"{kind['metric']} {_number(kind['value'])} ({low} to {high}), {before}; {labelled}"


def _number(value):
    return "unknown" if value is None else f"{value:.3g}"


def _skipped(skipped):
    told = " · ".join(f"{escape(name)} <b>{count:,}</b>" for name, count in skipped.items())
    return f"<h2>What could not be read</h2><p>{told}</p>" if told else ""


def _ranks(kind):
    before, now = ({name: value or 0.0 for name, value in kind[part].items()} for part in ("before", "now"))
    totals = [sum(part.values()) or 1.0 for part in (before, now)]
    first = sorted(before, key=lambda name: -max(before[name] / totals[0], now[name] / totals[1]))[:MOST_RANKS]
    cell = '<td class="number">'
    rows = "".join(
        f"<tr><td>{escape(name)}{cell}{before[name] / totals[0]:.0%}{cell}{now[name] / totals[1]:.0%}" for name in first
    )
    return f"<h2>What the answers rest on</h2><table><tr><th>feature<th>trained with<th>this window{rows}</table>"
