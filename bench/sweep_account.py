"""An account with 10,000 resources behind real boto3 clients: pages and answers as AWS has them, throttling, time."""

import math
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, current_thread
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import boto3
from botocore import endpoint as sending
from botocore.endpoint import Endpoint
from botocore.retries import bucket

from bench.sweep_rows import COUNTS, LISTS, OLD, UNLISTED, Row, arn_of, row
from controls.clients import LANE

LATENCY_SECONDS = 0.05  # assumed: AWS publishes none
_OURS = [{"Key": "sluice:platform", "Value": "sluice-dev"}]
_MAIN = "main"
_SIZES = {"DescribeLogGroups": 50}  # the largest pages that AWS gives; all others 100
# What its list does not tell enough of: each of these has to be described, or asked of for its last use.
# Of all of them, because another's may use what is ours:
_ASKED = (
    *("ListEndpoints", "ListEndpointConfigs", "ListInferenceComponents", "ListSpaces", "ListUserProfiles"),
    *("ListDomains", "ListApps"),  # apps are in domains of ours
)
_ASKED_OF_OURS = (
    *("ListNotebookInstances", "ListTrainingJobs", "ListHyperParameterTuningJobs", "ListProcessingJobs"),
    *("ListTransformJobs", "ListAutoMLJobs", "ListMlflowTrackingServers"),
)
_QUERIES_A_CALL = 500


def least_calls() -> int:
    """Each list once in the largest pages (packages group by group), tags a hundred a page, the use of 500 endpoints or
    components a call, and one question about each resource whose list does not tell what has to be known.
    """
    lists = sum(math.ceil(count / _SIZES.get(name, 100)) for name, count in COUNTS.items())
    lists += _ours("ListModelPackageGroups") - math.ceil(COUNTS["ListModelPackages"] / 100)  # a page for each group
    tags = math.ceil(len(list(_arns())) / 100)
    use = math.ceil((_ours("ListEndpoints") + _ours("ListInferenceComponents")) / _QUERIES_A_CALL)
    return lists + tags + use + sum(COUNTS[name] for name in _ASKED) + sum(map(_ours, _ASKED_OF_OURS))


def _ours(name: str) -> int:
    return sum(1 for i in range(COUNTS[name]) if i % 10)


