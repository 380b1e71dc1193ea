"""The one module that touches ministack's insides: it mounts the SageMaker service and mends what would mislead.

Written for ministack 1.5.33; `tests/rehearsal/test_seam.py` fails with a clear message when an upgrade moves what is
held on to here. `STAND_INS` names, for every report, what is not as in AWS.
"""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import asyncio
import contextvars
import hashlib
import json
import logging
import secrets
import threading
from collections.abc import Iterator
from typing import Any

from boto3.session import Session
from botocore.config import Config
from ministack import app
from ministack.core import iam_actions, iam_evaluator, router
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import cloudwatch, eventbridge, iam, lambda_svc, sts, tagging
from ministack.services.cloudformation import provisioners

from rehearsal.sagemaker import cloudformation
from rehearsal.sagemaker import iam as rules
from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.endpoints import Endpoints
from rehearsal.sagemaker.service import Service
from rehearsal.sagemaker.store import AwsError

logger = logging.getLogger("sluice")

STAND_INS = [
    "Cloud: ministack 1.5.33 with this project's SageMaker service, not AWS.",
    "K-means: scikit-learn's KMeans stands in for the built-in algorithm's container.",
    "scikit-learn image: this machine's Python and scikit-learn release run the processing scripts.",
    "/opt/ml: a folder of its own per instance; the prefix is rewritten in arguments and SM_* variables.",
    "Hosts of one job find each other by loopback ports, not by name.",
    "Spot: billed at what ran; no discount and no interruption is invented, so savings read 0.",
    "TLS: the loopback connection is plain; aws:SecureTransport is reported true.",
    "Lambda: functions run in the cloud's own interpreter and processor; Runtime and Architectures are not honoured.",
    "VPC flow logs, network isolation and alarms on metric math: recorded, without effect.",
    "IAM: condition keys are known for jobs, models, endpoint configurations, packages; no group check on a package.",
    "Pipelines: a retry policy waits in real time, half a second at most, whatever IntervalSeconds says.",
    "Studio: a domain is a record; it has no file system, apps or spaces.",
    "KMS and S3: a key exists, but the encryption of a bucket, a queue or a volume with it is not carried out.",
]


