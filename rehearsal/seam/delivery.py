"""How events reach functions."""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import json
import logging

from ministack.services import lambda_svc

logger = logging.getLogger("sluice")


def invoke_with_retries(arn: str, payload: str) -> None:
    """An event reaches a function as in AWS: asynchronously, with retries and then the dead-letter queue."""
    function, _config, name = lambda_svc._get_func_record_for_ref(arn)
    if function is None:
        logger.warning("an event rule names the function %s, which does not exist", name)
        return
    lambda_svc.invoke_async_with_retry(function, json.loads(payload))
