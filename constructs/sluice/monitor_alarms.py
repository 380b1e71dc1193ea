"""Two alarms of a monitor: the model no longer fits, and nobody knows whether it does."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from config.monitoring import Monitor
from sluice.waiver import accept

NAMESPACE = "Sluice"  # as `controls.emf` has it


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

    A window without evidence says nothing of drift, and one is a day after the other: the alarm stays as it is until
    the next says otherwise. Of silence `alerts` tells, from the first deployment on until the first window.
    """

    def __init__(
        self, scope: Construct, id: str, *, prefix: str, workload: str, settings: Monitor, alerts: sns.ITopic
    ) -> None:
        super().__init__(scope, id)
        # `cli.monitors` shows both by these names.
        self.drift_alarm = f"{prefix}-{workload}-drift"
        drifted = [name for name in settings.metrics if name.endswith("Drifted")]
        period = Duration.minutes(5)
        metrics: dict[str, cloudwatch.IMetric] = {
            f"kind{at}": metric(prefix, workload, name, period, cloudwatch.Stats.MAXIMUM)
            for at, name in enumerate(drifted)
        }
        alarm = cloudwatch.Alarm(
            self,
            "Drift",
            alarm_name=self.drift_alarm,
            alarm_description=f"What {workload} is asked, or how well it answers, is no longer as it was in training",
            metric=cloudwatch.MathExpression(
                expression=f"MAX([{', '.join(metrics)}])", using_metrics=metrics, period=period, label="drifted"
            ),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )
        told = "`controls.retrain` hears of it by its event, and tells people of each drift once, with what is done"
        accept(alarm, "NIST.800.53.R5-CloudWatchAlarmAction", told)
        self._silence(prefix, workload, settings.silent_after_hours, alerts)

    def _silence(self, prefix: str, workload: str, hours: int, alerts: sns.ITopic) -> None:
        hour = Duration.hours(1)
        windows = metric(prefix, workload, "Rows", hour, cloudwatch.Stats.SAMPLE_COUNT)
        alarm = cloudwatch.Alarm(
            self,
            "Silence",
            alarm_name=f"{prefix}-{workload}-silent",
            alarm_description=f"The monitor of {workload} has examined nothing for {hours} hours",
            metric=cloudwatch.MathExpression(
                expression="windows + 0", using_metrics={"windows": windows}, period=hour, label="windows"
            ),
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=hours,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(alerts))
