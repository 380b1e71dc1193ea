"""Alarms against the tables of CloudWatch's User Guide, and what the cloud makes of them over its clock."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.alarms import Point, check, judge, next_look, statistic
from rehearsal.embedded import ACCOUNT, EmbeddedCloud
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


Deliveries = Callable[[], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def changes(cloud: EmbeddedCloud) -> Iterator[Deliveries]:
    """What a rule for alarms' events delivered since the last call."""
    sqs, events = cloud.client("sqs"), cloud.client("events")
    url = sqs.create_queue(QueueName="alarm-changes")["QueueUrl"]
    pattern = {"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"]}
    events.put_rule(Name="alarm-changes", EventPattern=json.dumps(pattern))
    target = {"Id": "q", "Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:alarm-changes"}
    events.put_targets(Rule="alarm-changes", Targets=[target])
    yield lambda: [json.loads(body) for body in received(sqs, url)]
    events.remove_targets(Rule="alarm-changes", Ids=["q"])
    events.delete_rule(Name="alarm-changes")


def received(sqs: Any, url: str) -> list[str]:
    found = list[str]()
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            found.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def advance(cloud: EmbeddedCloud, seconds: float) -> datetime:
    return datetime.fromtimestamp(cloud.control("advance", seconds=seconds)["now"], UTC)


def put_alarm(cloud: EmbeddedCloud, name: str, **settings: Any) -> Any:
    cloudwatch = cloud.client("cloudwatch")
    single = {"Namespace": "Tests", "MetricName": name, "Statistic": "Sum", "Period": 60}
    shared = {"AlarmName": name, "EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
    cloudwatch.put_metric_alarm(**shared | single | settings)
    return cloudwatch


def described(cloudwatch: Any, name: str) -> dict[str, Any]:
    return cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]


def states(cloudwatch: Any, name: str) -> list[tuple[datetime, str]]:
    """The state changes, oldest first."""
    items = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    found = [(item["Timestamp"], json.loads(item["HistoryData"])["newState"]["stateValue"]) for item in items]
    return sorted(found)[1:]  # the first tells of the creation


def test_an_alarm_follows_only_the_metric_with_its_very_dimensions(cloud: EmbeddedCloud) -> None:
    here, there = [{"Name": "Host", "Value": "here"}], [{"Name": "Host", "Value": "there"}]
    cloudwatch = put_alarm(cloud, "dimensions", Dimensions=here)
    assert described(cloudwatch, "dimensions")["StateValue"] == INSUFFICIENT
    for dimensions in (there, [*here, {"Name": "Disk", "Value": "1"}], []):
        datum = {"MetricName": "dimensions", "Value": 9, "Dimensions": dimensions}
        cloudwatch.put_metric_data(Namespace="Tests", MetricData=[datum])
    advance(cloud, 60)
    assert described(cloudwatch, "dimensions")["StateValue"] == INSUFFICIENT
    cloudwatch.put_metric_data(
        Namespace="Tests", MetricData=[{"MetricName": "dimensions", "Value": 9, "Dimensions": here}]
    )
    advance(cloud, 60)
    assert described(cloudwatch, "dimensions")["StateValue"] == "ALARM"


def test_a_question_without_dimensions_is_about_the_metric_that_has_none(cloud: EmbeddedCloud) -> None:
    cloudwatch, now = cloud.client("cloudwatch"), advance(cloud, 0)
    with_host = {"MetricName": "bare", "Value": 5, "Dimensions": [{"Name": "Host", "Value": "x"}]}
    cloudwatch.put_metric_data(Namespace="Tests", MetricData=[with_host, {"MetricName": "bare", "Value": 1}])
    window = {"StartTime": now - timedelta(minutes=5), "EndTime": now + timedelta(minutes=5)}
    metric = {"Namespace": "Tests", "MetricName": "bare"}
    stat = {"Metric": metric, "Period": 3600, "Stat": "Sum"}
    data = cloudwatch.get_metric_data(MetricDataQueries=[{"Id": "m", "MetricStat": stat}], **window)
    points = cloudwatch.get_metric_statistics(**metric, Period=3600, Statistics=["Sum"], **window)["Datapoints"]
    assert sum(data["MetricDataResults"][0]["Values"]) == sum(point["Sum"] for point in points) == 1


