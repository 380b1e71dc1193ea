"""Pipelines over HTTP: how executions go on, end and are told of."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.embedded import EmbeddedCloud
from tests.rehearsal.pipelining import TRUE, Run, condition, ended, fail, listed, process, until


def test_a_stop_ends_the_running_job_and_starts_nothing_more(
    cloud: EmbeddedCloud, create: Callable[..., None], tmp_path: Path
) -> None:
    sagemaker, began = cloud.client("sagemaker"), tmp_path / "began"
    slow = process("Slow", f"import time; open({str(began)!r}, 'w').close(); time.sleep(20)")
    create("stopped", [slow, condition("Next", TRUE, DependsOn=["Slow"])])
    arn = sagemaker.start_pipeline_execution(PipelineName="stopped")["PipelineExecutionArn"]
    deadline = time.monotonic() + 10
    while not began.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="s" * 32)
    execution, ran = ended(cloud, arn)
    assert execution["PipelineExecutionStatus"] == "Stopped"
    assert {name: step["StepStatus"] for name, step in ran.items()} == {"Slow": "Stopped"}


def test_execution_and_steps_tell_their_states_on_the_event_bus(
    cloud: EmbeddedCloud, create: Callable[..., None], start: Run
) -> None:
    """AWS, "Events that Amazon SageMaker AI sends to Amazon EventBridge": pipeline execution and step."""
    sqs, events = cloud.client("sqs"), cloud.client("events")
    url = sqs.create_queue(QueueName="pipeline-events")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    create("told", [process("Work", CacheConfig={"Enabled": True}), fail("End", "told so", DependsOn=["Work"])])
    pipeline = cloud.client("sagemaker").describe_pipeline(PipelineName="told")["PipelineArn"]
    pattern = {"source": ["aws.sagemaker"], "detail": {"pipelineArn": [pipeline]}}
    events.put_rule(Name="pipeline-events", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="pipeline-events", Targets=[{"Id": "queue", "Arn": queue}])

    def told() -> list[dict[str, Any]]:
        """The events of one execution."""
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + 10
        while len(found) < 6 and time.monotonic() < deadline:
            messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
            found += [json.loads(message["Body"]) for message in messages]
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    first, ran = start("told")
    arn, found = first["PipelineExecutionArn"], told()
    whole = "SageMaker Model Building Pipeline Execution Status Change"
    step = "SageMaker Model Building Pipeline Execution Step Status Change"
    assert {tuple(event["resources"]) for event in found} == {(pipeline, arn)}
    states = [(e["detail-type"], e["detail"].get("stepName"), _status(e["detail"])) for e in found]
    assert sorted(states, key=str) == sorted(
        [
            (whole, None, "Executing"),
            (step, "Work", "Executing"),
            (step, "Work", "Succeeded"),
            (step, "End", "Executing"),
            (step, "End", "Failed"),
            (whole, None, "Failed"),
        ],
        key=str,
    )
    [worked] = [e["detail"] for e in found if e["detail"].get("stepName") == "Work" and "stepEndTime" in e["detail"]]
    assert worked["metadata"] == {"processingJob": {"arn": ran["Work"]["Metadata"]["ProcessingJob"]["Arn"]}}
    assert (worked["stepType"], worked["previousStepStatus"]) == ("Processing", "Executing")
    assert "cacheHitResult" not in worked
    [failed] = [e["detail"] for e in found if e["detail"].get("currentStepStatus") == "Failed"]
    assert failed["failureReason"] == "told so"

    start("told")
    again = [e["detail"] for e in told() if e["detail"].get("stepName") == "Work" and "stepEndTime" in e["detail"]]
    assert [detail["cacheHitResult"] for detail in again] == [{"sourcePipelineExecutionArn": arn}]


def _status(detail: dict[str, Any]) -> str:
    return detail.get("currentPipelineExecutionStatus") or detail["currentStepStatus"]


def most_at_once(steps: dict[str, dict[str, Any]]) -> int:
    """The largest number of steps that ran at one moment, by their own start and end times."""
    moments = [(step["StartTime"], 1) for step in steps.values()] + [(step["EndTime"], -1) for step in steps.values()]
    running = most = 0
    for _, change in sorted(moments):
        running += change
        most = max(most, running)
    return most


@pytest.mark.slow
def test_no_more_steps_run_at_once_than_the_parallelism_allows(
    cloud: EmbeddedCloud, create: Callable[..., None], start: Run
) -> None:
    sleeping = [process(f"Sleep{i}", "import time; time.sleep(0.25)") for i in range(4)]
    create("crowd", sleeping)
    two = {"MaxParallelExecutionSteps": 2}
    execution, ran = start("crowd", ParallelismConfiguration=two)
    assert execution["PipelineExecutionStatus"] == "Succeeded" and execution["ParallelismConfiguration"] == two
    assert len(ran) == 4 and most_at_once(ran) == 2

    # The pipeline's own limit "applies to all executions of the pipeline unless overridden".
    one = {"MaxParallelExecutionSteps": 1}
    cloud.client("sagemaker").update_pipeline(PipelineName="crowd", ParallelismConfiguration=one)
    execution, ran = start("crowd")
    assert execution["ParallelismConfiguration"] == one and most_at_once(ran) == 1
    assert start("crowd", ParallelismConfiguration=two)[0]["ParallelismConfiguration"] == two


def test_all_steps_that_can_run_do_so_at_once_by_default(
    create: Callable[..., None], start: Run, tmp_path: Path
) -> None:
    """AWS, "Pipeline Structure and Execution"."""
    script = (
        "import os,sys,time;name,d=sys.argv[1:];open(d+'/'+name,'w').close();"
        "[time.sleep(.02) for _ in iter(lambda:len(os.listdir(d))==6,True)]"
    )
    steps = [process(f"Meet{i}", script) for i in range(6)]
    for step in steps:
        step["Arguments"]["AppSpecification"]["ContainerArguments"] = [step["Name"], str(tmp_path)]
        step["Arguments"]["StoppingCondition"] = {"MaxRuntimeInSeconds": 20}
    create("meeting", steps)
    execution, _ = start("meeting")
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution.get("FailureReason")


def test_an_execution_goes_on_with_the_definition_that_it_started_with(
    cloud: EmbeddedCloud, create: Callable[..., None], role: str, start: Run, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    script = f"import os,time;[time.sleep(.02) for _ in iter(lambda:os.path.exists({str(go)!r}),True)]"
    create("changing", [process("Wait", script), condition("Old", TRUE, DependsOn=["Wait"])])
    sagemaker = cloud.client("sagemaker")
    arn = sagemaker.start_pipeline_execution(PipelineName="changing")["PipelineExecutionArn"]
    until(lambda: listed(cloud, arn))
    new = json.dumps({"Version": "2020-12-01", "Steps": [condition("New", TRUE)]})
    sagemaker.update_pipeline(PipelineName="changing", PipelineDefinition=new, PipelineDescription="second")
    assert sagemaker.describe_pipeline(PipelineName="changing")["PipelineDefinition"] == new
    go.touch()
    assert list(ended(cloud, arn)[1]) == ["Wait", "Old"]
    assert list(start("changing")[1]) == ["New"]
    with pytest.raises(ClientError, match="type Callback"):
        bad = json.dumps({"Steps": [{"Name": "A", "Type": "Callback", "Arguments": {}}]})
        sagemaker.update_pipeline(PipelineName="changing", PipelineDefinition=bad)
    assert sagemaker.describe_pipeline(PipelineName="changing")["PipelineDefinition"] == new


def test_a_pipeline_is_deleted_with_its_executions_and_not_while_one_runs(
    cloud: EmbeddedCloud, create: Callable[..., None], tmp_path: Path
) -> None:
    """API_DeletePipeline: "you must stop all running instances"; "all instances of the pipeline are deleted"."""
    create("gone", [process("Slow", "import time; time.sleep(60)")])
    sagemaker = cloud.client("sagemaker")
    arn = sagemaker.start_pipeline_execution(PipelineName="gone")["PipelineExecutionArn"]
    token = {"ClientRequestToken": "d" * 32}
    with pytest.raises(ClientError, match=r"ConflictException.*PipelineExecution"):
        sagemaker.delete_pipeline(PipelineName="gone", **token)
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, **token)
    ended(cloud, arn)
    sagemaker.delete_pipeline(PipelineName="gone", **token)
    with pytest.raises(ClientError) as refused:
        sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    assert refused.value.response["Error"]["Code"] == "ResourceNotFound"


def test_executions_are_listed_by_time_and_name(cloud: EmbeddedCloud, create: Callable[..., None], start: Run) -> None:
    sagemaker = cloud.client("sagemaker")
    create("listed", [condition("C", TRUE)])
    create("listed-failing", [fail("F", "no good")])
    first = start("listed", PipelineExecutionDisplayName="first")[0]["PipelineExecutionArn"]
    between = cloud.control("advance", seconds=60)["now"]
    cloud.control("advance", seconds=60)
    second = start("listed")[0]["PipelineExecutionArn"]

    def found(**more: Any) -> list[str]:
        rows = sagemaker.list_pipeline_executions(PipelineName="listed", **more)["PipelineExecutionSummaries"]
        return [row["PipelineExecutionArn"] for row in rows]

    assert found(SortOrder="Ascending") == [first, second] and found() == [second, first]
    assert found(CreatedAfter=between) == [second] and found(CreatedBefore=between) == [first]
    assert found(SortBy="PipelineExecutionArn", SortOrder="Ascending") == sorted([first, second])
    arn = sagemaker.describe_pipeline(PipelineName="listed")["PipelineArn"]
    assert len(sagemaker.list_pipeline_executions(PipelineName=arn)["PipelineExecutionSummaries"]) == 2
    pages = sagemaker.get_paginator("list_pipeline_executions").paginate(PipelineName="listed", MaxResults=1)
    assert [[row["PipelineExecutionArn"] for row in page["PipelineExecutionSummaries"]] for page in pages] == [
        [second],
        [first],
    ]
    start("listed-failing")
    [row] = sagemaker.list_pipeline_executions(PipelineName="listed-failing")["PipelineExecutionSummaries"]
    assert row["PipelineExecutionStatus"] == "Failed" and "no good" in row["PipelineExecutionFailureReason"]


def test_a_stop_that_comes_late_changes_nothing(cloud: EmbeddedCloud, create: Callable[..., None], start: Run) -> None:
    create("over", [condition("C", TRUE)])
    arn = start("over")[0]["PipelineExecutionArn"]
    sagemaker = cloud.client("sagemaker")
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="s" * 32)
    answer = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    assert answer["PipelineExecutionStatus"] == "Succeeded"
