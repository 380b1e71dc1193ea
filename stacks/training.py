"""The pipelines of the workloads, and where their models are registered."""

import json
from typing import Any

from aws_cdk import Environment, Stack, Tags
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from config.load import ROOT
from config.schema import Platform
from sluice.alarm import MOST_FUNCTIONS, FunctionsAlarm
from sluice.autopilot import Autopilot
from sluice.begin import Begin
from sluice.experiments import Experiments
from sluice.function import HandlerFunction
from sluice.pipeline import Pipeline
from sluice.published import Published
from sluice.schedule import RunSchedule
from sluice.tell import Tell
from stacks.foundation import FoundationStack


class TrainingStack(Stack):
    """For each workload's name, `package_groups`: where its runs register models; `image_uris`: what it runs.

    There are no `package_groups` where CloudFormation has none. Without workloads the parameter is left, because a
    stack that the application no longer has would stay deployed, and no stack is empty; and MLflow, which holds runs.
    """

    def __init__(
        self, scope: Construct, id: str, *, platform: Platform, foundation: FoundationStack, env: Environment
    ) -> None:
        super().__init__(scope, id, env=env, description=f"{platform.prefix}: pipelines and model packages")
        handlers = [*self._functions(platform, foundation), *self._experiments(platform, foundation)]
        self.package_groups: dict[str, sagemaker.CfnModelPackageGroup] = {}
        runs = {name: self._run(name, platform, foundation) for name in platform.workloads}
        handlers += [run.cancel for run in runs.values() if isinstance(run, Autopilot)]
        for first in range(0, len(handlers), MOST_FUNCTIONS):
            watched = handlers[first : first + MOST_FUNCTIONS]
            FunctionsAlarm(self, f"Alarm{first or ''}", functions=watched, alerts=foundation.alerts, errors=False)
        self.image_uris = {name: run.image_uris for name, run in runs.items()}
        kinds = {"pipelines": Pipeline, "state-machines": Autopilot}
        names = {k: [f"{platform.prefix}-{name}" for name in runs if isinstance(runs[name], kinds[k])] for k in kinds}
        Published(self, "Published", prefix=platform.prefix, values={k: json.dumps(v) for k, v in names.items()})

    def _functions(self, platform: Platform, foundation: FoundationStack) -> list[HandlerFunction]:
        """What runs begin with, and what tells of those that fail; those that nothing else tells of when they fail."""
        if not platform.workloads:
            return []
        searches = [name for name, workload in platform.workloads.items() if not workload.train]
        self._begin = Begin(
            self,
            "Begin",
            prefix=platform.prefix,
            prefixes={name: f"{name}/{workload.data.path}" for name, workload in platform.workloads.items()},
            parallel_runs={name: workload.run.parallel_runs for name, workload in platform.workloads.items()},
            machines=searches,
            monitored=list(platform.monitors),
            data_bucket=foundation.data_bucket,
            artifact_bucket=foundation.artifact_bucket,
            key=foundation.key,
            registers=platform.has_registry,
        )
        self._tell = Tell(
            self,
            "Tell",
            prefix=platform.prefix,
            workloads=list(platform.workloads),
            pipelines=len(searches) < len(platform.workloads),
            state_machines=bool(searches),
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

    def _run(self, name: str, platform: Platform, foundation: FoundationStack) -> Pipeline | Autopilot:
        """What a run of the workload is: a pipeline, or a state machine where Autopilot trains."""
        workload = platform.workloads[name]
        # The group stays the same resource when a workload changes its algorithm: its versions go on.
        home = Construct(self, f"Pipeline-{name}")
        if platform.has_registry:
            self.package_groups[name] = sagemaker.CfnModelPackageGroup(
                home, "PackageGroup", model_package_group_name=f"{platform.prefix}-{name}"
            )
        common: dict[str, Any] = {
            "name": f"{platform.prefix}-{name}",
            "folder": ROOT / "workloads" / name,
            "workload": workload,
            "region": platform.region,
            "data_bucket": foundation.data_bucket,
            "artifact_bucket": foundation.artifact_bucket,
            "key": foundation.key,
            "network": foundation.network,
            "begin": self._begin.handler.function,
            "tags": platform.tags,
            "package_group": self.package_groups.get(name),
        }
        run = (
            Pipeline(home, "Default", **common)  # an id that leaves no trace in logical names
            if workload.train
            else Autopilot(self, f"Autopilot-{name}", **common)
        )
        for tag, value in workload.tags.items():
            Tags.of(home).add(tag, value)
            Tags.of(run).add(tag, value)
        if workload.schedule:
            # A run that could not begin is a dead letter, of which the alarm tells.
            RunSchedule(
                self,
                f"Schedule-{name}",
                name=f"{platform.prefix}-{name}",
                schedule=workload.schedule,
                key=foundation.key,
                dead_letters=self._tell.handler.dead_letters,
                **run.start,
            )
        return run
