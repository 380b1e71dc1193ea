"""The SageMaker service of the embedded cloud: one operation in, one answer out, driven by botocore's model."""

import threading
from collections.abc import Callable
from typing import Any, Protocol

import jmespath

from rehearsal.sagemaker import candidates, components, events, listing, shapes, studio, tags, tuning_results
from rehearsal.sagemaker.calls import Calls
from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.completion import complete, identifier
from rehearsal.sagemaker.faults import Faults
from rehearsal.sagemaker.kinds import BY_NOUN, BY_OPERATION, GONE, Kind
from rehearsal.sagemaker.not_emulated import refuse_what_does_nothing
from rehearsal.sagemaker.store import AwsError, Record, Store, refusal

__all__ = ["Host", "Service", "identifier"]

_ROLES = (
    "[RoleArn, ExecutionRoleArn, UserSettings.ExecutionRole, DefaultUserSettings.ExecutionRole, "
    "DefaultSpaceSettings.ExecutionRole, TrainingJobDefinition.RoleArn, "
    "MonitoringScheduleConfig.MonitoringJobDefinition.RoleArn][]"
)


class Host(Protocol):
    """What the service needs of the cloud around it."""

    def emit(self, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None: ...
    def arn(self, resource: str) -> str: ...
    def pass_role(self, role_arn: str) -> None: ...
    def client(self, service: str, role_arn: str) -> Any: ...
    def put_metric(self, namespace: str, name: str, dimensions: dict[str, str], value: float, unit: str) -> None: ...


class Service:
    """Control plane. Jobs, pipelines and endpoints register what happens before or after an operation on their kind."""

    def __init__(self, host: Host, clock: Clock) -> None:
        self.host, self.clock, self.store, self.faults = host, clock, Store(), Faults()
        self.calls = Calls()
        self.lock = threading.RLock()
        self.pace_seconds = 0.1  # of the cloud's clock, that a state lasts which does not last
        self.quotas: dict[str, int] = {}
        self._by_token: dict[tuple[str | None, ...], Record] = {}  # what an idempotent call has made
        self.checked: dict[str, Callable[[Record], None]] = {}
        self.started: dict[str, Callable[[Record], None]] = {}
        self.stopped: dict[str, Callable[[Record], None]] = {}
        self.updated: dict[str, Callable[[Record, dict[str, Any]], None]] = {}
        self.deleted: dict[str, Callable[[Record], None]] = {
            "StudioLifecycleConfig": lambda record: studio.refuse_what_is_used(self, record)
        }
        self.settled: dict[str, Callable[[Record], None]] = {
            "App": lambda record: studio.is_up(self, record),
            "InferenceComponent": lambda record: components.settled(self, record),
            "MlflowTrackingServer": _activate,
        }
        self.removed: dict[str, Callable[[Record], None]] = {
            "InferenceComponent": lambda record: components.scale(self, record)
        }
        self._extra: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "ListTags": lambda request: tags.list_tags(self.store, request),
            "AddTags": lambda request: tags.add_tags(self.store, request),
            "DeleteTags": lambda request: tags.delete_tags(self.store, request),
            "CreatePresignedMlflowAppUrl": self._mlflow_url,
            "UpdateInferenceComponentRuntimeConfig": lambda request: components.set_copies(self, request),
            "ListPipelineExecutionSteps": self._steps,
            "ListPipelineParametersForExecution": self._parameters,
            "ListCandidatesForAutoMLJob": lambda request: candidates.listed(self.store, request),
            "ListTrainingJobsForHyperParameterTuningJob": lambda request: tuning_results.list_jobs(self.store, request),
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
        request = {name: value for name, value in request.items() if value is not None}
        refuse_what_does_nothing(operation, request)
        with self.lock:
            extra = self._extra.get(operation)
            answer = extra(request) if extra else self._generic(operation, request)
        return shapes.project(model.output_shape, answer) if model.output_shape else {}

    def _generic(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        kind = BY_OPERATION[operation]
        for verb in ("Create", "Describe", "Update", "Delete", "List", "Start", "Stop"):
            if operation in (f"{verb}{kind.plural if verb == 'List' else kind.noun}", f"{verb}{kind.named}"):
                if verb != "List" and kind.either and sum(name in request for name in kind.either) != 1:
                    raise AwsError("ValidationException", f"Give exactly one of {' and '.join(kind.either)}.")
                return getattr(self, f"_{verb.lower()}")(kind, operation, request)
        raise AssertionError(operation)

    def _create(self, kind: Kind, operation: str, request: dict[str, Any]) -> Record:
        token = request.get("ClientRequestToken") or request.get("ClientToken")
        # Nothing says that a token is compared with anything but the name that it came with.
        call = (operation, request.get("PipelineName") or request.get("ModelPackageGroupName"), token)
        earlier = self._by_token.get(call) if token else None
        if earlier and any(earlier is held for held in self.store.all(kind.noun)):
            return earlier
        self._pass_roles(request)
        tags.checked(request.get("Tags", []))
        self._within_quota(kind)
        now = self.clock.now()
        record: Record = {**kind.defaults, **request, "CreationTime": now, "LastModifiedTime": now}
        complete(self, kind.noun, record)
        record[kind.arn_member] = self.host.arn(kind.resource(record))
        if "Create" in kind.moves:
            record[kind.status] = kind.moves["Create"].through
        self._then(self.checked, kind, record)
        self.store.add(kind, record, operation)
        self._by_token[call] = record
        self.announce(kind, record)
        self._settle_later(kind, record, "Create")
        self._then(self.started, kind, record)
        return record

    def _pass_roles(self, request: dict[str, Any]) -> None:
        for role in jmespath.search(_ROLES, request):
            self.host.pass_role(role)

    def _within_quota(self, kind: Kind) -> None:
        """What has ended does not count."""
        limit = self.quotas.get(kind.noun)
        if limit is None:
            return
        used = sum(not _ended(kind, record) for record in self.store.all(kind.noun))
        if used >= limit:
            raise AwsError(
                "ResourceLimitExceeded",
                f"The account-level service limit '{kind.noun}' is {limit}, with current utilization of {used} "
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

    def set_pace(self, seconds: float) -> None:
        """How long each passing state lasts from now on, in seconds of the cloud's clock. Raises ValueError."""
        if seconds < 0:
            raise ValueError(f"a pace is not negative: {seconds} seconds")
        self.pace_seconds = seconds

    def _describe(self, kind: Kind, operation: str, request: dict[str, Any]) -> Record:
        return self.store.find(kind.noun, operation, **request)

    def _update(self, kind: Kind, operation: str, request: dict[str, Any]) -> Record:
        request = dict(request)
        if kind.noun == "ModelPackage":
            request["ModelPackageName"] = request.get("ModelPackageArn")
        record = self.store.find(kind.noun, operation, **request)
        self._may(kind, operation, "Update", record)
        self._pass_roles(request)
        if kind.noun in self.updated:
            self.updated[kind.noun](record, request)
        request = studio.settings_after(record, request)
        record.update({n: v for n, v in request.items() if n not in kind.key})
        self._move(kind, record, "Update")
        return record

    def _delete(self, kind: Kind, operation: str, request: dict[str, Any]) -> Record:
        record = self.store.find(kind.noun, operation, **request)
        self._may(kind, operation, "Delete", record)
        nouns = {o.noun for o, child in self.store.children(kind, record) if not _ended(o, child)}
        if nouns:
            code = "ConflictException" if operation in _CONFLICT else "ResourceInUse"
            words = ", ".join(f"{noun}(s)" for noun in sorted(nouns))
            arn = record[kind.arn_member]
            raise refusal(
                operation, code, f"Unable to delete {kind.noun} [{arn}] because {words} are associated with it."
            )
        self._then(self.deleted, kind, record)
        if "Delete" in kind.moves:
            self._move(kind, record, "Delete")
        else:
            self._remove(kind, record)
        return record

    def _remove(self, kind: Kind, record: Record) -> None:
        for other, child in self.store.children(kind, record):
            if _ended(other, child):
                self.store.remove(other.noun, child)
        self.store.remove(kind.noun, record)
        self._then(self.removed, kind, record)
        if kind.noun in ("Endpoint", "Model", "EndpointConfig"):
            self.announce(kind, {**record, kind.status or "State": "Deleted"})

    def _list(self, kind: Kind, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if kind.noun == "PipelineExecution":
            self.store.find("Pipeline", operation, **request)
        return listing.records(kind, self.store.all(kind.noun), request)

    def _start(self, kind: Kind, operation: str, request: dict[str, Any]) -> Record:
        if kind.noun == "PipelineExecution":
            pipeline = self.store.find("Pipeline", operation, **request)
            return self._create(kind, operation, {**request, "PipelineName": pipeline["PipelineName"]})
        return self._switch(kind, operation, "Start", request)

    def _stop(self, kind: Kind, operation: str, request: dict[str, Any]) -> Record:
        return self._switch(kind, operation, "Stop", request)

    def _switch(self, kind: Kind, operation: str, verb: str, request: dict[str, Any]) -> Record:
        record = self.store.find(kind.noun, operation, **request)
        self._may(kind, operation, verb, record)
        self._then(self.stopped, kind, record)
        if verb in kind.moves:
            self._move(kind, record, verb)
        return record

    def _then(self, hooks: dict[str, Callable[[Record], None]], kind: Kind, record: Record) -> None:
        if kind.noun in hooks:
            hooks[kind.noun](record)

    def _may(self, kind: Kind, operation: str, verb: str, record: Record) -> None:
        """Refuse an operation that may not begin in the state that the record is in. Raises AwsError."""
        move = kind.moves.get(verb)
        if move is None or not move.origins or record[kind.status] in move.origins:
            return
        words = {"verb": verb.lower(), "noun": kind.noun, "arn": record[kind.arn_member]}
        words |= {"status": record[kind.status], "origins": ", ".join(move.origins), "through": move.through}
        code = "ConflictException" if operation in _CONFLICT else "ResourceInUse"
        raise refusal(operation, code, kind.wrong_state.format(**words))

    def _move(self, kind: Kind, record: Record, verb: str) -> None:
        if verb in kind.moves:
            self.move(kind.noun, record, kind.moves[verb].through)
            self._settle_later(kind, record, verb)
        else:
            record["LastModifiedTime"] = self.clock.now()
            self.announce(kind, record)

    def _settle_later(self, kind: Kind, record: Record, verb: str) -> None:
        move = kind.moves.get(verb)
        if move is None or move.to is None:
            return
        target = move.to

        def settle() -> None:
            with self.lock:
                if record[kind.status] != move.through:
                    return
                if target == GONE:
                    record[kind.status] = GONE
                    self._remove(kind, record)
                    return
                self.move(kind.noun, record, target)
                self._then(self.settled, kind, record)
                if target in kind.ended and kind.remembered_seconds is not None:
                    self.clock.after(kind.remembered_seconds, lambda: self._forget(kind, record))

        self.clock.after(self.pace_seconds, settle)

    def _forget(self, kind: Kind, record: Record) -> None:
        with self.lock:
            if any(record is held for held in self.store.all(kind.noun)):  # not one of the same name
                self.store.remove(kind.noun, record)

    def move(self, noun: str, record: Record, status: str, **members: Any) -> None:
        """Put a record into another state and tell the event bus."""
        kind = BY_NOUN[noun]
        record.update(members, LastModifiedTime=self.clock.now(), **{kind.status: status})
        self.announce(kind, record)

    def announce(self, kind: Kind, record: Record) -> None:
        """Send the state change event that AWS documents for this kind, if there is one."""
        if kind.noun in events.STATE_CHANGES:
            self.host.emit(*events.state_change(kind.noun, record))

    def _steps(self, request: dict[str, Any]) -> dict[str, Any]:
        operation = "ListPipelineExecutionSteps"
        if "PipelineExecutionArn" not in request:  # optional in the model
            raise AwsError("ValidationException", "PipelineExecutionArn is not given.")
        record = self.store.find("PipelineExecution", operation, **request)
        order = {"SortOrder": "Descending", **request}  # its default is not documented
        rows, more = listing.page(record["Steps"], lambda s: (s["StartTime"], s["StepName"]), order, operation)
        return {"PipelineExecutionSteps": rows, **more}

    def _parameters(self, request: dict[str, Any]) -> dict[str, Any]:
        """Given ones and defaults alike: whether AWS lists the defaults is not documented."""
        operation = "ListPipelineParametersForExecution"
        held = self.store.find("PipelineExecution", operation, **request).get("_Parameters", {})
        rows = [{"Name": name, "Value": str(value)} for name, value in held.items()]
        rows, more = listing.page(rows, lambda row: (row["Name"],), request, operation)
        return {"PipelineParameters": rows, **more}

    def _mlflow_url(self, request: dict[str, Any]) -> dict[str, Any]:
        app = self.store.find("MlflowApp", "CreatePresignedMlflowAppUrl", **request)
        if "_Url" not in app:  # AWS's words are not verified
            raise AwsError("ValidationException", f"MLflow App {app['Arn']} is {app['Status']}.")
        return {"AuthorizedUrl": app["_Url"]}


def _activate(server: Record) -> None:
    server["IsActive"] = "Active" if server["TrackingServerStatus"] in ("Created", "Started") else "Inactive"


def _ended(kind: Kind, record: Record) -> bool:
    return bool(kind.status) and record[kind.status] in kind.ended


_CONFLICT = {"DeleteModelPackageGroup", "DeletePipeline", "UpdateMlflowApp"}  # where the model says so
