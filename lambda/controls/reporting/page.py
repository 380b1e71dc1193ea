"""The report as one HTML file that needs nothing else: no script, no network, in light and in dark."""

from collections.abc import Sequence
from html import escape

from controls.reporting.charts import bars, columns, gauge, usd
from controls.reporting.facts import DIMENSIONS, Amount, Facts
from controls.reporting.style import STYLE
from controls.reporting.table import table

TITLES = {"rule": "rule", "team": "team", "owner": "user", "workload": "workload"}
# What is in a name or a tag is other people's; should it ever be taken for HTML, this policy still runs none of it.
_CLOSED = "default-src 'none'; style-src 'unsafe-inline'"


def page(facts: Facts) -> str:
    """The whole report."""
    title = f"Costs of {escape(facts.platform)}, {facts.day}"
    parts = [
        f'<h1>{title}</h1><p class="soft">{facts.day:%A, %d %B %Y}, from midnight to midnight UTC.'
        f" Made at {facts.made_at:%Y-%m-%d %H:%M} UTC.</p>",
        _tiles(facts),
        f'<h2>Saved on each day of the month, USD</h2><div class="card">'
        f"{columns(facts.saved_by_day, 'USD saved on each day of the month')}</div>",
        "<h2>Who saved</h2>",
        f'<div class="pair">{"".join(_saved_by(name, facts.saved[name]) for name in DIMENSIONS)}</div>',
        "<h2>What was done, and why</h2>",
        table(facts.done, "Nothing was done on this day."),
        "<h2>What will be done in the next day</h2>",
        '<p class="soft">Whoever uses it again, or types <code>sluice keep ARN --until DATE</code>, stops this.</p>',
        table(facts.coming, "Nothing is due."),
        "<h2>What would have been done</h2>",
        '<p class="soft">By rules that only observe.</p>',
        table(facts.observed, "Nothing would have been: no rule that only observes found anything."),
        "<h2>Who spends</h2>",
        _spent(facts),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_CLOSED}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _tiles(facts: Facts) -> str:
    spot, spent = facts.spot, facts.spent
    billed = f"{spot.billed_hours:,.1f} of {spot.billed_hours + spot.saved_hours:,.1f} hours billed"
    jobs = f", {spot.share:.0%} less: {_count(spot.jobs, 'job')}, {billed}" if spot.jobs else ": no job on spot ended"
    of = f"of {usd(spent.limit)} USD, {spent.usd / spent.limit:.0%}" if spent and spent.limit else "no budget is set"
    tiles = [
        ("Saved on this day", usd(facts.saved_day), "USD" if facts.saved_day else "USD: nothing was"),
        ("Saved in this month", usd(facts.saved_month), f"USD, {_of_bill(facts)}"),
        ("Saved by spot in this month", usd(spot.saved_usd), f"USD{jobs}"),
        ("Spent in this month", usd(spent.usd) if spent else "not known", of if spent else "nothing was metered"),
    ]
    drawn = "".join(
        f'<div class="card">{name}<b>{escape(value)}</b><span class="soft">{escape(note)}</span></div>'
        for name, value, note in tiles
    )
    return f'<div class="tiles">{drawn}</div>'


def _of_bill(facts: Facts) -> str:
    whole = facts.saved_month + (facts.spent.usd if facts.spent else 0)
    return f"{facts.saved_month / whole:.0%} of what it would have been" if facts.spent and whole else "as measured"


def _saved_by(dimension: str, amounts: Sequence[Amount]) -> str:
    rows = [(amount.name, amount.month, usd(amount.day)) for amount in amounts]
    drawn = bars(rows, ("month", "this day")) if rows else '<p class="soft">Nothing was saved in this month.</p>'
    return f'<div class="card"><h3>By {TITLES[dimension]}, USD</h3>{drawn}</div>'


def _spent(facts: Facts) -> str:
    spent = facts.spent
    if spent is None:
        return "<p>Nothing was metered in this month.</p>"
    drawn = gauge(spent.usd, spent.limit) if spent.limit else f"<p>{usd(spent.usd)} USD; no budget is set.</p>"
    cards = "".join(_spent_by(name, rows, spent.usd) for name, rows in spent.by.items() if rows)
    if spent.frozen_since:
        since = escape(spent.frozen_since[:16].replace("T", " "))
        drawn += f"<p>Frozen since {since} UTC. A person lets it go on by <code>sluice thaw</code>.</p>"
    return f'<div class="card">{drawn}</div><div class="three">{cards}</div>'


def _spent_by(dimension: str, rows: Sequence[tuple[str, float]], whole: float) -> str:
    shares = [(who, amount, f"{amount / whole:.0%}" if whole else "") for who, amount in rows]
    return f'<div class="card"><h3>By {TITLES[dimension]}, USD</h3>{bars(shares, ("month", "of all"))}</div>'


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
