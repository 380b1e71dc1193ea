"""Rules and schedules that fire: ministack's records, planned by `rehearsal.schedules` on the cloud's clock."""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import functools
import json
import secrets
import threading
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import router
from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import eventbridge, scheduler
from ministack.services.cloudformation import provisioners

from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.store import AwsError
from rehearsal.schedules import Schedule
from rehearsal.seam.authorization import must_be_allowed
from rehearsal.seam.host import Cloud
from rehearsal.seam.targets import PRINCIPAL, Invocation, Targets, check_target

NEW_SECONDS = 60
Record = dict[str, Any]
Key = tuple[str, str, str]  # account, region, name


class Schedules:
    """Looks through the records after every request that can change them, and puts what is due next on the agenda."""

    def __init__(self, cloud: Cloud, clock: Clock) -> None:
        self._cloud, self._clock, self._lock = cloud, clock, threading.Lock()
        self._targets = Targets(cloud, clock)
        self._planned: dict[tuple[str, Key], tuple[object, ...]] = {}

    def mount(self) -> None:
        eventbridge.start_scheduler = scheduler.start_scheduler = lambda: None
        scheduler._now = self._clock.now
        invoke = eventbridge._invoke_target

        def invoked(target: Record, event: Record, rule: Record, view: Any = None) -> None:
            if ":pipeline/" in target.get("Arn", ""):
                threading.Thread(target=self._targets.start_pipeline, args=(target,), daemon=True).start()
            else:
                invoke(target, event, rule, view)

        eventbridge._invoke_target = invoked
        app.SERVICE_HANDLERS["events"] = self._then_plan(app.SERVICE_HANDLERS["events"], _check_rule)
        app.SERVICE_HANDLERS["scheduler"] = self._then_plan(app.SERVICE_HANDLERS["scheduler"], self._check_request)
        plain = dict(provisioners._RESOURCE_HANDLERS["AWS::Scheduler::Schedule"])
        own = {"create": _created(self._cloud), "update": _updated(self._cloud)}
        provisioners._RESOURCE_HANDLERS["AWS::Scheduler::Schedule"] = self._planning(plain | own)
        rule = provisioners._RESOURCE_HANDLERS["AWS::Events::Rule"]
        provisioners._RESOURCE_HANDLERS["AWS::Events::Rule"] = self._planning(rule)

    def _planning(self, handlers: Record) -> Record:
        def then_plan(act: Any) -> Any:
            @functools.wraps(act)  # ministack looks at what an action takes
            def acted(*arguments: Any, **named: Any) -> Any:
                done = act(*arguments, **named)
                self._plan_all()
                return done

            return acted

        return {name: then_plan(act) if callable(act) else act for name, act in handlers.items()}

    def _then_plan(self, plain: Any, check: Callable[..., None]) -> Any:
        async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: Record) -> Any:
            try:
                check(method, path, headers, body, query)
            except (AwsError, ValueError) as error:
                code = error.code if isinstance(error, AwsError) else "ValidationException"
                status = error.status if isinstance(error, AwsError) else 400
                return scheduler._error(status, code, getattr(error, "message", str(error)))
            answer = await plain(method, path, headers, body, query)
            self._plan_all()
            return answer

        return handle

    def _check_request(self, method: str, path: str, headers: dict[str, str], body: bytes, query: Record) -> None:
        if method in ("POST", "PUT") and path.startswith("/schedules/"):
            asked = json.loads(body or b"{}")
            if not isinstance(asked, dict):
                raise ValueError("The body of the request is no JSON object.")
            _check(self._cloud, asked)
            key, role = router.extract_access_key_id(headers, query), asked["Target"]["RoleArn"]
            passed = {"iam:PassedToService": PRINCIPAL}
            must_be_allowed(key, "iam:PassRole", role, router.extract_region(headers, query), passed)

    def _plan_all(self) -> None:
        now = self._clock.now()
        for kind, records in (("rule", eventbridge._rules), ("schedule", scheduler._schedules)):
            for key, record in list(records._data.items()):
                if record.get("State") == "ENABLED" and record.get("ScheduleExpression"):
                    created = record.setdefault("CreationTime" if kind == "rule" else "CreationDate", now)
                    # A rate that has just been created is due at its creation, which is past.
                    new = (kind, key) not in self._planned and now - created < NEW_SECONDS
                    self._plan(kind, key, record, created - 0.001 if new else now, only_changed=True)
                else:
                    self._planned.pop((kind, key), None)

    def _plan(self, kind: str, key: Key, record: Record, after: float, *, only_changed: bool = False) -> None:
        """Put the next moment on the agenda; what was planned before for this record is then void."""
        what = tuple(str(record.get(name)) for name in ("ScheduleExpression", "ScheduleExpressionTimezone", "Arn"))
        what += tuple(str(record.get(name)) for name in ("StartDate", "EndDate", "CreationDate", "CreationTime"))
        with self._lock:
            planned = self._planned.get((kind, key))
            if only_changed and planned and planned[0] == what:
                return
            due = _next(kind, record, after)
            token = (what, object())
            self._planned[kind, key] = token
        if due is not None:
            self._clock.after(due - self._clock.now(), lambda: self._fire(kind, key, token, due))
        elif kind == "schedule" and not only_changed and record.get("ActionAfterCompletion") == "DELETE":
            scheduler._schedules._data.pop(key, None)

    def _fire(self, kind: str, key: Key, token: tuple[object, ...], due: float) -> None:
        record = (eventbridge._rules if kind == "rule" else scheduler._schedules)._data.get(key)
        if record is None or self._planned.get((kind, key)) is not token:
            return
        set_request_account_id(key[0])
        set_request_region(key[1])
        self._plan(kind, key, record, due)  # first: whatever comes of this time, there is a next one
        if kind == "rule":
            _fire_rule(key, record, due)
        else:
            self._targets.invoke(Invocation(record, due, secrets.token_hex(8)))


