"""The pipelines of the workloads, and where their models are registered."""

import json

from aws_cdk import Environment, Stack
from constructs import Construct

from config.load import ROOT
from config.schema import Platform
from sluice.alarm import FunctionsAlarm
from sluice.begin import Begin
from sluice.experiments import Experiments
from sluice.function import HandlerFunction
from sluice.pipeline import Pipeline
from sluice.published import Published
from sluice.schedule import PipelineSchedule
from sluice.tell import Tell
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
        handlers = [*self._functions(platform, foundation), *self._experiments(platform, foundation)]
        if handlers:
            FunctionsAlarm(self, "Alarm", functions=handlers, alerts=foundation.alerts)
        pipelines = {
            name: self._pipeline(name, platform, foundation)
            for name, workload in platform.workloads.items()
            if workload.train  # the others Autopilot trains, which is no pipeline
        }
        self.package_groups = (
            {name: pipeline.package_group for name, pipeline in pipelines.items()} if platform.has_registry else {}
        )
        self.image_uris = {name: pipeline.image_uris for name, pipeline in pipelines.items()}
        names = json.dumps([f"{platform.prefix}-{name}" for name in pipelines])
        Published(self, "Published", prefix=platform.prefix, values={"pipelines": names})

    def _functions(self, platform: Platform, foundation: FoundationStack) -> list[HandlerFunction]:
        """What runs begin with, and what tells of those that fail; those that nothing else tells of when they fail."""
        if not platform.workloads:
            return []
        self._begin = Begin(
            self,
            "Begin",
            prefix=platform.prefix,
            prefixes={name: f"{name}/{workload.data.path}" for name, workload in platform.workloads.items()},
            data_bucket=foundation.data_bucket,
            artifact_bucket=foundation.artifact_bucket,
            key=foundation.key,
            registers=platform.has_registry,
        )
        names = {name: f"{platform.prefix}-{name}" for name in platform.workloads}
        self._tell = Tell(
            self,
            "Tell",
            prefix=platform.prefix,
            workloads=list(names),
            pipelines=[names[name] for name, workload in platform.workloads.items() if workload.train],
            state_machines=[names[name] for name, workload in platform.workloads.items() if not workload.train],
            artifact_bucket=foundation.artifact_bucket,
            key=foundation.key,
            alerts=foundation.alerts,
        )
        return [self._tell.handler]  # where `begin` fails, the run fails, and `tell` tells

    def _experiments(self, platform: Platform, foundation: FoundationStack) -> list[HandlerFunction]:
        if not platform.has_experiments:
            return []
        experiments = Experiments(
            self,
            "Experiments",
            prefix=platform.prefix,
            artifact_bucket=foundation.artifact_bucket,
            key=foundation.key,
            autopilot=any(workload.algorithm.name == "autopilot" for workload in platform.workloads.values()),
        )
        return [experiments.handler]

    def _pipeline(self, name: str, platform: Platform, foundation: FoundationStack) -> Pipeline:
        workload = platform.workloads[name]
        pipeline = Pipeline(
            self,
            f"Pipeline-{name}",
            name=f"{platform.prefix}-{name}",
            folder=ROOT / "workloads" / name,
            workload=workload,
            region=platform.region,
            data_bucket=foundation.data_bucket,
            artifact_bucket=foundation.artifact_bucket,
            key=foundation.key,
            network=foundation.network,
            begin=self._begin.handler.function,
            tags=platform.tags,
            registers=platform.has_registry,
        )
        if workload.schedule:
            # A run that could not begin is a dead letter, of which the alarm tells.
            PipelineSchedule(
                self,
                f"Schedule-{name}",
                name=f"{platform.prefix}-{name}",
                pipeline=pipeline.resource,
                schedule=workload.schedule,
                key=foundation.key,
                dead_letters=self._tell.handler.dead_letters,
            )
        return pipeline
