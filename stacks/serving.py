"""From an approved model package to a serving endpoint, and back to nothing when the workload goes."""

import json

from aws_cdk import Environment, Stack
from constructs import Construct

from config.schema import Platform
from sluice.alarm import FunctionsAlarm
from sluice.autopilot_roles import allow_models
from sluice.endpoint import Endpoint
from sluice.promotion import Promotion
from sluice.published import Published
from sluice.teardown import Teardown
from stacks.foundation import FoundationStack
from stacks.training import TrainingStack


class ServingStack(Stack):
    """Without registered models only the parameter is left, for the reason that TrainingStack gives."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        platform: Platform,
        foundation: FoundationStack,
        training: TrainingStack,
        env: Environment,
    ) -> None:
        super().__init__(scope, id, env=env, description=f"{platform.prefix}: endpoints of approved models")
        # When all is destroyed, this stack must have removed the model packages before their group is deleted.
        self.add_stack_dependency(training)
        endpoints = [
            Endpoint(
                self,
                f"Endpoint-{workload}",
                name=group.model_package_group_name,
                workload=workload,
                serve=platform.workloads[workload].serve,
                artifact_bucket=foundation.artifact_bucket,
                key=foundation.key,
                network=foundation.network,
                image_uris=training.image_uris[workload],
                capture_percent=_captured(platform, workload),
                batch_bucket=foundation.data_bucket if workload in platform.batches else None,
            )
            for workload, group in training.package_groups.items()
        ]
        for endpoint in endpoints:
            if not platform.workloads[endpoint.hosting["workload"]].train:
                allow_models(endpoint.role)
        names = json.dumps([endpoint.name for endpoint in endpoints])
        Published(self, "Published", prefix=platform.prefix, values={"endpoints": names})
        if endpoints:
            self._promote(platform, foundation, endpoints)

    def _promote(self, platform: Platform, foundation: FoundationStack, endpoints: list[Endpoint]) -> None:
        promotion = Promotion(
            self,
            "Promotion",
            prefix=platform.prefix,
            tags=platform.tags,
            endpoints=endpoints,
            network=foundation.network,
            key=foundation.key,
        )
        teardown = Teardown(self, "Teardown", prefix=platform.prefix, endpoints=endpoints, key=foundation.key)
        teardown.runs_after(promotion.rules)
        for endpoint in endpoints:
            endpoint.grant_promotion(promotion.handler.role)
        FunctionsAlarm(self, "Alarm", functions=[promotion.handler, teardown.handler], alerts=foundation.alerts)


def _captured(platform: Platform, workload: str) -> int:
    """Percent of the requests that a monitor looks at."""
    monitor = platform.monitors.get(workload)
    return monitor.sampling_percent if monitor and monitor.source == "endpoint" else 0
