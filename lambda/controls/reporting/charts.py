"""The report's charts: HTML and inline SVG with the figures written beside the marks, so that no colour is needed."""

from collections.abc import Sequence
from datetime import date
from html import escape

ROWS = 8  # more are told in one row
_WIDTH, _HEIGHT, _TOP, _LEFT, _FOOT = 1040, 190, 22, 46, 24


def usd(amount: float) -> str:
    """`1,204.50`; what rounds to nothing and is not nothing says so."""
    return "<0.01" if 0 < amount < 0.005 else f"{amount:,.2f}"


def bars(rows: Sequence[tuple[str, float, str]], heads: tuple[str, str]) -> str:
    """A bar for each name and amount, the longest for the largest; the third member is written behind the amount.

    `heads` stand above the amounts and above what is behind them.
    """
    shown, rest = rows[:ROWS], rows[ROWS:]
    if rest:
        shown = [*shown, (f"{len(rest)} more", sum(amount for _, amount, _ in rest), "")]
    largest = max((amount for _, amount, _ in shown), default=0) or 1
    drawn = "".join(
        f'<div class="row"><span class="name">{escape(name)}</span>'
        f'<span class="track"><i style="width:{max(amount, 0) / largest * 100:.1f}%"></i></span>'
        f'<span class="n">{escape(usd(amount))}</span><span class="soft n">{escape(note)}</span></div>'
        for name, amount, note in shown
    )
    head = f'<span></span><span></span><span class="n">{heads[0]}</span><span class="n">{heads[1]}</span>'
    return f'<div class="row soft">{head}</div>{drawn}'


def columns(days: Sequence[tuple[date, float]], label: str) -> str:
    """A column for each day, the last outlined, its amount above and its date below. `label` says what it is."""
    top = _scale(max((amount for _, amount in days), default=0))
    high, step = _HEIGHT - _TOP - _FOOT, (_WIDTH - _LEFT) / max(len(days), 1)
    parts = [
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{_y(share, high):.1f}" y2="{_y(share, high):.1f}"/>'
        f'<text x="{_LEFT - 8}" y="{_y(share, high) + 4:.1f}" text-anchor="end">{top * share:g}</text>'
        for share in (0, 0.5, 1)
    ]
    for index, (day, amount) in enumerate(days):
        y, x, wide = _y(amount / top, high), _LEFT + step * index, min(step * 0.7, 40)
        middle = x + step / 2
        last = ' class="last"' if index == len(days) - 1 else ""
        parts.append(
            f'<rect{last} x="{middle - wide / 2:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{_y(0, high) - y:.1f}">'
            f"<title>{day}: {usd(amount)} USD</title></rect>"
            f'<text x="{middle:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{day.day}</text>'
        )
        if amount > 0:
            short = f"{amount:.0f}" if amount >= 10 else f"{amount:.1f}"
            parts.append(f'<text class="value" x="{middle:.1f}" y="{y - 5:.1f}" text-anchor="middle">{short}</text>')
    drawn = "".join(parts)
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">{drawn}</svg>'


def gauge(spent: float, limit: float) -> str:
    """How much of a limit is spent, with marks at half and at four fifths; beyond it the bar is full and says so."""
    share = spent / limit
    words = f"{usd(spent)} of {usd(limit)} USD, {share:.0%}" + (": over the budget" if share > 1 else "")
    over = " over" if share > 1 else ""
    marks = "".join(f'<b style="left:{mark}%">{mark} %</b>' for mark in (50, 80))
    bar = f'<i style="width:{min(share, 1) * 100:.1f}%"></i>{marks}'
    return f'<p>{words}</p><div class="gauge{over}" role="img" aria-label="{words}">{bar}</div>'


def _y(share: float, high: float) -> float:
    return _TOP + high * (1 - share)


def _scale(largest: float) -> float:
    """The end of the axis: a round number of at least `largest`."""
    step = 1.0
    while largest > step * 10:
        step *= 10
    return next((step * factor for factor in (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10) if largest <= step * factor), 1.0)
