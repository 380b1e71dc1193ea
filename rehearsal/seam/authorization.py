"""IAM on SageMaker calls: resource, condition keys, tags, and what is checked beside the main action."""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import contextvars
import json
from typing import Any

from botocore.session import get_session
from ministack.core import iam_actions, iam_evaluator, router
from ministack.services import iam

from rehearsal.sagemaker import iam as rules
from rehearsal.sagemaker.regions import Regions
from rehearsal.sagemaker.service import Service
from rehearsal.sagemaker.store import AwsError

PASSED_TO = {"iam:PassedToService": "sagemaker.amazonaws.com"}

caller_key: contextvars.ContextVar[str] = contextvars.ContextVar("sluice_caller_key", default="")
studio_users: dict[str, tuple[str, str]] = {}
"""Domain and user profile behind the access keys that Studio handed out."""
_asked: contextvars.ContextVar[tuple[Service, str, dict[str, Any]]] = contextvars.ContextVar("sluice_asked")
_runtime = get_session().get_service_model("sagemaker-runtime")
_plain_arn, _plain_tags = iam_actions.extract_resource_arn, iam_actions.request_tag_context


def authorize_further(service: Service, operation: str, request: dict[str, Any], body: bytes) -> None:
    """Refuse what the main check does not see, such as tags at creation. Raises AwsError."""
    key, prefix = caller_key.get(), service.host.arn("")
    region = prefix.split(":")[3]
    for arn in rules.further(operation, request, prefix):
        must_be_allowed(key, f"sagemaker:{operation}", arn, region, _context(service, operation, request, arn, body))
    for arn in rules.granted(operation, request, prefix, service.store):
        must_be_allowed(key, "kms:CreateGrant", arn, region, {"kms:GrantIsForAWSResource": "true"})
    if operation.startswith("Create") and request.get("Tags"):
        arn = rules.resource(operation, request, prefix)
        context = _context(service, "AddTags", request, arn, body) | {"sagemaker:TaggingAction": operation}
        must_be_allowed(key, "sagemaker:AddTags", arn, region, context)


def authorize_app(service: Service, arn: str, body: bytes) -> None:
    """Refuse a call of MLflow's REST API that IAM does not allow on the app. Raises AwsError.

    AWS, "Set up IAM permissions for MLflow Apps": one action stands for the whole API.
    """
    region = service.host.arn("").split(":")[3]
    context = _context(service, "CallMlflowAppApi", {}, arn, body)
    try:
        must_be_allowed(caller_key.get(), "sagemaker:CallMlflowAppApi", arn, region, context)
    except AwsError as error:
        raise AwsError(error.code, error.message, 403) from error


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


def mend(regions: Regions) -> None:
    """Let ministack see what a SageMaker call asks for, and on what."""

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
            found = _plain_arn(name, method, path, headers, body, query, region, account)
            return _longer(name, path, headers, body, f"arn:aws:{name}:{region}:{account}") or found
        # Both are read in the same task, when ministack asks for the rest.
        caller_key.set(router.extract_access_key_id(headers, query))
        _asked.set((regions.at(region).service, *_request(path, headers, body)))
        service, operation, request = _asked.get()
        return rules.resource(operation, request, service.host.arn(""))

    def request_context(name: str, action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        if name != "sagemaker":
            return {**_plain_tags(name, action, body, params), **_policy_keys(action, params)}
        service, operation, request = _asked.get()
        arn = rules.resource(operation, request, service.host.arn(""))
        return _context(service, operation, request, arn, body)

    iam_actions.extract_resource_arn, iam_actions.request_tag_context = resource_arn, request_context


def _longer(name: str, path: str, headers: dict[str, str], body: bytes, beginning: str) -> str | None:
    """The resource as AWS checks it, where ministack finds none or too short a one.

    For logs and alarms as AWS's refusals word it ("... on resource: arn:aws:logs:...:log-group::log-stream:", and
    "... cloudwatch:DescribeAlarms on resource: arn:aws:cloudwatch:...:alarm:*"). A list of file systems names all of
    them: not verified, its refusals say "the specified resource".
    """
    if name == "monitoring" and _is_list_of_alarms(path, headers, body):
        return f"{beginning.replace(':monitoring:', ':cloudwatch:')}:alarm:*"
    if name == "elasticfilesystem" and path.rstrip("/").endswith("/file-systems"):
        return f"{beginning}:file-system/*"
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    if name != "logs" or action not in ("DescribeLogGroups", "DeleteLogStream", "GetLogEvents", "PutLogEvents"):
        return None
    try:
        asked = read(body)
    except AwsError:
        return None
    group = "" if action == "DescribeLogGroups" else asked.get("logGroupName", "")
    return f"{beginning}:log-group:{group}:log-stream:{asked.get('logStreamName', '')}"


def _is_list_of_alarms(path: str, headers: dict[str, str], body: bytes) -> bool:
    """In whichever of CloudWatch's protocols."""
    target = headers.get("x-amz-target", "") or path
    return target.endswith(("/DescribeAlarms", ".DescribeAlarms")) or b"Action=DescribeAlarms&" in body


def _policy_keys(action: str, params: dict[str, Any]) -> dict[str, str]:
    """`iam:PolicyARN` and `iam:PermissionsBoundary`, which ministack leaves out where a role's policies change.

    Service Authorization Reference, "Actions, resources, and condition keys for AWS Identity and Access Management".
    """
    if action not in ("iam:AttachRolePolicy", "iam:DetachRolePolicy"):
        return {}
    asked = {name: value[0] if isinstance(value, list) else value for name, value in params.items()}
    role = iam._roles.get(asked.get("RoleName", "")) or {}
    found = {"iam:PolicyARN": asked.get("PolicyArn"), "iam:PermissionsBoundary": role.get("PermissionsBoundary")}
    return {name: value for name, value in found.items() if value}


def _context(service: Service, operation: str, request: dict[str, Any], arn: str, body: bytes) -> dict[str, Any]:
    """The condition keys of one check: the request's tags, the service's own keys, the tags of the resource."""
    studio = zip(
        ("sagemaker:DomainId", "sagemaker:UserProfileName"), studio_users.get(caller_key.get(), ()), strict=False
    )
    return {
        **dict(studio),
        **_plain_tags("sagemaker", f"sagemaker:{operation}", body, {}),
        **rules.conditions(operation, request, service.host.arn(""), service.store),
        **rules.resource_tags(arn, service.store),
    }


def read(body: bytes) -> dict[str, Any]:
    """The members of a request. Raises AwsError."""
    try:
        asked = json.loads(body or b"{}")
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise AwsError("SerializationException", "The body of the request is no JSON object.")
    return asked


def _request(path: str, headers: dict[str, str], body: bytes) -> tuple[str, dict[str, Any]]:
    """The operation and its members; of a runtime call those in the path and the headers."""
    if target := headers.get("x-amz-target", ""):
        try:
            return target.split(".", 1)[1], read(body)
        except AwsError:
            return target.split(".", 1)[1], {}  # refused when it is carried out
    for name in _runtime.operation_names:
        operation = _runtime.operation_model(name)
        if str(operation.http["requestUri"]).rsplit("/", 1)[-1] == path.rstrip("/").rsplit("/", 1)[-1]:
            shapes = operation.input_shape.members.items() if operation.input_shape else ()
            sent = {member: headers.get(shape.serialization.get("name", "").lower()) for member, shape in shapes}
            return name, sent | {"EndpointName": invoked(path)}
    return "", {}
