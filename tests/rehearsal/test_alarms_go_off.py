"""Alarms that go off in the cloud: over its clock, with events, actions and a history."""

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.embedded import ACCOUNT, EmbeddedCloud

pytestmark = pytest.mark.slow

INSUFFICIENT = "INSUFFICIENT_DATA"
Deliveries = Callable[[], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    """One of its own: tests of other files would be surprised by skips of days."""
    with EmbeddedCloud("us-east-1", tmp_path_factory.mktemp("cloud")) as running:
        running.start()
        yield running


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
    """The changes of state, oldest first."""
    items = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    found = [(item["Timestamp"], json.loads(item["HistoryData"])["newState"]["stateValue"]) for item in items]
    return sorted(found)


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
    cloudwatch.put_metric_data(
        Namespace="Tests", MetricData=[{"MetricName": "bare", "Value": 2, "Timestamp": now + timedelta(hours=1)}]
    )
    window["EndTime"] += timedelta(hours=2)
    ordered = [
        cloudwatch.get_metric_data(MetricDataQueries=[{"Id": "m", "MetricStat": stat}], **window, **scan)
        for scan in ({}, {"ScanBy": "TimestampAscending"})
    ]
    # "TimestampDescending ... is the default"
    assert [answer["MetricDataResults"][0]["Values"] for answer in ordered] == [[2.0, 1.0], [1.0, 2.0]]
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


def test_a_skip_of_a_month_evaluates_each_of_twenty_alarms(cloud: EmbeddedCloud) -> None:
    cloudwatch = cloud.client("cloudwatch")
    for i in range(20):
        put_alarm(cloud, f"month{i}", TreatMissingData="notBreaching")
        cloudwatch.put_metric_data(Namespace="Tests", MetricData=[{"MetricName": f"month{i}", "Value": 9}])
    advance(cloud, 30 * 86_400)
    for i in range(20):
        assert [state for _, state in states(cloudwatch, f"month{i}")] == ["ALARM", "OK"]


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
    cloudwatch = cloud.client("cloudwatch")
    with pytest.raises(ClientError, match=named):
        put_alarm(cloud, "refused", **settings)
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


def function(cloud: EmbeddedCloud, name: str, source: str, **settings: Any) -> str:
    """A function with a role that may do nothing; its ARN."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", source)
    settings |= {"Runtime": "python3.13", "Handler": "index.handler", "Code": {"ZipFile": code.getvalue()}}
    return cloud.client("lambda").create_function(FunctionName=name, Role=role, **settings)["FunctionArn"]


def count(sqs: Any, url: str) -> int:
    name = "ApproximateNumberOfMessages"
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def test_an_alarm_tells_a_function_and_sees_that_it_fails_and_leaves_a_letter(cloud: EmbeddedCloud) -> None:
    sqs, cloudwatch, logs = cloud.client("sqs"), cloud.client("cloudwatch"), cloud.client("logs")
    url = sqs.create_queue(QueueName="told-letters")["QueueUrl"]
    letters = {"TargetArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:told-letters"}
    tell = "print('told', event['alarmData']['state']['value'])"
    source = f"def handler(event, context):\n    {tell}\n    raise ValueError\n"
    told = function(cloud, "told", source, DeadLetterConfig=letters)
    lambdas, queues = [{"Name": "FunctionName", "Value": "told"}], [{"Name": "QueueName", "Value": "told-letters"}]
    visible = {"Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible", "Statistic": "Maximum"}
    settings = {"Threshold": 0, "Period": 300, "TreatMissingData": "notBreaching"}
    put_alarm(cloud, "errors", Namespace="AWS/Lambda", MetricName="Errors", Dimensions=lambdas, **settings)
    put_alarm(cloud, "letters", Dimensions=queues, **visible, **settings)
    advance(cloud, 60)
    put_alarm(cloud, "tells", TreatMissingData="breaching", AlarmActions=[told])
    advance(cloud, 60)
    deadline = time.monotonic() + 20
    while count(sqs, url) == 0:
        assert time.monotonic() < deadline
    advance(cloud, 60)
    assert described(cloudwatch, "errors")["StateValue"] == "ALARM"
    assert described(cloudwatch, "letters")["StateValue"] == "ALARM"
    lines = logs.filter_log_events(logGroupName="/aws/lambda/told")["events"]
    assert any("told ALARM" in line["message"] for line in lines)
    advance(cloud, 3600)
    assert described(cloudwatch, "errors")["StateValue"] == "OK"
    assert described(cloudwatch, "letters")["StateValue"] == "ALARM"  # the letter is still there
    sqs.purge_queue(QueueUrl=url)
    advance(cloud, 3600)
    assert described(cloudwatch, "letters")["StateValue"] == "OK"


def test_what_runs_on_schedule_is_not_taken_for_silent_when_hours_are_skipped(cloud: EmbeddedCloud) -> None:
    arn = function(cloud, "hourly-run", "def handler(event, context):\n    return {}\n")
    events, cloudwatch, started = cloud.client("events"), cloud.client("cloudwatch"), advance(cloud, 0)
    events.put_rule(Name="hourly-run", ScheduleExpression="rate(1 hour)")
    events.put_targets(Rule="hourly-run", Targets=[{"Id": "f", "Arn": arn}])
    metric = {
        "Namespace": "AWS/Lambda",
        "MetricName": "Invocations",
        "Dimensions": [{"Name": "FunctionName", "Value": "hourly-run"}],
    }
    stat = {"Id": "runs", "MetricStat": {"Metric": metric, "Period": 7200, "Stat": "Sum"}, "ReturnData": False}
    silence = {"Id": "silence", "Expression": "IF(FILL(runs, 0) < 1, 1, 0)"}
    advance(cloud, 3700)
    cloudwatch.put_metric_alarm(
        AlarmName="silence",
        Metrics=[silence, stat],
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="breaching",
    )
    now = advance(cloud, 5 * 3600)
    assert [state for _, state in states(cloudwatch, "silence")] == ["OK"]
    events.disable_rule(Name="hourly-run")
    advance(cloud, 3 * 3600)
    assert [state for _, state in states(cloudwatch, "silence")] == ["OK", "ALARM"]
    window = {"StartTime": started - timedelta(hours=1), "EndTime": now + timedelta(hours=1)}
    found = cloudwatch.get_metric_statistics(**metric, Period=60, Statistics=["Sum"], **window)["Datapoints"]
    assert [point["Sum"] for point in found] == [1] * 6  # one an hour, each in its own minute
