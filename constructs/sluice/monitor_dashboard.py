"""One dashboard of what is served: traffic, latency, errors, drift, quality, retrains and cost."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from config.monitoring import Monitor
from sluice.monitor_alarms import NAMESPACE, metric

_VARIANT = "AllTraffic"  # as `controls.release` names it
_THIRD: dict[str, Any] = {"width": 8, "height": 6}  # a dashboard has 24 columns
_FROM_ZERO = cloudwatch.YAxisProps(min=0, show_units=False)
_HOUR = Duration.hours(1)


class MonitorDashboard(Construct):
    """`<prefix>-monitoring`: three rows for each monitor. `metered`: what the month has cost is known.

    `native`: windows are those of SageMaker Model Monitor, whose violations tell no metric's value.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        monitors: Mapping[str, Monitor],
        metered: bool,
        native: bool,
    ) -> None:
        super().__init__(scope, id)
        self._prefix, self._metered, self._native = prefix, metered, native
        rows = [row for name, monitor in monitors.items() for row in self._rows(name, monitor)]
        cloudwatch.Dashboard(
            self,
            "Resource",
            dashboard_name=f"{prefix}-monitoring",
            default_interval=Duration.days(14),
            widgets=rows,
        )

    def _rows(self, workload: str, monitor: Monitor) -> list[list[cloudwatch.IWidget]]:
        def own(names: list[str]) -> list[cloudwatch.IMetric]:
            return [metric(self._prefix, workload, name, _HOUR, cloudwatch.Stats.MAXIMUM) for name in names]

        kinds = [name for name in monitor.metrics if name.endswith("Drifted")]
        features = [name for name in monitor.metrics if name.startswith("Drifted ")]
        asked = ["Unlabelled"] if monitor.wants_labels else []
        served = [
            _graph(f"{workload}: requests an hour", [self._served(workload, "Invocations", "Sum")]),
            _graph(f"{workload}: latency, p95 in microseconds", [self._served(workload, "ModelLatency", "p95")]),
            _graph(
                f"{workload}: errors",
                [self._served(workload, f"Invocation{kind}Errors", "Sum") for kind in ("4XX", "5XX")],
            ),
        ]
        examined = [
            _graph(f"{workload}: drift, 1 is yes; how many could not be examined", own([*kinds, *features, "Faults"])),
            _graph(f"{workload}: share of features that drifted, of rows without a label", own(["DriftShare", *asked])),
            _graph(f"{workload}: rows of a window", own(["Rows"])),
        ]
        quality = [_graph(f"{workload}: the model's metric", own(["Quality"]))]
        told = quality if "Quality" in monitor.metrics and not self._native else []
        return [served, examined, [*told, *self._answers(workload)]]

    def _answers(self, workload: str) -> list[cloudwatch.IWidget]:
        runs = [
            cloudwatch.Metric(
                namespace="AWS/Sagemaker/ModelBuildingPipeline",
                metric_name=f"Execution{end}",
                dimensions_map={"PipelineName": f"{self._prefix}-{workload}"},
                statistic=cloudwatch.Stats.SUM,
                period=Duration.days(1),
            )
            for end in ("Started", "Succeeded", "Failed")
        ]
        widgets = [_graph(f"{workload}: runs of the training pipeline, a day", runs)]
        if self._metered:
            spent = cloudwatch.Metric(
                namespace=NAMESPACE,
                metric_name="SpentUSD",  # as `controls.emf` has it
                dimensions_map={"Platform": self._prefix},
                statistic=cloudwatch.Stats.MAXIMUM,
                period=_HOUR,
            )
            widgets.append(_graph("Spent by the platform in this month, USD", [spent]))
        return widgets

    def _served(self, workload: str, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name=name,
            dimensions_map={"EndpointName": f"{self._prefix}-{workload}", "VariantName": _VARIANT},
            statistic=statistic,
            period=_HOUR,
        )


def _graph(title: str, metrics: list[cloudwatch.IMetric]) -> cloudwatch.IWidget:
    return cloudwatch.GraphWidget(title=title, left=metrics, left_y_axis=_FROM_ZERO, **_THIRD)
