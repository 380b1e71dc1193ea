"""`sluice keep`: one resource stays until a day, whatever the rules say."""

import re
from datetime import UTC, date, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from cli.account import Account, CannotError, opened
from controls.resource import KEEP_TAG, PLATFORM_TAG

LONGEST_DAYS = 366
_VERSION = re.compile(r"(.+:)model-package/([^/]+)/[0-9]+")
_ARN = re.compile(r"arn:([a-z-]+):(sagemaker|logs):([a-z0-9-]+):([0-9]{12}):(.+)")


def keep(
    arn: Annotated[str, typer.Argument(help="Of the resource, as the report and the warning tell it.")],
    until: Annotated[str, typer.Option(metavar="DATE", help="The last day, such as 2027-01-31; within a year.")],
    config: Annotated[str | None, typer.Option(help="Default: SLUICE_CONFIG or config/team.yaml.")] = None,
) -> None:
    """Keep the resource ARN until the end of the day DATE: the tag sluice:keep says so, and who wanted it.

    A day ends in the time zone of costs.off_hours, else in UTC. A version of a model has the tags of its group: the
    whole group is kept.

    Exit status: 0 it is kept; 2 it is not.
    """
    with opened(config) as account:
        hours = account.platform.costs.off_hours
        last = day(until, account.now.astimezone(ZoneInfo(hours.time_zone) if hours else UTC).date())
        value = tag(account, arn, last)
        Console(soft_wrap=True, highlight=False).print(f"kept: {arn} has {KEEP_TAG} = {value}", markup=False)


def day(text: str, today: date) -> date:
    """Raises CannotError for what is no day from today on, or is too far away."""
    try:
        last = date.fromisoformat(text)
    except ValueError as error:
        raise CannotError(f"--until: {text!r} is no date. Next: --until {today + timedelta(days=14)}") from error
    if last < today:
        raise CannotError(f"--until: {last} is over. Next: a day from {today} on")
    if last > today + timedelta(days=LONGEST_DAYS):
        farthest = today + timedelta(days=LONGEST_DAYS)
        raise CannotError(f"--until: {last} is more than a year away. Next: {farthest} at the latest, and again then")
    return last


def tag(account: Account, arn: str, last: date) -> str:
    """The value that the tag has now. Raises CannotError for what is no resource of the platform's."""
    found = _ARN.fullmatch(arn)
    if not found:
        raise CannotError(f"{arn!r} is no ARN of SageMaker or of a log group. Next: copy it from the report or warning")
    _, service, region, owner, resource = found.groups()
    here, who = account.caller()
    if owner != here:
        raise CannotError(f"{arn} is in the account {owner}, and these credentials are of {here}")
    client, bare = account.client(service, region), _VERSION.sub(r"\1model-package-group/\2", arn.removesuffix(":*"))
    if service == "logs":
        tags = client.list_tags_for_resource(resourceArn=bare)["tags"]
    else:
        pages = client.get_paginator("list_tags").paginate(ResourceArn=bare)
        tags = {each["Key"]: each["Value"] for page in pages for each in page["Tags"]}
    platform = tags.get(PLATFORM_TAG, account.platform.prefix)
    if platform != account.platform.prefix:
        raise CannotError(f"{resource} belongs to {platform}. Next: --config with that platform's file")
    value = f"{last} by {re.sub(r'[^a-zA-Z0-9 _.:/=+@-]', '-', who)}"
    if service == "logs":
        client.tag_resource(resourceArn=bare, tags={KEEP_TAG: value})
    else:
        client.add_tags(ResourceArn=bare, Tags=[{"Key": KEEP_TAG, "Value": value}])
    return value
