"""Alarms against the tables of CloudWatch's User Guide."""

from datetime import UTC, datetime
from typing import Any

import pytest

from rehearsal.alarms import Point, check, judge, next_look, statistic
from rehearsal.metric_math import MathError, evaluate

NOW = 1_790_000_040.0  # a whole minute
PERIOD = 300
ALARM: dict[str, Any] = {
    "AlarmName": "a",
    "Namespace": "N",
    "MetricName": "m",
    "Statistic": "Average",
    "Period": PERIOD,
    "EvaluationPeriods": 3,
    "Threshold": 50,
    "ComparisonOperator": "GreaterThanThreshold",
}
INSUFFICIENT, KEPT = "INSUFFICIENT_DATA", None
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")

# "Configuring how CloudWatch alarms treat missing data": 0 is non-breaching, X breaching, - missing, latest last.
THREE_OF_THREE = [
    ("0-X-X", "OK", "OK", "OK", "OK"),
    ("0----", "OK", "OK", "OK", "OK"),
    ("-----", INSUFFICIENT, KEPT, "ALARM", "OK"),
    ("0XX-X", "ALARM", "ALARM", "ALARM", "ALARM"),
    ("----X", INSUFFICIENT, KEPT, "ALARM", "OK"),
    ("X----", "ALARM", KEPT, "ALARM", "OK"),
]
TWO_OF_THREE = [
    ("0-X-X", "ALARM", "ALARM", "ALARM", "ALARM"),
    ("00X0X", "ALARM", "ALARM", "ALARM", "ALARM"),
    ("0-X--", "OK", "OK", "ALARM", "OK"),
    ("----0", "OK", "OK", "ALARM", "OK"),
    ("----X", INSUFFICIENT, KEPT, "ALARM", "OK"),
]
# "Avoiding premature transitions to alarm state", on the same page: as old as Datapoints to Alarm is old enough.
PREMATURE = [("---X-", INSUFFICIENT), ("--X--", "ALARM"), ("---X0", "OK"), ("--X-0", "OK")]


def point(at: float, value: float, unit: str = "None") -> Point:
    return Point(at, unit, 1, value, value, value)


def drawn(picture: str) -> list[Point]:
    first = NOW - PERIOD * len(picture)
    values = {"0": 10.0, "X": 99.0}
    return [point(first + PERIOD * i, values[mark]) for i, mark in enumerate(picture) if mark in values]


def state_of(alarm: dict[str, Any], points: list[Point], now: float = NOW) -> str | None:
    judged = judge(alarm, lambda _: points, now)
    return judged.state if judged else None


@pytest.mark.parametrize(("wanted", "row"), [*((3, r) for r in THREE_OF_THREE), *((2, r) for r in TWO_OF_THREE)])
def test_missing_data_is_treated_as_the_tables_say(wanted: int, row: tuple[str, ...]) -> None:
    picture, *expected = row
    given = [
        state_of(ALARM | {"DatapointsToAlarm": wanted, "TreatMissingData": treat}, drawn(picture))
        for treat in TREATMENTS
    ]
    assert given == expected


@pytest.mark.parametrize(("picture", "expected"), PREMATURE)
def test_an_alarm_waits_for_the_next_data_point_before_it_goes_off_on_too_few(picture: str, expected: str) -> None:
    assert state_of(ALARM, drawn(picture)) == expected


@pytest.mark.parametrize(
    ("comparison", "states"),
    [
        ("GreaterThanThreshold", ["OK", "OK", "ALARM"]),
        ("GreaterThanOrEqualToThreshold", ["OK", "ALARM", "ALARM"]),
        ("LessThanThreshold", ["ALARM", "OK", "OK"]),
        ("LessThanOrEqualToThreshold", ["ALARM", "ALARM", "OK"]),
    ],
)
def test_the_threshold_itself_breaches_only_where_the_operator_says_so(comparison: str, states: list[str]) -> None:
    alarm = ALARM | {"EvaluationPeriods": 1, "ComparisonOperator": comparison}
    assert [state_of(alarm, [point(NOW - 1, value)]) for value in (49, 50, 51)] == states


