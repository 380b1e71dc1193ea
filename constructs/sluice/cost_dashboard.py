"""One dashboard: what is spent against the budget, the rate, what was saved, and errors of what controls costs."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from config.costs import Budget
from sluice.function import HandlerFunction

_NAMESPACE, _SPENT, _RATE, _SAVED = "Sluice", "SpentUSD", "RateUSDPerHour", "SavedUSD"  # as `controls.emf` has them
_METERED = Duration.minutes(15)
_HALF: dict[str, Any] = {"width": 12, "height": 6}  # a dashboard has 24 columns
_FROM_ZERO = cloudwatch.YAxisProps(min=0, show_units=False)


class CostDashboard(Construct):
    """`<prefix>-costs`. What is spent is metered, and so shown, where there is a budget."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        prefix: str,
        budget: Budget | None,
        functions: Sequence[HandlerFunction],
    ) -> None:
        super().__init__(scope, id)
        self._prefix = prefix
        cloudwatch.Dashboard(
            self,
            "Resource",
            dashboard_name=f"{prefix}-costs",
            default_interval=Duration.days(31),
            widgets=[*([self._spending(budget)] if budget else []), self._controls(functions)],
        )

    def _spending(self, budget: Budget) -> list[cloudwatch.IWidget]:
        return [
            cloudwatch.GraphWidget(
                title="Spent in this month, USD",
                left=[self._metric(_SPENT)],
                left_annotations=_lines(budget),
                left_y_axis=_FROM_ZERO,
                **_HALF,
            ),
            cloudwatch.GraphWidget(
                title="Rate, USD an hour", left=[self._metric(_RATE)], left_y_axis=_FROM_ZERO, **_HALF
            ),
        ]

    def _controls(self, functions: Sequence[HandlerFunction]) -> list[cloudwatch.IWidget]:
        return [
            cloudwatch.GraphWidget(
                title="Saved on each day, USD",
                left=[self._metric(_SAVED, Duration.days(1))],
                view=cloudwatch.GraphWidgetView.BAR,
                **_HALF,
            ),
            cloudwatch.GraphWidget(
                title="Errors of the functions",
                left=[each.function.metric_errors(period=Duration.hours(1)) for each in functions],
                left_y_axis=_FROM_ZERO,
                **_HALF,
            ),
        ]

    def _metric(self, name: str, period: Duration = _METERED) -> cloudwatch.Metric:
        # The maximum: an event that comes twice leaves two data of the same value.
        return cloudwatch.Metric(
            namespace=_NAMESPACE,
            metric_name=name,
            dimensions_map={"Platform": self._prefix},
            statistic=cloudwatch.Stats.MAXIMUM,
            period=period,
        )


def _lines(budget: Budget) -> list[cloudwatch.HorizontalAnnotation]:
    """The budget, and each share of it that is warned of."""
    shares = [100, *budget.warn_percent]
    return [
        cloudwatch.HorizontalAnnotation(value=budget.usd_per_month * share / 100, label=f"{share} % of the budget")
        for share in shares
    ]
