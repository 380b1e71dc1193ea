"""Three alarms of a monitor: the model no longer fits, something could not be examined, and nobody examines it."""

from typing import Any

from aws_cdk import Annotations, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from config.monitoring import Monitor
from sluice.waiver import accept

NAMESPACE = "Sluice"  # as `controls.emf` has it
_ABOVE_0: dict[str, Any] = {
    "threshold": 0,
    "comparison_operator": cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
    "evaluation_periods": 1,
    # A window without evidence says nothing, and one is a day after the other.
    "treat_missing_data": cloudwatch.TreatMissingData.IGNORE,
}


def metric(prefix: str, workload: str, name: str, period: Duration, statistic: str) -> cloudwatch.Metric:
    """One that `controls.conclude` writes."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"Platform": prefix, "Workload": workload},
        statistic=statistic,
        period=period,
    )


class MonitorAlarms(Construct):
    """`drift_alarm`: the name of the first. People are told of drift by `retrain`, once each, so it tells nobody.

    Of the others `alerts` tells, once when they go off. The first two stay as they are until a window says otherwise.
    """

    def __init__(
        self, scope: Construct, id: str, *, prefix: str, workload: str, settings: Monitor, alerts: sns.ITopic
    ) -> None:
        super().__init__(scope, id)
        self._prefix, self._workload, self._tell = prefix, workload, actions.SnsAction(alerts)
        # `cli.monitors` shows all by these names.
        self.drift_alarm = f"{prefix}-{workload}-drift"
        alarm = cloudwatch.Alarm(
            self,
            "Drift",
            alarm_name=self.drift_alarm,
            alarm_description=f"What {workload} is asked, or how well it answers, is no longer as it was in training",
            metric=self._metric("Drifted", Duration.minutes(5), cloudwatch.Stats.MAXIMUM),
            **_ABOVE_0,
        )
        told = "`controls.retrain` hears of it by its event, and tells people of each drift once, with what is done"
        accept(alarm, "NIST.800.53.R5-CloudWatchAlarmAction", told)
        self._faults()
        self._silence(settings.silent_after_hours)
        if (gap := settings.hours_apart - settings.window_hours) > 0:
            told = f"Not examined: up to {gap} hours of what {workload} is asked between two windows. "
            told += f"monitor.window_hours is {settings.window_hours}, and they are {settings.hours_apart} hours apart"
            Annotations.of(self).add_warning_v2("sluice:monitor.window_hours", told)

    def _faults(self) -> None:
        alarm = cloudwatch.Alarm(
            self,
            "Faults",
            alarm_name=f"{self._prefix}-{self._workload}-faults",
            alarm_description=(
                f"Something that the monitor of {self._workload} is to examine could not be, and is not known to be "
                "well: sluice monitors status says what and why"
            ),
            metric=self._metric("Faults", Duration.minutes(5), cloudwatch.Stats.MAXIMUM),
            **_ABOVE_0,
        )
        alarm.add_alarm_action(self._tell)

    def _silence(self, hours: int) -> None:
        """It goes off as insufficient data: what an alarm begins with, so not before there was a first window."""
        alarm = cloudwatch.Alarm(
            self,
            "Silence",
            alarm_name=f"{self._prefix}-{self._workload}-silent",
            alarm_description=(
                f"With insufficient data, the monitor of {self._workload} has examined nothing for more than {hours} "
                "hours, or nothing yet since it was deployed, of which nobody is told"
            ),
            metric=self._metric("Rows", Duration.hours(1), cloudwatch.Stats.SAMPLE_COUNT),
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=hours,
            treat_missing_data=cloudwatch.TreatMissingData.MISSING,
        )
        alarm.add_insufficient_data_action(self._tell)

    def _metric(self, name: str, period: Duration, statistic: str) -> cloudwatch.Metric:
        return metric(self._prefix, self._workload, name, period, statistic)
