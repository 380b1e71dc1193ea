"""The part of the in-memory cloud that the report uses: the ledger's table, a secret, and Slack's end of the wire."""
# ruff: noqa: N802, N803 - operations and their parameters are named as AWS names them

import importlib
import io
import urllib.request
from functools import cache
from typing import Any
from urllib.response import addinfourl

from aws_cdk import App, Environment, Stack
from aws_cdk.assertions import Template

from bench.ledger_table import LedgerTable
from config.costs import Costs
from config.load import ROOT, load
from sluice.cost_ledger import CostLedger
from sluice.report import Report
from stacks.foundation import FoundationStack

in_memory = importlib.import_module("tests.lambda.cloud")  # `lambda` is a keyword
permissions = importlib.import_module("tests.lambda.permissions")
RefusalError = in_memory.RefusalError
SLACK = "/sluice/slack"


class Cloud(in_memory.Cloud):
    """With `secrets` by the names of their parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets = {SLACK: "https://hooks.slack.example/T0/B0/secret"}

    def fill(self, table: LedgerTable) -> None:
        """Let the ledger hold what `table` does."""
        for item in table.items.values():
            self.PutItem("ledger", item)

    def GetParameter(self, Name: str, WithDecryption: bool) -> dict[str, Any]:
        if Name not in self.secrets:
            raise RefusalError(f"{Name} is not there", "ParameterNotFound")
        return {"Parameter": {"Name": Name, "Value": self.secrets[Name] if WithDecryption else "cipher"}}


class Slack(urllib.request.HTTPSHandler):
    """What answers https: `status` to each message, which `told` keeps; `fault` is raised instead."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, bytes]] = []
        self.status, self.fault = 200, None

    def https_open(self, req: urllib.request.Request) -> addinfourl:  # type: ignore[override]
        assert req.timeout == 10  # type: ignore[attr-defined]
        if self.fault:
            raise self.fault
        assert isinstance(req.data, bytes)
        self.told.append((req.full_url, req.data))
        response = addinfourl(io.BytesIO(b"ok"), {}, req.full_url, self.status)  # type: ignore[arg-type]
        response.msg = "as told"  # type: ignore[attr-defined]
        return response


@cache
def deployed(slack: str | None = SLACK) -> Any:
    """The report as it is deployed with a budget."""
    costs = Costs.model_validate({"budget": {"usd_per_month": 2000.0}, "report": {"slack_parameter": slack}})
    platform = load(ROOT / "config" / "team.yaml")
    app, env = App(context={"aws:cdk:bundling-stacks": []}), Environment(region=in_memory.REGION)
    foundation = FoundationStack(app, "Foundation", platform=platform, env=env)
    stack = Stack(app, "Costs", env=env)
    Report(
        stack,
        "Report",
        prefix=platform.prefix,
        costs=costs,
        ledger=CostLedger(stack, "Ledger", key=foundation.key),
        artifact_bucket=foundation.artifact_bucket,
        key=foundation.key,
        alerts=foundation.alerts,
    )
    return dict(permissions.functions(dict(Template.from_stack(stack).to_json())))["report"]
