"""Whatever two templates hold, there is a review of them, or one line that says why there is none.

30 pairs of a kind; `HYPOTHESIS_EXAMPLES=300` is the nightly size, ten times as many.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from bench.review_wrong import SIDES, TODAY, TURNED, rules, unmirrored_rules
from review.cloud_assembly import Assembly, AssemblyError, read
from review.model import Review
from review.report.markdown import comment
from review.review import review
from tests.review import review_templates as random

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "3"))
PACE = settings(
    max_examples=10 * EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def assembled(template: Any) -> Assembly:
    """Read from a folder, as an application's is. Raises AssemblyError."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in random.assembly(template).items():
            Path(folder, name).write_text(text, "utf-8")
        return read(Path(folder))


def reviewed(base: Any, head: Any) -> Review:
    return review(assembled(base), assembled(head), sides=SIDES, today=TODAY, validate=False)


@PACE
@given(random.templates)
def test_nothing_is_said_of_an_application_against_itself(template: dict[str, Any]) -> None:
    found = reviewed(template, template)
    assert found.changes == found.findings == ()
    assert found.cost.before == found.cost.after
    assert found.verdict == "fine"


@pytest.mark.slow
@PACE
@given(random.pairs())
def test_there_and_back_are_mirror_images(pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    there, back = reviewed(*pair), reviewed(*reversed(pair))
    changes = {change.place.logical_id: change for change in back.changes}
    for change in there.changes:
        turned = changes[change.moved_from.rpartition("/")[2] or change.place.logical_id]
        # What refers to a replaced resource is surely replaced as well, and only one of the two templates refers to it.
        one_way = {change.action.value, turned.action.value} == {"replace", "may-replace"}
        assert turned.action.value in TURNED[change.action.value] or (one_way and (change.causes or turned.causes))
    assert len(there.changes) == len(back.changes)
    assert (there.cost.before, there.cost.after) == (back.cost.after, back.cost.before)
    by_name = [rules(side, lambda place: place.logical_id) for side in (there, back)]
    # Other ports, another protocol or another boundary in place of the old one may allow more both ways.
    openings = ("ingress-opened", "egress-opened", "boundary-weakened at")
    assert [said for said in unmirrored_rules(*by_name) if not said.startswith(openings)] == []


@pytest.mark.slow
@PACE
@given(random.odd_templates, random.odd_templates)
def test_the_oddest_templates_are_reviewed_or_refused_with_a_reason(one: dict[str, Any], other: dict[str, Any]) -> None:
    try:
        found = reviewed(one, other)
    except AssemblyError as error:
        assert "\n" not in str(error)
        return
    assert len(comment(found)) <= 60_000


@pytest.mark.slow
@PACE
@given(random.odd_templates)
def test_the_oddest_template_is_the_same_as_itself(template: dict[str, Any]) -> None:
    try:
        found = reviewed(template, template)
    except AssemblyError:
        return
    assert found.changes == found.findings == ()


@pytest.mark.slow
@PACE
@given(random.odd_values, random.odd_values)
def test_a_template_that_is_none_is_refused_or_reviewed(one: Any, other: Any) -> None:
    try:
        reviewed(one, other)
    except AssemblyError as error:
        assert "\n" not in str(error)
