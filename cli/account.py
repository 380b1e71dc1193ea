"""The real account, as the commands speak to it: the caller's credentials, the region of the configuration.

What goes wrong is told in words, with what to type next. Exit status of every such command: 0 done, 2 could not; a
command that has more says so.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import typer
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError
from rich.console import Console

from config.load import ConfigurationError, Platform, chosen, load
from controls import clients
from controls.ledger import Ledger
from controls.spending.freeze import FreezeError

COULD_NOT = 2
LEDGER_PARAMETER = "sweep-ledger"
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "UnrecognizedClientException")
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")


class CannotError(Exception):
    """Why a command cannot do what it was asked for; the message is what a person needs to know."""


def clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Account:
    """The platform in its account, at `now`."""

    platform: Platform
    now: datetime

    def client(self, service: str, region: str | None = None) -> Any:
        return clients.of(region or self.platform.region)(service)

    def published(self, name: str) -> str:
        """What the platform says of itself as the parameter `name`. Raises CannotError."""
        parameter = f"/{self.platform.prefix}/{name}"
        try:
            return self.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise
            where = f"{self.platform.prefix} is not deployed in {self.platform.region} of this account"
            raise CannotError(f"{where}: there is no parameter {parameter}. Next: cdk deploy --all") from error

    def ledger(self) -> Ledger:
        return Ledger(self.client("dynamodb"), self.published(LEDGER_PARAMETER), now=self.now)

    def identity(self) -> dict[str, str]:
        """`Account` and `Arn` of the caller."""
        return self.client("sts").get_caller_identity()

    def caller(self) -> tuple[str, str]:
        """The account of the caller, and who it is: the last part of the ARN, such as the name of the session."""
        identity = self.identity()
        return identity["Account"], identity["Arn"].rpartition(":")[2].rpartition("/")[2]


@contextmanager
def opened(config: str | None) -> Iterator[Account]:
    """The account of the configuration; whatever goes wrong in the block ends the command in words."""
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        yield Account(load(chosen(config)), clock())
    except (ConfigurationError, CannotError, FreezeError, ClientError, BotoCoreError) as error:
        errors.print(words(error), markup=False)
        raise typer.Exit(COULD_NOT) from error


def words(error: Exception) -> str:
    match error:
        case NoCredentialsError():
            return "no credentials. Next: aws configure sso, or AWS_PROFILE=NAME before the command"
        case EndpointConnectionError():
            return f"{error}. Next: look at the network, and at region in the configuration"
        case ClientError() if error.response["Error"]["Code"] in _EXPIRED:
            return f"the credentials are not valid any more ({error}). Next: aws sso login"
        case ClientError() if error.response["Error"]["Code"] in _DENIED:
            return f"not permitted ({error}). Next: ask whoever runs the platform for this action"
        case _:
            return str(error)
