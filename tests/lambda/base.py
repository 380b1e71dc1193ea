"""What all parts of the in-memory cloud share."""

import importlib
from datetime import UTC, datetime
from typing import Any

ACCOUNT, REGION = "111122223333", "us-east-1"
PARTITION = "aws"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OURS = {"sluice:platform": "sluice-dev"}
_PAGE = 2  # small, so that whoever forgets a paginator sees only a part

RefusalError = importlib.import_module("tests.lambda.runs").RefusalError  # `lambda` is a keyword


def arn(resource: str) -> str:
    return f"arn:{PARTITION}:sagemaker:{REGION}:{ACCOUNT}:{resource}"


def page(member: str, rows: list[Any], *, token: str = "NextToken", **asked: Any) -> dict[str, Any]:
    begin = int(asked.get(token) or 0)
    end = begin + _PAGE
    return {member: rows[begin:end]} | ({token: str(end)} if end < len(rows) else {})
