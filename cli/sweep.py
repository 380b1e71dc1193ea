"""`sluice sweep`: what the sweep would do now, and, when told to, what it does."""

import json
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.account import COULD_NOT, Account, opened
from controls import clients
from controls.inventory import Inventory, Memory
from controls.judgement.choices import Policy, policy
from controls.judgement.policy import Action, Verdict, decide
from controls.ledger import Ledger
from controls.pricing import price_table
from controls.pricing.prices import Prices
from controls.reporting.charts import usd
from controls.resource import Resource
from controls.sweep import as_of
from controls.sweeps import sweeping, warning
from controls.sweeps.sweeping import Sweep, SweepError

TROUBLE = 1
Place = tuple[str, str | None]
Judged = tuple[Resource, Verdict]


def sweep(
    enforce: Annotated[bool, typer.Option(help="Do what the function does: warn, end, record.")] = False,
    yes: Annotated[bool, typer.Option(help="With --enforce: do not ask.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show what is kept, and why, as well.")] = False,
    config: Annotated[str | None, typer.Option(help="Default: SLUICE_CONFIG or config/team.yaml.")] = None,
) -> None:
    """Show what the sweep would do now, by the rules of the configuration. Without --enforce nothing is written.

    Exit status: 0 shown or done; 1 some resources gave trouble, all others are shown or done; 2 could not, or was told
    not to.
    """
    console, errors = Console(highlight=False), Console(stderr=True, soft_wrap=True, highlight=False)
    with opened(config) as account:
        ledger = account.ledger()
        rules = as_of(policy(json.dumps(_policy(account))), ledger, account.now)
        judged: list[Judged] = []
        troubles: list[str] = []
        for place in places(account):
            with console.status(f"looking at {place[0]} ..."):
                judged += _look(account, ledger, rules, place, troubles)
        shown = [each for each in judged if everything or each[1].action is not Action.KEEP]
        console.print(table(account.platform.prefix, shown, rules, len(judged)))
        if enforce:
            if not yes and not typer.confirm(_question(shown, rules)):
                errors.print("nothing was done")
                raise typer.Exit(COULD_NOT)
            troubles = _act(account, ledger, rules, console)
        for trouble in troubles:
            errors.print(trouble, markup=False)
        if troubles:
            raise typer.Exit(TROUBLE)


def places(account: Account) -> list[Place]:
    """Region and role of each place that the configuration has swept."""
    targets = account.platform.costs.targets
    return [(account.platform.region, None), *((target.region, target.role_arn) for target in targets)]


def prices(account: Account) -> Prices:
    """As the functions count with: those that were read from AWS last come before the package's."""
    return price_table.load(account.client("s3"), account.published("artifact-bucket"))


def _policy(account: Account) -> dict[str, object]:
    return account.platform.costs.policy(account.platform.prefix, account.platform.environment)


def _look(account: Account, ledger: Ledger, rules: Policy, place: Place, troubles: list[str]) -> Iterator[Judged]:
    inventory = Inventory(
        clients.of(*place),
        region=place[0],
        policy=rules,
        prices=prices(account),
        memory=Memory.of(ledger),
        now=account.now,
    )
    for resource in inventory.everything():
        yield resource, decide(resource, rules, account.now)
    troubles += [f"{place[0]}, {kind}: {each}" for kind, errors in inventory.troubles.items() for each in errors]


def table(prefix: str, judged: list[Judged], rules: Policy, seen: int) -> Table:
    """A row for each verdict, the dearest first."""
    made = Table(title=f"{prefix}: {len(judged)} of {seen} resources", title_justify="left", caption_justify="left")
    made.caption = "observe: only told and recorded; costs.sweep sets the mode of each rule"
    for name in ("kind", "name", "owner"):
        made.add_column(name, overflow="fold")
    made.add_column("USD/month", justify="right")
    for name in ("verdict", "rule", "when, UTC", "evidence"):
        made.add_column(name, overflow="fold")
    for resource, verdict in sorted(judged, key=lambda each: (-each[1].saving, each[0].kind, each[0].name)):
        mode = "" if verdict.rule is None or verdict.rule in rules.enforced else " (observe)"
        action = verdict.action if verdict.action is not Action.WARN else f"warn, then {verdict.ending}"
        made.add_row(
            resource.kind,
            Text(resource.name),
            Text(resource.owner or "-"),
            f"{usd(verdict.saving)}{' at most' if resource.estimated and verdict.saving else ''}",
            action.replace("_", " ").removesuffix(", then warn"),
            f"{verdict.rule or '-'}{mode}",
            f"{verdict.effective_at:%Y-%m-%d %H:%M}" if verdict.effective_at else "-",
            Text(verdict.evidence),
        )
    return made


def _question(judged: list[Judged], rules: Policy) -> str:
    acting = [verdict for _, verdict in judged if verdict.rule in rules.enforced]
    warned = sum(verdict.action is Action.WARN for verdict in acting)
    ended = sum(verdict.action not in (Action.WARN, Action.KEEP) for verdict in acting)
    return f"Warn the owners of {warned}, end {ended}, and record all of it?"


def _act(account: Account, ledger: Ledger, rules: Policy, console: Console) -> list[str]:
    """What gave trouble; each place is looked at anew, as the function does."""
    sweeping.logger.setLevel("CRITICAL")  # what gives trouble is told in words
    topic, here = account.published("alert-topic-arn"), account.caller()[0]
    troubles = []
    for region, role_arn in places(account):
        run = Sweep(
            clients.of(region, role_arn),
            ledger,
            region=region,
            account=role_arn.split(":")[4] if role_arn else here,
            policy=rules,
            prices=prices(account),
            tell=warning.publisher(account.client("sns"), topic),
            now=account.now,
        )
        try:
            with console.status(f"sweeping {region} ..."):
                findings = run.run()
        except SweepError as error:
            troubles.append(f"{region}: {error}")
            entries = ledger.entries(account.now.date())
            done = {(e["outcome"], e["kind"], e["name"]) for e in entries if e["at"] == account.now.isoformat()}
        else:
            done = {(each.outcome, each.kind, each.name) for each in findings}
        for outcome, kind, name in sorted(done):
            console.print(f"{outcome}: {kind} {name}", markup=False)
    return troubles
