"""Bringing back what was ended, as `sluice restore` does: cut off anywhere and repeated, it is done and told once."""

import importlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls import clients
from controls.ledger import Ledger
from controls.sweeps import restoring

in_memory = importlib.import_module("tests.lambda.cloud")  # `lambda` is a keyword
worlds = importlib.import_module("tests.lambda.worlds")
switch = importlib.import_module("tests.lambda.switch").switch
NOW, OURS = worlds.NOW, worlds.OURS
COPIES = 3
# What came of each state of the world when somebody asks for it back.
OUTCOMES = {"away": "restored", "there": "there", "lost": "lost", "busy": "busy"}


def ended(cloud: Any, kind: str, state: str) -> tuple[str, str]:
    """The ledger's key of something that was ended, and of which the world is in this state now."""
    arn = in_memory.arn(f"{kind}/digits")
    detail: dict[str, str] = {"configuration": "by-hand"}
    if kind == "inference-component":
        detail = {"endpoint": "shared", "variant": "AllTraffic", "copies": str(COPIES)}
        if state != "lost":
            cloud.component("digits", "shared", copies=int(state == "there"))
            cloud.records["InferenceComponents"][arn]["InferenceComponentStatus"] = (
                "Updating" if state == "busy" else "InService"
            )
    elif state == "there":
        cloud.endpoint("digits")
    elif state == "lost":
        cloud.faults["CreateEndpoint", "digits"] = in_memory.RefusalError("Could not find endpoint configuration.")
    cloud.ledger["restorable", arn] = {
        **{"subject": "restorable", "at": arn, "kind": kind, "name": "digits", "detail": detail, "tags": OURS},
        **{"rule": "idle", "region": "us-east-1", "account": "111122223333", "usd_per_hour": 0.1},
        "ended_at": (NOW - timedelta(hours=1)).isoformat(),
    }
    return "restorable", arn


def restored(key: tuple[str, str], minutes: int) -> str | None:
    """As the command does it; None when nothing is kept any more."""
    ledger = Ledger(clients.client("dynamodb"), "ledger", now=NOW + timedelta(minutes=minutes))
    item = ledger.recall(*key)
    return restoring.restore(clients.client("sagemaker"), ledger, item) if item else None


@pytest.mark.slow
@worlds.PROPERTY
@given(
    world=st.tuples(st.just("inference-component"), st.sampled_from([*OUTCOMES]))
    | st.tuples(st.just("endpoint"), st.sampled_from(["away", "there", "lost"])),
    call=st.integers(0, 8),
    after=st.booleans(),
    again=st.integers(1, 2),
)
def test_cut_off_anywhere_and_repeated_it_is_done_once_and_told_once(
    switch: Any, world: tuple[str, str], call: int, after: bool, again: int
) -> None:
    (kind, state), cloud = world, switch.enter()
    key, told = ended(cloud, *world), list[str | None]()
    if call:
        with switch.cut_off(call, after=after):
            told.append(restored(key, 0))
    told += [restored(key, minutes) for minutes in range(1, again + 1)]
    changes = [c.operation for c in cloud.calls if c.writes and c.service == "sagemaker"]
    entries = {item["outcome"] for item in cloud.ledger.values() if "outcome" in item}
    assert {*told} <= {OUTCOMES[state], None}
    assert entries == ({OUTCOMES[state]} if state in ("away", "lost") else set())
    assert (key in cloud.ledger) is (state == "busy")
    if state == "away":
        assert len(changes) == 1
    if kind == "endpoint" and state == "away":
        assert cloud.endpoints["digits"]["EndpointConfigName"] == "by-hand" and cloud.tags[key[1]] == OURS
    if kind == "inference-component" and state != "lost":
        copies = {"away": COPIES, "there": 1, "busy": 0}[state]
        assert cloud.records["InferenceComponents"][key[1]]["RuntimeConfig"]["DesiredCopyCount"] == copies
