"""The report's tables of deeds."""

from collections.abc import Iterable, Sequence
from html import escape

from controls.reporting.charts import usd
from controls.reporting.facts import Deed

ROWS = 100  # of a table; the ledger has all
_OUTCOMES = {
    "spared": "it was used, changed or tagged at the last moment",
    "gone": "it had ended by itself already",
    "failed": "AWS refused; the function's log says why, and the next sweep tries again",
    "planned": "it was begun, and how it ended is not known yet",
    "lost": "what would bring it back was deleted meanwhile",
}


def table(deeds: Sequence[Deed], empty: str) -> str:
    """A row for each deed with why, and below what their outcomes mean; `empty` says that there is none."""
    if not deeds:
        return f"<p>{empty}</p>"
    heads = (("When, UTC", "w-time"), ("What", "w-what"), ("Whose", "w-who"), ("Deed", "w-done"), ("Why", ""))
    head = "".join(f'<th class="{width}">{name}</th>' for name, width in heads)
    more = f'<p class="soft">{len(deeds) - ROWS} more are in the ledger.</p>' if len(deeds) > ROWS else ""
    return (
        f'<table><thead><tr>{head}<th class="n w-usd">USD/month</th></tr></thead>'
        f"<tbody>{''.join(map(_row, deeds[:ROWS]))}</tbody></table>{more}{_legend(deeds)}"
    )


def _legend(deeds: Sequence[Deed]) -> str:
    outcomes = {deed.outcome for deed in deeds}
    told = [f"{outcome}: {words}" for outcome, words in _OUTCOMES.items() if outcome in outcomes]
    return f'<p class="soft">{"; ".join(told)}.</p>' if told else ""


def _row(deed: Deed) -> str:
    when = deed.at[:16].replace("T", " ")
    cells: Iterable[str] = (
        escape(when),
        f'{escape(deed.name or deed.arn)}<br><span class="soft">{escape(deed.kind)}</span>',
        escape(deed.owner) or '<span class="soft">nobody named</span>',
        f'{escape(deed.action.replace("_", " "))}<br><span class="soft">{escape(deed.outcome)}</span>',
        f'{escape(deed.reason)}<br><span class="soft">{escape(deed.rule)}</span>',
    )
    saving = escape(usd(deed.saving)) if deed.saving else "-"
    return f'<tr>{"".join(f"<td>{cell}</td>" for cell in cells)}<td class="n">{saving}</td></tr>'
