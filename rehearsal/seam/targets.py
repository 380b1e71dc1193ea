"""What EventBridge Scheduler calls when a schedule is due: one request under the schedule's own role."""

# pyright: reportMissingImports=false
import json
import logging
from dataclasses import dataclass, replace
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.shapes import service_model
from rehearsal.sagemaker.store import AwsError
from rehearsal.schedules import utc
from rehearsal.seam.host import Cloud

logger = logging.getLogger("sluice")
Record = dict[str, Any]
PRINCIPAL = "scheduler.amazonaws.com"
SERVICES = ("lambda", "sqs", "sns", "states", "events", "sagemaker")
LONGEST_RETRY_MINUTES = 60


@dataclass(frozen=True)
class Invocation:
    """One due moment (epoch seconds) of a schedule; `attempt` counts retries."""

    schedule: Record
    due: float
    id: str
    attempt: int = 0

    def text(self) -> str:
        """The target's input, with the context attributes filled in."""
        target, arn = self.schedule["Target"], self.schedule["Arn"]
        context = {
            "schedule-arn": arn,
            "scheduled-time": utc(self.due),
            "execution-id": self.id,
            "attempt-number": str(self.attempt + 1),
        }
        text = target.get("Input")
        if text is None:
            return json.dumps(_notification(arn, self.id, utc(self.due)))
        for name, value in context.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
        return text


def _notification(arn: str, id: str, at: str) -> Record:
    _, _, _, region, account, _ = arn.split(":", 5)
    return {
        "version": "0",
        "id": id,
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": account,
        "time": at,
        "region": region,
        "resources": [arn],
        "detail": "{}",
    }


def check_target(target: Record) -> None:
    """Refuse a target by name that is not emulated. Raises ValueError."""
    arn = target.get("Arn") or ""
    universal = arn.startswith("arn:aws:scheduler:::aws-sdk:sagemaker:")
    known = len(arn.split(":")) > 5 and arn.split(":")[2] in SERVICES
    pipeline = arn.split(":")[2:3] != ["sagemaker"] or ":pipeline/" in arn
    if not target.get("RoleArn") or not (universal or (known and pipeline)):
        raise ValueError(f"The target {arn or target} of a schedule is not emulated by this cloud.")
    if universal:
        action = arn.rsplit(":", 1)[-1]
        if action[:1].upper() + action[1:] not in service_model().operation_names:
            raise ValueError(f"The target {arn} names no action of SageMaker.")
        if not isinstance(_read(target.get("Input") or ""), dict):
            raise ValueError(f"The target {arn} needs an Input that is a JSON object.")
    if arn.split(":")[2] == "events" and not target.get("EventBridgeParameters"):
        raise ValueError(f"The target {arn} needs EventBridgeParameters.")


