"""The report: one HTML file that needs nothing else, no network and no script, in light and in dark."""

from html import escape

from toolkit.inside import rules
from toolkit.inside.distributions import heat_map, ridges
from toolkit.inside.plots import losses_chart

# More would make the file larger than it is worth; the history has them all.
LAYERS = 40
BINS_SAID = (
    "Values are on a log-symmetric axis, four bins to a decade on either side of zero; the middle bin holds zero and"
    " what is too small or too rare to be drawn apart."
)
STYLE = """
:root { color-scheme: light dark; --ink: #1c2126; --soft: #5b656f; --line: #d9dee3; --page: #fff; --card: #f7f8fa;
  --gradients: #1f77b4; --weights: #d66e14; --line2: #7a4fb5; --line3: #4d7a00; --bad: #c0262d; --good: #2b7a3d }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #a3adb7; --line: #363d45; --page: #14171a;
  --card: #1c2024; --gradients: #5aa9e0; --weights: #f0954a; --line2: #b79aec; --line3: #a5cc52; --bad: #ff7b7b;
  --good: #7fcf8f } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 0 auto;
  max-width: 1480px; padding: 24px }
h1 { font-size: 24px; margin: 0 } h2 { font-size: 18px; margin: 32px 0 8px } p { margin: 4px 0 }
h3 { font: 600 14px/1.4 ui-monospace, monospace; margin: 0 0 8px; overflow-wrap: anywhere }
.soft, .scale { color: var(--soft) } .good { color: var(--good) }
table { border-collapse: collapse; width: 100% } td:first-child { color: var(--bad); font-weight: 600 }
td, th { text-align: left; vertical-align: top; padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line) }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px; margin: 12px 0 }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(400px, 100%), 1fr)); gap: 8px 16px }
figure { margin: 0 } figcaption { font-size: 13px } svg { display: block; width: 100%; height: auto }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif } svg text.fired { fill: var(--bad); font-weight: 600;
  paint-order: stroke; stroke: var(--card); stroke-width: 4px }
.grid { stroke: var(--line); stroke-opacity: .6 } line.fired { stroke: var(--bad); stroke-dasharray: 4 3 }
.ridge { fill: var(--card); stroke: var(--gradients) } .ridge.weights { stroke: var(--weights) }
polyline { fill: none; stroke-width: 2; stroke: var(--gradients) } polyline.line1 { stroke: var(--weights) }
polyline.line2 { stroke: var(--line2) } polyline.line3 { stroke: var(--line3) }
.keys { display: flex; gap: 20px } .key { border-left: 20px solid var(--gradients); padding-left: 6px; line-height: 1 }
.key.line1 { border-color: var(--weights) } .key.line2 { border-color: var(--line2) }
.key.line3 { border-color: var(--line3) } .scale { font-size: 12px; text-align: right }
.scale i { display: inline-block; width: 90px; height: 10px; margin: 0 6px }
.scale i.gradients { background: linear-gradient(90deg, transparent, rgb(31 119 180)) }
.scale i.weights { background: linear-gradient(90deg, transparent, rgb(214 110 20)) }
"""


def page(about, records):
    """The page of one training: what `Inside.report` hands over of its history."""
    job = escape(about["job"])
    steps = f"steps {records[0]['step']} to {records[-1]['step']}, {len(records)} recorded" if records else "no records"
    parts = [f"<h1>Inside {job}</h1>", f'<p class="soft">{steps}</p>', "<h2>Symptoms</h2>", _symptoms(about)]
    if any(one["losses"] for one in records):
        parts.append(f'<h2>Losses</h2><div class="card">{losses_chart(records, about["fired"])}</div>')
    layers = list(dict.fromkeys(layer for one in records for kind in ("gradients", "weights") for layer in one[kind]))
    if layers:
        what = escape(about.get("gradients_are", "as the script handed them over"))
        parts.append(f'<h2>Layers</h2><p class="soft">Gradients: {what}. {BINS_SAID}</p>')
    parts += [_layer(records, layer) for layer in layers[:LAYERS]]
    if len(layers) > LAYERS:
        parts.append(f"<p>{len(layers) - LAYERS} more layers are in history.jsonl.</p>")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Inside {job}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _symptoms(about):
    rows = "".join(
        f"<tr><td>{_words(one['symptom'])}</td><td>{one['step']}</td><td>{one['response']}</td>"
        f"<td>{escape(one['message'].split(': ', 1)[1])}</td><td>{escape(one['next'])}</td></tr>"
        for one in about["fired"]
    )
    fired = [one["symptom"] for one in about["fired"]]
    silent = [_words(symptom) for symptom in about["watch"] if symptom not in fired]
    unwatched = [_words(symptom) for symptom in rules.RULES if symptom not in about["watch"]]
    head = "<tr><th>Symptom</th><th>Step</th><th>Response</th><th>What was seen</th><th>What to do</th></tr>"
    said = f"<table>{head}{rows}</table>" if rows else '<p class="good">No rule fired.</p>'
    said += f'<p class="soft">Watched and silent: {", ".join(silent) or "none"}.</p>'
    return said + (f'<p class="soft">Not watched: {", ".join(unwatched)}.</p>' if unwatched else "")


def _layer(records, layer):
    figures = []
    for kind in ("gradients", "weights"):
        recorded = [one[kind][layer] for one in records if layer in one[kind]]
        if recorded and kind == "gradients":
            figures.append(_figure("Gradients", "oldest at the back", ridges(records, kind, layer)))
        if recorded:
            figures.append(_figure(kind.capitalize(), _in_short(recorded[-1]), heat_map(records, kind, layer)))
    return f'<div class="card"><h3>{escape(layer)}</h3><div class="plots">{"".join(figures)}</div></div>'


def _figure(name, said, picture):
    return f'<figure><figcaption><b>{name}</b> <span class="soft">{said}</span></figcaption>{picture}</figure>'


def _in_short(last):
    if last["mean"] is None:
        return "at last nothing finite"
    spread = f"{last['min']:.2g} to {last['max']:.2g}, std {last['std']:.2g}, norm {last['norm']:.2g}"
    return f"at last {last['size']:,} values, {spread}, {last['zeros']:.0%} zero"


def _words(symptom):
    return symptom.replace("_", " ")