class Cloud:
    """The host that the SageMaker service needs, made of ministack's parts."""

    def __init__(self, account: str, region: str, port: int, clock: Clock) -> None:
        self._account, self._region, self._clock = account, region, clock
        self._endpoint = f"http://127.0.0.1:{port}"
        self._session, self._one_at_a_time = Session(), threading.Lock()

    def arn(self, resource: str) -> str:
        return f"arn:aws:sagemaker:{self._region}:{self._account}:{resource}"

    def emit(self, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
        """Put an event of `aws.sagemaker` on the default bus, with the cloud's time."""
        self._enter()
        event = {
            "EventId": secrets.token_hex(16),
            "Source": "aws.sagemaker",
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "EventBusName": "default",
            "Time": int(self._clock.now()),
            "Resources": resources,
            "Account": self._account,
            "Region": self._region,
        }
        eventbridge._dispatch_event(event)

    def pass_role(self, role_arn: str) -> None:
        """Refuse a role that does not trust SageMaker, or that the caller may not pass. Raises AwsError."""
        self._must_trust_us(role_arn)
        key = _caller_key.get()
        if not key:
            return  # CloudFormation's own call: ministack gives it no principal to check
        service = {"iam:PassedToService": "sagemaker.amazonaws.com"}
        _must_be_allowed(key, "iam:PassRole", role_arn, self._region, service)

    def _must_trust_us(self, role_arn: str) -> None:
        role = iam._roles.get_scoped(self._account, None, role_arn.rsplit("/", 1)[-1])
        if role is None or not _trusts(role["AssumeRolePolicyDocument"], "sagemaker.amazonaws.com"):
            raise AwsError(
                "ValidationException",
                f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
                "'sagemaker.amazonaws.com' to assume the role.",
            )

    def session(self, role_arn: str) -> dict[str, Any]:
        """Credentials, as arguments of boto3's client, of a role that trusts SageMaker. Raises AwsError."""
        self._must_trust_us(role_arn)
        digest, name = hashlib.sha256(role_arn.encode()).hexdigest(), role_arn.rsplit("/", 1)[-1]
        access, secret, token = f"ASIA{digest[:16].upper()}", digest[16:56], digest
        self._enter()
        sts.register_session(
            access,
            {
                "Arn": f"arn:aws:sts::{self._account}:assumed-role/{name}/SageMaker",
                "UserId": f"{name}:SageMaker",
                "SecretAccessKey": secret,
                "SessionToken": token,
            },
        )
        return {"aws_access_key_id": access, "aws_secret_access_key": secret, "aws_session_token": token}

    def client(self, service: str, role_arn: str) -> Any:
        """A client of this cloud under a role, so that what a job may do is what its role may do."""
        given = self.session(role_arn)
        with self._one_at_a_time:  # making a client is not thread-safe, using one is
            return self._session.client(
                service,
                region_name=self._region,
                endpoint_url=self._endpoint,
                config=Config(s3={"addressing_style": "path"}, retries={"mode": "standard"}),
                **given,
            )

    def put_metric(self, namespace: str, name: str, dimensions: dict[str, str], value: float, unit: str) -> None:
        self._enter()
        cloudwatch._store_datum(namespace, name, dimensions, self._clock.now(), unit, value, None, None, None)

    def _enter(self) -> None:
        set_request_account_id(self._account)
        set_request_region(self._region)


def _trusts(document: str | dict[str, Any], principal: str) -> bool:
    policy = json.loads(document) if isinstance(document, str) else document
    for statement in policy["Statement"]:
        services = statement.get("Principal", {}).get("Service", [])
        if statement["Effect"] == "Allow" and principal in ([services] if isinstance(services, str) else services):
            return True
    return False


_caller_key: contextvars.ContextVar[str] = contextvars.ContextVar("sluice_caller_key", default="")


# What was made of a type that changes no behaviour here: a name and nothing else.
INERT: set[str] = set()


def _inert(type_name: str) -> dict[str, Any]:
    """The provisioner of such a type."""

    def create(logical_id: str, new: dict[str, Any], stack: str) -> tuple[str, dict[str, str]]:
        INERT.add(f"{type_name} {stack}-{logical_id}")
        return f"{stack}-{logical_id}", {"Arn": f"inert:{stack}-{logical_id}"}

    return {
        "create": create,
        "update": lambda physical_id, old, new, stack: (physical_id, {"Arn": f"inert:{physical_id}"}),
        "delete": lambda physical_id, old: INERT.discard(f"{type_name} {physical_id}"),
    }


def mount(service: Service, endpoints: Endpoints, clock: Clock) -> None:
    """Hang the SageMaker service into ministack's router, IAM, tagging, events and CloudFormation."""
    router.SERVICE_PATTERNS["sagemaker"] = {"target_prefixes": ["SageMaker."], "credential_scope": "sagemaker"}
    app.SERVICE_HANDLERS["sagemaker"] = _handler(service, endpoints)
    iam_actions.SERVICE_TO_IAM_NAMESPACE["sagemaker"] = "sagemaker"
    iam_actions._BOTOCORE_SERVICE_MAP["sagemaker"] = ["sagemaker", "sagemaker-runtime"]
    iam_actions._SERVICE_PROTOCOL["sagemaker"] = "json"
    tagging._RESOURCE_TAG_COLLECTORS["sagemaker"] = lambda: _tags(service)
    _mend_authorization(service)
    _mend_transport()
    eventbridge._now_ts = clock.now
    eventbridge._dispatch_to_lambda = _invoke_with_retries
    for name, row in cloudformation.TYPES.items():
        provisioners._RESOURCE_HANDLERS[name] = cloudformation.provisioner(name, service)
        provisioners._REPLACING_PROPERTIES[name] = row.create_only
    provisioners._RESOURCE_HANDLERS["AWS::EC2::FlowLog"] = _inert("AWS::EC2::FlowLog")
    _record_metric_math_alarms()


def advance(clock: Clock, seconds: float) -> float:
    """Move the cloud's clock on, and let every schedule rule that is then due reach its targets. Gives the time."""
    eventbridge._tick_scheduled_rules()  # a rule counts from the first time that it is looked at
    clock.advance(seconds)
    eventbridge._tick_scheduled_rules()
    return clock.now()


def _handler(service: Service, endpoints: Endpoints) -> Any:
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        _caller_key.set(router.extract_access_key_id(headers, query))
        try:
            target = headers.get("x-amz-target", "")
            if target:
                operation, asked = target.split(".", 1)[1], json.loads(body or b"{}")
                _authorize_further(service, operation, asked, body)
                answer = service.call(operation, asked)
                return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()
            name = _invoked(path)
            content, extra = await asyncio.to_thread(endpoints.invoke, name, headers, body)
            return 200, extra, content
        except AwsError as error:
            text = json.dumps({"__type": error.code, "message": error.message, "Message": error.message})
            kind = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": error.code}
            return error.status, kind, text.encode()

    return handle


def _authorize_further(service: Service, operation: str, request: dict[str, Any], body: bytes) -> None:
    """Refuse what the main check does not see, such as tags at creation. Raises AwsError."""
    key, prefix = _caller_key.get(), service.host.arn("")
    for name, arn in rules.further(operation, request, prefix, service.store):
        context = iam_actions.request_tag_context("sagemaker", f"sagemaker:{name}", body, {})
        _must_be_allowed(key, f"sagemaker:{name}", arn, prefix.split(":")[3], context)


def _must_be_allowed(key: str, action: str, arn: str, region: str, context: dict[str, Any]) -> None:
    """Ask IAM. Raises AwsError."""
    if denied := iam_evaluator.enforce(key, action, action.split(":")[0], region, arn, context):
        who = f"User: {getattr(denied, 'principal_arn', key)}"
        raise AwsError("AccessDeniedException", f"{who} is not authorized to perform: {action} on resource: {arn}")


def _invoked(path: str) -> str:
    parts = path.strip("/").split("/")
    if len(parts) == 3 and parts[0] == "endpoints" and parts[2] == "invocations":
        return parts[1]
    raise AwsError("UnknownOperationException", f"sagemaker-runtime's {path} is not emulated by this cloud.", 404)


def _mend_authorization(service: Service) -> None:
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
            return f"{prefix}endpoint/{_invoked(path)}"
        return rules.resource(target.split(".", 1)[1], json.loads(body or b"{}"), prefix, service.store)

    def request_context(name: str, action: str, body: bytes, params: dict[str, Any]) -> dict[str, Any]:
        found = plain_tags(name, action, body, params)
        if name == "sagemaker" and body[:1] == b"{":
            found |= rules.conditions(action.split(":", 1)[1], json.loads(body))
        return found

    iam_actions.extract_resource_arn, iam_actions.request_tag_context = resource_arn, request_context


def _mend_transport() -> None:
    plain = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, secure: plain(source_ip, True)


def _invoke_with_retries(arn: str, payload: str) -> None:
    """An event reaches a function as in AWS: asynchronously, with retries and then the dead-letter queue."""
    function, _config, name = lambda_svc._get_func_record_for_ref(arn)
    if function is None:
        logger.warning("an event rule names the function %s, which does not exist", name)
        return
    lambda_svc.invoke_async_with_retry(function, json.loads(payload))


def _record_metric_math_alarms() -> None:
    """ministack refuses an alarm on metric math; here it is a record that never fires."""
    plain, inert = provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"], _inert("AWS::CloudWatch::Alarm")

    def update(physical_id: str, old: dict[str, Any], new: dict[str, Any], stack: str, logical_id: str) -> Any:
        if "Metrics" in new:
            return inert["update"](physical_id, old, new, stack)
        return plain["update"](physical_id, old, new, stack, logical_id)

    provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"] = {
        "create": lambda name, new, stack: (inert if "Metrics" in new else plain)["create"](name, new, stack),
        "update": update,
        "update_with_logical_id": True,
        "delete": lambda physical_id, old: (inert if "Metrics" in old else plain)["delete"](physical_id, old),
    }


def _tags(service: Service) -> Iterator[tuple[str, list[dict[str, str]]]]:
    yield from service.store.tagged()
