"""`sluice sweep`: looking writes nothing of any kind; enforcing acts as the function does, after a question."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli import account as accounts
from config.load import ROOT

OURS = {"sluice:platform": "sluice-dev", "sluice:owner": "ada"}


@pytest.fixture
def enforcing(tmp_path: Path) -> str:
    """A configuration in which idling ends."""
    text = (ROOT / "config" / "team.yaml").read_text("utf-8")
    (tmp_path / "team.yaml").write_text(re.sub(r"(idle:\n\s+mode:) observe", r"\1 enforce", text))
    return str(tmp_path / "team.yaml")


def writes(cloud: Any) -> list[str]:
    return [call.operation for call in cloud.calls if call.writes and call.operation != "AssumeRole"]


def later(monkeypatch: pytest.MonkeyPatch, cloud: Any, **after: float) -> None:
    then = accounts.clock() + timedelta(**after)
    monkeypatch.setattr(accounts, "clock", lambda: then)


def test_a_verdict_is_shown_with_owner_rule_time_and_evidence(cloud: Any, run: Any) -> None:
    cloud.endpoint("digits", tags=OURS)
    cloud.endpoint("foreign", tags={"sluice:platform": "other"})
    status, text = run("sweep")
    assert status == 0 and "foreign" not in text
    for words in ("│ endpoint", "│ digits", "│ ada", "warn, then delete", "idle (observe)", "unused since 2026-11-23"):
        assert words in text


def test_what_is_kept_is_shown_with_why_when_asked_for(cloud: Any, run: Any) -> None:
    cloud.endpoint("digits", tags={**OURS, "sluice:keep": "2026-12-01"})
    assert "sluice:keep is 2026-12-01" not in run("sweep")[1]
    assert "sluice:keep is 2026-12-01" in run("sweep", "--all")[1]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    world=st.lists(
        st.tuples(
            st.sampled_from(["endpoint", "notebook"]),
            st.sampled_from([OURS, {"sluice:platform": "other"}, {**OURS, "sluice:ttl": "2026-01-01"}, {}]),
            st.sampled_from(["InService", "Updating", "Failed"]),
            st.sampled_from([5, 600, 60_000]),
        ),
        max_size=5,
    )
)
def test_looking_writes_nothing_of_any_kind(cloud: Any, run: Any, enforcing: str, world: Any) -> None:
    for each in (cloud.endpoints, cloud.notebooks, cloud.ledger, cloud.calls):
        each.clear()
    for number, (kind, tags, state, minutes) in enumerate(world):
        getattr(cloud, kind)(f"{kind}-{number}", minutes=minutes, status=state, tags=tags)
    assert run("sweep", "--config", enforcing)[0] == 0
    assert writes(cloud) == [] and cloud.ledger == {} and cloud.mail == []


def test_enforcing_warns_and_after_the_grace_ends_as_the_function_does(
    cloud: Any, run: Any, enforcing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.endpoint("digits", tags=OURS)
    cloud.secrets["/sluice-dev/alert-topic-arn"] = "topic"
    status, text = run("sweep", "--enforce", "--config", enforcing, answer="y\n")
    assert status == 0 and "Warn the owners of 1, end 0, and record all of it?" in text
    assert "warned: endpoint digits" in text and len(cloud.mail) == 1 and "digits" in cloud.endpoints
    later(monkeypatch, cloud, minutes=61)
    status, text = run("sweep", "--enforce", "--yes", "--config", enforcing)
    assert status == 0 and "done: endpoint digits" in text
    assert not cloud.endpoints and cloud.remembered("restorable")


def test_who_says_no_has_done_nothing(cloud: Any, run: Any, enforcing: str) -> None:
    cloud.endpoint("digits", tags=OURS)
    status, text = run("sweep", "--enforce", "--config", enforcing, answer="n\n")
    assert status == 2 and "nothing was done" in text and writes(cloud) == []


def test_rules_that_only_observe_end_nothing_even_when_enforced(cloud: Any, run: Any) -> None:
    cloud.endpoint("digits", tags=OURS)
    cloud.secrets["/sluice-dev/alert-topic-arn"] = "topic"
    status, text = run("sweep", "--enforce", "--yes")
    assert status == 0 and "observed: endpoint digits" in text and "digits" in cloud.endpoints and cloud.mail == []


def test_a_resource_that_gives_trouble_is_told_and_the_others_are_done(
    cloud: Any, run: Any, enforcing: str, refusal: Callable[..., Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.secrets["/sluice-dev/alert-topic-arn"] = "topic"
    for name in ("bad", "good"):
        cloud.endpoint(name, tags=OURS)
    run("sweep", "--enforce", "--yes", "--config", enforcing)
    later(monkeypatch, cloud, minutes=61)
    cloud.faults["DeleteEndpoint", "bad"] = refusal("no permission", "AccessDeniedException")
    status, text = run("sweep", "--enforce", "--yes", "--config", enforcing)
    assert (
        status == 1 and "done: endpoint good" in text and "endpoint bad:" in text and list(cloud.endpoints) == ["bad"]
    )


def test_what_cannot_be_read_is_told_beside_what_can(cloud: Any, run: Any, refusal: Callable[..., Exception]) -> None:
    cloud.endpoint("digits", tags=OURS)
    cloud.notebook("desk", tags=OURS)
    cloud.faults["DescribeEndpoint", "digits"] = refusal("no", "AccessDeniedException")
    status, text = run("sweep")
    assert status == 1 and "│ desk" in text and "us-east-1, endpoint" in text