def test_a_change_of_state_is_an_event_as_documented(cloud: EmbeddedCloud, changes: Deliveries) -> None:
    cloudwatch = put_alarm(cloud, "event", AlarmDescription="too many", Dimensions=[{"Name": "Host", "Value": "x"}])
    datum = {"MetricName": "event", "Value": 9, "Dimensions": [{"Name": "Host", "Value": "x"}]}
    cloudwatch.put_metric_data(Namespace="Tests", MetricData=[datum])
    advance(cloud, 60)
    (event,) = [event for event in changes() if event["detail"]["alarmName"] == "event"]
    arn = f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:event"
    assert (event["source"], event["detail-type"]) == ("aws.cloudwatch", "CloudWatch Alarm State Change")
    assert event["resources"] == [arn] and event["account"] == ACCOUNT
    detail = event["detail"]
    (metric,) = detail["configuration"]["metrics"]
    assert detail["configuration"]["description"] == "too many"
    assert metric["metricStat"] == {
        "metric": {"namespace": "Tests", "name": "event", "dimensions": {"Host": "x"}},
        "period": 60,
        "stat": "Sum",
    }
    assert metric["returnData"] is True
    previous, state = detail["previousState"], detail["state"]
    assert (previous["value"], previous["reason"]) == (INSUFFICIENT, "Unchecked: Initial alarm creation")
    assert state["value"] == "ALARM" and state["reason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints")
    assert json.loads(state["reasonData"])["recentDatapoints"] == [9.0]
    assert json.loads(described(cloudwatch, "event")["StateReasonData"])["threshold"] == 1.0


def test_a_state_that_is_set_by_hand_is_an_event_and_lasts_until_the_next_evaluation(
    cloud: EmbeddedCloud, changes: Deliveries
) -> None:
    cloudwatch = put_alarm(cloud, "by-hand", TreatMissingData="notBreaching")
    advance(cloud, 60)
    assert described(cloudwatch, "by-hand")["StateValue"] == "OK"
    cloudwatch.set_alarm_state(AlarmName="by-hand", StateValue="ALARM", StateReason="a drill")
    advance(cloud, 60)
    told = [event["detail"] for event in changes() if event["detail"]["alarmName"] == "by-hand"]
    assert [(d["previousState"]["value"], d["state"]["value"]) for d in told] == [
        (INSUFFICIENT, "OK"),
        ("OK", "ALARM"),
        ("ALARM", "OK"),
    ]
    assert told[1]["state"]["reason"] == told[2]["previousState"]["reason"] == "a drill"


def test_an_alarm_speaks_through_its_topic(cloud: EmbeddedCloud) -> None:
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    allowed = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    url = sqs.create_queue(QueueName="alarm-topic", Attributes={"Policy": policy})["QueueUrl"]
    topic = sns.create_topic(Name="alarm-topic")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:alarm-topic")
    put_alarm(cloud, "speaks", TreatMissingData="breaching", AlarmActions=[topic])
    advance(cloud, 60)
    (told,) = [json.loads(json.loads(body)["Message"]) for body in received(sqs, url)]
    assert (told["AlarmName"], told["OldStateValue"], told["NewStateValue"]) == ("speaks", INSUFFICIENT, "ALARM")


def test_a_skip_of_hours_leaves_the_history_that_hours_would_have(cloud: EmbeddedCloud) -> None:
    cloudwatch = put_alarm(cloud, "hours", Period=300, EvaluationPeriods=2, DatapointsToAlarm=2)
    start = advance(cloud, 0).replace(second=0, microsecond=0) + timedelta(minutes=10)
    values = [0, 0, 9, 9, 9, 0]
    data = [
        {"MetricName": "hours", "Value": value, "Timestamp": start + timedelta(minutes=5 * i, seconds=1)}
        for i, value in enumerate(values)
    ]
    cloudwatch.put_metric_data(Namespace="Tests", MetricData=data)
    advance(cloud, 6 * 3600)
    minutes = [(round((at - start).total_seconds() / 60), state) for at, state in states(cloudwatch, "hours")]
    # The first data point counts once its minute is over; 9 is in the last two periods of 300 s when the one at
    # minute 15 is in the past, 0 when that of minute 25 is; of 2 + 2 periods the last one, at 25, has left after 20.
    assert minutes == [(1, "OK"), (16, "ALARM"), (26, "OK"), (46, INSUFFICIENT)]


