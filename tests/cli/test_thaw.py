"""`sluice thaw`: the roles may start compute again, the month remembers who decided it, and no is no."""

import importlib
from datetime import timedelta
from typing import Any

import pytest

from bench.ledger_table import LedgerTable
from cli import account as accounts
from controls.ledger import Ledger

FREEZE = "arn:aws:iam::111122223333:policy/sluice-dev-freeze"
ROLES = ["sluice-dev-training", "sluice-dev-data-scientist"]


@pytest.fixture
def frozen(cloud: Any) -> Any:
    """A platform whose month is spent, with two roles that the freeze is attached to."""
    now, table = accounts.clock(), LedgerTable()
    month = {"spent_usd": 2100.0, "read_until": now.isoformat(), "frozen_since": (now - timedelta(days=1)).isoformat()}
    Ledger(table, "ledger", now=now).revise("budget", "2026-11", 0, **month)
    cloud.fill(table)
    cloud.attached[FREEZE] = list(ROLES)
    return cloud


def test_the_roles_are_thawed_and_the_month_remembers_by_whom(frozen: Any, run: Any) -> None:
    status, text = run("thaw", answer="y\n")
    assert status == 0 and "The rest of 2026-11 has no limit then." in text
    assert "thawed by ada: sluice-dev-data-scientist, sluice-dev-training" in text
    assert frozen.attached[FREEZE] == []
    [month] = frozen.remembered("budget").values()
    assert (month["frozen_since"], month["thawed_by"]) == ("", "ada")


def test_who_says_no_has_done_nothing(frozen: Any, run: Any) -> None:
    status, text = run("thaw", answer="n\n")
    assert status == 2 and "nothing was done" in text and frozen.attached[FREEZE] == ROLES
    assert not [call for call in frozen.calls if call.writes]


def test_what_is_not_frozen_stays_as_it_is(cloud: Any, run: Any) -> None:
    status, text = run("thaw")
    assert status == 0 and "sluice-dev is not frozen: nothing was done" in text
    assert not [call for call in cloud.calls if call.writes]


def test_a_thaw_that_was_cut_off_is_finished_by_the_next(frozen: Any, run: Any) -> None:
    run("thaw", "--yes")
    frozen.attached[FREEZE] = ROLES[:1]
    status, text = run("thaw", "--yes")
    assert status == 0 and "thawed by ada: sluice-dev-training" in text and frozen.attached[FREEZE] == []


def test_a_role_that_iam_refuses_to_thaw_is_named_and_the_others_are_thawed(frozen: Any, run: Any) -> None:
    refused = importlib.import_module("tests.lambda.base").RefusalError("not authorized", "AccessDenied")
    frozen.faults["DetachRolePolicy", ROLES[1]] = refused
    status, text = run("thaw", "--yes")
    assert status == 2 and f"{ROLES[1]}: " in text and "not authorized" in text
    assert frozen.attached[FREEZE] == [ROLES[1]]
