"""What owners are told before something is ended."""

from datetime import UTC, datetime

import pytest

from controls.judgement.policy import Action, Verdict
from controls.resource import Kind, Resource, Rule
from controls.sweeps.warning import messages

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
UNSEEN = "A cell that runs for long while no browser is open may not be seen"


@pytest.mark.parametrize(
    ("kind", "rule", "told"),
    [
        (Kind.APP, Rule.IDLE, True),
        (Kind.NOTEBOOK_INSTANCE, Rule.IDLE, True),
        (Kind.APP, Rule.TTL, False),
        (Kind.ENDPOINT, Rule.IDLE, False),
    ],
)
def test_who_works_in_notebooks_is_told_what_may_look_idle(kind: Kind, rule: Rule, told: bool) -> None:
    arn = f"arn:aws:sagemaker:us-east-1:111122223333:{kind}/desk"
    desk = Resource(
        kind=kind, name="desk", arn=arn, region="us-east-1", status="InService", created_at=NOW, changed_at=NOW, tags={}
    )
    verdict = Verdict(Action.WARN, "unused for 240 minutes", rule, NOW, ending=Action.DELETE)
    [(_, text, _)] = messages([(desk, verdict)], "sluice-dev")
    assert (UNSEEN in text) is told
    assert "unused for 240 minutes" in text and f"sluice keep {arn}" in text
