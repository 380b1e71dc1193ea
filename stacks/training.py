"""The pipelines of the workloads, and where their models are registered."""

import json

from aws_cdk import Environment, Stack
from constructs import Construct

from config.load import ROOT
from config.schema import Platform
from sluice.alarm import FunctionsAlarm
from sluice.experiments import Experiments
from sluice.pipeline import Pipeline
from sluice.published import Published
from stacks.foundation import FoundationStack


class TrainingStack(Stack):
    """For each workload's name, `package_groups`: where its pipeline registers models; `image_uris`: what it runs.

    There are no `package_groups` where CloudFormation has none. Without workloads the parameter is left, because a
    stack that the application no longer has would stay deployed, and no stack is empty; and MLflow, which holds runs.
    """

    def __init__(
        self, scope: Construct, id: str, *, platform: Platform, foundation: FoundationStack, env: Environment
    ) -> None:
        super().__init__(scope, id, env=env, description=f"{platform.prefix}: pipelines and model packages")
        pipelines = {
            name: Pipeline(
                self,
                f"Pipeline-{name}",
                name=f"{platform.prefix}-{name}",
                folder=ROOT / "workloads" / name,
                region=platform.region,
                data_bucket=foundation.data_bucket,
                artifact_bucket=foundation.artifact_bucket,
                key=foundation.key,
                network=foundation.network,
                tags=platform.tags,
                registers=platform.has_registry,
            )
            for name in platform.workloads
        }
        self.package_groups = (
            {name: pipeline.package_group for name, pipeline in pipelines.items()} if platform.has_registry else {}
        )
        self.image_uris = {name: pipeline.image_uris for name, pipeline in pipelines.items()}
        names = json.dumps([f"{platform.prefix}-{name}" for name in pipelines])
        Published(self, "Published", prefix=platform.prefix, values={"pipelines": names})
        if platform.has_experiments:
            experiments = Experiments(
                self,
                "Experiments",
                prefix=platform.prefix,
                artifact_bucket=foundation.artifact_bucket,
                key=foundation.key,
                autopilot=any(workload.algorithm.name == "autopilot" for workload in platform.workloads.values()),
            )
            FunctionsAlarm(self, "ExperimentsAlarm", functions=[experiments.handler], alerts=foundation.alerts)
