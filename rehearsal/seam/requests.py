"""SageMaker calls as they come over HTTP, and the answers and refusals as they go back."""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import asyncio
import json
from typing import Any
from urllib.parse import urlencode

from ministack.core import iam_evaluator, router
from ministack.core.responses import get_region

from rehearsal.sagemaker import calls
from rehearsal.sagemaker.mlflow_apps import ARN_HEADER
from rehearsal.sagemaker.regions import Regions
from rehearsal.sagemaker.service import Service
from rehearsal.sagemaker.store import AwsError
from rehearsal.seam.authorization import authorize_app, authorize_further, caller_key, invoked, read

_NOT_INVOCATIONS = {
    "async-invocations": "InvokeEndpointAsync",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
}


def handler(regions: Regions) -> Any:
    """Answers each request in the region that it is signed for."""

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        caller_key.set(router.extract_access_key_id(headers, query))
        region = regions.at(get_region())
        service = region.service
        try:
            target = headers.get("x-amz-target", "")
            if target:
                operation, asked = target.split(".", 1)[1], read(body)
                await _receive(service, operation, headers)
                authorize_further(service, operation, asked, body)
                answer = service.call(operation, asked)
                return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()
            if arn := headers.get(ARN_HEADER, ""):
                await _receive(service, "CallMlflowAppApi", headers)
                authorize_app(service, arn, body)
                target = f"{path}?{urlencode(query, doseq=True)}" if query else path
                return await asyncio.to_thread(region.apps.forward, arn, method, target, headers, body)
            name = invoked(path)
            if other := _NOT_INVOCATIONS.get(path.rstrip("/").rsplit("/", 1)[-1]):
                raise AwsError("UnknownOperationException", f"{other} is not emulated by this cloud.", 404)
            await _receive(service, "InvokeEndpoint", headers)
            content, extra = await asyncio.to_thread(region.endpoints.invoke, name, headers, body)
            return 200, extra, content
        except AwsError as error:
            told = {"__type": error.code, "message": error.message, "Message": error.message}
            text = json.dumps(told | error.members)
            kind = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": error.code}
            return error.status, kind, text.encode()

    return handle


async def _receive(service: Service, operation: str, headers: dict[str, str]) -> None:
    """Count the call, and let what is to go wrong with it go wrong. Raises AwsError."""
    service.calls.add(operation, calls.agent(headers.get("user-agent", "")), calls.role(iam_evaluator.caller_arn()))
    await asyncio.sleep(service.faults.delay_seconds(operation))
    service.faults.strike(operation)
