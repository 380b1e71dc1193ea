"""A boto3 session whose clients an in-memory cloud answers, one for all tests of a process: its models load slowly."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import boto3

from controls import clients

_standing: list[Any] = []


@cache
def _session() -> boto3.Session:
    made = boto3.Session(region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")
    made.events.register("before-parameter-build", lambda **given: _standing[-1].remember(**given))
    made.events.register("before-call", lambda **given: _standing[-1].answer(**given))
    return made


@contextmanager
def own_session() -> Iterator[None]:
    """In here handlers make their clients from that session."""
    clients.client.cache_clear()
    boto3.DEFAULT_SESSION = _session()
    yield
    boto3.DEFAULT_SESSION = None
    clients.client.cache_clear()


@contextmanager
def answered_by(cloud: Any) -> Iterator[Any]:
    """In here `cloud.answer` has what its clients ask, old clients and new ones; `cloud.remember` sees it first."""
    _standing.append(cloud)
    yield cloud
    _standing.remove(cloud)
