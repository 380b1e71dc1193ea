"""The functions of a platform whose monitors are SageMaker's own."""

import importlib
from typing import Any

from aws_cdk import App, Environment, Stack
from aws_cdk.assertions import Template

from config.load import ROOT, load_workload
from config.monitoring import Kind
from sluice.baseline import Baseline
from sluice.cost_ledger import CostLedger
from sluice.endpoint import Endpoint
from sluice.monitor_functions import Conclude
from sluice.promotion import Promotion
from stacks.foundation import FoundationStack

permissions = importlib.import_module("tests.lambda.permissions")  # `lambda` is a keyword
KINDS: tuple[Kind, ...] = ("data-quality", "model-quality", "bias")
NAME, TARGET = "sluice-dev-tabular", "cultivar"


def functions(platform: Any, region: str) -> dict[str, Any]:
    """`conclude` and `promote`, of one workload with all kinds."""
    app = App(context={"aws:cdk:bundling-stacks": []})
    where = Environment(region=region)
    foundation = FoundationStack(app, "Foundation", platform=platform, env=where)
    stack = Stack(app, "Native", env=where)
    shipped = load_workload(ROOT / "workloads" / "tabular" / "workload.yaml")
    assert shipped.monitor
    monitor = shipped.monitor.model_copy(update={"kinds": KINDS, "critical": ("alcohol",)})
    common: dict[str, Any] = {"artifact_bucket": foundation.artifact_bucket, "key": foundation.key}
    ledger = CostLedger(stack, "Ledger", key=foundation.key)
    Conclude(
        stack, "Conclude", prefix="sluice-dev", monitors={"tabular": monitor}, ledger=ledger, native=True, **common
    )
    endpoint = Endpoint(
        stack,
        "Endpoint",
        name=NAME,
        workload="tabular",
        serve=shipped.serve,
        network=foundation.network,
        image_uris=[f"111122223333.dkr.ecr.{region}.amazonaws.com/sklearn:1"],
        baseline=Baseline(workload="tabular", target=TARGET, kinds=KINDS, **common),
        **common,
    )
    promotion = Promotion(
        stack,
        "Promotion",
        prefix="sluice-dev",
        tags=platform.tags,
        endpoints=[endpoint],
        network=foundation.network,
        key=foundation.key,
    )
    endpoint.grant_promotion(promotion.handler.role)
    return dict(permissions.functions(dict(Template.from_stack(stack).to_json())))
