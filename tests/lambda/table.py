"""DynamoDB in the in-memory cloud: the one table that is the ledger."""
# ruff: noqa: N802, N803 - operations and their parameters are named as AWS names them

import importlib
from typing import Any

base = importlib.import_module("tests.lambda.base")  # `lambda` is a keyword
Key = tuple[str, str]


class Table:
    """`ledger` has each item as it is written in Python, by `subject` and `at`."""

    def __init__(self) -> None:
        self.ledger: dict[Key, dict[str, Any]] = {}

    def remembered(self, topic: str) -> dict[str, dict[str, Any]]:
        return {at: item for (subject, at), item in self.ledger.items() if subject == topic}

    def PutItem(
        self,
        TableName: str,
        Item: dict[str, Any],
        ConditionExpression: str | None = None,
        ExpressionAttributeValues: dict[str, Any] | None = None,
    ) -> None:
        item = {name: _plain(value) for name, value in Item.items()}
        key = item["subject"], item["at"]
        there = self.ledger.get(key)
        match ConditionExpression:
            case None:
                holds = True
            case "attribute_not_exists(subject)":
                holds = there is None
            case "revision = :revision":
                holds = bool(there) and there["revision"] == _plain((ExpressionAttributeValues or {})[":revision"])
            case _:
                raise AssertionError(f"the table knows no {ConditionExpression}")
        if not holds:
            raise base.RefusalError("The conditional request failed", "ConditionalCheckFailedException")
        self.ledger[key] = item

    def GetItem(self, TableName: str, Key: dict[str, Any], ConsistentRead: bool = False) -> dict[str, Any]:
        item = self.ledger.get(_key(Key))
        return {"Item": _wire(item)["M"]} if item else {}

    def DeleteItem(self, TableName: str, Key: dict[str, Any]) -> None:
        self.ledger.pop(_key(Key), None)

    def Query(self, ExpressionAttributeNames: Any, ExpressionAttributeValues: Any, **asked: Any) -> dict[str, Any]:
        name, value = ExpressionAttributeNames["#k"], ExpressionAttributeValues[":k"]["S"]
        found = sorted((item for item in self.ledger.values() if item.get(name) == value), key=lambda item: item["at"])
        asked["ExclusiveStartKey"] = asked.get("ExclusiveStartKey", {}).get("at", {}).get("S")
        rows = base.page("Items", [_wire(item)["M"] for item in found], token="ExclusiveStartKey", **asked)
        after = rows.pop("ExclusiveStartKey", None)
        return rows | ({"LastEvaluatedKey": {"at": {"S": after}}} if after else {})


def _key(wire: dict[str, Any]) -> Key:
    return wire["subject"]["S"], wire["at"]["S"]


def _plain(wire: dict[str, Any]) -> Any:
    [(kind, value)] = wire.items()
    match kind:
        case "N":
            return float(value) if "." in value or "E" in value else int(value)
        case "M":
            return {name: _plain(each) for name, each in value.items()}
        case "L":
            return [_plain(each) for each in value]
        case "NULL":
            return None
        case _:
            return value


def _wire(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": str(value)}
        case dict():
            return {"M": {name: _wire(each) for name, each in value.items()}}
        case list():
            return {"L": [_wire(each) for each in value]}
        case None:
            return {"NULL": True}
        case _:
            return {"S": value}
