"""IAM on SageMaker calls: resource, condition keys, and what is checked beside the main action."""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import contextvars
import json
from typing import Any

from ministack.core import iam_actions, iam_evaluator

from rehearsal.sagemaker import iam as rules
from rehearsal.sagemaker.service import Service
from rehearsal.sagemaker.store import AwsError

caller_key: contextvars.ContextVar[str] = contextvars.ContextVar("sluice_caller_key", default="")


def authorize_further(service: Service, operation: str, request: dict[str, Any], body: bytes) -> None:
    """Refuse what the main check does not see, such as tags at creation. Raises AwsError."""
    key, prefix = caller_key.get(), service.host.arn("")
    for name, arn in rules.further(operation, request, prefix, service.store):
        context = iam_actions.request_tag_context("sagemaker", f"sagemaker:{name}", body, {})
        must_be_allowed(key, f"sagemaker:{name}", arn, prefix.split(":")[3], context)


def must_be_allowed(key: str, action: str, arn: str, region: str, context: dict[str, Any]) -> None:
    """Ask IAM. Raises AwsError."""
    if denied := iam_evaluator.enforce(key, action, action.split(":")[0], region, arn, context):
        who = f"User: {getattr(denied, 'principal_arn', key)}"
        raise AwsError("AccessDeniedException", f"{who} is not authorized to perform: {action} on resource: {arn}")


def invoked(path: str) -> str:
    """The endpoint that a runtime call goes to."""
    parts = path.strip("/").split("/")
    if len(parts) == 3 and parts[0] == "endpoints":
        return parts[1]
    raise AwsError("UnknownOperationException", f"sagemaker-runtime's {path} is not emulated by this cloud.", 404)


def mend(service: Service) -> None:
    plain_arn, plain_tags = iam_actions.extract_resource_arn, iam_actions.request_tag_context

    def resource_arn(
        name: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, Any],
        region: str,
        account: str,
    ) -> str:
        if name != "sagemaker":
            return plain_arn(name, method, path, headers, body, query, region, account)
        prefix = f"arn:aws:sagemaker:{region}:{account}:"
        target = headers.get("x-amz-target", "")
        if not target:
            return f"{prefix}endpoint/{invoked(path)}"
        return rules.resource(target.split(".", 1)[1], json.loads(body or b"{}"), prefix, service.store)

    def request_context(name: str, action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        found = plain_tags(name, action, body, params)
        if name == "sagemaker" and body[:1] == b"{":
            found |= rules.conditions(action.split(":", 1)[1], json.loads(body))
        return found

    iam_actions.extract_resource_arn, iam_actions.request_tag_context = resource_arn, request_context
