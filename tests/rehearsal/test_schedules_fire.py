"""Schedules and rules that fire: by the cloud's clock, under their roles."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError

from rehearsal.embedded import ACCOUNT, ROOT, EmbeddedCloud

pytestmark = pytest.mark.slow

QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:due"
OFF = {"Mode": "OFF"}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    """One of its own: tests of other files would be surprised by skips of days."""
    with EmbeddedCloud("us-east-1", tmp_path_factory.mktemp("cloud")) as running:
        running.start()
        yield running


@pytest.fixture(scope="module")
def scheduler_role(cloud: EmbeddedCloud) -> Callable[..., str]:
    """Makes a role, for EventBridge Scheduler if not said otherwise, that may do these actions; gives its ARN."""

    def make(name: str, actions: list[str], principal: str = "scheduler.amazonaws.com") -> str:
        iam, trusted = cloud.client("iam"), {"Service": principal}
        trust = {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}
        allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        documents = [json.dumps({"Version": "2012-10-17", "Statement": [s]}) for s in (trust, allowed)]
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=documents[0])["Role"]
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=documents[1])
        return role["Arn"]

    return make


@pytest.fixture(scope="module")
def role(scheduler_role: Callable[..., str]) -> str:
    """A role of SageMaker's that may do everything."""
    return scheduler_role("everything", ["*"], "sagemaker.amazonaws.com")


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


def test_who_makes_a_schedule_must_be_allowed_to_pass_its_role(cloud: EmbeddedCloud, scheduler_role: Any) -> None:
    target = {"Arn": QUEUE, "RoleArn": scheduler_role("passed", ["sqs:SendMessage"])}
    asked = {"ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": OFF, "Target": target, "State": "DISABLED"}
    actions = ["scheduler:CreateSchedule"]
    makes = scheduler_role("makes", actions, "sagemaker.amazonaws.com")
    with pytest.raises(ClientError, match="iam:PassRole"):
        cloud.as_role("scheduler", makes).create_schedule(Name="passing", **asked)
    passes = scheduler_role("passes", [*actions, "iam:PassRole"], "sagemaker.amazonaws.com")
    cloud.as_role("scheduler", passes).create_schedule(Name="passing", **asked)
    cloud.client("scheduler").delete_schedule(Name="passing")


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


def test_a_rule_starts_a_pipeline_under_its_target_s_role(cloud: EmbeddedCloud, scheduler_role: Any, role: str) -> None:
    sagemaker, events = cloud.client("sagemaker"), cloud.client("events")
    steps = [{"Name": "End", "Type": "Fail", "Arguments": {"ErrorMessage": "as wanted"}}]
    definition = json.dumps({"Version": "2020-12-01", "Steps": steps})
    sagemaker.create_pipeline(
        PipelineName="ruled", PipelineDefinition=definition, RoleArn=role, ClientRequestToken="r" * 32
    )
    may = scheduler_role("ruled", ["sagemaker:StartPipelineExecution"], "events.amazonaws.com")
    target = {"Id": "p", "Arn": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/ruled", "RoleArn": may}
    events.put_rule(Name="ruled", EventPattern=json.dumps({"source": ["test.ruled"]}))
    events.put_targets(Rule="ruled", Targets=[target])
    events.put_events(Entries=[{"Source": "test.ruled", "DetailType": "Test", "Detail": "{}"}])
    deadline = time.monotonic() + 20
    while not sagemaker.list_pipeline_executions(PipelineName="ruled")["PipelineExecutionSummaries"]:
        assert time.monotonic() < deadline


# A service that fails from within, which this cloud does not do on demand: its place is taken by a client that does.
RETRIES = """
import json, sys
from botocore.exceptions import ClientError
from rehearsal.sagemaker.clock import Clock
from rehearsal.seam.targets import Invocation, Targets

clock, calls, letters, first = Clock(), [], [], None

class Failing:
    def send_message(self, QueueUrl, MessageBody, MessageAttributes=None):
        if QueueUrl == "dead":
            letters.append({name: value["StringValue"] for name, value in MessageAttributes.items()})
            return
        calls.append((round((clock.now() - first) / 60), MessageBody))
        answer = {"Error": {"Code": "InternalError", "Message": "later"}, "ResponseMetadata": {"HTTPStatusCode": 500}}
        raise ClientError(answer, "SendMessage")

class Around:
    def client(self, *_): return Failing()
    def queue_url(self, arn): return arn.rsplit(":", 1)[-1]

target = {"Arn": "arn:aws:sqs:us-east-1:1:q", "RoleArn": "r", "Input": "<aws.scheduler.attempt-number>"}
target |= {"RetryPolicy": json.loads(sys.argv[1]), "DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:1:dead"}}
first = clock.now()
schedule = {"Arn": "arn:aws:scheduler:us-east-1:1:schedule/d/s", "Target": target}
Targets(Around(), clock).invoke(Invocation(schedule, first, "x"))
clock.advance(2 * 86400)
print(json.dumps([calls, letters]))
"""


@pytest.mark.parametrize(
    ("policy", "attempts", "condition"),
    [
        ({"MaximumRetryAttempts": 3}, 4, "MaximumRetryAttempts"),
        ({"MaximumRetryAttempts": 0}, 1, "MaximumRetryAttempts"),
        ({"MaximumEventAgeInSeconds": 600}, 4, "MaximumEventAgeInSeconds"),  # after 0, 1, 3 and 7 minutes
    ],
)
def test_a_target_that_fails_is_tried_again_as_often_and_as_long_as_the_policy_says(
    policy: dict[str, int], attempts: int, condition: str
) -> None:
    command = [str(ROOT / ".venv-cloud/bin/python"), "-c", RETRIES, json.dumps(policy)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    calls, (letter,) = json.loads(done.stdout)
    assert [body for _, body in calls] == [str(i + 1) for i in range(attempts)]
    assert letter["EXHAUSTED_RETRY_CONDITION"] == condition and letter["RETRY_ATTEMPTS"] == str(attempts - 1)


def test_a_rule_whose_schedule_cannot_be_read_is_refused_and_not_kept(cloud: EmbeddedCloud) -> None:
    events = cloud.client("events")
    with pytest.raises(ClientError, match="ValidationException"):
        events.put_rule(Name="unreadable", ScheduleExpression="cron(99 * * * ? *)")
    assert events.list_rules(NamePrefix="unreadable")["Rules"] == []


@pytest.mark.parametrize(
    ("arn", "text"),
    [
        ("arn:aws:scheduler:::aws-sdk:sagemaker:makeCoffee", "{}"),
        ("arn:aws:scheduler:::aws-sdk:sagemaker:listModels", "[1]"),
        (f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default", "{}"),
    ],
)
def test_a_target_that_could_only_fail_is_refused_when_it_is_scheduled(
    cloud: EmbeddedCloud, arn: str, text: str
) -> None:
    target = {"Arn": arn, "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/any", "Input": text}
    with pytest.raises(ClientError, match=arn.rsplit(":", 1)[-1]):
        cloud.client("scheduler").create_schedule(
            Name="unable", ScheduleExpression="rate(1 hour)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
        )
