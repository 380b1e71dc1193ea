"""What state a metric alarm is in, as a function of its configuration, the data points and the time.

Sources: CloudWatch User Guide, "Alarm evaluation", "Configuring how CloudWatch alarms treat missing data" and "Alarm
events and EventBridge" (how a reason reads, and that periods end at the last whole minute: the sample's period of 300
seconds asked for at 17:04:40 begins at 16:59:00). An alarm is a dict of the members of PutMetricAlarm.
"""

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from rehearsal.metric_math import MathError, Series, Value, evaluate

Alarm = dict[str, Any]
Query = dict[str, Any]  # one entry of Metrics

DAY_SECONDS = 86_400
# AWS retrieves "a higher number of data points than Evaluation Periods"; its tables show 5 for 3, and no other figure.
FURTHER_PERIODS = 2
_COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
_STATISTICS = ("SampleCount", "Sum", "Average", "Minimum", "Maximum")
_REFUSED = ("ThresholdMetricId", "EvaluateLowSampleCountPercentile", "EvaluationCriteria", "EvaluationInterval")


class Point(NamedTuple):
    """One stored datum: `samples` values between `low` and `high` that add up to `total`, at an epoch second."""

    at: float
    unit: str
    samples: float
    total: float
    low: float
    high: float


Read = Callable[[Query], list[Point]]


@dataclass(frozen=True)
class Judgement:
    """A state with the reason that AWS would give for it."""

    state: str
    reason: str
    data: dict[str, Any]


def queries(alarm: Alarm) -> list[Query]:
    """What an alarm reads, in the form of Metrics also where it names a single metric."""
    if alarm.get("Metrics"):
        return alarm["Metrics"]
    metric = {name: alarm.get(name) for name in ("Namespace", "MetricName", "Dimensions")}
    stat = {"Metric": metric, "Period": alarm["Period"], "Stat": alarm.get("ExtendedStatistic") or alarm["Statistic"]}
    return [{"Id": "m1", "MetricStat": stat | {"Unit": alarm.get("Unit")}, "ReturnData": True}]


def period_seconds(alarm: Alarm) -> int:
    return next(int(query["MetricStat"]["Period"]) for query in queries(alarm) if "MetricStat" in query)


def tick_seconds(alarm: Alarm) -> int:
    """How often it is evaluated: each minute, a high-resolution one each 10 seconds, a multi-day one each hour."""
    if period_seconds(alarm) * int(alarm["EvaluationPeriods"]) > DAY_SECONDS:
        return 3600
    return 10 if period_seconds(alarm) < 60 else 60


def range_seconds(alarm: Alarm) -> int:
    """How far back it looks."""
    return period_seconds(alarm) * (int(alarm["EvaluationPeriods"]) + FURTHER_PERIODS)


