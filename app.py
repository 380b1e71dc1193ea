"""Synthesizes the configured platform. Exits 2, with nothing written, if the configuration has mistakes."""

import gc
import sys

import config.node  # noqa: F401

gc.disable()  # the process ends before there is garbage worth the tenth of its time that looking for it takes

from aws_cdk import App, Environment, Tags  # noqa: E402

from config import compiled, prices  # noqa: E402
from config.load import ConfigurationError, Platform, chosen, load  # noqa: E402
from stacks import costs, foundation, monitoring, serving, studio, training  # noqa: E402


def build(app: App, platform: Platform) -> None:
    """Puts the stacks of `platform` into `app`."""
    common = {"platform": platform, "env": Environment(account=platform.account, region=platform.region)}
    base = foundation.FoundationStack(app, f"{platform.prefix}-foundation", **common)
    if platform.has_studio:
        studio.StudioStack(app, f"{platform.prefix}-studio", foundation=base, **common)
    models = training.TrainingStack(app, f"{platform.prefix}-training", foundation=base, **common)
    serving.ServingStack(app, f"{platform.prefix}-serving", foundation=base, training=models, **common)
    spending = costs.CostsStack(app, f"{platform.prefix}-costs", foundation=base, **common)
    monitoring.MonitoringStack(app, f"{platform.prefix}-monitoring", foundation=base, costs=spending, **common)
    base.guardrails.bind(app)
    for key, value in platform.tags.items():
        Tags.of(app).add(key, value)


if __name__ == "__main__":
    app = App(context={"aws:cdk:disable-creation-stack-traces": True})  # they name a folder of jsii's, new each time
    try:
        platform = load(chosen(app.node.try_get_context("config")))
        compiled.check(platform)
    except ConfigurationError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(2)
    print(prices.shown(platform), file=sys.stderr)  # noqa: T201
    build(app, platform)
    if app.node.try_get_context("sluice:review"):  # `cdk deploy` does without their 0.6 s
        from review import packs

        packs.add(app)
    app.synth()
    gc.freeze()  # nor does the interpreter look for garbage as it ends: a sixth of the time
