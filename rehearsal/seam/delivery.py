"""How events reach functions."""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import json
import logging
import threading
import time
from typing import Any

from ministack.services import lambda_svc

logger = logging.getLogger("sluice")
LONGEST_WAIT_SECONDS = 20
_begun: set[int] = set()
_ended = threading.Condition()


def mend() -> None:
    """Keep account of functions that have yet to run, and publish metrics of all runs, not only of Invoke's."""
    invoke, execute = lambda_svc.invoke_async_with_retry, lambda_svc._execute_function
    run, emit = lambda_svc._execute_function_dispatch, lambda_svc._emit_lambda_metrics

    def invoked(function: Any, event: Any, *further: Any) -> Any:
        with _ended:
            _begun.add(id(event))
        return invoke(function, event, *further)

    def executed(function: Any, event: Any, *further: Any) -> Any:
        try:
            return execute(function, event, *further)
        finally:
            with _ended:
                _begun.discard(id(event))
                _ended.notify_all()

    def dispatched(function: Any, config: dict[str, Any], *further: Any) -> Any:
        began = time.monotonic()
        result = run(function, config, *further)
        emit(config["FunctionName"], (time.monotonic() - began) * 1000, bool(result.get("error")), False)
        return result

    def emitted(name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        if throttle:  # what ran is told above
            emit(name, duration_ms, error, throttle)

    lambda_svc.invoke_async_with_retry, lambda_svc._execute_function = invoked, executed
    lambda_svc._execute_function_dispatch, lambda_svc._emit_lambda_metrics = dispatched, emitted


def settle() -> None:
    """Hold a skip of time until what it invoked has run: functions last seconds, which hours would not pass over."""
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    with _ended:
        while _begun and _ended.wait(deadline - time.monotonic()):
            pass
        _begun.clear()


def invoke_with_retries(arn: str, payload: str) -> None:
    """An event reaches a function as in AWS: asynchronously, with retries and then the dead-letter queue."""
    function, _config, name = lambda_svc._get_func_record_for_ref(arn)
    if function is None:
        logger.warning("an event rule names the function %s, which does not exist", name)
        return
    lambda_svc.invoke_async_with_retry(function, json.loads(payload))
