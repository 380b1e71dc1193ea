"""In any world the sweep ends nothing that is protected, and whatever interrupts it, it comes to the same end."""

import contextlib
import copy
import importlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from controls import clients

in_memory = importlib.import_module("tests.lambda.cloud")  # `lambda` is a keyword
sweeping = importlib.import_module("tests.lambda.sweeping")
worlds = importlib.import_module("tests.lambda.worlds")
NOW, OURS, run = sweeping.NOW, sweeping.OURS, sweeping.run
LATER = NOW + timedelta(minutes=61)

pytestmark = pytest.mark.slow  # some 3,000 sweeps

PROTECTED = {
    "foreign": {"sluice:platform": "another"},
    "untagged": {},
    "kept": {**OURS, "sluice:keep": "2027-01-01"},
    "prod": {**OURS, "sluice:environment": "prod"},
    "busy": OURS,
    "young": OURS,
}
KINDS = ("endpoint", "notebook", "app", "train", "process", "config", "model", "image", "server")
Made = tuple[str, str]  # kind and state, which is `free` or one of PROTECTED

made = st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from(["free"] * 4 + [*PROTECTED])), min_size=1, max_size=7)


class CutOffError(Exception):
    """The function was cut off; nothing catches this."""


class Switch:
    """The one cloud that all clients talk to, exchanged between examples. It cuts off at the call that `fuse` counts,
    before it or, if `after`, once it has had its effect.
    """

    def __init__(self) -> None:
        self.cloud: Any = None
        self.fuse, self.after = -1, False

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

    def enter(self, world: list[Made]) -> Any:
        self.cloud, self.fuse = in_memory.Cloud(), -1
        for number, (kind, state) in enumerate(world):
            build(self.cloud, kind, f"{kind}-{number}-{state}", state)
        return self.cloud


@pytest.fixture(scope="module")
def switch(session: Any) -> Iterator[Switch]:
    one = Switch()
    clients.client.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", lambda client, name, params: one.call(client, name, params))
        yield one
    clients.client.cache_clear()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, deployed: dict[str, Any]) -> None:
    for name, value in deployed["sweep"].environment.items():
        monkeypatch.setenv(name, value)


def build(cloud: Any, kind: str, name: str, state: str) -> None:
    """One resource that is due, but for what its state says."""
    tags = dict(PROTECTED.get(state, OURS))
    if state == "busy" and kind in ("config", "model", "image", "train", "process", "server"):
        tags["sluice:keep"] = "2027-01-01"  # they have no use of their own
    if state == "young" and kind not in ("endpoint", "notebook", "app"):
        tags = {"sluice:platform": "another"}
    minutes = -60 if state == "young" else 600
    match kind:
        case "endpoint":
            cloud.endpoint(name, minutes=minutes, tags=tags)
            if state == "busy":
                cloud.invocations[name, "AllTraffic"] = [(NOW - timedelta(minutes=5), 1), (LATER, 1)]
        case "notebook":
            cloud.notebook(name, minutes=minutes, tags=tags)
            if state == "busy":
                cloud.jupyter[name] = LATER
        case "app":
            used = -60 if state in ("busy", "young") else 600
            cloud.app(name, minutes=used, quiet=False, tags=tags)
        case "train":
            cloud.job("TrainingJob", name, tags=tags, StoppingCondition={"MaxRuntimeInSeconds": 60})
        case "process":
            cloud.job("ProcessingJob", name, tags=tags, StoppingCondition={"MaxRuntimeInSeconds": 60})
        case "config":
            seen_long_ago(cloud, f"endpoint-config/{name}")
            cloud.CreateEndpointConfig(name, ProductionVariants=[])
            cloud.tags[in_memory.arn(f"endpoint-config/{name}")] = tags
        case "model":
            seen_long_ago(cloud, f"model/{name}")
            cloud.CreateModel(name)
            cloud.tags[in_memory.arn(f"model/{name}")] = tags
        case "image":
            seen_long_ago(cloud, f"image/{name}")
            cloud.records["Images"][cloud.image(name, tags=tags)]["CreationTime"] = NOW - timedelta(days=60)
        case _:
            cloud.tracking_server(name, tags=tags)


