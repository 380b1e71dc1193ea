"""Whether the models that are served still fit what they are asked, and what is done when one does not."""

import json
from typing import Any

from aws_cdk import Environment, Stack, Tags
from constructs import Construct

from config.load import ROOT
from config.monitoring import Monitor as Settings
from config.schema import Platform
from sluice.alarm import FunctionsAlarm
from sluice.monitor import Monitor
from sluice.monitor_alarms import MonitorAlarms
from sluice.monitor_dashboard import MonitorDashboard
from sluice.monitor_functions import Conclude, Watch
from sluice.native_monitor import NativeMonitor
from sluice.published import Published
from sluice.retraining import Retraining
from stacks.costs import CostsStack
from stacks.foundation import FoundationStack


class MonitoringStack(Stack):
    """It stays where no workload has a monitor, with a parameter alone: a stack that is gone would stay deployed.

    Nothing of the training and serving stacks is imported: a workload could not be removed while it is in use here.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        platform: Platform,
        foundation: FoundationStack,
        costs: CostsStack,
        env: Environment,
    ) -> None:
        super().__init__(scope, id, env=env, description=f"{platform.prefix}: monitors of what is served")
        self._platform, self._foundation = platform, foundation
        monitors, prefix = platform.monitors, platform.prefix
        Published(self, "Published", prefix=prefix, values={"monitors": json.dumps(list(monitors))})
        if monitors:
            self._monitor(monitors, costs)

    def _monitor(self, monitors: dict[str, Settings], costs: CostsStack) -> None:
        platform, foundation, prefix = self._platform, self._foundation, self._platform.prefix
        common: dict[str, Any] = {"prefix": prefix, "monitors": monitors, "key": foundation.key}
        artifacts = {"artifact_bucket": foundation.artifact_bucket}
        native = platform.monitoring.is_native
        conclude = Conclude(self, "Conclude", ledger=costs.ledger, native=native, **artifacts, **common)
        if native:
            self._examine_natively()
        else:
            self._examine(conclude, Watch(self, "Watch", data_bucket=foundation.data_bucket, **artifacts, **common))
        alarms = {
            name: MonitorAlarms(
                self, f"Alarms-{name}", prefix=prefix, workload=name, settings=monitor, alerts=foundation.alerts
            ).drift_alarm
            for name, monitor in monitors.items()
        }
        retraining = Retraining(
            self, "Retraining", alarms=alarms, ledger=costs.ledger, alerts=foundation.alerts, **artifacts, **common
        )
        metered = platform.costs.budget is not None
        MonitorDashboard(self, "Dashboard", prefix=prefix, monitors=monitors, metered=metered, native=native)
        # Where `watch` fails, the run fails, and `tell` tells; schedules leave their dead letters with `conclude`.
        heard = [conclude.handler, retraining.handler]
        FunctionsAlarm(self, "Alarm", functions=heard, alerts=foundation.alerts, errors=False)

    def _examine(self, conclude: Conclude, watch: Watch) -> None:
        for name in self._platform.monitors:
            monitor = Monitor(
                self,
                f"Monitor-{name}",
                name=f"{self._platform.prefix}-{name}-monitor",
                watch=watch.handler.function,
                conclude=conclude.handler.function,
                dead_letters=conclude.handler.dead_letters,
                **self._of(name),
            )
            self._tag(monitor, name)

    def _examine_natively(self) -> None:
        for name in self._platform.monitors:
            metric = self._platform.workloads[name].metric.name.rpartition(":")[2]
            endpoint = f"{self._platform.prefix}-{name}"
            self._tag(NativeMonitor(self, f"Monitor-{name}", name=endpoint, metric=metric, **self._of(name)), name)

    def _of(self, name: str) -> dict[str, Any]:
        """What monitors of both engines are told of the workload `name`."""
        platform, foundation = self._platform, self._foundation
        return {
            "folder": ROOT / "workloads" / name,
            "settings": platform.monitors[name],
            "region": platform.region,
            "data_bucket": foundation.data_bucket,
            "artifact_bucket": foundation.artifact_bucket,
            "key": foundation.key,
            "network": foundation.network,
            "tags": {**platform.tags, **platform.workloads[name].tags},
        }

    def _tag(self, monitor: Construct, name: str) -> None:
        for tag, value in self._platform.workloads[name].tags.items():
            Tags.of(monitor).add(tag, value)
