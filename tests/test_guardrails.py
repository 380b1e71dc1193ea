"""The table of guardrails, the boundary and the table of attempts belong together."""

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

import review.synthesis
from config.costs import Costs
from config.guardrails import ROOM_CHARACTERS
from rehearsal import attempts
from rehearsal.embedded import ROOT
from sluice.controls_boundary import ACTIONS
from sluice.guardrails import TABLE

NAMES = {guardrail.name for guardrail in TABLE}
ATTEMPTS = attempts.table()[1]


def boundary(synthesis: Any) -> list[dict[str, Any]]:
    resources = synthesis.templates["foundation"]["Resources"].values()
    [policy] = [r["Properties"] for r in resources if r["Type"] == "AWS::IAM::ManagedPolicy"]
    return policy["PolicyDocument"]["Statement"]


def test_every_statement_of_the_boundary_belongs_to_a_row_and_every_such_row_has_one(synthesis: Any) -> None:
    sids = {statement["Sid"] for statement in boundary(synthesis)} - {"Services"}
    bounded = {guardrail.name for guardrail in TABLE if guardrail.enforced == "boundary"}
    assert {name for name in bounded if not any(sid.startswith(name) for sid in sids)} == set()
    assert {sid for sid in sids if not any(sid.startswith(name) for name in bounded)} == set()


def test_the_boundary_stops_nothing_that_a_role_is_granted_by_its_list_of_actions(synthesis: Any) -> None:
    """Conditions may stop it; a list that lacks an action would make a grant a dead letter."""
    let = [a for s in boundary(synthesis) if s["Effect"] == "Allow" for a in _list(s["Action"])]
    outright = [
        a for s in boundary(synthesis) if s["Effect"] == "Deny" and "Condition" not in s for a in _list(s["Action"])
    ]
    granted = _granted(*(template for name, template in synthesis.templates.items() if name != "costs"))
    assert len(granted) > 40 and outright == []
    assert {action for action in granted if not any(fnmatchcase(action, pattern) for pattern in let)} == set()


@pytest.mark.slow
def test_nor_does_that_of_the_cost_controls_which_have_one_of_their_own(synthesis: Any, tmp_path: Path) -> None:
    enforced: dict[str, Any] = {"mode": "enforce"}
    rules = dict.fromkeys(("idle", "ttl", "stuck", "orphans"), enforced)
    costs = Costs.model_validate(
        {
            "sweep": rules,
            "off_hours": {**enforced, "time_zone": "Europe/Berlin"},
            "spot": {**enforced, "fallback_mode": "enforce"},
            "job_limits": enforced,
            "budget": {**enforced, "usd_per_month": 1000},
            "report": {"slack_parameter": "/slack"},
            "targets": ({"region": "us-east-2", "role_arn": "arn:aws:iam::444455556666:role/swept"},),
        }
    )
    acting = review.synthesis.synthesize(synthesis.platform.model_copy(update={"costs": costs}), tmp_path)
    granted = _granted(acting.templates["costs"]) - {"iam:PassRole"}
    assert len(granted) > 40
    assert {action for action in granted if not any(fnmatchcase(action, pattern) for pattern in ACTIONS)} == set()


def _granted(*templates: dict[str, Any]) -> set[str]:
    """Every action that some role of these is granted."""
    return {
        action
        for template in templates
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Policy"
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
        for action in _list(statement["Action"])
    }


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_the_boundary_fits_into_a_managed_policy_whatever_lists_the_configuration_takes(synthesis: Any) -> None:
    # Deployed, each subnet is named by 24 characters, and prefix, partition and account take less than their tokens.
    document = json.dumps({"Version": "2012-10-17", "Statement": boundary(synthesis)}, separators=(",", ":"))
    [network] = [s for s in boundary(synthesis) if s["Sid"] == "Network"]
    subnets = json.dumps(network["Condition"], separators=(",", ":"))
    rest = len(document) - len(subnets) - synthesis.platform.guardrails.instance_types.characters()
    assert rest + ROOM_CHARACTERS <= 6_144


def test_there_are_sixty_attempts_and_each_enforced_guardrail_is_tried_both_ways() -> None:
    assert len(ATTEMPTS) >= 60
    enforced = {guardrail.name for guardrail in TABLE if guardrail.enforced in ("boundary", "role")}
    denied = {a.guardrail for a in ATTEMPTS if a.outcome == attempts.DENIED}
    assert {a.guardrail for a in ATTEMPTS} == denied == enforced
    # What is denied with a change is permitted without it, somewhere in the table.
    permitted = {a.call for a in ATTEMPTS if a.outcome != attempts.DENIED}
    assert {a.call for a in ATTEMPTS if a.change and a.outcome == attempts.DENIED} - permitted == {"CreateModelPackage"}


def test_the_docs_are_written_from_the_tables() -> None:
    assert (ROOT / "docs" / "guardrails.md").read_text() == attempts.page(), "type `python -m rehearsal.attempts`"