def test_a_reason_reads_as_in_the_documented_events() -> None:
    at = datetime(2019, 10, 2, 16, 59, tzinfo=UTC).timestamp()
    asked = datetime(2019, 10, 2, 17, 4, 40, 985000, tzinfo=UTC).timestamp()
    alarm = ALARM | {"EvaluationPeriods": 1, "Threshold": 50.0}
    judged = judge(alarm, lambda _: [point(at, 99.50160229693434)], asked)
    assert judged is not None and judged.reason == (
        "Threshold Crossed: 1 out of the last 1 datapoints [99.50160229693434 (02/10/19 16:59:00)] was greater than "
        "the threshold (50.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )
    assert judged.data == {
        "version": "1.0",
        "queryDate": "2019-10-02T17:04:40.985+0000",
        "startDate": "2019-10-02T16:59:00.000+0000",
        "statistic": "Average",
        "period": 300,
        "recentDatapoints": [99.50160229693434],
        "threshold": 50.0,
    }


def test_statistics_and_percentiles_of_one_period() -> None:
    points = [point(0, value) for value in range(1, 11)]
    names = ("SampleCount", "Sum", "Average", "Minimum", "Maximum", "p0", "p50", "p90", "p100")
    assert [statistic(name, points) for name in names] == [10, 55, 5.5, 1, 10, 1, 5.5, pytest.approx(9.1), 10]
    # "Percentiles are not available for metrics when any of the metric values are negative numbers."
    assert statistic("p50", [point(0, -1)]) is None


def test_an_alarm_with_a_unit_sees_no_other_unit() -> None:
    alarm = ALARM | {"EvaluationPeriods": 1, "Unit": "Percent"}
    assert state_of(alarm, [point(NOW - 1, 99, "Count")]) == INSUFFICIENT
    assert state_of(alarm, [point(NOW - 1, 99, "Percent")]) == "ALARM"


def test_a_high_resolution_alarm_is_decided_every_ten_seconds() -> None:
    alarm = ALARM | {"EvaluationPeriods": 1, "Period": 10}
    assert state_of(alarm, [point(NOW + 21, 99)], NOW + 30) == "ALARM"
    assert next_look(alarm, lambda _: [point(NOW + 21, 99)], NOW + 20) == NOW + 30


def test_no_moment_at_which_a_state_could_change_is_passed_over() -> None:
    alarm = ALARM | {"DatapointsToAlarm": 2, "Period": 120}
    points = [point(NOW + offset, value) for offset, value in ((7, 99), (130, 10), (433, 99), (500, 99))]
    every_minute = [state_of(alarm, points, NOW + 60 * minute) for minute in range(40)]
    looks, moment = {0}, next_look(alarm, lambda _: points, NOW)
    while moment is not None:
        looks.add(int(moment - NOW) // 60)
        moment = next_look(alarm, lambda _: points, moment)
    changes = {i for i in range(1, 40) if every_minute[i] != every_minute[i - 1]}
    assert len(changes) > 4 and changes <= looks


# "Using math expressions with CloudWatch metrics": the page's own examples, - as None.
SERIES = {
    "metric1": (30.0, 20.0, 0.0, 0.0),
    "metric2": (20.0, None, 20.0, None),
    "test": (1.0, 1.0, 0.0, 0.0, None),
    "yes": (30.0, None, 0.0, 0.0, 30.0),
    "no": (0.0, 0.0, 20.0, None, 20.0),
    "holes": (1.0, None, 3.0),
    "zeros": (0.0, 2.0, 0.0),
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("metric1 < metric2", (0, 0, 1, 0)),
        ("metric1 >= 30", (1, 0, 0, 0)),
        ("metric1 > 15 AND metric2 > 15", (1, 0, 0, 0)),
        ("metric1 > 15 || metric2 > 15", (1, 1, 1, 0)),
        ("IF(test, yes, no)", (30, 0, 20, None, None)),
        ("IF(test, 5, no)", (5, 5, 20, None, None)),
        ("IF(test, yes, 5)", (30, 0, 5, 5, None)),
        ("IF(metric1 < 10, metric1)", (None, None, 0, 0)),
        ("metric1 + metric2", (50, 20, 20, 0)),
        ("metric2 * 2", (40, None, 40, None)),
        ("-holes / zeros", (None, 0, None)),
        ("(0 - metric1) ^ 0.5", (None, None, 0, 0)),
        ("metric1 ^ 100000", (None, None, 0, 0)),
        ("FILL(holes, 0) + 2 ^ 3", (9, 8, 11)),
        ("FILL(holes, REPEAT)", (1, 1, 3)),
        ("SUM([holes, zeros])", (1, 2, 3)),
        ("holes - MIN(holes)", (0, None, 2)),
        ('SUM(METRICS("metric"))', (50, 20, 20, 0)),
        ("MAX([metric1, metric2]) * AVG([metric1, metric2])", (750, 200, 200, 0)),
    ],
)
def test_metric_math_gives_what_the_guide_shows(expression: str, expected: tuple[float | None, ...]) -> None:
    assert evaluate(expression, SERIES.__getitem__, ["metric1", "metric2"]) == expected


@pytest.mark.parametrize("expression", ["ANOMALY_DETECTION_BAND(m1)", "MINUTE(m1)", "FILL(m1, LINEAR)", "SEARCH('a')"])
def test_metric_math_that_is_not_understood_is_refused_by_name(expression: str) -> None:
    with pytest.raises(MathError, match=expression.partition("(")[0]):
        evaluate(expression, lambda _: (None,), ["m1"])


def math_alarm(expression: str) -> dict[str, Any]:
    metric = {"Namespace": "N", "MetricName": "m", "Dimensions": []}
    stat = {"Metric": metric, "Period": 60, "Stat": "Sum"}
    queries = [{"Id": "e1", "Expression": expression}, {"Id": "m1", "MetricStat": stat, "ReturnData": False}]
    shared = {name: ALARM[name] for name in ("AlarmName", "Threshold", "ComparisonOperator")}
    return shared | {"EvaluationPeriods": 1, "Metrics": queries}


@pytest.mark.parametrize("expression", ["SUM(m1)", "METRICS()", "m2 + 1", "e1 + m1", "m1 +"])
def test_an_alarm_on_something_else_than_one_time_series_is_refused(expression: str) -> None:
    check(math_alarm("m1 + 1"))
    with pytest.raises(ValueError, match=r"time series|unknown|cannot be read"):
        check(math_alarm(expression))
