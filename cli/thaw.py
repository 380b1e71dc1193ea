"""`sluice thaw`: a month whose budget is spent goes on all the same, because a person decided it."""

from typing import Annotated

import typer
from rich.console import Console

from cli.account import COULD_NOT, opened
from controls.spending import budget, freeze


def thaw(
    yes: Annotated[bool, typer.Option(help="Do not ask.")] = False,
    config: Annotated[str | None, typer.Option(help="Default: SLUICE_CONFIG or config/team.yaml.")] = None,
) -> None:
    """Let the platform start compute again although the month's budget is spent, until the month ends.

    Exit status: 0 it may, or it was not frozen; 2 could not, or was told not to.
    """
    console = Console(soft_wrap=True, highlight=False)
    with opened(config) as account:
        ledger, (_, who) = account.ledger(), account.caller()
        frozen = freeze.Freeze.of(account.client("iam"), account.platform.prefix, account.identity()["Arn"])
        with console.status("looking at the budget ..."):
            month, roles = budget.recall(ledger, f"{account.now:%Y-%m}"), frozen.attached()
        if not roles and not (month and month.frozen_since):
            console.print(f"{account.platform.prefix} is not frozen: nothing was done", markup=False)
            return
        question = f"The rest of {account.now:%Y-%m} has no limit then. Thaw {account.platform.prefix}?"
        if not yes and not typer.confirm(question):
            Console(stderr=True).print("nothing was done")
            raise typer.Exit(COULD_NOT)
        with console.status("thawing ..."):
            names = freeze.thaw(ledger, frozen, by=who, now=account.now)
        told = ", ".join(names) or "no role was frozen any more"
        console.print(f"thawed by {who}: {told}", markup=False)
