"""`sluice costs`: what was saved and spent, from the ledger; or what the platform itself costs while nobody works."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.account import COULD_NOT, Account, CannotError, opened
from config import control_prices
from config.load import ConfigurationError, chosen, load
from controls.ledger import Item
from controls.reporting.charts import usd
from controls.reporting.facts import DIMENSIONS, NOT_NAMED, SAVED, amounts, days

_FARTHEST_DAYS = 400  # the ledger forgets then
_TITLES = {"owner": "user"}


def costs(
    since: Annotated[str | None, typer.Option(metavar="DATE", help="Default: the first of this month.")] = None,
    at_rest: Annotated[bool, typer.Option(help="What the platform costs while nobody works, item by item.")] = False,
    config: Annotated[str | None, typer.Option(help="Default: SLUICE_CONFIG or config/team.yaml.")] = None,
) -> None:
    """Show what was saved and spent by rule, team, user and workload since DATE. --at-rest asks no account.

    Exit status: 0 shown; 2 could not.
    """
    console = Console(highlight=False)
    if at_rest:
        try:
            console.print(control_prices.shown(load(chosen(config))), markup=False, soft_wrap=True)
        except ConfigurationError as error:
            Console(stderr=True, soft_wrap=True).print(str(error), markup=False)
            raise typer.Exit(COULD_NOT) from error
        return
    with opened(config) as account:
        first = begin(since, account.now.date())
        with console.status(f"reading the ledger since {first} ..."):
            saved, months = _read(account, first)
        console.print(table(account.platform.prefix, first, account.now.date(), saved, months))


def begin(since: str | None, today: date) -> date:
    """Raises CannotError for what is no day until today, or is so long ago that the ledger has forgotten it."""
    if since is None:
        return today.replace(day=1)
    try:
        first = date.fromisoformat(since)
    except ValueError as error:
        raise CannotError(f"--since: {since!r} is no date. Next: --since {today.replace(day=1)}") from error
    if not 0 <= (today - first).days < _FARTHEST_DAYS:
        raise CannotError(f"--since: {first} is not within the {_FARTHEST_DAYS} days until {today}")
    return first


def _read(account: Account, first: date) -> tuple[list[Item], list[Item]]:
    ledger, today = account.ledger(), account.now.date()
    saved = [each for day in days(first, today) for each in ledger.entries(day) if each["outcome"] == SAVED]
    months = [item for item in ledger.remembered("budget") if f"{first:%Y-%m}" <= item["at"] <= f"{today:%Y-%m}"]
    return saved, months


def table(prefix: str, first: date, today: date, saved: list[Item], months: list[Item]) -> Table:
    """Saved since `first`; spent in the whole of each of `months`, as nothing smaller is kept by name."""
    spent_in = ", ".join(sorted(item["at"] for item in months)) or "no month that was metered"
    made = Table(title=f"{prefix} since {first}, USD", title_justify="left", caption_justify="left")
    made.caption = f"spent: in the whole of {spent_in}"
    made.add_column("by")
    made.add_column("name", overflow="fold")
    made.add_column("saved", justify="right")
    made.add_column("spent", justify="right")
    whole = sum(entry["saved_usd"] for entry in saved)
    made.add_row("all", "", usd(whole), usd(sum(_used(item) for item in months)), end_section=True)
    for dimension in DIMENSIONS:
        by_name = {amount.name: amount.month for amount in amounts(saved, dimension, today)}
        spent = _summed(item.get(f"by_{dimension}", {}) for item in months)
        names = sorted({*by_name, *spent}, key=lambda name: (-by_name.get(name, 0), -spent.get(name, 0), name))
        for name in names:
            shown = [usd(found[name]) if name in found else "-" for found in (by_name, spent)]
            made.add_row(_TITLES.get(dimension, dimension), Text(name), *shown, end_section=name == names[-1])
    return made


def _used(month: Item) -> float:
    return month.get("spent_usd", 0.0) + month.get("in_progress_usd", 0.0)


def _summed(parts: Iterable[dict[str, float]]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for part in parts:
        for name, amount in part.items():
            sums[name or NOT_NAMED] = sums.get(name or NOT_NAMED, 0.0) + amount
    return sums
