"""`sluice costs` on a believable ledger, on none, and without an account."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from bench import believable
from bench.ledger_table import LedgerTable
from cli import account as accounts
from config import control_prices, prices
from config.load import ROOT, load
from controls.ledger import Ledger


@pytest.fixture
def november(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    cloud.fill(believable.table())
    monkeypatch.setattr(accounts, "clock", lambda: believable.NOW)
    return cloud


def amount(text: str, *words: str) -> list[str]:
    """The amounts in the row of the table that begins with `words`."""
    row = r" │ ".join([*map(re.escape, words), r"([\d,.-]+)", r"([\d,.-]+)"])
    found = re.search(f"│ {row} │", text)
    return list(found.groups()) if found else []


def test_saved_and_spent_are_shown_by_rule_team_user_and_workload(november: Any, run: Any) -> None:
    status, text = run("costs")
    facts = believable.facts()
    assert status == 0
    assert f"{facts.saved_month:,.2f} │ 1,204.50" in text
    by_team = {each.name: each for each in facts.saved["team"]}
    assert amount(text, "team", "search") == [f"{by_team['search'].month:,.2f}", "812.40"]
    assert amount(text, "rule", "idle") and amount(text, "workload", "segments") == ["-", "96.30"]
    assert "spent: in the whole of 2026-11" in text
    assert not [call for call in november.calls if call.writes]


def test_since_leaves_out_what_was_before(november: Any, run: Any) -> None:
    _, text = run("costs", "--since", "2026-11-27")
    assert f"{believable.facts().saved_day:,.2f} │ 1,204.50" in text


def test_a_name_is_shown_as_it_is(cloud: Any, run: Any) -> None:
    table = LedgerTable()
    kept = Ledger(table, "ledger", now=datetime(2026, 11, 23, 10, tzinfo=UTC))
    kept.enter("arn:x", outcome="saved", saved_usd=1.0, owner="[red]ada[/red]", rule="idle")
    cloud.fill(table)
    assert amount(run("costs")[1], "user", "[red]ada[/red]") == ["1.00", "-"]


def test_an_empty_ledger_is_shown_as_nothing(cloud: Any, run: Any) -> None:
    status, text = run("costs")
    assert status == 0 and "0.00 │ 0.00" in text and "no month that was metered" in text


@pytest.mark.parametrize("since", ["yesterday", "2026-12-24", "2024-01-01"])
def test_a_day_that_cannot_be_is_refused_with_what_to_type(cloud: Any, run: Any, since: str) -> None:
    status, text = run("costs", "--since", since)
    assert status == 2 and text.startswith("--since:") and since in text
    assert cloud.calls == []


def test_a_platform_that_is_not_deployed_is_told_with_what_to_type(cloud: Any, run: Any) -> None:
    cloud.secrets.clear()
    status, text = run("costs")
    assert status == 2 and "sluice-dev is not deployed in us-east-1" in text and "cdk deploy --all" in text


@pytest.mark.parametrize(
    ("code", "words"), [("AccessDeniedException", "not permitted"), ("ExpiredTokenException", "aws sso login")]
)
def test_what_aws_refuses_is_told_in_words(cloud: Any, run: Any, refusal: Any, code: str, words: str) -> None:
    cloud.faults["GetParameter", "/sluice-dev/sweep-ledger"] = refusal("no", code)
    status, text = run("costs")
    assert status == 2 and words in text and "Traceback" not in text


def test_without_credentials_or_network_the_next_thing_to_type_is_told() -> None:
    assert "aws configure sso" in accounts.words(NoCredentialsError())
    assert "look at the network" in accounts.words(EndpointConnectionError(endpoint_url="https://x"))


def test_at_rest_asks_no_account_and_prints_both_totals(run: Any) -> None:
    status, text = run("costs", "--at-rest")
    platform = load(ROOT / "config" / "team.yaml")
    rows = control_prices.at_rest(platform)
    assert status == 0
    assert f"controls {prices.total(rows):.2f} {control_prices.total_in_full(rows):.2f}" in text
    assert "for 50 resources and 20 endpoints" in text
    for row in rows:
        assert row.resource in text and row.source in text and row.assumption in text


def test_a_configuration_with_mistakes_is_told_with_its_line(run: Any, tmp_path: Any) -> None:
    (tmp_path / "team.yaml").write_text("name: sluice\n")
    status, text = run("costs", "--at-rest", "--config", str(tmp_path / "team.yaml"))
    assert status == 2 and "team.yaml:1" in text
