"""Cost Explorer and the Price List API over HTTP, which ministack does not have; IAM is asked for both."""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import json
from typing import Any

from ministack import app
from ministack.core import iam_actions, router

from rehearsal.bills import Bills
from rehearsal.sagemaker.shapes import service_model
from rehearsal.sagemaker.store import AwsError
from rehearsal.seam.authorization import read


def mount(bills: Bills) -> None:
    for name in ("ce", "pricing"):
        prefix = service_model(name).metadata["targetPrefix"]
        router.SERVICE_PATTERNS[name] = {"target_prefixes": [f"{prefix}."], "credential_scope": name}
        app.SERVICE_HANDLERS[name] = _handler(bills, name)
        iam_actions.SERVICE_TO_IAM_NAMESPACE[name] = name
        iam_actions._SERVICE_PROTOCOL[name] = "json"


def _handler(bills: Bills, name: str) -> Any:
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        kind = {"Content-Type": "application/x-amz-json-1.1"}  # ministack adds to it
        operation = headers.get("x-amz-target", "").partition(".")[2]
        try:
            return 200, kind, json.dumps(bills.call(name, operation, read(body))).encode()
        except AwsError as error:
            told = {"__type": error.code, "message": error.message}
            return error.status, kind | {"x-amzn-errortype": error.code}, json.dumps(told).encode()

    return handle
