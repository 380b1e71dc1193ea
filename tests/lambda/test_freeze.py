"""The freeze against an in-memory IAM: whatever was there before, the right roles are frozen, and thawed again."""

import importlib
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controls import clients
from controls.ledger import Ledger
from controls.spending.freeze import Freeze, FreezeError, thaw

budget_cloud = importlib.import_module("tests.lambda.budget_cloud")  # `lambda` is a keyword
NOW = budget_cloud.NOW
POLICY = "arn:aws:iam::111122223333:policy/sluice-dev-freeze"
EXAMPLES = {"default": 300, "nightly": 5_000}[os.environ.get("SLUICE_PROFILE", "default")]
MANY = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# Of each role: whether it starts compute, has the platform's boundary, and is frozen already.
roles = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), max_size=7)


@pytest.fixture(autouse=True)
def setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget_cloud.in_memory, "Cloud", budget_cloud.Cloud)


def freeze() -> Freeze:
    return Freeze.of(clients.client("iam"), "sluice-dev", "arn:aws:sts::111122223333:assumed-role/admin/ada")


def build(cloud: Any, given: list[tuple[bool, bool, bool]]) -> set[str]:
    """Makes the roles; the names of those that are to be frozen."""
    for i, (starts, bounded, frozen) in enumerate(given):
        cloud.role(f"role-{i}", starts=starts, bounded=bounded)
        cloud.roles[f"role-{i}"]["attached"] = {"arn:aws:iam::aws:policy/Other", *([POLICY] if frozen else [])}
    return {f"role-{i}" for i, (starts, bounded, frozen) in enumerate(given) if (starts and bounded) or frozen}


def attached(cloud: Any, policy: str = POLICY) -> set[str]:
    return {name for name, role in cloud.roles.items() if policy in role["attached"]}


@pytest.mark.slow
@MANY
@given(before=roles, crash=st.one_of(st.none(), st.integers(1, 20)), twice=st.booleans())
def test_of_any_roles_those_of_the_platform_that_start_compute_are_frozen_and_then_thawed(
    new_cloud: Callable[[], Any], before: list[tuple[bool, bool, bool]], crash: int | None, twice: bool
) -> None:
    cloud = new_cloud()
    wanted = build(cloud, before)
    everything = set(cloud.roles)
    cloud.crash_after = crash
    with suppress(budget_cloud.CrashError):
        freeze().attach(freeze().missing())
    cloud.crash_after = None
    for _ in range(1 + twice):
        freeze().attach(freeze().missing())
    assert attached(cloud) == wanted and freeze().missing() == []
    cloud.crash_after = len(cloud.calls) + crash if crash else None
    with suppress(budget_cloud.CrashError):
        freeze().detach()
    cloud.crash_after = None
    freeze().detach()
    assert attached(cloud) == set() and freeze().detach() == []
    assert attached(cloud, "arn:aws:iam::aws:policy/Other") == everything


@pytest.mark.slow
@MANY
@given(before=roles)
def test_nothing_is_attached_twice(new_cloud: Callable[[], Any], before: list[tuple[bool, bool, bool]]) -> None:
    cloud = new_cloud()
    build(cloud, before)
    for _ in range(3):
        freeze().attach(freeze().missing())
    named = [call.params["RoleName"] for call in cloud.calls if call.operation == "AttachRolePolicy"]
    assert len(named) == len(set(named))


@pytest.mark.slow
@settings(parent=MANY, max_examples=EXAMPLES // 3)
@given(before=roles, crash=st.one_of(st.none(), st.integers(1, 25)), again=st.integers(1, 3))
def test_a_thaw_that_is_cut_off_anywhere_is_finished_by_the_next_with_one_entry(
    new_cloud: Callable[[], Any], before: list[tuple[bool, bool, bool]], crash: int | None, again: int
) -> None:
    cloud = new_cloud()
    build(cloud, before)
    cloud.ledger["budget", "2026-11"] = {
        **{"subject": "budget", "at": "2026-11", "revision": 3, "spent_usd": 2100.0},
        **{"read_until": NOW.isoformat(), "frozen_since": NOW.isoformat()},
    }
    cloud.crash_after = crash
    for minutes in range(again + 1):
        now = NOW + timedelta(minutes=minutes)
        with suppress(budget_cloud.CrashError):
            thaw(Ledger(clients.client("dynamodb"), "ledger", now=now), freeze(), by="ada", now=now)
        cloud.crash_after = None
    assert attached(cloud) == set()
    month = cloud.ledger["budget", "2026-11"]
    assert (month["frozen_since"], month["thawed_by"], month["spent_usd"]) == ("", "ada", 2100.0)
    [entry] = [item for item in cloud.ledger.values() if item.get("outcome") == "thawed"]
    assert (entry["owner"], entry["at"]) == ("ada", month["thawed_at"])


def test_a_role_that_goes_while_it_is_frozen_or_thawed_is_no_trouble(cloud: Any) -> None:
    for name in ("one", "two"):
        cloud.role(name)
    missing = freeze().missing()
    del cloud.roles["one"]
    freeze().attach(missing)
    assert attached(cloud) == {"two"}
    cloud.meanwhile["DetachRolePolicy"] = lambda: cloud.roles.clear()
    assert freeze().detach() == ["two"]


def test_a_role_that_goes_while_it_is_looked_at_is_no_trouble(cloud: Any) -> None:
    cloud.role("one")
    cloud.meanwhile["GetRole"] = lambda: cloud.roles.clear()
    assert freeze().missing() == []


def test_any_other_refusal_is_raised(cloud: Any) -> None:
    cloud.role("one")
    cloud.broken["AttachRolePolicy"] = "User is not authorized"
    with pytest.raises(FreezeError, match=r"one: .*not authorized"):
        freeze().attach(["one"])


@pytest.mark.parametrize("operation", ["AttachRolePolicy", "DetachRolePolicy"])
def test_a_role_that_is_refused_keeps_no_other_from_being_frozen_or_thawed(
    cloud: Any, refusal: Any, operation: str
) -> None:
    for name in ("one", "two", "three"):
        cloud.role(name)
    if operation == "DetachRolePolicy":
        freeze().attach(["one", "three", "two"])
    cloud.faults[operation, "three"] = refusal("Cannot exceed quota for PoliciesPerRole: 10", "LimitExceeded")
    with pytest.raises(FreezeError, match=r"^three: .*PoliciesPerRole"):
        freeze().attach(freeze().missing()) if operation == "AttachRolePolicy" else freeze().detach()
    assert attached(cloud) == ({"one", "two"} if operation == "AttachRolePolicy" else {"three"})
