"""boto3 clients as every function uses them. Only handlers make clients."""

from collections.abc import Callable
from functools import cache
from threading import Lock, current_thread
from typing import Any

import boto3
from botocore.config import Config

# Adaptive: a sweep over many resources slows down by itself when the account's API rate is used up.
# Ten attempts: with one call in five throttled, one in ten million is given up.
_CONFIG = Config(retries={"mode": "adaptive", "total_max_attempts": 10}, connect_timeout=5, read_timeout=20)

LANE = "lane"
_MAKING = Lock()


def session() -> boto3.Session:
    """The session that clients are made from."""
    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session()
    assert boto3.DEFAULT_SESSION is not None
    return boto3.DEFAULT_SESSION


def of(region: str, role_arn: str | None = None) -> Callable[[str], Any]:
    """Makes the clients of a region, in another account under a role that it grants, for an hour.

    Threads whose names begin with LANE have clients of their own, whose rates are limited each by itself.
    """
    make = client
    if role_arn:
        granted = client("sts").assume_role(RoleArn=role_arn, RoleSessionName="sluice-sweep")["Credentials"]
        other = boto3.Session(
            aws_access_key_id=granted["AccessKeyId"],
            aws_secret_access_key=granted["SecretAccessKey"],
            aws_session_token=granted["SessionToken"],
        )
        make = cache(lambda service, region, lane: other.client(service, region_name=region, config=_CONFIG))

    def made(service: str) -> Any:
        name = current_thread().name
        with _MAKING:  # a session makes one client at a time
            return make(service, region, name if name.startswith(LANE) else "")

    return made


@cache
def client(service: str, region: str | None = None, lane: str = "") -> Any:
    """The one client of `service` in a region, by default the function's, for as long as this instance lives."""
    return boto3.client(service, region_name=region, config=_CONFIG)