def _read(text: str) -> object:
    """What a JSON text says; Input may hold `<aws.scheduler...>` only inside its strings."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return None


class Targets:
    """Calls, retries and dead letters."""

    def __init__(self, cloud: Cloud, clock: Clock) -> None:
        self._cloud, self._clock = cloud, clock

    def invoke(self, invocation: Invocation) -> None:
        try:
            self._call(invocation.schedule["Target"], invocation.text())
        except (ClientError, BotoCoreError, AwsError, ValueError) as error:
            self._failed(invocation, error)

    def _failed(self, invocation: Invocation, error: Exception) -> None:
        code, message = type(error).__name__, str(error)
        status = error.status if isinstance(error, AwsError) else 400
        if isinstance(error, ClientError):
            code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        logger.warning("%s could not invoke its target: %s: %s", invocation.schedule["Arn"], code, message)
        policy = invocation.schedule["Target"].get("RetryPolicy") or {}
        minutes = min(2**invocation.attempt, LONGEST_RETRY_MINUTES)
        too_old = self._clock.now() + minutes * 60 - invocation.due > policy.get("MaximumEventAgeInSeconds", 86_400)
        # What cannot succeed later is not tried again; AWS's guide does not list the errors that are.
        if status < 500 and "Throttl" not in code and "TooManyRequests" not in code:
            exhausted = ""
        elif invocation.attempt >= policy.get("MaximumRetryAttempts", 185):
            exhausted = "MaximumRetryAttempts"
        elif too_old:
            exhausted = "MaximumEventAgeInSeconds"
        else:
            again = replace(invocation, attempt=invocation.attempt + 1)
            self._clock.after(minutes * 60, lambda: self.invoke(again))
            return
        self._bury(invocation, {"ERROR_CODE": code, "ERROR_MESSAGE": message, "EXHAUSTED_RETRY_CONDITION": exhausted})

    def _bury(self, invocation: Invocation, found: dict[str, str]) -> None:
        """Send the dead letter. "Configuring a schedule's dead-letter queue": the attributes are those shown there."""
        target = invocation.schedule["Target"]
        queue = (target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue:
            return
        attributes = found | {
            "EXECUTION_ID": invocation.id,
            "IS_PAYLOAD_TRUNCATED": "false",
            "RETRY_ATTEMPTS": str(invocation.attempt),
            "SCHEDULED_TIME": utc(invocation.due),
            "SCHEDULE_ARN": invocation.schedule["Arn"],
            "TARGET_ARN": target["Arn"],
        }
        told = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value}
        try:
            sqs = self._cloud.client("sqs", target["RoleArn"], PRINCIPAL)
            url = self._cloud.queue_url(queue)
            sqs.send_message(QueueUrl=url, MessageBody=invocation.text(), MessageAttributes=told)
        except (ClientError, BotoCoreError, AwsError) as error:
            logger.warning("%s lost its dead letter: %s", invocation.schedule["Arn"], error)

    def start_pipeline(self, target: Record) -> None:
        """For a rule: its target's role must trust EventBridge."""
        try:
            self._start(target, "events.amazonaws.com")
        except (ClientError, BotoCoreError, AwsError) as error:
            logger.warning("a rule could not start %s: %s", target["Arn"], error)

    def _start(self, target: Record, principal: str) -> None:
        given = (target.get("SageMakerPipelineParameters") or {}).get("PipelineParameterList") or []
        sagemaker = self._cloud.client("sagemaker", target["RoleArn"], principal)
        sagemaker.start_pipeline_execution(
            PipelineName=target["Arn"].rsplit("/", 1)[-1],
            PipelineParameters=[{"Name": p["Name"], "Value": p["Value"]} for p in given],
        )

    def _call(self, target: Record, text: str) -> None:
        arn, role = target["Arn"], target["RoleArn"]
        match arn.split(":")[2]:
            case "lambda":
                self._client("lambda", role).invoke(FunctionName=arn, InvocationType="Event", Payload=text)
            case "sqs":
                group = (target.get("SqsParameters") or {}).get("MessageGroupId")
                further = {"MessageGroupId": group} if group else {}
                url = self._cloud.queue_url(arn)
                self._client("sqs", role).send_message(QueueUrl=url, MessageBody=text, **further)
            case "sns":
                self._client("sns", role).publish(TopicArn=arn, Message=text)
            case "states":
                self._client("stepfunctions", role).start_execution(stateMachineArn=arn, input=text)
            case "events":
                given = target["EventBridgeParameters"]
                entry = {"Source": given["Source"], "DetailType": given["DetailType"], "Detail": text}
                self._client("events", role).put_events(Entries=[entry | {"EventBusName": arn}])
            case "sagemaker":
                self._start(target, PRINCIPAL)
            case _:
                action = arn.rsplit(":", 1)[-1]
                method = xform_name(action[0].upper() + action[1:])
                getattr(self._client("sagemaker", role), method)(**json.loads(text))

    def _client(self, service: str, role: str) -> Any:
        return self._cloud.client(service, role, PRINCIPAL)
