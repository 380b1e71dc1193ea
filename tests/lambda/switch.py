"""A cloud that answers quickly, can be exchanged, and cuts off whoever calls it: for thousands of sweeps."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

in_memory = importlib.import_module("tests.lambda.cloud")  # `lambda` is a keyword


class CutOffError(Exception):
    """The function was cut off; nothing catches this."""


class Switch:
    """The one cloud that all clients talk to, exchanged between examples. It cuts off at the call that `fuse` counts,
    before it or, if `after`, once it has had its effect.
    """

    def __init__(self) -> None:
        self.cloud: Any = None
        self.fuse, self.after = -1, False

    def enter(self) -> Any:
        """An empty cloud, in which nothing is cut off."""
        self.cloud, self.fuse = in_memory.Cloud(), -1
        return self.cloud

    @contextmanager
    def cut_off(self, call: int, *, after: bool) -> Iterator[None]:
        """Whoever calls within this is cut off, if it calls so often."""
        self.fuse, self.after = call, after
        try:
            with suppress(CutOffError):
                yield
        finally:
            self.fuse = -1

    def call(self, client: Any, operation: str, params: dict[str, Any]) -> Any:
        """In place of botocore's own way, which takes ten times as long; what it checks, test_sweep.py shows."""
        self.fuse -= 1
        if self.fuse == 0 and not self.after:
            raise CutOffError
        model = client.meta.service_model.operation_model(operation)
        response, answer = self.cloud.answer(model, {"asked": params})
        if self.fuse == 0:
            raise CutOffError
        if response.status_code != 200:
            raise ClientError(answer, operation)
        return answer


@pytest.fixture(scope="module")
def switch(session: None) -> Iterator[Switch]:
    one = Switch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", lambda client, name, params: one.call(client, name, params))
        yield one
