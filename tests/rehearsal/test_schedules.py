"""Schedules against the examples of EventBridge's guides, and fired by the cloud's clock."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError

from rehearsal.embedded import ACCOUNT, EmbeddedCloud
from rehearsal.schedules import Schedule


def moments(expression: str, since: str, count: int = 3, zone: str = "UTC", **kind: Any) -> list[str]:
    """The next moments as wall time of the zone."""
    start = datetime.fromisoformat(since).replace(tzinfo=ZoneInfo(zone)).timestamp()
    schedule, found, at = Schedule(expression, anchor=start, zone=zone, **kind), list[str](), start - 1
    while len(found) < count and (due := schedule.next_after(at)) is not None:
        found.append(f"{datetime.fromtimestamp(due, ZoneInfo(zone)):%Y-%m-%dT%H:%M}")
        at = due
    return found


# "Setting a schedule pattern for scheduled rules": the examples of its table and of its wildcards. 2026-07-01 is a
# Wednesday.
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 10 * * ? *)", ["2026-07-01T10:00", "2026-07-02T10:00", "2026-07-03T10:00"]),
        ("cron(15 12 * * ? *)", ["2026-07-01T12:15", "2026-07-02T12:15", "2026-07-03T12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-07-01T18:00", "2026-07-02T18:00", "2026-07-03T18:00", "2026-07-06T18:00"]),
        ("cron(0 8 1 * ? *)", ["2026-07-01T08:00", "2026-08-01T08:00", "2026-09-01T08:00"]),
        ("cron(0/15 * * * ? *)", ["2026-07-01T00:00", "2026-07-01T00:15", "2026-07-01T00:30"]),
        ("cron(0/10 * ? * MON-FRI *)", ["2026-07-01T00:00", "2026-07-01T00:10", "2026-07-01T00:20"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", ["2026-07-01T08:00", "2026-07-01T08:05", "2026-07-01T08:10"]),
        ("cron(5,35 14 * * ? *)", ["2026-07-01T14:05", "2026-07-01T14:35", "2026-07-02T14:05"]),
        ("cron(15 10 ? * 6L 2026-2027)", ["2026-07-31T10:15", "2026-08-28T10:15", "2026-09-25T10:15"]),
        ("cron(1/10 0 1 JAN,FEB ? *)", ["2027-01-01T00:01", "2027-01-01T00:11", "2027-01-01T00:21"]),
        ("cron(0 0 ? * 3#2 *)", ["2026-07-14T00:00", "2026-08-11T00:00", "2026-09-08T00:00"]),
        ("cron(0 0 3W * ? *)", ["2026-07-03T00:00", "2026-08-03T00:00", "2026-09-03T00:00", "2026-10-02T00:00"]),
        ("cron(0 0 1W * ? *)", ["2026-07-01T00:00", "2026-08-03T00:00"]),
        ("cron(0 0 L * ? *)", ["2026-07-31T00:00", "2026-08-31T00:00", "2026-09-30T00:00"]),
        ("cron(0 0 ? * L *)", ["2026-07-04T00:00", "2026-07-11T00:00"]),
        ("cron(0/30 20-2 ? * WED *)", ["2026-07-01T00:00", "2026-07-01T00:30", "2026-07-01T01:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29T00:00", "2032-02-29T00:00"]),
    ],
)
def test_cron_expressions_run_as_the_guide_says(expression: str, expected: list[str]) -> None:
    assert moments(expression, "2026-07-01T00:00", len(expected)) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 10 * * * *)",  # "You can't specify the Day-of-month and Day-of-week fields in the same cron expression"
        "cron(0 10 ? * ? *)",
        "cron(0 10 * * ?)",
        "cron(60 10 * * ? *)",
        "cron(0 0 ? * 8 *)",
        "cron(0 0 ? * 3#6 *)",
        "cron(0 0 32 * ? *)",
        "rate(1 hours)",  # "rate(1 hours) and rate(5 hour) aren't valid, but rate(1 hour) and rate(5 hours) are valid"
        "rate(5 hour)",
        "rate(0 minutes)",
        "rate(2 weeks)",
        "at(2026-07-01)",
        "every day",
    ],
)
def test_an_expression_that_aws_refuses_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="Invalid Schedule Expression"):
        Schedule(expression, anchor=0)


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="Mars/Olympus"):
        Schedule("rate(1 hour)", anchor=0, zone="Mars/Olympus")


def test_a_year_that_is_past_never_runs() -> None:
    assert moments("cron(0 0 1 1 ? 2020)", "2026-07-01T00:00") == []


def test_a_rule_first_runs_one_interval_after_its_creation_and_a_schedule_at_once() -> None:
    # "A rate expression starts when you create the scheduled event rule"; "If you do not provide a StartDate for a
    # rate-based schedule, your schedule starts invoking the target immediately."
    assert moments("rate(5 minutes)", "2026-07-01T00:02", 2) == ["2026-07-01T00:07", "2026-07-01T00:12"]
    assert moments("rate(1 day)", "2026-07-01T00:02", 2, at_once=True) == ["2026-07-01T00:02", "2026-07-02T00:02"]


def test_a_one_time_schedule_runs_once_at_its_zone_s_time() -> None:
    assert moments("at(2026-07-01T09:30:00)", "2026-07-01T00:00", zone="Asia/Tokyo") == ["2026-07-01T09:30"]
    due = Schedule("at(2026-07-01T09:30:00)", anchor=0, zone="Asia/Tokyo").next_after(0)
    assert due == datetime(2026, 7, 1, 0, 30, tzinfo=UTC).timestamp()


# "Daylight savings time on EventBridge Scheduler": a time that does not exist is skipped, one that comes twice runs
# once. In New York the clocks go forward on 2026-03-08 at 2:00 and back on 2026-11-01 at 2:00.
def test_a_time_that_does_not_exist_when_clocks_go_forward_is_skipped() -> None:
    found = moments("cron(30 2 * * ? *)", "2026-03-07T00:00", zone="America/New_York")
    assert found == ["2026-03-07T02:30", "2026-03-09T02:30", "2026-03-10T02:30"]


def test_a_time_that_comes_twice_when_clocks_go_back_runs_once() -> None:
    found = moments("cron(30 1 * * ? *)", "2026-10-31T00:00", zone="America/New_York")
    assert found == ["2026-10-31T01:30", "2026-11-01T01:30", "2026-11-02T01:30"]


def test_a_rate_of_days_is_of_24_hours_whatever_the_clocks_do() -> None:
    found = moments("rate(1 day)", "2026-10-31T12:00", 2, zone="America/New_York", at_once=True)
    assert found == ["2026-10-31T12:00", "2026-11-01T11:00"]


QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:due"
OFF = {"Mode": "OFF"}


@pytest.fixture(scope="module")
def scheduler_role(cloud: EmbeddedCloud) -> Callable[[str, list[str]], str]:
    """Makes a role for EventBridge Scheduler that may do these actions; gives its ARN."""

    def make(name: str, actions: list[str]) -> str:
        iam, trusted = cloud.client("iam"), {"Service": "scheduler.amazonaws.com"}
        trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
        allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        documents = [json.dumps({"Version": "2012-10-17", "Statement": [s]}) for s in (trust, allowed)]
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=documents[0])["Role"]
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=documents[1])
        return role["Arn"]

    return make


@pytest.fixture
def due(cloud: EmbeddedCloud) -> Callable[[], list[dict[str, Any]]]:
    """What came to the queue `due` since the last call."""
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="due")["QueueUrl"]

    def read() -> list[dict[str, Any]]:
        found = list[dict[str, Any]]()
        asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        while messages := sqs.receive_message(**asked).get("Messages", []):
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found += messages
        return found

    read()
    return read


def advance(cloud: EmbeddedCloud, seconds: float) -> datetime:
    return datetime.fromtimestamp(cloud.control("advance", seconds=seconds)["now"], UTC)


def test_a_schedule_runs_at_its_zone_s_time_with_the_scheduled_time_in_its_input(
    cloud: EmbeddedCloud, scheduler_role: Any, due: Any
) -> None:
    scheduler, now = cloud.client("scheduler"), advance(cloud, 0)
    target = {"Arn": QUEUE, "RoleArn": scheduler_role("zone", ["sqs:SendMessage"])}
    target["Input"] = json.dumps({"at": "<aws.scheduler.scheduled-time>", "by": "<aws.scheduler.schedule-arn>"})
    expression, zone = "cron(30 9 * * ? *)", "Asia/Kolkata"
    arn = scheduler.create_schedule(
        Name="zone",
        ScheduleExpression=expression,
        ScheduleExpressionTimezone=zone,
        FlexibleTimeWindow=OFF,
        Target=target,
    )["ScheduleArn"]
    advance(cloud, 3 * 86_400)
    told = [json.loads(message["Body"]) for message in due()]
    scheduler.delete_schedule(Name="zone")
    assert len(told) == 3 and {entry["by"] for entry in told} == {arn}
    times = [datetime.fromisoformat(entry["at"]) for entry in told]
    assert times == sorted(times) and times[0] > now
    assert {f"{at.astimezone(ZoneInfo(zone)):%H:%M:%S}" for at in times} == {"09:30:00"}


def test_a_schedule_runs_only_between_its_dates_and_only_while_it_is_enabled(
    cloud: EmbeddedCloud, scheduler_role: Any, due: Any
) -> None:
    scheduler, now = cloud.client("scheduler"), advance(cloud, 0).replace(microsecond=0)
    target = {"Arn": QUEUE, "RoleArn": scheduler_role("dates", ["sqs:SendMessage"]), "Input": "x"}
    settings = {"Name": "dates", "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": OFF, "Target": target}
    start, end = now + timedelta(hours=2), now + timedelta(hours=4, minutes=30)
    scheduler.create_schedule(**settings, StartDate=start, EndDate=end, ActionAfterCompletion="DELETE")
    advance(cloud, 7000)
    assert due() == []
    advance(cloud, 6 * 3600)
    assert len(due()) == 3  # at 2, 3 and 4 hours
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name="dates")
    scheduler.create_schedule(**settings, State="DISABLED")
    advance(cloud, 2 * 3600)
    assert due() == []
    scheduler.update_schedule(**settings, State="ENABLED")
    advance(cloud, 2 * 3600)
    assert len(due()) == 2
    scheduler.delete_schedule(Name="dates")
    advance(cloud, 2 * 3600)
    assert due() == []


def test_a_one_time_schedule_and_a_rate_run_in_real_time_too(
    cloud: EmbeddedCloud, scheduler_role: Any, due: Any
) -> None:
    scheduler, now = cloud.client("scheduler"), advance(cloud, 0)
    target = {"Arn": QUEUE, "RoleArn": scheduler_role("real", ["sqs:SendMessage"])}
    once = f"at({now + timedelta(seconds=2):%Y-%m-%dT%H:%M:%S})"
    for name, expression in (("once", once), ("rate", "rate(1 day)")):
        scheduler.create_schedule(
            Name=name,
            ScheduleExpression=expression,
            FlexibleTimeWindow=OFF,
            Target=target | {"Input": name},
            ActionAfterCompletion="DELETE",
        )
    came, deadline = set[str](), time.monotonic() + 10
    while came != {"once", "rate"} and time.monotonic() < deadline:
        came |= {message["Body"] for message in due()}
    scheduler.delete_schedule(Name="rate")
    assert came == {"once", "rate"}
    assert "once" not in {schedule["Name"] for schedule in scheduler.list_schedules()["Schedules"]}


def test_a_schedule_starts_a_pipeline_only_as_far_as_its_role_may(
    cloud: EmbeddedCloud, scheduler_role: Any, role: str, due: Any
) -> None:
    definition = {
        "Version": "2020-12-01",
        "Parameters": [{"Name": "Month", "Type": "String", "DefaultValue": "none"}],
        "Steps": [{"Name": "End", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Parameters.Month"}}}],
    }
    sagemaker, scheduler = cloud.client("sagemaker"), cloud.client("scheduler")
    sagemaker.create_pipeline(
        PipelineName="scheduled", PipelineDefinition=json.dumps(definition), RoleArn=role, ClientRequestToken="t" * 32
    )
    arn = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/scheduled"
    given = {"PipelineParameterList": [{"Name": "Month", "Value": "July"}]}
    may = scheduler_role("starts", ["sagemaker:StartPipelineExecution"])
    may_not = scheduler_role("starts-not", ["sqs:SendMessage"])
    universal = "arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution"
    asked = json.dumps({"PipelineName": "scheduled", "PipelineParameters": given["PipelineParameterList"]})
    dead = {"DeadLetterConfig": {"Arn": QUEUE}}
    targets = {
        "pipeline": {"Arn": arn, "RoleArn": may, "SageMakerPipelineParameters": given},
        "universal": {"Arn": universal, "RoleArn": may, "Input": asked},
        "denied": {"Arn": arn, "RoleArn": may_not, "SageMakerPipelineParameters": given, **dead},
    }
    for name, target in targets.items():
        scheduler.create_schedule(Name=name, ScheduleExpression="rate(30 days)", FlexibleTimeWindow=OFF, Target=target)
    advance(cloud, 1)
    started = sagemaker.list_pipeline_executions(PipelineName="scheduled")["PipelineExecutionSummaries"]
    (letter,) = due()
    for name in targets:
        scheduler.delete_schedule(Name=name)
    assert len(started) == 2
    for execution in started:
        wanted = {"PipelineExecutionArn": execution["PipelineExecutionArn"]}
        deadline = time.monotonic() + 20
        while sagemaker.describe_pipeline_execution(**wanted)["PipelineExecutionStatus"] == "Executing":
            assert time.monotonic() < deadline
        (step,) = sagemaker.list_pipeline_execution_steps(**wanted)["PipelineExecutionSteps"]
        assert "July" in step["FailureReason"]
    told = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert told["ERROR_CODE"] == "AccessDeniedException" and told["TARGET_ARN"] == arn
    assert "sagemaker:StartPipelineExecution" in told["ERROR_MESSAGE"] and told["RETRY_ATTEMPTS"] == "0"


def test_a_schedule_that_could_not_work_is_refused(cloud: EmbeddedCloud, scheduler_role: Any, role: str) -> None:
    good = {"Arn": QUEUE, "RoleArn": scheduler_role("good", ["sqs:SendMessage"])}
    for settings, named in (
        ({"Target": good | {"RoleArn": role}}, "must allow AWS EventBridge Scheduler to assume the role"),
        ({"Target": good | {"Arn": "arn:aws:ecs:us-east-1:1:cluster/c"}}, "ecs.*not emulated"),
        ({"ScheduleExpression": "rate(1 hours)"}, "rate"),
        ({"ScheduleExpressionTimezone": "Nowhere"}, "Nowhere"),
    ):
        asked = {"Name": "bad", "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": OFF, "Target": good}
        with pytest.raises(ClientError, match=named):
            cloud.client("scheduler").create_schedule(**(asked | settings))


def test_a_template_s_schedule_keeps_its_zone(cloud: EmbeddedCloud, scheduler_role: Any) -> None:
    properties = {
        "Name": "templated",
        "ScheduleExpression": "cron(0 6 * * ? *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "FlexibleTimeWindow": OFF,
        "EndDate": "2099-01-01T00:00:00Z",
        "Target": {"Arn": QUEUE, "RoleArn": scheduler_role("templated", ["sqs:SendMessage"])},
    }
    template = {"Resources": {"S": {"Type": "AWS::Scheduler::Schedule", "Properties": properties}}}
    stacks = cloud.client("cloudformation")
    stacks.create_stack(StackName="templated", TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName="templated", WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    found = cloud.client("scheduler").get_schedule(Name="templated")
    assert found["ScheduleExpressionTimezone"] == "Europe/Berlin" and found["EndDate"].year == 2099
    stacks.delete_stack(StackName="templated")


def test_a_rule_s_schedule_counts_from_its_creation_in_the_cloud_s_time(cloud: EmbeddedCloud, due: Any) -> None:
    events = cloud.client("events")
    created = advance(cloud, 0)
    events.put_rule(Name="hourly", ScheduleExpression="rate(1 hour)")
    events.put_targets(Rule="hourly", Targets=[{"Id": "q", "Arn": QUEUE}])
    advance(cloud, 3500)
    assert due() == []
    advance(cloud, 2 * 3600)
    told = [json.loads(message["Body"]) for message in due()]
    events.disable_rule(Name="hourly")
    advance(cloud, 2 * 3600)
    assert due() == []
    events.remove_targets(Rule="hourly", Ids=["q"])
    events.delete_rule(Name="hourly")
    after = [(datetime.fromisoformat(event["time"]) - created).total_seconds() for event in told]
    assert after == [pytest.approx(3600, abs=60), pytest.approx(7200, abs=60)]
    assert {(event["source"], event["detail-type"]) for event in told} == {("aws.events", "Scheduled Event")}
