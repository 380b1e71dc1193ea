"""Functions that die in the middle of an invocation."""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import threading
from collections import Counter
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

_killed: Counter[str] = Counter()  # deaths per function that no invocation has reported yet
_lock = threading.Lock()


def kill_function(name: str) -> int:
    """End the process of each running invocation with SIGKILL; how many. Raises ValueError for no such function."""
    if lambda_svc._get_func_record_for_ref(name)[0] is None:
        raise ValueError(f"name: there is no function '{name}'")
    with lambda_runtime._lock:
        pools = [pool for key, pool in lambda_runtime._workers.items() if key.split(":")[2] == name]
        busy = [worker._proc for pool in pools for worker in pool if worker.in_use]
    alive = [process for process in busy if process is not None and process.poll() is None]
    with _lock:
        _killed[name] += len(alive)
    for process in alive:
        process.kill()
    return len(alive)


def mend_exits() -> None:
    """Whoever invoked a function that was killed is told so in AWS's words, not ministack's."""
    plain = lambda_svc._execute_function_warm

    def execute(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        result = plain(function, event, request_id)
        if result.get("error") and _was_killed(function.get("config", function).get("FunctionName", "")):
            message = f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"
            result["body"] = {"errorType": "Runtime.ExitError", "errorMessage": message}
            result["log"] = f"{message}\nRuntime.ExitError"
        return result

    lambda_svc._execute_function_warm = execute


def _was_killed(name: str) -> bool:
    with _lock:
        known = _killed[name] > 0
        _killed[name] -= known
        return known