def _check_rule(method: str, path: str, headers: dict[str, str], body: bytes, query: Record) -> None:
    """Refuse a rule whose schedule cannot be read, before it is stored. Raises ValueError."""
    if headers.get("x-amz-target", "").endswith(".PutRule"):
        asked = json.loads(body or b"{}")
        if isinstance(asked, dict) and asked.get("ScheduleExpression"):
            Schedule(asked["ScheduleExpression"], anchor=0)


def _next(kind: str, record: Record, after: float) -> float | None:
    if kind == "rule":
        return Schedule(record["ScheduleExpression"], anchor=record["CreationTime"]).next_after(after)
    start, end = scheduler._to_epoch(record.get("StartDate")), scheduler._to_epoch(record.get("EndDate"))
    zone, anchor = record.get("ScheduleExpressionTimezone") or "UTC", start or record["CreationDate"]
    schedule = Schedule(record["ScheduleExpression"], anchor=anchor, zone=zone, at_once=True)
    due = schedule.next_after(max(after, (start or 0) - 1))
    return None if due is None or (end is not None and due > end) else due


def _fire_rule(key: Key, rule: Record, due: float) -> None:
    event = {
        "EventId": secrets.token_hex(16),
        "Source": "aws.events",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "EventBusName": rule.get("EventBusName", "default"),
        "Time": int(due),
        "Resources": [rule["Arn"]],
        "Account": key[0],
        "Region": key[1],
    }
    for target in list(eventbridge._targets._data.get(key, [])):
        eventbridge._invoke_target(target, event, rule)


def _check(cloud: Cloud, asked: Record) -> None:
    """Refuse what AWS refuses, and by name what is not emulated. Raises AwsError, ValueError."""
    zone = asked.get("ScheduleExpressionTimezone") or "UTC"
    Schedule(asked.get("ScheduleExpression", ""), anchor=0, zone=zone)
    check_target(asked.get("Target") or {})
    try:
        cloud.must_trust(asked["Target"]["RoleArn"], PRINCIPAL)
    except AwsError as error:
        message = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
        raise AwsError("ValidationException", message) from error


def _body(cloud: Cloud, properties: Record) -> Record:
    """A template's schedule as CreateSchedule takes it. ministack's own provisioner drops half of it."""
    body = {"FlexibleTimeWindow": {"Mode": "OFF"}} | properties
    _check(cloud, body)
    return body | {name: scheduler._to_epoch(body[name]) for name in ("StartDate", "EndDate") if body.get(name)}


def _created(cloud: Cloud) -> Any:
    def create(logical_id: str, properties: Record, stack: str) -> tuple[str, Record]:
        name = properties.get("Name") or provisioners._physical_name(stack, logical_id, max_len=64)
        return _stored(scheduler._create_schedule(name, _body(cloud, properties)), name, properties)

    return create


def _updated(cloud: Cloud) -> Any:
    def update(physical_id: str, old: Record, new: Record, stack: str) -> tuple[str, Record]:
        if (new.get("Name"), new.get("GroupName")) != (old.get("Name"), old.get("GroupName")):
            raise ValueError("Renaming a schedule in a template is not emulated by this cloud.")
        return _stored(scheduler._update_schedule(physical_id, _body(cloud, new)), physical_id, new)

    return update


def _stored(answer: tuple[int, Any, bytes], name: str, properties: Record) -> tuple[str, Record]:
    if answer[0] >= 400:
        raise ValueError(json.loads(answer[2])["Message"])
    return name, {"Arn": scheduler._schedule_arn(properties.get("GroupName", "default"), name)}
