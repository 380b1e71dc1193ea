"""The commands against an in-memory cloud, with credentials of a session named ada."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import account as accounts
from cli.main import app
from tests.answering import answered_by

report_cloud = importlib.import_module("tests.lambda.report_cloud")  # `lambda` is a keyword
in_memory = report_cloud.in_memory
NOW = in_memory.NOW


class Cloud(report_cloud.Cloud):
    """With what the platform publishes, and a caller."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets = {"/sluice-dev/sweep-ledger": "ledger", "/sluice-dev/artifact-bucket": "artifacts"}
        self.attached: dict[str, list[str]] = {}  # roles by policy
        self.alarms: dict[str, str] = {}  # states by name
        self.caller = f"arn:aws:sts::{in_memory.ACCOUNT}:assumed-role/Developer/ada"

    def GetParameter(self, Name: str, WithDecryption: bool = True) -> dict[str, Any]:  # noqa: N802, N803
        return super().GetParameter(Name, WithDecryption)

    def DescribeAlarms(self, AlarmNames: list[str], **_: Any) -> dict[str, Any]:  # noqa: N802, N803
        found = [{"AlarmName": name, "StateValue": state} for name, state in self.alarms.items() if name in AlarmNames]
        return {"MetricAlarms": found}

    def ListTagsForResource(self, resourceArn: str) -> dict[str, Any]:  # noqa: N802, N803
        return {"tags": self.tags[resourceArn]}

    def TagResource(self, resourceArn: str, tags: dict[str, str]) -> None:  # noqa: N802, N803
        self.tags[resourceArn] |= tags

    def ListEntitiesForPolicy(self, PolicyArn: str, **_: str) -> dict[str, Any]:  # noqa: N802, N803
        roles = [{"RoleName": name} for name in self.attached.get(PolicyArn, [])]
        return {"PolicyRoles": roles, "PolicyGroups": [], "PolicyUsers": [], "IsTruncated": False}

    def DetachRolePolicy(self, RoleName: str, PolicyArn: str) -> None:  # noqa: N802, N803
        self.attached[PolicyArn].remove(RoleName)

    def GetCallerIdentity(self) -> dict[str, str]:  # noqa: N802
        return {"Account": in_memory.ACCOUNT, "Arn": self.caller, "UserId": "x"}


@pytest.fixture
def cloud(session: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What clients made from now on talk to; it is NOW there."""
    monkeypatch.setattr(accounts, "clock", lambda: NOW)
    with answered_by(Cloud()) as made:
        yield made


@pytest.fixture
def run() -> Any:
    """Types `sluice ARGUMENTS`; the exit status, and all that is shown, in one line."""

    def typed(*arguments: str, answer: str = "") -> tuple[int, str]:
        done = CliRunner().invoke(app, list(arguments), input=answer, env={"COLUMNS": "200", "TERM": "dumb"})
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, " ".join(done.output.split())

    return typed


@pytest.fixture
def refusal() -> type[Exception]:
    return in_memory.RefusalError
