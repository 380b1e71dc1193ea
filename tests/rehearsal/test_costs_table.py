"""The table of the cost story can be played: its words are known, and no two rows make one resource."""

import re
from collections import Counter

import pytest

from config.load import load
from controls.judgement.policy import Action
from controls.resource import Rule
from rehearsal.stories.awkward import table
from rehearsal.stories.awkward.looks import is_used
from rehearsal.stories.deployed import CONFIG

PARTS = ("", "evening", "budget")
ROWS = [(part, what, region, row) for part in PARTS for what, region, row in table.rows("us-east-1", part)]
MEMBERS = """name expected of instance used tags late type in state variants parts image async serverless provisioned
    limit_hours count what needed watches retention written approved morning copies key"""
OUTCOME = re.compile(f"kept|(told|deleted|stopped|at zero) ({'|'.join(Rule)})")


def test_there_are_about_a_hundred_in_three_regions() -> None:
    first = [(region, row) for part, _, region, row in ROWS if not part]
    assert len(first) > 100 and len({region for region, _ in first}) == 3


def test_every_outcome_is_one_that_the_policy_knows() -> None:
    unknown = [row for *_, row in ROWS if not OUTCOME.fullmatch(row["expected"])]
    assert unknown == []
    assert {"told", "deleted", "stopped", "at zero"} <= {row["expected"].rpartition(" ")[0] for *_, row in ROWS}
    assert len(Action) == 5  # keep and warn beside the three deeds


def test_no_two_rows_make_one_resource() -> None:
    counted = Counter((what, region, row["name"]) for _, what, region, row in ROWS)
    assert [each for each, number in counted.items() if number > 1] == []


def test_rows_have_only_members_that_are_made_something_of() -> None:
    assert {member for *_, row in ROWS for member in row} <= set(MEMBERS.split())


def test_the_limits_are_a_configuration() -> None:
    assert load(CONFIG).costs.sweep.model_validate(table.table()["limits"]).every_hours == 4


@pytest.mark.parametrize(
    ("used", "hours"),
    [
        ("always", set(range(32))),
        ("once", {0}),
        ("again", {0, *range(5, 32)}),
        ("until-28", set(range(29))),
        ("never", set()),
        ("quiet", set()),
    ],
)
def test_what_the_words_of_use_mean(used: str, hours: set[int]) -> None:
    assert {hour for hour in range(32) if is_used({"used": used}, hour)} == hours