class Account:
    """`calls` counts what was answered, `throttled` what was not; `seconds` is how long all of it took."""

    def __init__(self, session: boto3.Session) -> None:
        self.calls: Counter[str] = Counter()
        self.throttled, self.throttling = 0, 0.0
        self._clocks: dict[str, float] = {}
        self._chance, self._counting = random.Random(6), Lock()
        self._rows = {name: [row(name, i) for i in range(count)] for name, count in COUNTS.items()}
        self._by_name = {(name, _key(told)): told for name, rows in self._rows.items() for told in rows}
        self._items: dict[tuple[str, str], Row] = {}
        session.events.register("before-parameter-build", _keep_asked)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """All clients made in it talk to this account; retries and rate limits wait in its time, not in ours."""
        account = self

        def respond(own: Any, request: Any, operation_model: Any, context: Row) -> tuple[Any, None]:
            service, name = operation_model.service_model.service_id.hyphenize(), operation_model.name
            own._event_emitter.emit(f"before-send.{service}.{name}", request=request)  # here adaptive retries wait
            account.pass_time(LATENCY_SECONDS)
            with account._counting:
                refused = account._chance.random() < account.throttling
                account.throttled += refused
                account.calls[name] += not refused
            if refused:
                told = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}, "ResponseMetadata": {}}
                return (SimpleNamespace(status_code=400, headers={}), told), None
            answer = account.answer(name, **context["asked"])
            return (SimpleNamespace(status_code=200, headers={}), {**answer, "ResponseMetadata": {}}), None

        def acquire(own: Any, amount: float, block: bool) -> bool:
            """As botocore's, which waits on a condition of threads."""
            own._refill()
            while own._current_capacity < amount:
                account.pass_time(max(own._sleep_amount(amount), 0.01))
                own._refill()
            own._current_capacity -= amount
            return True

        clock = SimpleNamespace(current_time=self.now, sleep=self.pass_time)
        with (
            patch.object(Endpoint, "_get_response", respond),
            patch.object(bucket, "Clock", lambda: clock),
            patch.object(bucket.TokenBucket, "_acquire", acquire),
            patch.object(sending, "time", SimpleNamespace(sleep=self.pass_time)),
        ):
            yield

    @property
    def seconds(self) -> float:
        return max(self._clocks.values(), default=0.0)

    def now(self) -> float:
        """Each lane has its own time, not before the main thread's that let it go; the main thread waits for all."""
        lane = current_thread().name
        clocks = dict(self._clocks)
        if not lane.startswith(LANE):
            return max(clocks.values(), default=0.0)
        return max(clocks.get(lane, 0.0), clocks.get(_MAIN, 0.0))

    def pass_time(self, seconds: float) -> None:
        lane = current_thread().name
        self._clocks[lane if lane.startswith(LANE) else _MAIN] = self.now() + seconds

    def answer(self, operation: str, **asked: Any) -> Row:
        """What AWS answers to one call."""
        if operation in self._rows:
            return self._page(operation, **asked)
        match operation:
            case "GetResources":
                rows = [{"ResourceARN": arn, "Tags": _OURS} for arn in _arns()]
                return _paged("ResourceTagMappingList", rows, 100, asked, "PaginationToken", "PaginationToken")
            case "GetMetricData":
                return {"MetricDataResults": [_unused(query) for query in asked["MetricDataQueries"]]}
            case "GetLogEvents":
                return {"events": [{"timestamp": int(OLD.timestamp() * 1000)}]}
            case "Query":
                topic = asked["ExpressionAttributeValues"][":k"]["S"]
                return {"Items": [item for (subject, _), item in self._items.items() if subject == topic]}
            case "PutItem":
                self._items[asked["Item"]["subject"]["S"], asked["Item"]["at"]["S"]] = asked["Item"]
                return {}
            case _:
                noun = operation.removeprefix("Describe").removesuffix("V2")
                return self._by_name[f"List{noun}s", _key(asked)]

    def _page(self, operation: str, **asked: Any) -> Row:
        rows = self._rows[operation]
        if group := asked.get("ModelPackageGroupName"):
            rows = [told for told in rows if told["ModelPackageGroupName"] == group]
        if operation == "ListApps":
            rows = [{name: value for name, value in told.items() if name not in UNLISTED} for told in rows]
        size = min(asked.get("MaxResults") or asked.get("limit") or asked.get("MaxItems") or 10, 100)
        token, after = {"DescribeFileSystems": ("Marker", "NextMarker"), "DescribeLogGroups": ("nextToken",) * 2}.get(
            operation, ("NextToken", "NextToken")
        )
        return _paged(LISTS[operation][0], rows, size, asked, token, after)


def _paged(member: str, rows: list[Row], size: int, asked: Row, token: str, after: str) -> Row:
    begin = int(asked.get(token) or 0)
    end = begin + size
    return {member: rows[begin:end]} | ({after: str(end)} if end < len(rows) else {})


def _keep_asked(params: Row, context: Row, **_: Any) -> None:
    context["asked"] = params


def _unused(query: Row) -> Row:
    return {"Id": query["Id"], "Timestamps": [], "Values": [], "StatusCode": "Complete"}


def _key(told: Row) -> str:
    """What something is described by: an app or a space by its space, most by their name."""
    for name in ("SpaceName", "UserProfileName", "DomainId"):
        if name in told:
            return told[name]
    return next(value for name, value in told.items() if name.endswith(("Name", "Id")) and isinstance(value, str))


def _arns() -> Iterator[str]:
    """Of what is tagged: nine of ten, and neither user profiles, spaces nor apps, which have their domain's tags."""
    for name, count in COUNTS.items():
        if name not in ("ListUserProfiles", "ListSpaces", "ListApps", "ListModelPackages"):
            yield from (arn_of(name, i) for i in range(count) if i % 10 or name == "ListDomains")
