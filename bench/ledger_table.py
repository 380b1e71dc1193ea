"""The ledger's table in memory: a DynamoDB client as far as `controls.ledger` asks one."""

from collections.abc import Iterator
from typing import Any, Self

from botocore.exceptions import ClientError

Written = dict[str, dict[str, Any]]


class LedgerTable:
    """Items by subject and `at`; a query pages, two items at a time, so that whoever forgets to sees only a part."""

    page = 2

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Written] = {}

    def put_item(self, *, TableName: str, Item: Written, ConditionExpression: str = "") -> None:  # noqa: N803
        key = (Item["subject"]["S"], Item["at"]["S"])
        if ConditionExpression == "attribute_not_exists(subject)" and key in self.items:
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException", "Message": "there"}}, "PutItem")
        self.items[key] = Item

    def get_item(self, *, TableName: str, Key: Written, ConsistentRead: bool = False) -> dict[str, Any]:  # noqa: N803
        found = self.items.get((Key["subject"]["S"], Key["at"]["S"]))
        return {"Item": found} if found else {}

    def delete_item(self, *, TableName: str, Key: Written) -> None:  # noqa: N803
        self.items.pop((Key["subject"]["S"], Key["at"]["S"]), None)

    def get_paginator(self, operation: str) -> Self:
        assert operation == "query"
        return self

    def paginate(self, **query: Any) -> Iterator[dict[str, list[Written]]]:
        name = query["ExpressionAttributeNames"]["#k"]
        wanted = query["ExpressionAttributeValues"][":k"]
        found = [item for _, item in sorted(self.items.items()) if item.get(name) == wanted]
        found.sort(key=lambda item: item["at"]["S"])
        for first in range(0, max(len(found), 1), self.page):
            yield {"Items": found[first : first + self.page]}
