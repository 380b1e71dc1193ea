"""What people are told of runs that failed and of alerts, against an in-memory cloud."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from controls import console, tell

PIPELINE = "arn:aws:sagemaker:us-east-1:111122223333:pipeline/sluice-dev-digits"
RUN = f"{PIPELINE}/execution/abcdefghijkl"
JOB = "arn:aws:sagemaker:us-east-1:111122223333:training-job/pipelines-abcdefghijkl-Train-x"
MACHINE = "arn:aws:states:us-east-1:111122223333:execution:sluice-dev-automl:night"
ALERT = "digits/abcdefghijkl/checkpoints/pipelines-abcdefghijkl-Train-x/alerts/3-overfitting.json"
LOGS = "https://console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/"


@pytest.fixture(autouse=True)
def artifacts(monkeypatch: pytest.MonkeyPatch, deployed: dict[str, Any]) -> str:
    """The name of the artifact bucket."""
    for name, value in deployed["tell"].environment.items():
        monkeypatch.setenv(name, value)
    return deployed["begin"].environment["SLUICE_ARTIFACT_BUCKET"]


def failed(cloud: Any, *steps: dict[str, Any], reason: str = "Step failure") -> dict[str, Any]:
    cloud.executions[RUN], cloud.steps[RUN] = {"FailureReason": reason}, list(steps)
    detail = {"pipelineArn": PIPELINE, "pipelineExecutionArn": RUN, "currentPipelineExecutionStatus": "Failed"}
    return {"detail-type": "SageMaker Model Building Pipeline Execution Status Change", "detail": detail}


def step(name: str, status: str = "Failed", reason: str = "no good", **metadata: Any) -> dict[str, Any]:
    return {"StepName": name, "StepStatus": status, "FailureReason": reason, "Metadata": metadata}


def written(bucket: str, key: str = ALERT) -> dict[str, Any]:
    detail = {"bucket": {"name": bucket}, "object": {"key": key}}
    resources = [f"arn:aws:s3:::{bucket}"]
    return {"detail-type": "Object Created", "region": "us-east-1", "resources": resources, "detail": detail}


def told(cloud: Any, event: dict[str, Any]) -> tuple[str, list[str]]:
    tell.handler(event, None)
    return cloud.mail[-1]["Subject"], cloud.mail[-1]["Message"].split("\n")


def test_a_failed_run_is_told_with_step_reason_and_log(cloud: Any, deployed: dict[str, Any]) -> None:
    steps = [step("Begin", "Succeeded"), step("Preprocess", "Succeeded"), step("Train", TrainingJob={"Arn": JOB})]
    subject, lines = told(cloud, failed(cloud, *steps))
    assert subject == "[sluice-dev] digits: a run failed at Train"
    assert {"workload: digits", "pipeline: sluice-dev-digits", "execution: abcdefghijkl"} <= set(lines)
    assert lines.count("step: Train") == 1 and "reason: no good" in lines and "step: Begin" not in lines
    group = "$252Faws$252Fsagemaker$252FTrainingJobs"
    assert f"log: {LOGS}{group}$3FlogStreamNameFilter$3Dpipelines-abcdefghijkl-Train-x" in lines
    assert any(line.endswith(f"--pipeline-execution-arn {RUN}") for line in lines)
    assert cloud.mail[-1]["TopicArn"] == deployed["tell"].environment["SLUICE_TOPIC_ARN"]


def test_the_reason_of_a_fail_step_is_told_without_a_log(cloud: Any) -> None:
    fail = step("NotBetter", reason="purity 0.6 does not beat 0.7", Fail={"ErrorMessage": "x"})
    subject, lines = told(cloud, failed(cloud, fail))
    assert subject.endswith("a run failed at NotBetter")
    assert "reason: purity 0.6 does not beat 0.7" in lines and not [line for line in lines if line.startswith("log")]


PROCESSING = "arn:aws:sagemaker:us-east-1:111122223333:processing-job/pipelines-abcdefghijkl-Preprocess-x"


@pytest.mark.parametrize("message", ["table.csv has no column 'target'", None])
def test_the_reason_of_a_processing_step_is_what_its_script_left(cloud: Any, message: str | None) -> None:
    name = PROCESSING.rpartition("/")[2]
    cloud.jobs["ProcessingJob", name] = "Failed"
    cloud.tags[PROCESSING] = {"sluice:platform": "sluice-dev"}
    if message:
        cloud.messages[name] = message
    given = step("Preprocess", reason="See job logs for more information", ProcessingJob={"Arn": PROCESSING})
    _, lines = told(cloud, failed(cloud, given))
    assert f"reason: {message or 'See job logs for more information'}" in lines


def test_all_steps_that_failed_are_told_in_one_message(cloud: Any) -> None:
    function = {"Arn": "arn:aws:lambda:us-east-1:111122223333:function:sluice-dev-begin"}
    subject, lines = told(cloud, failed(cloud, step("A"), step("B", "Succeeded"), step("C", Lambda=function)))
    assert subject.endswith("at A, C") and len(cloud.mail) == 1
    assert f"log: {LOGS}$252Faws$252Flambda$252Fsluice-dev-begin" in lines


def test_a_run_that_fails_without_a_failed_step_is_told_with_its_own_reason(cloud: Any) -> None:
    subject, lines = told(cloud, failed(cloud, reason="The role cannot be assumed"))
    assert subject == "[sluice-dev] digits: a run failed" and "reason: The role cannot be assumed" in lines


def test_an_alert_is_told_with_symptom_job_values_and_log(cloud: Any, artifacts: str) -> None:
    cloud.put(artifacts, ALERT, json.dumps({"epoch": 7, "validation_loss": [0.4, 0.6]}).encode())
    subject, lines = told(cloud, written(artifacts))
    assert subject == "[sluice-dev] digits: training alert overfitting"
    expected = {"symptom: overfitting", "job: pipelines-abcdefghijkl-Train-x", "execution: abcdefghijkl"}
    assert expected | {"epoch: 7", "validation_loss: [0.4, 0.6]"} <= set(lines)
    assert lines[-1].startswith(f"log: {LOGS}") and lines[-1].endswith("$3Dpipelines-abcdefghijkl-Train-x")


@pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff"])
def test_an_alert_that_is_no_json_object_is_an_error(cloud: Any, artifacts: str, body: bytes) -> None:
    cloud.put(artifacts, ALERT, body)
    with pytest.raises(tell.TellError, match=r"3-overfitting.json is no JSON object"):
        tell.handler(written(artifacts), None)
    assert cloud.mail == []


@pytest.mark.parametrize("key", ["digits/alerts/a.json", ALERT.replace("3-", ""), ALERT.replace("checkpoints", "x")])
def test_what_lies_where_no_alert_does_is_an_error(cloud: Any, artifacts: str, key: str) -> None:
    with pytest.raises(tell.TellError, match=rf"{key} is not where an alert lies"):
        tell.handler(written(artifacts, key), None)
    assert cloud.calls == []


def test_a_subject_is_printable_ascii_as_sns_takes_it(cloud: Any, artifacts: str) -> None:
    key = ALERT.replace("overfitting", "ü\n")
    cloud.put(artifacts, key, b"{}")
    assert told(cloud, written(artifacts, key))[0] == "[sluice-dev] digits: training alert ??"


def test_a_message_is_no_longer_than_sns_takes(cloud: Any, artifacts: str) -> None:
    cloud.put(artifacts, ALERT, json.dumps({"text": "x" * 300_000}).encode())
    tell.handler(written(artifacts), None)
    assert len(cloud.mail[0]["Message"].encode()) == 262_144
    tell.handler(failed(cloud, *[step(f"Step{number}") for number in range(30)]), None)
    assert len(cloud.mail[1]["Subject"]) == 100


def machine(cloud: Any, *tasks: dict[str, Any], status: str = "FAILED", last: str = "SearchFailed") -> dict[str, Any]:
    """The event of an execution that made `tasks` and then entered the state `last`."""
    cloud.executions[MACHINE] = {"status": status, "error": "States.TaskFailed", "cause": "no candidate"}
    entered = [{"type": "FailStateEntered", "stateEnteredEventDetails": {"name": last}}]
    scheduled = [{"type": "TaskScheduled", "taskScheduledEventDetails": task} for task in tasks]
    other = {"type": "PassStateEntered", "stateEnteredEventDetails": {"name": "Name"}}
    cloud.history[MACHINE] = [other, *scheduled, *entered, {"type": "ExecutionFailed"}] if tasks else []
    return {"detail-type": "Step Functions Execution Status Change", "detail": {"executionArn": MACHINE}}


def task(resource: str, **asked: str) -> dict[str, Any]:
    return {"resourceType": resource, "resource": "any", "region": "us-east-1", "parameters": json.dumps(asked)}


@pytest.mark.parametrize(("status", "words"), [("FAILED", "failed"), ("TIMED_OUT", "timed out")])
def test_a_state_machine_that_fails_is_told_with_its_last_state_and_its_cause(
    cloud: Any, status: str, words: str
) -> None:
    subject, lines = told(cloud, machine(cloud, task("aws-sdk:s3", Bucket="b"), status=status))
    assert subject == f"[sluice-dev] automl: a run {words} at SearchFailed"
    expected = {"error: States.TaskFailed", "reason: no candidate", "execution: night", "step: SearchFailed"}
    assert expected <= set(lines) and not [line for line in lines if line.startswith("log")]
    link = "https://console.aws.amazon.com/states/home?region=us-east-1#/v2/executions/details/"
    assert lines[-1] == f"all steps: {link}{MACHINE}"


@pytest.mark.parametrize(
    ("asked", "group", "stream"),
    [
        (task("aws-sdk:sagemaker", ProcessingJobName="night-evaluate"), "ProcessingJobs", "night-evaluate"),
        (task("aws-sdk:sagemaker", TransformJobName="night-predict"), "TransformJobs", "night-predict"),
        (task("aws-sdk:sagemaker", AutoMLJobName="night"), "ProcessingJobs", "night"),
    ],
)
def test_the_log_of_the_last_job_of_a_state_machine_is_told(
    cloud: Any, asked: dict[str, Any], group: str, stream: str
) -> None:
    _, lines = told(cloud, machine(cloud, task("aws-sdk:sagemaker", ProcessingJobName="earlier"), asked))
    [log] = [line for line in lines if line.startswith("log")]
    assert log == f"log: {LOGS}$252Faws$252Fsagemaker$252F{group}$3FlogStreamNameFilter$3D{stream}"


def test_the_log_of_the_function_that_a_state_machine_called_last_is_told(cloud: Any) -> None:
    function = "arn:aws:lambda:us-east-1:111122223333:function:sluice-dev-begin"
    _, lines = told(cloud, machine(cloud, task("lambda", FunctionName=function), last="Begin"))
    assert f"log: {LOGS}$252Faws$252Flambda$252Fsluice-dev-begin" in lines


def test_a_state_machine_that_fails_before_any_state_is_told(cloud: Any) -> None:
    subject, lines = told(cloud, machine(cloud))
    assert subject == "[sluice-dev] automl: a run failed" and "step: none entered" in lines


def test_an_event_that_comes_twice_is_told_twice(cloud: Any) -> None:
    event = failed(cloud, step("Train"))
    assert told(cloud, event) == told(cloud, event)
    assert len(cloud.mail) == 2


def test_a_run_that_cannot_be_described_is_an_error(cloud: Any) -> None:
    event = failed(cloud, step("Train"))
    cloud.executions.clear()
    with pytest.raises(ClientError, match="does not exist"):
        tell.handler(event, None)


def test_an_event_of_another_kind_is_an_error(cloud: Any) -> None:
    with pytest.raises(tell.TellError, match="Something is no event to tell of"):
        tell.handler({"detail-type": "Something", "detail": {}}, None)


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "us-east-1", "console.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "console.amazonaws-us-gov.com"),
    ],
)
def test_links_lead_to_the_console_of_the_partition(partition: str, region: str, host: str) -> None:
    arn = f"arn:{partition}:sagemaker:{region}:111122223333:hyper-parameter-tuning-job/search"
    [address] = console.logs({"TuningJob": {"Arn": arn}, "Condition": {"Outcome": "True"}})
    assert address.startswith(f"https://{host}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/")
    assert address.endswith("TrainingJobs$3FlogStreamNameFilter$3Dsearch")


def test_the_role_allows_what_these_tests_called_and_nothing_else(
    recorded: list[Any], deployed: dict[str, Any], compare: Callable[..., None]
) -> None:
    compare(recorded, deployed["tell"])
