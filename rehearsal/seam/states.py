"""Step Functions: `aws-sdk:sagemaker` tasks under the state machine's role, and waits on the cloud's clock."""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import contextvars
import json
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from ministack.services import stepfunctions

from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.shapes import service_model
from rehearsal.sagemaker.store import AwsError
from rehearsal.seam import objects
from rehearsal.seam.host import Cloud

_running: contextvars.ContextVar[str] = contextvars.ContextVar("sluice_execution", default="")
_role: contextvars.ContextVar[str] = contextvars.ContextVar("sluice_state_machine_role", default="")


def mend(cloud: Cloud, clock: Clock) -> None:
    stepfunctions._AWS_SDK_SERVICE_MAP["sagemaker"] = {"target_prefix": "SageMaker", "protocol": "json"}
    stepfunctions._AWS_SDK_ERROR_PREFIX["sagemaker"] = "SageMaker"
    run, dispatch = stepfunctions._run_execution, stepfunctions._dispatch_aws_sdk_json
    start = stepfunctions._start_execution

    def under_role(execution_arn: str) -> None:
        execution = stepfunctions._executions.get(execution_arn) or {}
        machine = stepfunctions._state_machines.get(execution.get("stateMachineArn")) or {}
        token = _role.set(machine.get("roleArn", ""))
        running = _running.set(execution_arn)
        clock.begin(execution_arn)
        try:
            run(execution_arn)
        finally:
            clock.end(execution_arn)
            _running.reset(running)
            _role.reset(token)

    def started(asked: dict[str, Any]) -> Any:
        answer = start(asked)
        arn = json.loads(answer[2]).get("executionArn")
        if arn:  # held from here on, not only from when its thread runs
            clock.begin(arn)
            _limit(clock, arn)
            if stepfunctions._executions[arn]["status"] != "RUNNING":
                clock.end(arn)
        return answer

    def dispatched(info: dict[str, Any], service: str, action: str, given: Any) -> Any:
        return _call(cloud, action, given) if service == "sagemaker" else dispatch(info, service, action, given)

    waiting: Counter[str] = Counter()
    counting = threading.Lock()

    def wait(seconds: float) -> None:
        """Lets the clock go on; of branches side by side, as long as one of them waits."""
        over, arn = threading.Event(), _running.get()

        def wake() -> None:
            with counting:
                waiting[arn] -= 1
                if not waiting[arn]:
                    clock.begin(arn)
            over.set()

        with counting:
            waiting[arn] += 1
            clock.after(seconds, wake)
            clock.end(arn)
        over.wait()

    stepfunctions._run_execution, stepfunctions._dispatch_aws_sdk_json = under_role, dispatched
    stepfunctions._start_execution, stepfunctions._scaled_sleep = started, wait
    stepfunctions._sleep_until = lambda until: wait(max(0.0, datetime.fromisoformat(until).timestamp() - clock.now()))
    stepfunctions._fail_execution = _failed(stepfunctions._fail_execution)
    objects.mend(lambda: cloud.client("s3", _role.get(), "states.amazonaws.com"))


def _failed(fail: Callable[[dict[str, Any], str, str], None]) -> Callable[[dict[str, Any], str, str], None]:
    """What was aborted or out of time stays so, whatever its last task comes to."""

    def failed(execution: dict[str, Any], error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)

    return failed


def _limit(clock: Clock, arn: str) -> None:
    """TimeoutSeconds of the whole machine, which ministack ignores, on the cloud's clock."""
    execution = stepfunctions._executions[arn]
    definition = json.loads(stepfunctions._state_machines[execution["stateMachineArn"]]["definition"])
    context = contextvars.copy_context()

    def time_out() -> None:
        if execution["status"] == "RUNNING":
            execution["status"], execution["stopDate"] = "TIMED_OUT", stepfunctions.now_iso()
            stepfunctions._add_event(execution, "ExecutionTimedOut")
            context.run(stepfunctions._emit_execution_status_event, execution)

    if "TimeoutSeconds" in definition:
        clock.after(definition["TimeoutSeconds"], time_out)


def _call(cloud: Cloud, action: str, given: dict[str, Any]) -> Any:
    name = action[0].upper() + action[1:]
    if name not in service_model().operation_names:
        raise stepfunctions._ExecutionError("States.Runtime", f"SageMaker has no API action {action}.")
    try:
        client = cloud.client("sagemaker", _role.get(), "states.amazonaws.com")
        answer = getattr(client, xform_name(name))(**(given or {}))
    except ClientError as error:
        told = error.response["Error"]
        raise stepfunctions._ExecutionError(error_name(told["Code"]), told["Message"]) from error
    except (BotoCoreError, AwsError) as error:
        raise stepfunctions._ExecutionError("SageMaker.SageMakerException", str(error)) from error
    answer.pop("ResponseMetadata")
    return json.loads(json.dumps(answer, default=_stamp))


def error_name(code: str) -> str:
    """As a Catch names it: an error of the API's model with the suffix Exception, any other SageMakerException.

    Sources: Step Functions Developer Guide, "Learning to use AWS service SDK integrations" ("append the Exception
    suffix"); an SDK for Java raises the service's base exception for codes outside the model.
    """
    if code not in {shape.name for shape in service_model().error_shapes}:
        return "SageMaker.SageMakerException"
    return f"SageMaker.{code.removesuffix('Exception')}Exception"


def _stamp(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"