def test_a_skip_of_a_month_with_twenty_alarms_takes_a_moment(cloud: EmbeddedCloud) -> None:
    cloudwatch = cloud.client("cloudwatch")
    for i in range(20):
        put_alarm(cloud, f"month{i}", TreatMissingData="notBreaching")
        cloudwatch.put_metric_data(Namespace="Tests", MetricData=[{"MetricName": f"month{i}", "Value": 9}])
    began = time.monotonic()
    advance(cloud, 30 * 86_400)
    assert time.monotonic() - began < 4  # 2 on a machine of one's own
    assert [state for _, state in states(cloudwatch, "month19")] == ["ALARM", "OK"]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"AlarmActions": ["arn:aws:automate:us-east-1:ec2:stop"]}, "ec2:stop"),
        ({"Statistic": "IQM"}, "IQM"),
        ({"ComparisonOperator": "LessThanLowerOrGreaterThanUpperThreshold", "ThresholdMetricId": "ad1"}, "ThresholdM"),
        ({"Period": 61}, "61"),
    ],
)
def test_an_alarm_that_would_not_be_evaluated_is_refused(
    cloud: EmbeddedCloud, settings: dict[str, Any], named: str
) -> None:
    asked = ALARM | {"AlarmName": "refused"} | settings
    cloudwatch = cloud.client("cloudwatch")
    with pytest.raises(ClientError, match=named):
        cloudwatch.put_metric_alarm(**asked)
    assert cloudwatch.describe_alarms(AlarmNames=["refused"])["MetricAlarms"] == []


def test_a_composite_alarm_is_refused_by_name(cloud: EmbeddedCloud) -> None:
    with pytest.raises(ClientError, match="PutCompositeAlarm is not emulated"):
        cloud.client("cloudwatch").put_composite_alarm(AlarmName="c", AlarmRule="TRUE")


@pytest.mark.parametrize("expression", ["FILL(m1, 0) + IF(FILL(m2, 0) < 1, 1, 0)"])
def test_a_template_s_alarm_on_metric_math_goes_off(cloud: EmbeddedCloud, changes: Deliveries, expression: str) -> None:
    def metric(name: str) -> dict[str, Any]:
        stat = {"Metric": {"Namespace": "Tests", "MetricName": f"math-{name}"}, "Period": 300, "Stat": "Sum"}
        return {"Id": name, "MetricStat": stat, "ReturnData": False}

    properties = {
        "AlarmName": "math",
        "Metrics": [{"Id": "e1", "Expression": expression, "Label": "trouble"}, metric("m1"), metric("m2")],
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    template = {"Resources": {"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}}
    stacks, cloudwatch = cloud.client("cloudformation"), cloud.client("cloudwatch")
    cloudwatch.put_metric_data(Namespace="Tests", MetricData=[{"MetricName": "math-m2", "Value": 1}])
    stacks.create_stack(StackName="math", TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName="math", WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    advance(cloud, 3600)
    # One run (m2) keeps it quiet for one period, then silence counts.
    assert [state for _, state in states(cloudwatch, "math")] == ["OK", "ALARM"]
    assert "MetricName" not in described(cloudwatch, "math")
    event = [event for event in changes() if event["detail"]["alarmName"] == "math"][-1]
    first = event["detail"]["configuration"]["metrics"][0]
    assert first == {"id": "e1", "expression": expression, "label": "trouble", "returnData": True}
    properties["Metrics"][0]["Expression"] = "RATE(m1)"
    with pytest.raises(ClientError, match=r"RATE\(m1\)"):
        cloudwatch.put_metric_alarm(**properties)
