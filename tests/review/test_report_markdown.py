"""The comment: whole where there is room, never too long, and nothing in a name is obeyed."""

import os
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from markdown_it import MarkdownIt
from markdown_it.token import Token

from review.model import Action, Change, Kind, PropertyChange, Review, Severity
from review.report.markdown import COMMENT_CHARACTERS, MARKER, comment
from tests.review.reviews import ATTACKS, any_reviews, cost, finding, place, reviewed

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "12"))

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
TAGS = re.compile(r"</?(?:details|summary|b|sub|code|br)>")
# What GitHub would take for a mention, another issue or an address.
CALLS = re.compile(r"@[\w]|#\d|\bGH-\d|https?://|\bwww\.", re.IGNORECASE)


def read(text: str) -> Iterator[Token]:
    for token in READER.parse(text):
        yield token
        yield from token.children or ()


def checked(text: str) -> None:
    """No markup but the report's own, no broken table, nobody called."""
    assert text.startswith(MARKER + "\n## ")
    within_code, folds = False, 0
    for token in read(text.removeprefix(MARKER)):
        assert token.type not in ("link_open", "image", "fence", "code_block", "s_open", "hr", "blockquote")
        if token.type in ("html_inline", "html_block"):
            tags = re.findall(r"<[^>]*>?", token.content)
            assert all(map(TAGS.fullmatch, tags)), tags
            within_code = tags == ["<code>"] or (within_code and tags != ["</code>"])
            folds += tags.count("<details>") - tags.count("</details>")
        if token.type == "text" and not within_code:
            assert not CALLS.search(token.content), token.content
        if token.type == "heading_open":
            assert token.tag in ("h2", "h3")
    assert folds == 0
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e]", text)
    for row in re.findall(r"^\|.*$", text, re.MULTILINE):
        assert row.count("|") in (5, 6) and row.endswith("|")


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(any_reviews())
def test_whatever_the_review_the_comment_fits_and_is_only_read(review: Review) -> None:
    text = comment(review)
    assert len(text) <= COMMENT_CHARACTERS
    assert f"Infrastructure review: {review.verdict}" in text
    checked(text)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_name_is_shown_and_not_obeyed(attack: str) -> None:
    at = place(attack, stack=attack, source=attack, type=attack)
    change = Change(
        place=at,
        action=Action.REPLACE,
        properties=(PropertyChange(name=attack, before=attack, after=None, replaces=attack),),
        causes=(attack,),
        lines=(attack,),
        moved_from=attack,
    )
    found = [finding(kind, place=at, message=attack, fix=attack, rule=attack) for kind in Kind]
    code = change.model_copy(update={"code_only": True})
    checked(comment(reviewed(*found, changes=(change, code), notes=(attack,), cost=cost(1, 2, assumptions=(attack,)))))


def big(resources: int, stacks: int) -> Review:
    properties = tuple(PropertyChange(name=f"P{each}", before="a" * 60, after="b" * 60) for each in range(12))
    changes = tuple(
        Change(
            place=place(f"stack-{number % stacks}/thing-{number}", stack=f"stack-{number % stacks}"),
            action=Action.UPDATE,
            properties=properties,
        )
        for number in range(resources)
    )
    return reviewed(finding(Kind.COLLISION), changes=changes)


def test_a_usual_change_is_shown_whole() -> None:
    text = comment(big(20, 3))
    assert "Left out" not in text and text.count("`P11`") == 20


def test_details_are_left_out_first_then_stacks_and_a_line_says_so_and_where_they_are() -> None:
    some, many, most = (comment(big(*size), whole="the artifact") for size in ((100, 5), (3000, 30), (4000, 2000)))
    assert "`P0`" in some and re.search(
        r"Left out: [\d,]+ details of resources\. Everything is in the artifact\.", some
    )
    assert "`P0`" not in many and many.count("<summary><b>") == 30 and "rows of resources" in many
    assert re.search(r"Left out: .*\d+ stacks", most)
    for text in (some, many, most):
        assert len(text) <= COMMENT_CHARACTERS and "makes names that are taken" in text and "1.000" not in text


def test_the_order_is_verdict_counts_what_must_be_seen_cost_rules_waivers_stacks_footer() -> None:
    found = [finding(kind, rule="iam-widened" if kind is Kind.IAM_WIDENED else kind) for kind in Kind]
    text = comment(reviewed(*found, changes=big(2, 1).changes, cost=cost(10, 20), notes=("no region",)))
    marks = ["**block**", "2 updated.", "### Must look", "### Cost", "### New findings", "### Waivers"]
    marks += ["### May do less", "### Stacks", "Not looked at", "<sub>main (<code>aaaaaaaaaaaa</code>) to ."]
    assert sorted(marks, key=text.index) == marks


def test_code_alone_is_one_line_of_its_stack() -> None:
    changes = tuple(
        Change(place=place(f"stack/{name}"), action=Action.UPDATE, code_only=True) for name in ("sweep", "tell")
    )
    text = comment(reviewed(changes=changes))
    assert "code changed: 2 functions" in text and "Code changed: `stack/sweep`, `stack/tell`" in text
    assert "| updated" not in text and "**fine**: nothing here needs a decision" in text


def test_severities_are_told_apart_by_more_than_words_and_where_a_line_is_known_it_is_told() -> None:
    at = place("stack/role", source="stacks/a.py:7")
    text = comment(
        reviewed(finding(Kind.IAM_WIDENED, Severity.MEDIUM, place=at, message="may delete", fix="narrow it"))
    )
    assert "**may do more** `stack/role`, `stacks/a.py:7`: may delete _Fix:_ narrow it" in text
