"""boto3 clients as every function uses them. Only handlers make clients."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

# Adaptive: a sweep over many resources slows down by itself when the account's API rate is used up.
_CONFIG = Config(retries={"mode": "adaptive", "total_max_attempts": 6}, connect_timeout=5, read_timeout=20)


def session() -> boto3.Session:
    """The session that clients are made from."""
    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session()
    assert boto3.DEFAULT_SESSION is not None
    return boto3.DEFAULT_SESSION


@cache
def client(service: str) -> Any:
    """The one client of `service` for as long as this instance of the function lives."""
    return boto3.client(service, config=_CONFIG)
