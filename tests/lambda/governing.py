"""What governs jobs as it is deployed, and how its tests have it look at the in-memory cloud."""

import importlib
from functools import cache
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk.assertions import Template

from config.costs import Costs
from config.load import ROOT, load
from controls import govern
from sluice.cost_ledger import CostLedger
from sluice.govern import Govern
from stacks.foundation import FoundationStack

in_memory = importlib.import_module("tests.lambda.cloud")  # `lambda` is a keyword
jobs_cloud = importlib.import_module("tests.lambda.jobs_cloud")
permissions = importlib.import_module("tests.lambda.permissions")


def set_up(monkeypatch: pytest.MonkeyPatch, mode: str = "enforce") -> None:
    """Let the cloud be one with jobs, and the environment that of the deployed function."""
    monkeypatch.setattr(in_memory, "Cloud", jobs_cloud.Cloud)
    for name, value in deployed(mode).environment.items():
        monkeypatch.setenv(name, value)


def look(cloud: Any, name: str, noun: str = "TrainingJob", **when: int) -> str:
    """What comes of an event about a job."""
    return govern.handler(cloud.event(name, noun, **when), None)["outcome"]


@cache
def deployed(mode: str = "enforce") -> Any:
    """What governs jobs as it is deployed with every mode alike, and a budget."""
    costs = Costs.model_validate(
        {
            "spot": {"mode": mode, "fallback_mode": mode},
            "job_limits": {"mode": mode},
            "budget": {"usd_per_month": 100.0},
        }
    )
    return _built(costs)


def _built(costs: Costs) -> Any:
    platform = load(ROOT / "config" / "team.yaml")
    app, env = App(context={"aws:cdk:bundling-stacks": []}), Environment(region=in_memory.REGION)
    foundation = FoundationStack(app, "Foundation", platform=platform, env=env)
    stack = Stack(app, "Jobs", env=env)
    Govern(
        stack,
        "Govern",
        prefix=platform.prefix,
        environment=platform.environment,
        costs=costs,
        guardrails=platform.guardrails,
        ledger=CostLedger(stack, "Ledger", key=foundation.key),
        artifact_bucket=foundation.artifact_bucket,
        key=foundation.key,
        alerts=foundation.alerts,
    )
    return dict(permissions.functions(dict(Template.from_stack(stack).to_json())))["govern"]
