"""Where an inventory is read: one account's region, what is known of it beforehand, and how troubles are kept."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial
from threading import Lock
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from controls.clients import LANE
from controls.inventory.tags import Tags
from controls.judgement.choices import Policy, is_ours
from controls.ledger import Ledger
from controls.pricing.prices import Prices
from controls.refusals import is_missing, is_unknown
from controls.resource import Kind, Resource, Warned

TROUBLES = (ClientError, BotoCoreError)
# Lambda retries an event for this long. Use that begins after the event's own time must spare a resource as well.
RETRY_TIME = timedelta(hours=6)

LANES = 20
_A_LANE = 25  # rows, from which on another is worth its clients
_MOST = 100  # rows a page, where SageMaker's lists have ten unless asked for more
_A_PAGE = {"logs": 50}

Row = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What earlier sweeps left in the ledger.

    `since`: by ARN, since when an app is known to be quiet, or something to be needed by nothing. `restorable`: the
    endpoints that were ended and may come back, each with the name of its kept configuration.
    """

    warned: Mapping[str, Warned] = field(default_factory=dict[str, Warned])
    since: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    restorable: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, ledger: Ledger) -> "Memory":
        return cls(
            warned=ledger.warned(),
            since={item["at"]: datetime.fromisoformat(item["since"]) for item in ledger.remembered("since")},
            restorable={
                item["name"]: item["detail"]["configuration"]
                for item in ledger.remembered("restorable")
                if item["kind"] == Kind.ENDPOINT
            },
        )


class Place:
    """Reads for the modules of this package, which say what is what.

    `client` makes the client of a service in this region and account. `since` has what the next sweep must know of
    this one, as `Memory` does. `troubles` names what could not be read, by kind: nothing is known of those kinds.
    """

    def __init__(
        self,
        client: Callable[[str], Any],
        *,
        region: str,
        policy: Policy,
        prices: Prices,
        memory: Memory,
        now: datetime,
    ) -> None:
        self._client = client
        self.region, self.policy, self.prices, self.memory, self.now = region, policy, prices, memory, now
        self.tags = Tags(client, policy)
        self._lock = Lock()
        self.since: dict[str, datetime] = {}
        self.troubles: dict[Kind, list[str]] = {}
        self.apps: list[Row] = []  # as ListApps tells of them
        self.notebooks: list[Row] = []  # likewise

    def client(self, service: str) -> Any:
        return self._client(service)

    def listed(self, operation: str, member: str, *, service: str = "sagemaker", **filters: Any) -> Iterator[Row]:
        """Every row of all pages; none where the region does not know the operation."""
        try:
            filters["PaginationConfig"] = {"PageSize": _A_PAGE.get(service, _MOST)}
            for page in self._client(service).get_paginator(operation).paginate(**filters):
                yield from page[member]
        except ClientError as error:
            if not is_unknown(error) and not is_missing(error):
                raise

    def described(self, operation: str, *, service: str = "sagemaker", **names: Any) -> Row | None:
        """The answer of a Describe; None when the resource is gone."""
        try:
            return getattr(self._client(service), operation)(**names)
        except ClientError as error:
            if is_missing(error):
                return None
            raise

    def each(self, kind: Kind, rows: Iterable[Row], read: Callable[[Row], T | None]) -> Iterator[T]:
        """What `read` makes of each row, in order. One that gives trouble is kept in `troubles` and stops no other."""
        try:
            listed = list(rows)
        except TROUBLES as error:
            self.trouble(kind, error)
            return
        for answer in _in_lanes(read, listed):
            try:
                found = answer()
            except TROUBLES as error:
                self.trouble(kind, error)
                continue
            if found is not None:
                yield found

    def trouble(self, kind: Kind, error: Exception) -> None:
        self.troubles.setdefault(kind, []).append(str(error))

    @property
    def domains(self) -> dict[str, str]:
        """The ARN of each Studio domain by its id."""
        with self._lock:
            return self._domains

    @cached_property
    def _domains(self) -> dict[str, str]:
        return {row["DomainId"]: row["DomainArn"] for row in self.listed("list_domains", "Domains")}

    def is_ours(self, tags: Mapping[str, str]) -> bool:
        return is_ours(tags, self.policy)

    def ours(self, arn: str) -> bool:
        return self.is_ours(self.tags.of(arn))

    def resource(self, kind: Kind, name: str, arn: str, **known: Any) -> Resource:
        """With the region, the warning and, unless given, the tags filled in."""
        known.setdefault("tags", self.tags.of(arn))
        return Resource(kind=kind, name=name, arn=arn, region=self.region, warned=self.memory.warned.get(arn), **known)

    def first_seen(self, arn: str, *, not_before: datetime) -> datetime:
        """Since when something is as it is seen now; kept for the next sweep. Of a name used again, since then."""
        self.since[arn] = max(self.memory.since.get(arn, self.now), not_before)
        return self.since[arn]


def _in_lanes(read: Callable[[Row], T], rows: list[Row]) -> Iterator[Callable[[], T]]:
    """The answer of each; many are asked for at once, because a call takes its time and may be put off by throttling.

    A lane has clients of its own: botocore slows down each by itself, and one that is put off holds up no other.
    """
    lanes = min(LANES, len(rows) // _A_LANE + 1)
    if lanes == 1:
        yield from (partial(read, row) for row in rows)
        return
    with ThreadPoolExecutor(lanes, thread_name_prefix=LANE) as pool:
        yield from (future.result for future in [pool.submit(read, row) for row in rows])
