"""The record of everything that was found and done, and of what has to be remembered between two runs."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from controls.judgement.policy import Verdict
from controls.resource import Resource, Rule, Warned

KEEP_DAYS = 400
BY_DAY = "by-day"

Item = dict[str, Any]


class Ledger:
    """A table of items keyed by `subject` and `at`.

    Of an entry, `subject` is a resource's ARN and `at` the time of the event (ISO 8601), so a replayed event leaves no
    double; `day`, the key of the index BY_DAY, is its date. What is remembered has a topic as `subject`, such as
    `warned`, `restorable` or `budget`, and as `at` whatever it is about.
    """

    def __init__(self, dynamodb: Any, table: str, *, now: datetime) -> None:
        self._dynamodb, self._table, self._now = dynamodb, table, now

    def record(self, resource: Resource, verdict: Verdict, outcome: str) -> None:
        """Outcomes: observed | warned | planned, then done | gone | spared | failed in the same entry.

        The latter have in `planned_at` that it was recorded before it was done.
        """
        planned = {} if outcome in ("observed", "warned") else {"planned_at": self._now.isoformat()}
        self.enter(resource.arn, **entry_of(resource, verdict), **planned, outcome=outcome)

    def enter(self, subject: str, **entry: Any) -> None:
        """Keep an entry about `subject`, of this event unless `entry` has other values of `at` and `day`."""
        at = self._now.isoformat()
        self._put({"subject": subject, "at": at, "day": at[:10], "expires_at": self._expiry(), **entry})

    def entries(self, day: date) -> Iterator[Item]:
        """What was entered on a day (UTC), in order of time."""
        yield from self._query(IndexName=BY_DAY, KeyConditionExpression="#k = :k", names="day", value=day.isoformat())

    def warned(self) -> dict[str, Warned]:
        """By ARN, of what its owner has been warned."""
        return {
            item["at"]: Warned(Rule(item["rule"]), datetime.fromisoformat(item["warned_at"]))
            for item in self.remembered("warned")
        }

    def warn(self, resource: Resource, verdict: Verdict) -> None:
        self.remember(
            "warned",
            resource.arn,
            warned_at=self._now.isoformat(),
            **entry_of(resource, verdict),
        )

    def let_go(self, arn: str) -> None:
        """It is in use again: a later warning counts from then."""
        self.forget("warned", arn)

    def remember(self, topic: str, about: str, **members: Any) -> None:
        self._put({"subject": topic, "at": about, "expires_at": self._expiry(), **members})

    def remember_once(self, topic: str, about: str, **members: Any) -> bool:
        """As `remember`; False, with nothing written, when it is remembered already."""
        item = {"subject": topic, "at": about, "expires_at": self._expiry(), **members}
        return self._put_if(item, ConditionExpression="attribute_not_exists(subject)")

    def revise(self, topic: str, about: str, revision: int, **members: Any) -> bool:
        """As `remember`, for what several write; False, with nothing written, when it is not at `revision` any more.

        What is written is at the next revision; 0 is that of what is not there yet.
        """
        item = {"subject": topic, "at": about, "expires_at": self._expiry(), **members, "revision": revision + 1}
        there = {
            "ConditionExpression": "revision = :revision",
            "ExpressionAttributeValues": {":revision": {"N": str(revision)}},
        }
        absent = {"ConditionExpression": "attribute_not_exists(subject)"}
        return self._put_if(item, **(there if revision else absent))

    def remembered(self, topic: str) -> Iterator[Item]:
        yield from self._query(KeyConditionExpression="#k = :k", names="subject", value=topic)

    def recall(self, topic: str, about: str) -> Item | None:
        found = self._dynamodb.get_item(TableName=self._table, Key=_key(topic, about), ConsistentRead=True).get("Item")
        return _read(found) if found else None

    def forget(self, topic: str, about: str) -> None:
        self._dynamodb.delete_item(TableName=self._table, Key=_key(topic, about))

    def _put(self, item: Item, **options: Any) -> None:
        self._dynamodb.put_item(TableName=self._table, Item=_written(item), **options)

    def _put_if(self, item: Item, **condition: Any) -> bool:
        """False, with nothing written, when the condition does not hold."""
        try:
            self._put(item, **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return False
            raise
        return True

    def _query(self, *, names: str, value: str, **options: Any) -> Iterator[Item]:
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            ExpressionAttributeNames={"#k": names},
            ExpressionAttributeValues={":k": {"S": value}},
            **options,
        )
        for page in pages:
            yield from map(_read, page["Items"])

    def _expiry(self) -> int:
        return int((self._now + timedelta(days=KEEP_DAYS)).timestamp())


def entry_of(resource: Resource, verdict: Verdict) -> Item:
    """What an entry says of a resource and of the verdict on it."""
    return {
        "kind": resource.kind,
        "name": resource.name,
        "region": resource.region,
        "owner": resource.owner,
        "team": resource.tags.get("sluice:team", ""),
        "workload": resource.tags.get("sluice:workload", ""),
        "action": verdict.action,
        "ending": verdict.ending,
        "rule": verdict.rule or "",
        "reason": verdict.evidence,
        "effective_at": verdict.effective_at.isoformat() if verdict.effective_at else "",
        "usd_per_hour": resource.usd_per_hour,
        "estimated": resource.estimated,
        "saving": verdict.saving,
    }


def members(item: Item) -> Item:
    """What an item that was remembered says, without what the table keeps it by."""
    return {name: value for name, value in item.items() if name not in ("subject", "at", "expires_at")}


def _key(topic: str, about: str) -> dict[str, dict[str, str]]:
    return {"subject": {"S": topic}, "at": {"S": about}}


def _written(item: Item) -> dict[str, Any]:
    """As DynamoDB takes it; its numbers are decimal."""
    plain = json.loads(json.dumps(item), parse_float=Decimal)
    return {name: TypeSerializer().serialize(value) for name, value in plain.items()}


def _read(item: dict[str, Any]) -> Item:
    return {name: _plain(TypeDeserializer().deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case _:
            return value
