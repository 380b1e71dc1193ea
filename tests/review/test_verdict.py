"""Whether a change can be merged as it is, and when the command says so by its exit status."""

import re

import pytest

from config.load import ROOT
from review.fail_on import ALLOWED, FailOnError, parse
from review.model import Kind, Severity, Verdict
from review.report.files import NAMES
from review.verdict import GRADES, LOOK_SHARE, LOOK_USD, TOLD, TRIFLE_USD, dearer, grade, gravest_first, verdict
from tests.review.reviews import UNCHANGED, cost, finding, place, reviewed


@pytest.mark.parametrize(
    ("kind", "severity", "rule", "given"),
    [
        (Kind.DESTRUCTIVE, Severity.HIGH, "destroyed", Verdict.BLOCK),
        (Kind.DESTRUCTIVE, Severity.HIGH, "replaced", Verdict.BLOCK),
        (Kind.DESTRUCTIVE, Severity.HIGH, "orphaned", Verdict.LOOK),
        (Kind.DESTRUCTIVE, Severity.HIGH, "may-be-replaced", Verdict.LOOK),
        (Kind.DESTRUCTIVE, Severity.MEDIUM, "replaced", Verdict.LOOK),
        (Kind.COLLISION, Severity.LOW, "name-collision", Verdict.BLOCK),
        (Kind.IAM_WIDENED, Severity.HIGH, "iam-escalation", Verdict.BLOCK),
        (Kind.IAM_WIDENED, Severity.LOW, "iam-widened", Verdict.LOOK),
        (Kind.IAM_NARROWED, Severity.LOW, "iam-narrowed", Verdict.FINE),
        (Kind.RULE, Severity.LOW, "SLUICE-X", Verdict.FINE),
        (Kind.RULE, Severity.MEDIUM, "SLUICE-X", Verdict.LOOK),
        (Kind.WAIVER, Severity.LOW, "waiver", Verdict.LOOK),
    ],
)
def test_a_finding_alone_gives_what_the_table_says(kind: Kind, severity: Severity, rule: str, given: Verdict) -> None:
    assert grade(finding(kind, severity, rule)) is given
    assert verdict([finding(kind, severity, rule)], UNCHANGED)[0] is given


def test_nothing_found_is_fine_and_gives_no_reason() -> None:
    assert verdict([], UNCHANGED) == (Verdict.FINE, ())


def test_the_gravest_finding_decides_and_its_reason_comes_first() -> None:
    mild = finding(Kind.WAIVER, Severity.LOW)
    grave = [finding(Kind.COLLISION, place=place(f"stack/{number}")) for number in range(5)]
    given, reasons = verdict([mild, *grave], cost(100, 300))
    assert given is Verdict.BLOCK
    assert reasons[0] == "makes names that are taken: stack/0, stack/1, stack/2 and 2 more"
    assert reasons[-1] == "costs 200.00 USD a month more" and len(reasons) == 3


def test_every_kind_has_words_and_an_order_that_does_not_depend_on_the_engines() -> None:
    assert set(TOLD) == set(Kind)
    found = [finding(kind, severity) for kind in Kind for severity in Severity]
    assert gravest_first(found) == gravest_first(reversed(found))
    assert [grade(each) for each in gravest_first(found)] == sorted(map(grade, found), key=list(Verdict).index)


@pytest.mark.parametrize(
    ("before", "after", "looked_at"),
    [(1000, 1099, False), (1000, 1100, True), (20, 31, True), (1, 9, False), (0, 10, True), (100, 0, False)],
)
def test_a_dearer_change_is_looked_at_unless_the_rise_is_a_trifle(before: float, after: float, looked_at: bool) -> None:
    assert dearer(cost(before, after)) is looked_at


def test_the_docs_show_the_table_and_the_limits_of_the_cost() -> None:
    page = (ROOT / "docs" / "review.md").read_text("utf-8")
    rows = re.findall(r"^\| `(block|look)` \| `([a-z-]+)` \| (\w+) \| (.*) \|$", page, re.MULTILINE)
    told = [(row[0], row[1], row[2], tuple(re.findall("`([a-z-]+)`", row[3]))) for row in rows]
    assert told == [(each.verdict, each.kind, each.severity, each.rules) for each in GRADES]
    assert f"{LOOK_USD:.0f} USD" in page and f"{LOOK_SHARE:.0%}" in page and f"{TRIFLE_USD:.0f} USD" in page


def test_the_docs_name_every_condition_and_every_file() -> None:
    page = (ROOT / "docs" / "review.md").read_text("utf-8")
    assert all(f"`{each}`" in page for each in (*Kind, *Verdict, "rule:ID", "cost:+100USD", "cost:+10%"))
    assert all(f"review/{name}`" in page for name in NAMES)


@pytest.mark.parametrize(
    ("term", "holds"),
    [
        ("block", True),
        ("look", True),
        ("collision", True),
        ("collision:high", True),
        ("finding", True),
        ("finding:high", False),
        ("finding:medium", True),
        ("destructive", False),
        ("rule:SLUICE-X", True),
        ("rule:SLUICE-Y", False),
        ("cost:+50USD", True),
        ("cost:+50.01USD", False),
        ("cost:+50%", True),
        ("cost:+51%", False),
    ],
)
def test_a_condition_holds_when_the_review_has_it(term: str, holds: bool) -> None:
    review = reviewed(finding(Kind.COLLISION), finding(Kind.RULE, Severity.MEDIUM, "SLUICE-X"), cost=cost(100, 150))
    [condition] = parse([term])
    assert condition.holds(review) is holds


def test_block_does_not_hold_for_a_look_and_what_is_cheaper_or_the_same_is_not_dearer() -> None:
    look = reviewed(finding(Kind.WAIVER), cost=cost(10, 5))
    assert [each.holds(look) for each in parse(["block", "look,cost:+0USD", "cost:+0%"])] == [False, True, False, False]
    assert not parse(["look"])[0].holds(reviewed())
    assert parse(["cost:+900%"])[0].holds(reviewed(cost=cost(0, 1)))


def test_terms_come_with_commas_and_by_repetition() -> None:
    assert [each.term for each in parse(["destructive, block", "cost:+1USD,,"])] == [
        "destructive",
        "block",
        "cost:+1USD",
    ]


def test_every_wrong_term_is_named_with_all_that_is_allowed() -> None:
    wrong = ["cost:100", "cost:-5USD", "findng", "finding:urgent", "rule:", "block:high", "cost"]
    with pytest.raises(FailOnError) as error:
        parse([",".join(["block", *wrong])])
    message = str(error.value)
    assert all(repr(term) in message for term in wrong) and "'block'" not in message
    assert all(each in message for each in ALLOWED)
