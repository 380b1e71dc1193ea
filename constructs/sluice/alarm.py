"""The one alarm of a stack: its functions failed, or one that should run on schedule did not."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from sluice.function import HandlerFunction

# AWS: an alarm on an expression takes ten metrics at most, a limit that is not raised; a function has two here.
MOST_FUNCTIONS = 5


class FunctionsAlarm(Construct):
    """Tells `alerts` of an error or a dead letter of any of `functions`, of which there are MOST_FUNCTIONS at most.

    With `every`, the time between two scheduled runs, silence is told as well, as insufficient data. Each metric costs
    money: without `errors` only dead letters are told, of functions that Lambda itself tries three times; without
    `letters` only errors, of functions that somebody waits for, whose events never become dead letters.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        functions: Sequence[HandlerFunction],
        alerts: sns.ITopic,
        every: Duration | None = None,
        errors: bool = True,
        letters: bool = True,
    ) -> None:
        super().__init__(scope, id)
        period = every or Duration.minutes(5)
        metrics: dict[str, cloudwatch.IMetric] = {}
        for i, function in enumerate(functions):
            if errors:
                metrics[f"errors{i}"] = function.function.metric_errors(period=period)
            if letters:
                waiting = function.dead_letters.metric_approximate_number_of_messages_visible(period=period)
                metrics[f"letters{i}"] = waiting
        troubles = " + ".join(f"FILL({name}, 0)" for name in metrics)
        if every:
            for i, function in enumerate(functions):
                metrics[f"runs{i}"] = function.function.metric_invocations(period=period)
                troubles += f" + 0 * runs{i}"  # no run, no value
        alarm = cloudwatch.Alarm(
            self,
            "Resource",
            alarm_description=f"Functions of {', '.join(f.node.path for f in functions)} failed or fell silent",
            metric=cloudwatch.MathExpression(
                expression=troubles, using_metrics=metrics, period=period, label="errors, dead letters and silence"
            ),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=(
                cloudwatch.TreatMissingData.MISSING if every else cloudwatch.TreatMissingData.NOT_BREACHING
            ),
        )
        alarm.add_alarm_action(actions.SnsAction(alerts))
        if every:
            # Not an alarm on missing runs: that one goes off at every deployment, before the first run is due. An
            # alarm begins with insufficient data, and returns to it after some three intervals without a run.
            alarm.add_insufficient_data_action(actions.SnsAction(alerts))
