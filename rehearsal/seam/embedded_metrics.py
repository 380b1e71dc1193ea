"""Metrics that functions write to their logs."""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
from typing import Any

from ministack.services import cloudwatch, lambda_svc

from rehearsal.embedded_metrics import found


def mend() -> None:
    """CloudWatch has what is in the log of a function that ended."""
    plain = lambda_svc._emit_lambda_logs

    def emit(function: dict[str, Any], request_id: str, text: str, *further: Any, **more: Any) -> None:
        plain(function, request_id, text, *further, **more)
        for datum in found(text):
            cloudwatch._store_datum(*datum, None, None, None)

    lambda_svc._emit_lambda_logs = emit
