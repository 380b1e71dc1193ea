"""decide(): what is in doubt is kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controls.policy import Action, Kind, Policy, Resource, decide

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
STATUSES = ["InService", "Creating", "Updating", "Deleting", "Failed", "Stopping", "Stopped", "Pending"]

policies = st.builds(
    Policy,
    platform=st.just("sluice-dev"),
    environment=st.sampled_from(["dev", "staging", "prod"]),
    endpoint_idle_minutes=st.integers(1, 10_000),
    notebook_idle_minutes=st.integers(1, 10_000),
)
tags = st.fixed_dictionaries(
    {},
    optional={
        "sluice:platform": st.sampled_from(["sluice-dev", "sluice-prod", "SLUICE-DEV", ""]),
        "sluice:environment": st.sampled_from(["dev", "prod"]),
        "sluice:keep": st.one_of(st.dates().map(str), st.text(max_size=12)),
    },
)
resources = st.builds(
    Resource,
    kind=st.sampled_from(Kind),
    name=st.just("digits"),
    arn=st.just("arn"),
    status=st.sampled_from(STATUSES),
    changed_at=st.timedeltas(timedelta(days=-1), timedelta(days=30)).map(lambda age: NOW - age),
    tags=tags,
    activity=st.one_of(st.none(), st.just(0.0), st.floats(0, 1e9)),
    costs_when_idle=st.booleans(),
)


@given(resources, policies)
def test_only_what_is_ours_idle_old_settled_measured_and_not_kept_is_ever_ended(r: Resource, p: Policy) -> None:
    if decide(r, p, NOW).action is Action.KEEP:
        return
    assert r.tags["sluice:platform"] == p.platform
    assert p.environment != "prod"
    assert r.tags.get("sluice:environment") != "prod"
    assert "sluice:keep" not in r.tags or r.tags["sluice:keep"] < str(NOW.date())
    assert r.status == "InService"
    assert NOW - r.changed_at >= p.idle_time(r.kind)
    assert r.activity == 0
    assert r.costs_when_idle


@given(resources, policies)
def test_the_same_question_gets_the_same_answer_with_a_reason(r: Resource, p: Policy) -> None:
    assert decide(r, p, NOW) == decide(r, p, NOW)
    assert decide(r, p, NOW).reason


POLICY = Policy(platform="sluice-dev", environment="dev", endpoint_idle_minutes=120, notebook_idle_minutes=60)
IDLE = Resource(
    kind=Kind.ENDPOINT,
    name="digits",
    arn="arn",
    status="InService",
    changed_at=NOW - timedelta(minutes=120),
    tags={"sluice:platform": "sluice-dev"},
    activity=0,
)


def test_an_idle_endpoint_is_deleted_and_an_idle_notebook_instance_is_only_stopped() -> None:
    assert decide(IDLE, POLICY, NOW).action is Action.DELETE_ENDPOINT
    assert decide(replace(IDLE, kind=Kind.NOTEBOOK_INSTANCE), POLICY, NOW).action is Action.STOP_NOTEBOOK_INSTANCE


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tags": {}}, "another platform"),
        ({"tags": {"sluice:platform": "sluice-staging"}}, "another platform"),
        ({"tags": {**IDLE.tags, "sluice:environment": "prod"}}, "production"),
        ({"tags": {**IDLE.tags, "sluice:keep": "2026-11-23"}}, "sluice:keep"),
        ({"tags": {**IDLE.tags, "sluice:keep": "next week"}}, "sluice:keep"),
        ({"status": "Updating"}, "Updating"),
        ({"costs_when_idle": False}, "costs nothing"),
        ({"changed_at": NOW - timedelta(minutes=119)}, "young"),
        ({"activity": None}, "could not be measured"),
        ({"activity": 1}, "in use"),
    ],
)
def test_each_single_ground_keeps_an_otherwise_idle_resource(change: dict[str, Any], reason: str) -> None:
    verdict = decide(replace(IDLE, **change), POLICY, NOW)
    assert verdict.action is Action.KEEP
    assert reason in verdict.reason


def test_a_keep_tag_ends_with_its_day() -> None:
    kept = replace(IDLE, tags={**IDLE.tags, "sluice:keep": "2026-11-22"})
    assert decide(kept, POLICY, NOW).action is Action.DELETE_ENDPOINT
    assert decide(kept, POLICY, NOW - timedelta(hours=13)).action is Action.KEEP


def test_nothing_of_a_production_platform_is_ended() -> None:
    assert decide(IDLE, replace(POLICY, environment="prod"), NOW).action is Action.KEEP
