"""`sluice restore`: an endpoint or inference component that was ended comes back as it was."""

from typing import Annotated, Any

import typer
from rich.console import Console

from cli.account import Account, CannotError, opened
from controls import clients
from controls.ledger import Item
from controls.resource import Kind
from controls.sweeps import restoring


def restore(
    name: Annotated[str, typer.Argument(help="Of the endpoint or inference component.")],
    region: Annotated[str | None, typer.Option(help="Where there are several of that name.")] = None,
    in_account: Annotated[str | None, typer.Option("--account", help="Where several accounts have it.")] = None,
    config: Annotated[str | None, typer.Option(help="Default: SLUICE_CONFIG or config/team.yaml.")] = None,
) -> None:
    """Bring the endpoint NAME back that the platform ended, with its configuration and tags.

    Of an inference component that was scaled to zero: its copies.

    Exit status: 0 it comes back; 2 it cannot.
    """
    console = Console(soft_wrap=True, highlight=False)
    with opened(config) as account:
        ledger = account.ledger()
        item = found(list(ledger.remembered("restorable")), name, region, in_account)
        with console.status(f"restoring {name} ..."):
            outcome = restoring.restore(_sagemaker(account, item), ledger, item)
        console.print(_told(item, outcome), markup=False)


def _told(item: Item, outcome: str) -> str:
    """What came of it. Raises CannotError where it did not come back."""
    name, component = item["name"], item["kind"] == Kind.INFERENCE_COMPONENT
    noun = "inference-component" if component else "endpoint"
    look = f"aws sagemaker describe-{noun} --{noun}-name {name} --region {item['region']}"
    match outcome:
        case "lost" if component:
            raise CannotError(f"{name} is lost: it was deleted meanwhile")
        case "lost":
            raise CannotError(
                f"{name} is lost: its configuration {item['detail']['configuration']} was deleted meanwhile"
            )
        case "busy":
            raise CannotError(f"{name} changes its state just now. Next: wait, and run it again. Look: {look}")
        case "there":
            return f"there: somebody brought {name} back already, and it stays as it is. Look: {look}"
        case _:
            what = f"gets {item['detail']['copies']} copies again" if component else "is being created"
            return f"restored: {name} {what}. Look: {look}"


def found(items: list[Item], name: str, region: str | None, account: str | None) -> Item:
    """The one that is meant. Raises CannotError where there is none, or more than one."""
    named = [item for item in items if item["name"] == name and region in (None, item["region"])]
    meant = [item for item in named if account in (None, item["account"])]
    if not meant:
        known = ", ".join(sorted(f"{item['name']} ({item['region']})" for item in items)) or "none"
        raise CannotError(f"nothing is kept of an endpoint or inference component {name}; there are: {known}")
    if len(meant) > 1:
        where = ", ".join(sorted(f"{item['region']} of {item['account']}" for item in meant))
        regions = {item["region"] for item in meant}
        told = "--region REGION" if len(regions) == len(meant) else "--region REGION --account ACCOUNT"
        raise CannotError(f"{name} was ended in {where}. Next: {told}")
    return meant[0]


def _sagemaker(account: Account, item: Item) -> Any:
    """The client where it was: in another account, under the role that the configuration has for it."""
    here, _ = account.caller()
    if item["account"] == here:
        return account.client("sagemaker", item["region"])
    for target in account.platform.costs.targets:
        if target.role_arn and target.role_arn.split(":")[4] == item["account"]:
            return clients.of(item["region"], target.role_arn)("sagemaker")
    raise CannotError(f"{item['name']} was in the account {item['account']}, and costs.targets has no role there")
