"""Alarms that go off: ministack's records, judged by `rehearsal.alarms` on the cloud's clock."""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import json
import math
import threading
from types import SimpleNamespace
from typing import Any

from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import cloudwatch, lambda_svc, sqs
from ministack.services.cloudformation import provisioners

from rehearsal import alarms
from rehearsal.alarms import Alarm, Point, Query
from rehearsal.sagemaker.clock import Clock
from rehearsal.seam.delivery import invoke_with_retries
from rehearsal.seam.host import Cloud

KEPT_SECONDS = 455 * 86_400  # "CloudWatch retains metric data ... 455 days (15 months)"
_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
_SINGLE = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit")
SQS_SECONDS = 300


class Alarms:
    """Looks at an alarm when data came for it, and again whenever what it sees can have changed; not in between."""

    def __init__(self, cloud: Cloud, clock: Clock) -> None:
        self._cloud, self._clock, self._lock = cloud, clock, threading.Lock()
        self._due: dict[str, float] = {}  # by ARN
        self._states: dict[str, dict[str, Any]] = {}  # by ARN: as in an event
        self._counted: set[str] = set()  # ARNs of queues

    def mount(self) -> None:
        cloudwatch.time, cloudwatch.TWO_WEEKS_SECONDS = SimpleNamespace(time=self._clock.now), KEPT_SECONDS
        cloudwatch._evaluate_alarm, cloudwatch._evaluate_all_alarms = self.wake, lambda: None
        cloudwatch._put_composite_alarm = _refuse_composite
        cloudwatch._dims_from_list = _exact_dimensions(cloudwatch._dims_from_list)
        cloudwatch._put_metric_alarm = self._put(cloudwatch._put_metric_alarm)
        cloudwatch._record_history = _changes_only(cloudwatch._record_history)
        cloudwatch._get_metric_data = _newest_first(cloudwatch._get_metric_data)
        provisioners._cw_metric_alarm_record = _record(provisioners._cw_metric_alarm_record)
        bucket, dispatch = cloudwatch._metric_bucket, cloudwatch._dispatch_alarm_actions

        def stored(key: tuple[str, str, str]) -> Any:
            self._wake_all(key[0], key[1])
            return bucket(key)

        def dispatched(alarm: Alarm, old: str, new: str, reason: str) -> None:
            dispatch(alarm, old, new, reason)
            self._tell(alarm, old, new, reason)
            self.wake(alarm)  # a state that was set by hand lasts until the next evaluation

        cloudwatch._metric_bucket, cloudwatch._dispatch_alarm_actions = stored, dispatched
        route = lambda_svc._route_async_failure

        def routed(arn: str, *letter: Any) -> None:
            route(arn, *letter)
            if ":sqs:" in arn and arn not in self._counted:
                self._counted.add(arn)
                self._count(arn)

        lambda_svc._route_async_failure = routed

    def wake(self, alarm: Alarm) -> None:
        """Have an alarm looked at when it is next evaluated."""
        self._plan(alarm["AlarmArn"], alarms.next_tick(alarm, self._clock.now()))

    def _wake_all(self, namespace: str, name: str) -> None:
        for alarm in list(cloudwatch._alarms.values()):
            metrics = [query["MetricStat"]["Metric"] for query in alarms.queries(alarm) if "MetricStat" in query]
            if any((m["Namespace"], m["MetricName"]) == (namespace, name) for m in metrics):
                self.wake(alarm)

    def _plan(self, arn: str, moment: float) -> None:
        with self._lock:
            if self._due.get(arn, math.inf) <= moment:
                return
            self._due[arn] = moment
        self._clock.after(moment - self._clock.now(), lambda: self._look(arn, moment))

    def _look(self, arn: str, moment: float) -> None:
        with self._lock:
            if self._due.get(arn) != moment:
                return
            del self._due[arn]
        _, _, _, region, account, _, name = arn.split(":", 6)
        set_request_account_id(account)
        set_request_region(region)
        alarm = cloudwatch._alarms.get(name)
        if alarm is None:
            return
        since = moment - alarms.range_seconds(alarm) - alarms.tick_seconds(alarm)
        judged = alarms.judge(alarm, lambda query: _points(query, since), moment)
        if judged is not None and judged.state != alarm["StateValue"]:
            self._move(alarm, judged)
        again = alarms.next_look(alarm, lambda query: _points(query, since), moment)
        if again is not None:
            self._plan(arn, again)

    def _move(self, alarm: Alarm, judged: alarms.Judgement) -> None:
        old, now = alarm["StateValue"], int(self._clock.now())
        alarm.update(
            StateValue=judged.state,
            StateReason=judged.reason,
            StateReasonData=json.dumps(judged.data),
            StateUpdatedTimestamp=now,
            StateTransitionedTimestamp=now,
        )
        cloudwatch._record_history(alarm["AlarmName"], old, judged.state, judged.reason, "MetricAlarm", judged.data)
        cloudwatch._dispatch_alarm_actions(alarm, old, judged.state, judged.reason)

    def _tell(self, alarm: Alarm, old: str, new: str, reason: str) -> None:
        """The event, and the functions among the actions; topics are ministack's part."""
        arn, now = alarm["AlarmArn"], alarms.stamp(self._clock.now())
        created = alarms.stamp(alarm["AlarmConfigurationUpdatedTimestamp"])
        first = {"value": old, "reason": "Unchecked: Initial alarm creation", "timestamp": created}
        state = {"value": new, "reason": reason, "timestamp": now}
        if alarm.get("StateReasonData"):
            state["reasonData"] = alarm["StateReasonData"]
        last = self._states.get(arn, first)
        detail = alarms.state_change(alarm, last if last["value"] == old else first, state)
        self._states[arn] = state
        for action in alarm.get(_ACTIONS[new]) or [] if alarm.get("ActionsEnabled", True) else []:
            if ":lambda:" in action:
                _, _, _, region, account, _, _ = arn.split(":", 6)
                told = {"source": "aws.cloudwatch", "alarmArn": arn, "accountId": account, "region": region}
                invoke_with_retries(action, json.dumps(told | {"time": now, "alarmData": detail}))
        self._cloud.emit("CloudWatch Alarm State Change", detail, [arn], "aws.cloudwatch")

    def _count(self, arn: str) -> None:
        """Publish how many letters a function's dead-letter queue holds, for as long as it holds any."""
        queue = sqs._queue_by_arn(arn)
        visible, name = len(queue["messages"]) if queue else 0, {"QueueName": arn.rsplit(":", 1)[-1]}
        self._cloud.put_metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", name, visible, "Count")
        if visible:
            self._clock.after(SQS_SECONDS, lambda: self._count(arn))
        else:
            self._counted.discard(arn)

    def _put(self, plain: Any) -> Any:
        def put(params: Any, asked: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
            try:
                if not (is_cbor or is_json):
                    raise ValueError("PutMetricAlarm in the query protocol is not emulated by this cloud.")
                _check(asked)
            except ValueError as error:
                return cloudwatch._error("ValidationError", str(error), 400, use_json=is_json, use_cbor=is_cbor)
            known = asked.get("AlarmName") in cloudwatch._alarms
            answer = plain(params, asked, is_cbor, is_json)
            if answer[0] == 200:
                if not known:  # one of this name may have been deleted
                    self._states.pop(cloudwatch._alarms[asked["AlarmName"]]["AlarmArn"], None)
                _reshape(cloudwatch._alarms[asked["AlarmName"]], asked)
                self.wake(cloudwatch._alarms[asked["AlarmName"]])
            return answer

        return put


def _check(asked: Alarm) -> None:
    alarms.check(asked)
    for action in [arn for name in _ACTIONS.values() for arn in asked.get(name) or []]:
        if action.split(":")[2:3] not in (["sns"], ["lambda"]):
            raise ValueError(f"The alarm action {action} is not emulated by this cloud.")


def _reshape(alarm: Alarm, asked: Alarm) -> None:
    """What ministack's record lacks, or says although it was not asked for."""
    if asked.get("Metrics"):
        alarm["Metrics"] = asked["Metrics"]
    for name in _SINGLE if asked.get("Metrics") else ("Statistic",) if asked.get("ExtendedStatistic") else ():
        alarm.pop(name, None)


def _record(plain: Any) -> Any:
    """A template's alarm; ministack refuses Metrics there."""

    def record(name: str, properties: Alarm) -> Alarm:
        _check(properties)
        single = {"MetricName": "-", "Namespace": "-"} if properties.get("Metrics") else {}
        alarm = plain(name, {key: value for key, value in properties.items() if key != "Metrics"} | single)
        _reshape(alarm, properties)
        return alarm

    return record


def _refuse_composite(params: Any, asked: Any, is_cbor: bool, is_json: bool = False) -> Any:
    message = "PutCompositeAlarm is not emulated by this cloud."
    return cloudwatch._error("ValidationError", message, 400, use_json=is_json, use_cbor=is_cbor)


def _points(query: Query, since: float) -> list[Point]:
    metric = query["MetricStat"]["Metric"]
    dimensions = {d["Name"]: d["Value"] for d in metric.get("Dimensions") or []}
    found = cloudwatch._metrics.get((metric["Namespace"], metric["MetricName"], cloudwatch._dims_key(dimensions)))
    return [
        Point(point["Timestamp"], point["Unit"], *cloudwatch._point_stats(point))
        for point in list(found or [])
        if point["Timestamp"] >= since
    ]


def _changes_only(plain: Any) -> Any:
    """ministack tells of an alarm's creation as of a change of its state."""

    def record(name: str, old: str, new: str, *further: Any) -> None:
        if old != new:
            plain(name, old, new, *further)

    return record


def _newest_first(plain: Any) -> Any:
    """GetMetricData's order unless ScanBy is TimestampAscending; ministack's is always that."""

    def get(params: Any, asked: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
        status, headers, body = plain(params, asked, is_cbor, is_json)
        if status != 200 or not is_json or asked.get("ScanBy") == "TimestampAscending":
            return status, headers, body
        answer = json.loads(body)  # in CBOR nobody speaks here: its library is not installed
        for result in answer["MetricDataResults"]:
            result |= {name: result[name][::-1] for name in ("Timestamps", "Values")}
        return status, headers, json.dumps(answer).encode()

    return get


class _Dimensions(dict[str, str]):
    """ministack takes no dimensions for any; in CloudWatch they name the metric that has none."""

    def __bool__(self) -> bool:
        return True


def _exact_dimensions(plain: Any) -> Any:
    return lambda dimensions: _Dimensions(plain(dimensions))
