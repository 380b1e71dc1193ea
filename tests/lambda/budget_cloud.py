"""The part of the in-memory cloud that the budget uses: roles and policies, bills, a price list, and crashes."""
# ruff: noqa: N802, N803 - operations and their parameters are named as AWS names them

import importlib
import json
from datetime import datetime
from functools import cache
from types import SimpleNamespace
from typing import Any

from aws_cdk import App, Environment
from aws_cdk.assertions import Template

from config.costs import Budget, Costs
from config.load import ROOT, load
from stacks.costs import CostsStack
from stacks.foundation import FoundationStack

in_memory = importlib.import_module("tests.lambda.cloud")  # `lambda` is a keyword
permissions = importlib.import_module("tests.lambda.permissions")
ACCOUNT, NOW, OURS, RefusalError = in_memory.ACCOUNT, in_memory.NOW, in_memory.OURS, in_memory.RefusalError
OWNED = OURS | {"sluice:owner": "ada", "sluice:team": "vision", "sluice:workload": "digits"}
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/sluice-dev-boundary"
_PAGE = 2
_FREEZE = "BudgetFreeze"  # how the logical name of the policy begins


class CrashError(BaseException):
    """The function's process ended right after a call; nothing in it can catch this."""


class Cloud(in_memory.Cloud):
    """After its call number `crash_after` the function dies. `broken`: operations that are refused, with the words."""

    def __init__(self) -> None:
        super().__init__()
        self.roles: dict[str, dict[str, Any]] = {}
        self.billed_usd: float | None = None
        self.currency = "USD"
        self.products: list[Any] = []
        self.crash_after: int | None = None
        self.broken: dict[str, str] = {}

    # The world as a test sets it up

    def role(self, name: str, *, starts: bool = True, bounded: bool = True) -> str:
        tags = [{"Key": "sluice:starts-compute", "Value": "true"}] if starts else []
        self.roles[name] = {"Tags": tags, "boundary": BOUNDARY if bounded else "", "attached": set()}
        return name

    def frozen(self) -> list[str]:
        return sorted(name for name, role in self.roles.items() if any(_FREEZE in each for each in role["attached"]))

    def desk(self, name: str, since: datetime, *, tags: dict[str, str] = OWNED, kind: str = "ml.t3.medium") -> None:
        """A notebook instance that runs since then."""
        self.notebook(name, tags=tags)
        self.notebooks[name] |= {"InstanceType": kind, "CreationTime": since, "LastModifiedTime": since}

    def ended(self, noun: str, name: str, at: datetime, **told: Any) -> str:
        """A job that ended then."""
        end = {f"{noun.removesuffix('Job')}EndTime": at, "LastModifiedTime": at, f"{noun}Status": "Completed"}
        return self.job(noun, name, tags=OWNED, **{**end, **told})

    def one_of_each(self) -> None:
        """An app, an endpoint with a component, a tracking server and one job of each kind, all ours."""
        self.app("desk", instance_type="ml.t3.medium", quiet=True)
        self.endpoint("letters")
        self.component("part", "letters")
        self.tracking_server("runs")
        for noun in ("TrainingJob", "HyperParameterTuningJob", "ProcessingJob", "TransformJob", "AutoMLJob"):
            self.job(noun, noun.lower())

    def entries(self, outcome: str) -> list[dict[str, Any]]:
        return [item for _, item in sorted(self.ledger.items()) if item.get("outcome") == outcome]

    # The API

    def answer(self, model: Any, context: dict[str, Any], **more: Any) -> tuple[Any, dict[str, Any]]:
        if model.name in self.broken:
            error = {"Code": "AccessDeniedException", "Message": self.broken[model.name]}
            return SimpleNamespace(status_code=400), {"Error": error}
        answered = super().answer(model, context, **more)
        if self.crash_after == len(self.calls):
            raise CrashError
        return answered

    def _list(self, plural: str, LastModifiedTimeAfter: datetime | None = None, **asked: Any) -> dict[str, Any]:
        known = self.records[plural]
        if LastModifiedTimeAfter:
            late = {n: each for n, each in known.items() if each["LastModifiedTime"] > LastModifiedTimeAfter}
            self.records[plural] = late
        try:
            return super()._list(plural, **asked)
        finally:
            self.records[plural] = known

    def ListApps(self, **asked: Any) -> dict[str, Any]:
        """The list tells no ARN."""
        answer = self._list("Apps", **asked)
        return answer | {"Apps": [{k: v for k, v in app.items() if k != "AppArn"} for app in answer["Apps"]]}

    def ListEntitiesForPolicy(
        self, PolicyArn: str, PolicyUsageFilter: str, EntityFilter: str, Marker: str = "0"
    ) -> dict[str, Any]:
        bounds = PolicyUsageFilter == "PermissionsBoundary"
        names = [
            name
            for name, role in sorted(self.roles.items())
            if (role["boundary"] == PolicyArn if bounds else PolicyArn in role["attached"])
        ]
        end = int(Marker) + _PAGE
        more = {"IsTruncated": True, "Marker": str(end)} if end < len(names) else {"IsTruncated": False}
        return {"PolicyRoles": [{"RoleName": name} for name in names[int(Marker) : end]], **more}

    def _known_role(self, name: str) -> dict[str, Any]:
        if name not in self.roles:
            raise RefusalError(f"The role with name {name} cannot be found.", "NoSuchEntity")
        return self.roles[name]

    def GetRole(self, RoleName: str) -> dict[str, Any]:
        return {"Role": {"RoleName": RoleName, "Tags": self._known_role(RoleName)["Tags"]}}

    def AttachRolePolicy(self, RoleName: str, PolicyArn: str) -> None:
        self._known_role(RoleName)["attached"].add(PolicyArn)

    def DetachRolePolicy(self, RoleName: str, PolicyArn: str) -> None:
        attached = self._known_role(RoleName)["attached"]
        if PolicyArn not in attached:
            raise RefusalError(f"Policy {PolicyArn} was not found.", "NoSuchEntity")
        attached.remove(PolicyArn)

    def GetCostAndUsage(self, TimePeriod: dict[str, str], **_: Any) -> dict[str, Any]:
        if self.billed_usd is None:
            raise RefusalError(
                "Data is not available. Please try to adjust the time period.", "DataUnavailableException"
            )
        cost = {"UnblendedCost": {"Amount": str(self.billed_usd), "Unit": self.currency}}
        return {"ResultsByTime": [{"TimePeriod": TimePeriod, "Total": cost}]}

    def GetProducts(self, Filters: list[Any], NextToken: str = "0", **_: Any) -> dict[str, Any]:
        region = next(each["Value"] for each in Filters if each["Field"] == "regionCode")
        found = [p for p in self.products if p["product"]["attributes"]["regionCode"] == region]
        end = int(NextToken) + _PAGE
        more = {"NextToken": str(end)} if end < len(found) else {}
        return {"PriceList": [json.dumps(each) for each in found[int(NextToken) : end]], **more}


@cache
def deployed(mode: str = "enforce", environment: str = "dev") -> dict[str, Any]:
    """Each function of the costs stack by verb, with a budget of 1,000 USD."""
    platform = load(ROOT / "config" / "team.yaml")
    costs = Costs(budget=Budget.model_validate({"mode": mode, "usd_per_month": 1000}))
    common: dict[str, Any] = {
        "platform": platform.model_copy(update={"costs": costs, "environment": environment}),
        "env": Environment(region=in_memory.REGION),
    }
    app = App(context={"aws:cdk:bundling-stacks": []})
    foundation = FoundationStack(app, "Foundation", **common)
    stack = CostsStack(app, "Costs", foundation=foundation, **common)
    return dict(permissions.functions(dict(Template.from_stack(stack).to_json())))
