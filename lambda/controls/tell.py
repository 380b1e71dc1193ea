"""Tells people by the alert topic of a run that failed, and of an alert that a training job gave.

A run is told of once, when it has failed as a whole, with all its steps that did: steps may be tried again, and a run
can fail without any. An event may come twice; then so does the message, which costs less than to remember them.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger

from controls import clients, console, failure, settings

logger = Logger(service="tell")

_SUBJECT_CHARACTERS = 100  # AWS, API_Publish
_MESSAGE_BYTES = 262_144
# Where the hook in a training script writes: the folder of the job's checkpoints.
_ALERT = re.compile(r"([^/]+)/([^/]+)/checkpoints/(?:.+/)?([^/]+)/alerts/\d+-([^/]+)\.json")
_HISTORY_EVENTS = 100  # a state that is left over and over comes to a few of them


class TellError(RuntimeError):
    """An event that the rule should not have let through, or an alert that cannot be read."""


@dataclass(frozen=True)
class Settings:
    platform: str
    topic_arn: str


@dataclass(frozen=True)
class Message:
    subject: str
    lines: list[str]


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """The subject of what was told."""
    config = settings.read(Settings, os.environ)
    message = about(event, config.platform)
    # SNS takes printable ASCII only.
    subject = re.sub(r"[^ -~]", "?", f"[{config.platform}] {message.subject}")[:_SUBJECT_CHARACTERS]
    text = "\n".join(message.lines).encode()[:_MESSAGE_BYTES].decode(errors="ignore")
    clients.client("sns").publish(TopicArn=config.topic_arn, Subject=subject, Message=text)
    logger.info("told", subject=subject)
    return {"subject": subject}


def about(event: dict[str, Any], platform: str) -> Message:
    """What there is to tell of `event`. Raises TellError."""
    detail = event["detail"]
    match event["detail-type"]:
        case "SageMaker Model Building Pipeline Execution Status Change":
            return failed_run(clients.client("sagemaker"), detail["pipelineExecutionArn"], platform)
        case "Step Functions Execution Status Change":
            return failed_machine(clients.client("stepfunctions"), detail["executionArn"], platform)
        case "Object Created":
            bucket, key = detail["bucket"]["name"], detail["object"]["key"]
            job_arn = f"arn:{event['resources'][0].split(':')[1]}:sagemaker:{event['region']}"
            return alert(clients.client("s3"), bucket, key, job_arn)
        case other:
            raise TellError(f"{other} is no event to tell of")


def failed_run(sagemaker: Any, arn: str, platform: str) -> Message:
    """A pipeline's execution that failed, with its steps that did and their logs."""
    run = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    pages = sagemaker.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=arn)
    failed = [step for page in pages for step in page["PipelineExecutionSteps"] if step["StepStatus"] == "Failed"]
    pipeline, _, execution = arn.split("/")[-3:]
    workload = pipeline.removeprefix(f"{platform}-")
    where = f" at {', '.join(step['StepName'] for step in failed)}" if failed else ""
    lines = [f"workload: {workload}", f"pipeline: {pipeline}", f"execution: {execution}"]
    if not failed:
        lines.append(f"reason: {run.get('FailureReason', 'SageMaker gives none')}")
    for step in failed:
        lines += ["", *_step(sagemaker, step)]
    lines += ["", f"All steps: aws sagemaker list-pipeline-execution-steps --pipeline-execution-arn {arn}"]
    return Message(f"{workload}: a run failed{where}", lines)


def _step(sagemaker: Any, step: dict[str, Any]) -> Iterator[str]:
    yield f"step: {step['StepName']}"
    yield f"reason: {failure.reason(sagemaker, step) or 'SageMaker gives none'}"
    for address in console.logs(step.get("Metadata", {})):
        yield f"log: {address}"


def failed_machine(states: Any, arn: str, platform: str) -> Message:
    """A state machine's execution that failed or timed out, with the last state that it entered and that one's log."""
    run = states.describe_execution(executionArn=arn)
    history = states.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=_HISTORY_EVENTS)["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event]
    tasks = [event["taskScheduledEventDetails"] for event in history if "taskScheduledEventDetails" in event]
    machine, execution = arn.split(":")[-2:]
    workload, status = machine.removeprefix(f"{platform}-"), run["status"].replace("_", " ").lower()
    return Message(
        f"{workload}: a run {status}{f' at {entered[0]}' if entered else ''}",
        [
            f"workload: {workload}",
            f"state machine: {machine}",
            f"execution: {execution}",
            f"step: {entered[0] if entered else 'none entered'}",
            f"error: {run.get('error', 'none given')}",
            f"reason: {run.get('cause', 'none given')}",
            *(f"log: {address}" for task in tasks[:1] for address in console.task_logs(arn, task)),
            f"all steps: {console.machine_execution(arn)}",
        ],
    )


def alert(s3: Any, bucket: str, key: str, job_arn: str) -> Message:
    """What the hook in a training script noticed: .../checkpoints/<job>/alerts/<n>-<symptom>.json. Raises TellError."""
    if not (found := _ALERT.fullmatch(key)):
        raise TellError(f"s3://{bucket}/{key} is not where an alert lies")
    workload, execution, job, symptom = found.groups()
    try:
        told = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        values = [f"{field}: {json.dumps(value)}" for field, value in told.items()]
    except (ValueError, AttributeError) as error:
        raise TellError(f"s3://{bucket}/{key} is no JSON object: {error}") from error
    return Message(
        f"{workload}: training alert {symptom}",
        [
            f"workload: {workload}",
            f"execution: {execution}",
            f"job: {job}",
            f"symptom: {symptom}",
            *values,
            f"alert: s3://{bucket}/{key}",
            f"log: {console.log(job_arn, '/aws/sagemaker/TrainingJobs', job)}",
        ],
    )