def seen_long_ago(cloud: Any, resource: str) -> None:
    """That sweeps have seen for a month that nothing needs it."""
    arn, since = in_memory.arn(resource), (NOW - timedelta(days=31)).isoformat()
    cloud.ledger["since", arn] = {"subject": "since", "at": arn, "since": since}


def deeds(cloud: Any) -> list[str]:
    """What was changed, but for the ledger and messages, with the name in each."""
    return [
        f"{call.operation} {sorted(map(str, call.params.values()))}"
        for call in cloud.calls
        if call.writes and call.service not in ("dynamodb", "sns")
    ]


def state(cloud: Any) -> dict[str, Any]:
    """All that a sweep leaves behind, but for since when it saw things, of which a later one forgets what is gone.

    Who was told of what; that may be twice, for a message that was sent cannot be told from one that was not.
    """
    parts = ("endpoints", "notebooks", "records", "configs", "models")
    told = {part for mail in cloud.mail for part in mail["Message"].split("\n\n")}
    ledger = {key: item for key, item in cloud.ledger.items() if key[0] != "since"}
    return copy.deepcopy({name: getattr(cloud, name) for name in parts} | {"ledger": ledger, "told": told})


@worlds.PROPERTY
@given(world=made)
def test_what_is_free_is_ended_after_its_grace_and_nothing_else_is_touched(switch: Switch, world: list[Made]) -> None:
    cloud = switch.enter(world)
    run(NOW)
    assert deeds(cloud) == []
    run(LATER)
    free = {f"{kind}-{n}-free" for n, (kind, state) in enumerate(world) if state == "free" and kind != "server"}
    ended = deeds(cloud)
    assert all("-free" in deed for deed in ended)
    assert {name for name in free if any(name in deed for deed in ended)} == free
    assert len(ended) == len(free)


@worlds.PROPERTY
@given(world=made)
def test_observe_writes_to_nothing_but_the_ledger(switch: Switch, world: list[Made], deployed: dict[str, Any]) -> None:
    cloud = switch.enter(world)
    with pytest.MonkeyPatch.context() as patch:
        told = sweeping.changed(deployed["sweep"].environment, enforced=[])
        patch.setenv("SLUICE_POLICY", told)
        for moment in (NOW, LATER):
            run(moment)
    assert {call.service for call in cloud.calls if call.writes} <= {"dynamodb"}


@worlds.PROPERTY
@given(world=made)
def test_running_twice_does_no_more_than_once(switch: Switch, world: list[Made]) -> None:
    cloud = switch.enter(world)
    for moment in (NOW, LATER):
        run(moment)
        once, done, told = state(cloud), deeds(cloud), len(cloud.mail)
        run(moment)
        assert (state(cloud), deeds(cloud), len(cloud.mail)) == (once, done, told)


@worlds.PROPERTY
@given(world=made, call=st.integers(1, 160), after=st.booleans(), first=st.booleans())
def test_whatever_call_it_is_cut_off_at_it_comes_to_the_same_end(
    switch: Switch, world: list[Made], call: int, after: bool, first: bool
) -> None:
    wanted = switch.enter(world)
    run(NOW)
    run(LATER)
    cloud = switch.enter(world)
    for moment, cut in ((NOW, first), (LATER, not first)):
        if cut:
            switch.fuse, switch.after = call, after
            with contextlib.suppress(CutOffError):
                run(moment)
            switch.fuse = -1
        run(moment)
    assert state(cloud) == state(wanted)
    assert sorted(set(deeds(cloud))) == sorted(set(deeds(wanted)))


@pytest.mark.parametrize("after", [False, True])
def test_whichever_single_call_it_is_cut_off_at(switch: Switch, after: bool) -> None:
    """The same for a world with everything in it, at every call of the sweep that ends it."""
    world = [(kind, "free") for kind in KINDS]
    wanted = switch.enter(world)
    run(NOW)
    begun = len(wanted.calls)
    run(LATER)
    for call in range(1, len(wanted.calls) - begun + 1):
        cloud = switch.enter(world)
        run(NOW)
        switch.fuse, switch.after = call, after
        with pytest.raises(CutOffError):
            run(LATER)
        switch.fuse = -1
        run(LATER)
        assert state(cloud) == state(wanted), wanted.calls[begun + call - 1]
        assert set(deeds(cloud)) == set(deeds(wanted))