def next_tick(alarm: Alarm, now: float) -> float:
    """The first moment after this one at which it is evaluated."""
    return (now // tick_seconds(alarm) + 1) * tick_seconds(alarm)


def check(alarm: Alarm) -> None:
    """Refuse by name what this module would not evaluate as AWS does. Raises ValueError."""
    for name in _REFUSED:
        if alarm.get(name) not in (None, "", "evaluate"):
            raise ValueError(f"{name} of an alarm is not emulated by this cloud.")
    single = ("Namespace", "MetricName", "Period", "Statistic" if "ExtendedStatistic" not in alarm else "Period")
    for name in ("EvaluationPeriods", "Threshold", *(() if alarm.get("Metrics") else single)):
        if alarm.get(name) is None:
            raise ValueError(f"{name} of an alarm is required.")
    if alarm.get("ComparisonOperator") not in _COMPARISONS:
        raise ValueError(f"The comparison operator {alarm.get('ComparisonOperator')} is not emulated by this cloud.")
    stats = [query["MetricStat"] for query in queries(alarm) if "MetricStat" in query]
    if len({int(stat["Period"]) for stat in stats}) != 1:
        raise ValueError(
            "An alarm without a metric, or on metrics of different periods, is not emulated by this cloud."
        )
    period = int(stats[0]["Period"])
    if period not in (10, 20, 30) and (period <= 0 or period % 60):
        raise ValueError(f"The period must be 10, 20, 30 or a multiple of 60 seconds, not {period}.")
    for stat in stats:
        if stat["Stat"] not in _STATISTICS and not re.fullmatch(r"p(\d{1,2}(\.\d+)?|100)", stat["Stat"]):
            raise ValueError(f"The statistic {stat['Stat']} is not emulated by this cloud.")
    if not isinstance(_watched(alarm, lambda query: [], 0.0), tuple):
        raise ValueError("The expression of an alarm must give a single time series.")


def judge(alarm: Alarm, read: Read, now: float) -> Judgement | None:
    """The state at a moment in epoch seconds; None where the alarm keeps the one that it has."""
    periods = int(alarm["EvaluationPeriods"])
    wanted = int(alarm.get("DatapointsToAlarm") or periods)
    period, end = period_seconds(alarm), _end(alarm, now)
    series = _watched(alarm, read, end)
    assert isinstance(series, tuple)
    first = end - period * len(series)
    used = [(first + period * i, value) for i, value in enumerate(series) if value is not None][-periods:]
    exceeds, words = _COMPARISONS[alarm["ComparisonOperator"]]
    breaching = [(at, value) for at, value in used if exceeds(value, float(alarm["Threshold"]))]
    oldest_age = (end - breaching[0][0]) // period if breaching else 0
    state = _state(alarm, len(used), len(breaching), oldest_age)
    if state is None:
        return None
    data = _reason_data(alarm, now, used)
    if state == "INSUFFICIENT_DATA":
        return Judgement(state, f"Insufficient Data: {periods - len(used)} datapoints were unknown.", data)
    if not used:
        treated = "Breaching" if state == "ALARM" else "NonBreaching"
        reason = f"no datapoints were received for {periods} periods and {periods} missing datapoints were treated as "
        return Judgement(state, f"Threshold Crossed: {reason}[{treated}].", data)
    shown = breaching if state == "ALARM" else [pair for pair in used if pair not in breaching]
    return Judgement(state, _reason(alarm, state, shown, periods, wanted, words), data)


def next_look(alarm: Alarm, read: Read, now: float) -> float | None:
    """The next moment at which data enters, changes its period in or leaves what the alarm looks at, else None.

    At every moment before, `judge` says what it says now.
    """
    period, tick, end = period_seconds(alarm), tick_seconds(alarm), _end(alarm, now)
    borders = list[float]()
    for query in queries(alarm):
        for point in read(query) if "MetricStat" in query else []:
            age = _age(point, end, period)
            if age < int(alarm["EvaluationPeriods"]) + FURTHER_PERIODS:
                borders.append(point.at + max(0, age + 1) * period)
    return (math.floor(min(borders) / tick) + 1) * float(tick) if borders else None


def _end(alarm: Alarm, now: float) -> float:
    tick = tick_seconds(alarm)
    return float(now // tick * tick)


def _age(point: Point, end: float, period: int) -> int:
    """0 in the latest period, which ends before `end`; negative for what comes later."""
    return math.ceil((end - point.at) / period) - 1 if point.at < end else -1


def _state(alarm: Alarm, existing: int, breaching: int, oldest_age: float) -> str | None:
    """The tables of "Configuring how CloudWatch alarms treat missing data"; `oldest_age` 1 is the latest period."""
    periods, treat = int(alarm["EvaluationPeriods"]), alarm.get("TreatMissingData") or "missing"
    wanted = int(alarm.get("DatapointsToAlarm") or periods)
    missing = periods - existing
    if missing and treat == "breaching":
        breaching += missing
    if breaching >= wanted:
        return "ALARM"
    if not missing or treat in ("breaching", "notBreaching") or breaching < existing:
        return "OK"
    if treat == "ignore":
        return None
    return "ALARM" if existing and oldest_age >= wanted else "INSUFFICIENT_DATA"


def _watched(alarm: Alarm, read: Read, end: float) -> Value:
    """The time series that the alarm compares with its threshold, over its evaluation range."""
    by_id = {query["Id"]: query for query in queries(alarm)}
    stats = [name for name, query in by_id.items() if "MetricStat" in query]
    count = int(alarm["EvaluationPeriods"]) + FURTHER_PERIODS
    asked = list[str]()

    def value(name: str) -> Value:
        if name not in by_id or name in asked:
            raise MathError(f"the id {name} in the alarm's metric math is unknown, or stands for itself")
        query = by_id[name]
        if "MetricStat" in query:
            return _series(query["MetricStat"], read(query), end, count)
        asked.append(name)
        found = evaluate(query["Expression"], value, stats)
        asked.remove(name)
        return found

    returned = [name for name, query in by_id.items() if query.get("ReturnData", True)]
    if len(returned) != 1:
        raise ValueError(f"Exactly one entry of Metrics must return data, not {returned}.")
    return value(returned[0])


def _series(stat: dict[str, Any], points: list[Point], end: float, count: int) -> Series:
    periods: list[list[Point]] = [[] for _ in range(count)]
    for point in points:
        age = _age(point, end, int(stat["Period"]))
        if 0 <= age < count and stat.get("Unit") in (None, point.unit):
            periods[count - 1 - age].append(point)
    return tuple(statistic(stat["Stat"], found) for found in periods)


def statistic(name: str, points: list[Point]) -> float | None:
    """One statistic of one period's data; None without any, and for a percentile of what has lost its values."""
    count, total = sum(point.samples for point in points), sum(point.total for point in points)
    if not count:
        return None
    if name.startswith("p"):
        return _percentile(sorted((point.low, point.samples) for point in points), float(name[1:]) / 100, points)
    return {
        "SampleCount": count,
        "Sum": total,
        "Average": total / count,
        "Minimum": min(point.low for point in points),
        "Maximum": max(point.high for point in points),
    }[name]


def _percentile(samples: list[tuple[float, float]], share: float, points: list[Point]) -> float | None:
    """Between the two nearest ranks; there is none over negative values or statistic sets ("Percentiles")."""
    if any(point.low < 0 or point.low != point.high for point in points):
        return None
    rank = share * max(0.0, sum(count for _, count in samples) - 1)

    def at(index: int) -> float:
        for value, count in samples:
            index -= int(count)
            if index < 0:
                return value
        return samples[-1][0]

    low = at(int(rank))
    return low + (rank - int(rank)) * (at(int(rank) + 1) - low)


def _reason(alarm: Alarm, state: str, shown: list[tuple[float, float]], periods: int, wanted: int, words: str) -> str:
    values = ", ".join(f"{value} ({datetime.fromtimestamp(at, UTC):%d/%m/%y %H:%M:%S})" for at, value in shown)
    verb = "was" if len(shown) == 1 else "were"
    verb += "" if state == "ALARM" else " not"
    least = wanted if state == "ALARM" else periods - wanted + 1
    change = "OK -> ALARM" if state == "ALARM" else "ALARM -> OK"
    return (
        f"Threshold Crossed: {len(shown)} out of the last {periods} datapoints [{values}] {verb} {words} the threshold "
        f"({float(alarm['Threshold'])}) (minimum {least} datapoint{'s' * (least > 1)} for {change} transition)."
    )


def _reason_data(alarm: Alarm, now: float, used: list[tuple[float, float]]) -> dict[str, Any]:
    data: dict[str, Any] = {"version": "1.0", "queryDate": stamp(now)}
    if used:
        data["startDate"] = stamp(used[0][0])
    if not alarm.get("Metrics"):
        data["statistic"] = queries(alarm)[0]["MetricStat"]["Stat"]
    recent = [value for _, value in used]
    return data | {
        "period": period_seconds(alarm),
        "recentDatapoints": recent,
        "threshold": float(alarm["Threshold"]),
    }


def stamp(moment: float) -> str:
    """As in CloudWatch's events: 2019-10-02T17:04:40.985+0000."""
    at = datetime.fromtimestamp(moment, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"


def state_change(alarm: Alarm, before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """The detail of a "CloudWatch Alarm State Change" event."""
    metrics = list[dict[str, Any]]()
    for query in queries(alarm):
        entry: dict[str, Any] = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
        if "Expression" in query:
            entry |= {"expression": query["Expression"], "label": query.get("Label", query["Id"])}
        else:
            stat, metric = query["MetricStat"], query["MetricStat"]["Metric"]
            dimensions = {d["Name"]: d["Value"] for d in metric.get("Dimensions") or []}
            named = {"namespace": metric["Namespace"], "name": metric["MetricName"], "dimensions": dimensions}
            entry["metricStat"] = {"metric": named, "period": int(stat["Period"]), "stat": stat["Stat"]}
        metrics.append(entry)
    configuration = {"description": alarm.get("AlarmDescription") or "", "metrics": metrics}
    return {"alarmName": alarm["AlarmName"], "configuration": configuration, "previousState": before, "state": now}
