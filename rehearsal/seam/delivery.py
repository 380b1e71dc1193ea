"""How events reach the targets of rules, and where they go when they do not."""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import json
import logging
import time
from typing import Any

from ministack.core.arn import parse_arn
from ministack.services import eventbridge, lambda_svc, sns, sqs, stepfunctions

from rehearsal.sagemaker.clock import Clock

logger = logging.getLogger("sluice")


def mend(clock: Clock) -> None:
    """A skip of time waits for functions, and all their runs become metrics, not only those that Invoke asked for."""
    _mend_holds(clock)
    run, emit = lambda_svc._execute_function_dispatch, lambda_svc._emit_lambda_metrics

    def dispatched(function: Any, config: dict[str, Any], *further: Any) -> Any:
        began = time.monotonic()
        result = run(function, config, *further)
        emit(config["FunctionName"], (time.monotonic() - began) * 1000, bool(result.get("error")), False)
        return result

    def emitted(name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        if throttle:  # what ran is told above
            emit(name, duration_ms, error, throttle)

    lambda_svc._execute_function_dispatch, lambda_svc._emit_lambda_metrics = dispatched, emitted


def _mend_holds(clock: Clock) -> None:
    """An asynchronous invocation holds the clock from its event to its success, its last attempt or its letter."""
    invoke, execute = lambda_svc.invoke_async_with_retry, lambda_svc._execute_function
    route = lambda_svc._route_async_failure
    left: dict[int, int] = {}

    def invoked(function: Any, event: Any, *further: Any) -> Any:
        settings = function.get("event_invoke_config") or (function.get("event_invoke_configs") or {}).get("$LATEST")
        retries = (settings or {}).get("MaximumRetryAttempts")
        left[id(event)] = 1 + (2 if retries is None else int(retries))
        clock.begin(id(event))
        return invoke(function, event, *further)

    def executed(function: Any, event: Any, *further: Any) -> Any:
        result = execute(function, event, *further)
        if id(event) in left:
            left[id(event)] -= 1
            letters = (function.get("config") or function).get("DeadLetterConfig", {}).get("TargetArn")
            if not result.get("error") or (not left[id(event)] and not letters):
                _over(event)
        return result

    def routed(target: str, name: str, event: Any, *further: Any) -> None:
        route(target, name, event, *further)
        _over(event)

    def _over(event: Any) -> None:
        left.pop(id(event), None)
        clock.end(id(event))

    lambda_svc.invoke_async_with_retry, lambda_svc._execute_function = invoked, executed
    lambda_svc._route_async_failure = routed


def invoke_with_retries(arn: str, payload: str) -> None:
    """An event reaches a function as in AWS: asynchronously, with retries and then the dead-letter queue."""
    function, _config, name = lambda_svc._get_func_record_for_ref(arn)
    if function is None:
        logger.warning("an event rule names the function %s, which does not exist", name)
        return
    lambda_svc.invoke_async_with_retry(function, json.loads(payload))


def mend_dead_letters() -> None:
    """What reaches nobody is kept as in AWS: events without a target, and events whose function always fails."""
    _mend_rules()
    _mend_functions()


def _mend_rules() -> None:
    """ministack loses an event whose target is gone; AWS sends it to the target's dead-letter queue at once.

    AWS, "Using dead-letter queues to process undelivered events in EventBridge".
    """
    plain = eventbridge._invoke_target

    def invoke(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        letters = (target.get("DeadLetterConfig") or {}).get("Arn")
        if not letters or _exists(target["Arn"]):
            plain(target, event, rule, view)
            return
        view = view or eventbridge._pattern_event_view(event)
        told = {
            "RULE_ARN": rule["Arn"],
            "TARGET_ARN": target["Arn"],
            "ERROR_CODE": "NO_RESOURCE",  # not verified: the page names the attribute, not its values
            "ERROR_MESSAGE": f"The target {target['Arn']} does not exist.",
        }
        _send(letters, json.dumps(view.event_with_detail()), told)

    eventbridge._invoke_target = invoke


def _exists(arn: str) -> bool:
    kind = arn.split(":")[2]
    if kind == "lambda":
        return lambda_svc._get_func_record_for_ref(arn)[0] is not None
    if kind == "sqs":
        return sqs._queue_by_arn(arn) is not None
    if kind == "sns":
        return arn in sns._topics
    return kind != "states" or stepfunctions._resolve_state_machine_arn(arn) is not None


def _mend_functions() -> None:
    """ministack writes a destination's record to a function's dead-letter queue; AWS writes the event as it was.

    AWS, "Capturing records of Lambda asynchronous invocations". The attribute RequestID is left out: ministack does
    not keep it.
    """
    plain = lambda_svc._route_async_failure

    def route(target: str, name: str, event: Any, result: dict[str, Any]) -> None:
        config = lambda_svc._get_func_record_for_ref(name)[1] or {}
        if target.split(":")[2] == "sqs" and target == config.get("DeadLetterConfig", {}).get("TargetArn"):
            message = str((result.get("body") or {}).get("errorMessage", ""))[:1024]
            _send(target, json.dumps(event), {"ErrorCode": "200", "ErrorMessage": message})
        else:
            plain(target, name, event, result)

    lambda_svc._route_async_failure = route


def _send(letters: str, body: str, told: dict[str, str]) -> None:
    """Put a message with such attributes into a queue."""
    eventbridge._dispatch_to_sqs(parse_arn(letters), body)  # logs when the queue itself is gone
    queue = sqs._queue_by_arn(letters)
    for message in queue["messages"] if queue else ():
        if message["body"] is body:
            message["message_attributes"] = {n: {"DataType": "String", "StringValue": v} for n, v in told.items()}
            message["md5_attrs"] = sqs._md5_msg_attrs(message["message_attributes"])
