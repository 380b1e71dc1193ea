"""The idle total of the platform's own stacks against what `config.prices` says that they cost at rest."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from config import prices
from review.cloud_assembly import read
from review.cost_free import BY_USE
from review.synthesis import Synthesis
from tests.review.costing import between

pytestmark = pytest.mark.slow  # three syntheses

# What `at_rest` calls it by the kinds of resources here. A review leaves out AWS's free tiers, which are one for the
# whole account, and so does `usd_in_full`.
KINDS = {
    "key": {"AWS::KMS::Key"},
    "interface endpoints": {"AWS::EC2::VPCEndpoint"},
    "flow logs": {"AWS::EC2::FlowLog"},
    "metrics of alarms": {"AWS::CloudWatch::Alarm"},
    "dashboard": {"AWS::CloudWatch::Dashboard"},
    "runs of the sweep": set[str](),  # by use, and within the free tier
}
# Of these a review knows no figure, and says why.
OPEN: Mapping[str, str] = {**dict.fromkeys(BY_USE, "by use: "), "AWS::DynamoDB::Table": "by use: "} | {
    "AWS::SageMaker::Pipeline": "nothing in these stacks says how often it runs"
}


@pytest.mark.parametrize("sample", ["team", "minimal", "production"])
def test_the_idle_total_is_what_the_platform_costs_at_rest(sample: str, synthesize: Callable[[str], Synthesis]) -> None:
    synthesis = synthesize(sample)
    whole = read(Path(synthesis.folder))
    cost = between(whole, whole)
    rows = {row.resource: row for row in prices.at_rest(synthesis.platform)}
    for name, row in rows.items():
        lines = [line for line in cost.lines if line.place.type in KINDS[name]]
        assert sum(line.idle_after or 0 for line in lines) == pytest.approx(row.usd_in_full, abs=0.005), name
    assert cost.idle_after == pytest.approx(sum(row.usd_in_full for row in rows.values()), abs=0.005)


@pytest.mark.parametrize("sample", ["team", "minimal", "production"])
def test_all_else_is_free_by_use_or_started_by_people(sample: str, synthesize: Callable[[str], Synthesis]) -> None:
    whole = read(Path(synthesize(sample).folder))
    for line in between(whole, whole).lines:
        if line.after is None:
            assert OPEN.get(line.place.type, "a figure") in line.unpriced, line
        else:
            assert not line.unpriced and not line.estimated, line


def test_people_are_what_differs_between_use_and_idle(synthesize: Callable[[str], Synthesis]) -> None:
    whole = read(Path(synthesize("team").folder))
    lines = [line for line in between(whole, whole).lines if line.after != line.idle_after]
    assert {line.place.type for line in lines} == {"AWS::SageMaker::UserProfile"}
