"""The SageMaker service of the embedded cloud: one operation in, one answer out, driven by botocore's model."""

import secrets
import string
import threading
from collections.abc import Callable
from typing import Any, Protocol

from rehearsal.sagemaker import events, shapes
from rehearsal.sagemaker.calls import Calls
from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.faults import Faults
from rehearsal.sagemaker.kinds import BY_NOUN, BY_OPERATION, Kind
from rehearsal.sagemaker.store import AwsError, Record, Store

_ALPHABET = string.ascii_lowercase + string.digits


class Host(Protocol):
    """What the service needs of the cloud around it."""

    def emit(self, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None: ...
    def arn(self, resource: str) -> str: ...
    def pass_role(self, role_arn: str) -> None: ...
    def client(self, service: str, role_arn: str) -> Any: ...
    def put_metric(self, namespace: str, name: str, dimensions: dict[str, str], value: float, unit: str) -> None: ...


def identifier(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


class Service:
    """Control plane. Jobs, pipelines and endpoints register what happens before or after an operation on their kind."""

    def __init__(self, host: Host, clock: Clock) -> None:
        self.host, self.clock, self.store, self.faults = host, clock, Store(), Faults()
        self.calls = Calls()
        self.lock = threading.RLock()
        self.quotas: dict[str, int] = {}
        self.checked: dict[str, Callable[[Record], None]] = {}
        self.started: dict[str, Callable[[Record], None]] = {}
        self.stopped: dict[str, Callable[[Record], None]] = {}
        self.updated: dict[str, Callable[[Record, dict[str, Any]], None]] = {}
        self.deleted: dict[str, Callable[[Record], None]] = {}
        self._extra = {
            "ListTags": self._list_tags,
            "AddTags": self._add_tags,
            "DeleteTags": self._delete_tags,
            "ListPipelineExecutionSteps": self._steps,
        }

    def operations(self) -> set[str]:
        """The operations that are served; every other is refused by name."""
        return set(BY_OPERATION) | set(self._extra)

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out one operation. Raises AwsError with AWS's own code where the request is refused."""
        if operation not in self.operations():
            raise AwsError("UnknownOperationException", f"SageMaker's {operation} is not emulated by this cloud.")
        model = shapes.operation(operation)
        found = shapes.problems(model.input_shape, request)
        if found:
            count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: "
            raise AwsError("ValidationException", count + "; ".join(found))
        with self.lock:
            answer = (self._extra.get(operation) or self._generic)(operation, request)
        return shapes.project(model.output_shape, answer) if model.output_shape else {}

    def _generic(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        kind = BY_OPERATION[operation]
        for verb in ("Create", "Describe", "Update", "Delete", "List", "Start", "Stop"):
            if operation == f"{verb}{kind.plural if verb == 'List' else kind.noun}":
                return getattr(self, f"_{verb.lower()}")(kind, operation, request)
        raise AssertionError(operation)

    def _create(self, kind: Kind, operation: str, request: dict[str, Any]) -> Record:
        for member in ("RoleArn", "ExecutionRoleArn"):
            if member in request:
                self.host.pass_role(request[member])
        now = self.clock.now()
        record: Record = {**kind.defaults, **request, "CreationTime": now, "LastModifiedTime": now}
        if kind.status:
            record[kind.status] = kind.created
        complete = _COMPLETE.get(kind.noun)
        if complete:
            complete(self, record)
        record[kind.arn_member] = self.host.arn(kind.arn.format(**record))
        self._then(self.checked, kind, record)
        self._within_quota(kind)
        self.store.add(kind, record, operation)
        self.announce(kind, record)
        self._then(self.started, kind, record)
        return record

    def _within_quota(self, kind: Kind) -> None:
        """Jobs count while they run, everything else while it exists."""
        used = self.store.all(kind.noun)
        if kind.noun.endswith("Job"):
            used = [r for r in used if r[kind.status] in ("InProgress", "Stopping")]
        limit = self.quotas.get(kind.noun)
        if limit is not None and len(used) >= limit:
            raise AwsError(
                "ResourceLimitExceeded",
                f"The account-level service limit '{kind.noun}' is {limit}, with current utilization of {len(used)} "
                "and a request delta of 1.",
            )

    def set_quota(self, noun: str, limit: int | None) -> None:
        """Let at most `limit` of a kind be; None lifts it. Raises ValueError for a kind that is not served."""
        if noun not in BY_NOUN:
            raise ValueError(f"no quota for '{noun}'; there are {', '.join(sorted(BY_NOUN))}")
        with self.lock:
            self.quotas.pop(noun, None)
            if limit is not None:
                self.quotas[noun] = limit

    def _describe(self, kind: Kind, operation: str, request: dict[str, Any]) -> Record:
        return self.store.find(kind.noun, operation, **request)

    def _update(self, kind: Kind, operation: str, request: dict[str, Any]) -> Record:
        request = dict(request)
        if kind.noun == "ModelPackage":
            request["ModelPackageName"] = request.get("ModelPackageArn")
        record = self.store.find(kind.noun, operation, **request)
        if "RoleArn" in request:
            self.host.pass_role(request["RoleArn"])
        if kind.noun in self.updated:
            self.updated[kind.noun](record, request)
        record.update({n: v for n, v in request.items() if n not in kind.key}, LastModifiedTime=self.clock.now())
        self.announce(kind, record)
        return record

    def _delete(self, kind: Kind, operation: str, request: dict[str, Any]) -> Record:
        record = self.store.find(kind.noun, operation, **request)
        children = self.store.children(kind, record)
        if children:
            raise AwsError(
                "ConflictException" if kind.noun == "ModelPackageGroup" else "ResourceInUse",
                f"{kind.noun} {record[kind.arn_member]} still has {len(children)} dependent resource(s).",
            )
        self._then(self.deleted, kind, record)
        self.store.remove(kind.noun, record)
        if kind.noun in ("Endpoint", "Model", "EndpointConfig"):
            self.announce(kind, {**record, kind.status or "State": "Deleted"})
        return {}

    def _list(self, kind: Kind, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        return self.store.page(kind, request)

    def _start(self, kind: Kind, operation: str, request: dict[str, Any]) -> Record:
        if kind.noun == "PipelineExecution":
            pipeline = self.store.find("Pipeline", operation, **request)
            return self._create(kind, operation, {**request, "PipelineName": pipeline["PipelineName"]})
        return self._switch(kind, operation, request, ("Stopped", "Failed"), "InService")

    def _stop(self, kind: Kind, operation: str, request: dict[str, Any]) -> Record:
        if kind.noun == "NotebookInstance":
            return self._switch(kind, operation, request, ("InService",), "Stopped")
        record = self.store.find(kind.noun, operation, **request)
        self._then(self.stopped, kind, record)
        return record

    def _switch(self, kind: Kind, operation: str, request: dict[str, Any], origins: tuple[str, ...], to: str) -> Record:
        record = self.store.find(kind.noun, operation, **request)
        if record[kind.status] not in origins:
            raise AwsError("ValidationException", f"Status ({record[kind.status]}) not in ({list(origins)}).")
        self.move(kind.noun, record, to)
        return record

    def _then(self, hooks: dict[str, Callable[[Record], None]], kind: Kind, record: Record) -> None:
        if kind.noun in hooks:
            hooks[kind.noun](record)

    def move(self, noun: str, record: Record, status: str, **members: Any) -> None:
        """Put a record into another state and tell the event bus."""
        kind = BY_NOUN[noun]
        record.update(members, LastModifiedTime=self.clock.now(), **{kind.status: status})
        self.announce(kind, record)

    def announce(self, kind: Kind, record: Record) -> None:
        """Send the state change event that AWS documents for this kind, if there is one."""
        if kind.noun in events.STATE_CHANGES:
            self.host.emit(*events.state_change(kind.noun, record))

    def _list_tags(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        return {"Tags": self.store.by_arn(request["ResourceArn"]).get("Tags", [])}

    def _add_tags(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        record = self.store.by_arn(request["ResourceArn"])
        merged = {t["Key"]: t for t in [*record.get("Tags", []), *request["Tags"]]}
        record["Tags"] = list(merged.values())
        return {"Tags": record["Tags"]}

    def _delete_tags(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        record = self.store.by_arn(request["ResourceArn"])
        record["Tags"] = [t for t in record.get("Tags", []) if t["Key"] not in request["TagKeys"]]
        return {}

    def _steps(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        record = self.store.find("PipelineExecution", operation, **request)
        steps = record.get("Steps", [])
        return {"PipelineExecutionSteps": steps if request.get("SortOrder") == "Ascending" else steps[::-1]}


def _complete_domain(service: Service, record: Record) -> None:
    record["DomainId"] = f"d-{identifier(12)}"
    record["HomeEfsFileSystemId"] = f"fs-{secrets.token_hex(8)[:17]}"
    record["Url"] = f"https://{record['DomainId']}.studio.invalid"


def _complete_user_profile(service: Service, record: Record) -> None:
    service.store.find("Domain", "CreateUserProfile", **record)


def _complete_package(service: Service, record: Record) -> None:
    name = record.get("ModelPackageGroupName")
    if not name:
        raise AwsError(
            "ValidationException", "This cloud keeps versioned model packages only: give ModelPackageGroupName."
        )
    group = service.store.find("ModelPackageGroup", "", ModelPackageGroupName=name)
    record["ModelPackageGroupName"] = group["ModelPackageGroupName"]
    versions = [
        p["ModelPackageVersion"]
        for p in service.store.all("ModelPackage")
        if p["ModelPackageGroupName"] == group["ModelPackageGroupName"]
    ]
    group["_versions"] = record["ModelPackageVersion"] = max([group.get("_versions", 0), *versions]) + 1
    record["ModelPackageName"] = service.host.arn(BY_NOUN["ModelPackage"].arn.format(**record))
    record["ModelPackageStatusDetails"] = {"ValidationStatuses": [], "ImageScanStatuses": []}


def _complete_pipeline(service: Service, record: Record) -> None:
    if "PipelineDefinition" not in record:
        raise AwsError("ValidationException", "This cloud reads a pipeline from PipelineDefinition only.")


def _complete_execution(service: Service, record: Record) -> None:
    record["PipelineExecutionId"] = identifier(12)
    record["PipelineArn"] = service.host.arn(f"pipeline/{record['PipelineName']}")
    record["StartTime"] = record["CreationTime"]
    record["Steps"] = []
    record["PipelineExecutionArn"] = service.host.arn(BY_NOUN["PipelineExecution"].arn.format(**record))


def _complete_job(service: Service, record: Record) -> None:
    record["SecondaryStatus"] = "Starting"


def _complete_transform(service: Service, record: Record) -> None:
    service.store.find("Model", "CreateTransformJob", **record)


def _complete_endpoint(service: Service, record: Record) -> None:
    service.store.find("EndpointConfig", "CreateEndpoint", **record)


def _complete_config(service: Service, record: Record) -> None:
    for variant in record["ProductionVariants"]:
        service.store.find("Model", "CreateEndpointConfig", **variant)


_COMPLETE: dict[str, Callable[[Service, Record], None]] = {
    "Domain": _complete_domain,
    "UserProfile": _complete_user_profile,
    "ModelPackage": _complete_package,
    "Pipeline": _complete_pipeline,
    "PipelineExecution": _complete_execution,
    "TrainingJob": _complete_job,
    "TransformJob": _complete_transform,
    "Endpoint": _complete_endpoint,
    "EndpointConfig": _complete_config,
}
