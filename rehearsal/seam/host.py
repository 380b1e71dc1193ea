"""What the SageMaker service needs of the cloud around it, made of ministack's parts."""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import hashlib
import json
import threading
import uuid
from typing import Any

from boto3.session import Session
from botocore.config import Config
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import cloudwatch, eventbridge, iam, sts

from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.faults import Faults
from rehearsal.sagemaker.store import AwsError
from rehearsal.seam.authorization import PASSED_TO, caller_key, must_be_allowed, studio_users

_SAGEMAKER = "sagemaker.amazonaws.com"


class Cloud:
    """The host that the SageMaker service needs, made of ministack's parts."""

    def __init__(self, account: str, region: str, port: int, clock: Clock) -> None:
        self._account, self._region, self._clock = account, region, clock
        self._endpoint = f"http://127.0.0.1:{port}"
        self._port, self.faults = port, Faults()
        self._session, self._one_at_a_time = Session(), threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}  # one costs 3 ms, and a month has 8,640 times five minutes

    def beside(self, region: str) -> "Cloud":
        """The same cloud in another region."""
        other = Cloud(self._account, region, self._port, self._clock)
        other.faults = self.faults
        return other

    def arn(self, resource: str) -> str:
        return f"arn:aws:sagemaker:{self._region}:{self._account}:{resource}"

    def emit(
        self, detail_type: str, detail: dict[str, Any], resources: list[str], source: str = "aws.sagemaker"
    ) -> None:
        """Put an AWS service's event on the default bus, with the cloud's time; twice or late if faults say so."""
        event = {
            "EventId": str(uuid.uuid4()),
            "Source": source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "EventBusName": "default",
            "Time": int(self._clock.now()),
            "Resources": resources,
            "Account": self._account,
            "Region": self._region,
        }
        ours = source == "aws.sagemaker"  # the faults are for its events alone
        for _ in range(2 if ours and self.faults.events_twice else 1):
            late_seconds = self.faults.events_late_seconds if ours else 0
            if late_seconds and self.faults.strikes(self.faults.events_late_share):
                self._clock.after(late_seconds, lambda: self._deliver(event))
            else:
                self._deliver(event)

    def _deliver(self, event: dict[str, Any]) -> None:
        self._enter()
        eventbridge._dispatch_event(event)

    def pass_role(self, role_arn: str) -> None:
        """Refuse a role that does not trust SageMaker, or that the caller may not pass. Raises AwsError."""
        self.must_trust(role_arn, _SAGEMAKER)
        key = caller_key.get()
        if not key:
            return  # CloudFormation's own call: ministack gives it no principal to check
        must_be_allowed(key, "iam:PassRole", role_arn, self._region, PASSED_TO)

    def must_trust(self, role_arn: str, principal: str) -> None:
        """Refuse a role that a service may not take. Raises AwsError."""
        role = iam._roles.get_scoped(self._account, None, role_arn.rsplit("/", 1)[-1])
        if role is None or not _trusts(role["AssumeRolePolicyDocument"], principal):
            raise AwsError(
                "ValidationException",
                f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
                f"'{principal}' to assume the role.",
            )

    def session(
        self, role_arn: str, user: tuple[str, str] | None = None, principal: str = _SAGEMAKER
    ) -> dict[str, Any]:
        """Credentials, as arguments of boto3's client, of a role that trusts a service. Raises AwsError.

        `user` is the domain and the user profile that Studio hands them to: policies may name both as variables.
        """
        self.must_trust(role_arn, principal)
        given = f"{role_arn} {user} {principal}"
        digest, name = hashlib.sha256(given.encode()).hexdigest(), role_arn.rsplit("/", 1)[-1]
        session = "SageMaker" if principal == _SAGEMAKER else principal.partition(".")[0]
        access, secret, token = f"ASIA{digest[:16].upper()}", digest[16:56], digest
        if user:
            studio_users[access] = user
        self._enter()
        sts.register_session(
            access,
            {
                "Arn": f"arn:aws:sts::{self._account}:assumed-role/{name}/{session}",
                "UserId": f"{name}:{session}",
                "SecretAccessKey": secret,
                "SessionToken": token,
            },
        )
        return {"aws_access_key_id": access, "aws_secret_access_key": secret, "aws_session_token": token}

    def client(self, service: str, role_arn: str, principal: str = _SAGEMAKER) -> Any:
        """A client of this cloud under a role, so that what a job may do is what its role may do."""
        given = self.session(role_arn, principal=principal)
        key = (service, given["aws_access_key_id"])
        with self._one_at_a_time:  # making a client is not thread-safe, using one is
            if key not in self._clients:
                self._clients[key] = self._make(service, given)
            return self._clients[key]

    def _make(self, service: str, given: dict[str, Any]) -> Any:
        return self._session.client(
            service,
            region_name=self._region,
            endpoint_url=self._endpoint,
            # jobs and pipelines of AWS outlast throttling; three attempts would not
            config=Config(s3={"addressing_style": "path"}, retries={"mode": "standard", "max_attempts": 8}),
            **given,
        )

    def queue_url(self, arn: str) -> str:
        return f"{self._endpoint}/{self._account}/{arn.rsplit(':', 1)[-1]}"

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
