"""The page, the terminal, SARIF, annotations and the JSON: each is valid, whole, and obeys no name."""

import json
import os
import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from rich.console import Console

from review.model import Action, Change, CostLine, Kind, PropertyChange, Review, Severity
from review.report import files, schema
from review.report.annotations import OF_A_LEVEL, annotations
from review.report.console import summary
from review.report.html import page
from review.report.sarif import log
from tests.review.reviews import ATTACKS, any_reviews, cost, finding, place, reviewed

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "12"))

AT = place("stack/role", source="stacks/a.py:7", type="AWS::IAM::Role")
USUAL = reviewed(
    finding(Kind.DESTRUCTIVE, rule="replaced", message="the endpoint is replaced"),
    finding(Kind.IAM_WIDENED, Severity.MEDIUM, place=AT, message="may now delete objects", fix="name the prefix"),
    finding(Kind.RULE, Severity.LOW, rule="SLUICE-EP-01", message="no data capture"),
    changes=tuple(
        Change(
            place=place(f"stack/{number}"),
            action=action,
            properties=(PropertyChange(name="Size", before="1", after=None, replaces="create-only"),),
        )
        for number, action in enumerate(Action)
    ),
    cost=cost(10, 250, lines=(CostLine(place=AT, before=10, after=250, assumption="730 hours"),)),
    notes=("stack/other has no region: us-east-1 is assumed",),
)


class Reader(HTMLParser):
    """What tags, with which attributes, and which text a page has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.shown = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.shown += data


def attacked(attack: str) -> Review:
    at = place(attack, stack=attack, type=attack, source=attack, logical_id=attack)
    change = Change(
        place=at,
        action=Action.MOVE,
        properties=(PropertyChange(name=attack, before=attack, after=attack, replaces=attack),),
        causes=(attack,),
        lines=(attack,),
        moved_from=attack,
    )
    line = CostLine(place=at, before=1, after=2, assumption=attack)
    found = [finding(kind, place=at, rule=attack, message=attack, fix=attack) for kind in Kind]
    lines = (line, line.model_copy(update={"unpriced": attack}))
    return reviewed(*found, changes=(change,), notes=(attack,), cost=cost(1, 2, lines=lines, assumptions=(attack,)))


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_page_holds_its_own_markup_only_and_needs_nothing_else(attack: str) -> None:
    text = page(attacked(attack))
    reader = Reader(text)
    assert not reader.open and not reader.tags & {"script", "img", "link", "a", "iframe", "h4"}
    assert reader.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class"}
    assert "url(" not in text and "@import" not in text and not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", text)


def test_the_page_shows_everything_in_light_in_dark_and_on_paper() -> None:
    text = page(USUAL)
    shown = Reader(text).shown
    for told in (
        "may now delete objects",
        "name the prefix",
        "stacks/a.py:7",
        "no data capture",
        "+240.00",
        "730 hours",
    ):
        assert told in shown
    for told in ("create-only", "us-east-1 is assumed", "sluice 0.1.0", "a" * 40, *(f"stack/{n}" for n in range(7))):
        assert told in shown
    assert "prefers-color-scheme: dark" in text and "@media print" in text and "default-src 'none'" in text
    assert "Nothing changes." in page(reviewed())


def printed(review: Review, width: int = 100) -> str:
    console = Console(file=StringIO(), width=width, height=50, force_terminal=True, color_system=None)
    console.print(summary(review, "everything: out/review/review.html"))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_a_usual_change_fits_on_one_screen_of_a_terminal() -> None:
    text = printed(USUAL)
    assert text.count("\n") <= 40
    for told in ("block", "may now delete objects", "stacks/a.py:7", "SLUICE-EP-01", "10.00 to 250.00 USD", "Size"):
        assert told in text


def test_the_terminal_shows_a_hundred_findings_on_one_screen_too_and_says_that_there_are_more() -> None:
    many = reviewed(*(finding(kind, place=place(f"s/{n}")) for kind in Kind for n in range(100)), changes=USUAL.changes)
    text = printed(many)
    assert text.count("\n") < 60 and "and 492 more" in text


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_terminal_gets_no_control_sequence_of_a_name_nor_takes_one_for_markup(attack: str) -> None:
    text = printed(attacked(attack), width=400)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", text.replace("\x1b[1m", "").replace("\x1b[0m", ""))
    if attack.startswith("[bold red]"):
        assert "[bold red]rich[/]" in text


def test_sarif_has_all_that_the_standard_and_code_scanning_require() -> None:
    found = json.loads(log(USUAL))
    assert found["version"] == "2.1.0" and found["$schema"].endswith("sarif-2.1.0.json")
    [run] = found["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] and {rule["id"] for rule in rules} == {each.rule for each in USUAL.findings}
    assert [each["level"] for each in run["results"]] == ["error", "warning", "note"]
    for each in run["results"]:
        assert rules[each["ruleIndex"]]["id"] == each["ruleId"] and each["message"]["text"]
        [location] = each["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch("[0-9a-f]{64}", each["partialFingerprints"]["sluice/v1"])
    places = [each["locations"][0]["physicalLocation"] for each in run["results"]]
    assert places[1] == {"artifactLocation": {"uri": "stacks/a.py"}, "region": {"startLine": 7}}
    assert places[0]["artifactLocation"] == {"uri": "stack.template.json", "uriBaseId": "CDKOUT"}
    assert "CDKOUT" in run["originalUriBaseIds"]


def test_annotations_stand_at_the_line_of_code_and_github_shows_ten_of_a_level() -> None:
    assert [*annotations(USUAL)] == [
        "::warning file=stacks/a.py,line=7,title=iam-widened%3A stack/role::may now delete objects name the prefix",
        "::error title=replaced%3A stack/thing::the endpoint is replaced",
        "::notice title=SLUICE-EP-01%3A stack/thing::no data capture",
    ]
    told = [*annotations(reviewed(*[finding(Kind.COLLISION)] * 30, *[finding(Kind.WAIVER, Severity.LOW)] * 30))]
    assert sum(each.startswith("::error ") for each in told) == OF_A_LEVEL == len(told) - OF_A_LEVEL


def test_annotations_escape_what_would_end_them() -> None:
    at = place("a,b:c%\nd", source="we,ird:x.py:3")
    [told] = annotations(reviewed(finding(Kind.COLLISION, place=at, message="100%\n::stop-commands::x")))
    assert told.startswith("::error file=we%2Cird%3Ax.py,line=3,title=collision%3A a%2Cb%3Ac%25 d::100%25 ")
    assert "\n" not in told


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(any_reviews(most=3))
def test_every_form_can_be_made_of_every_review_and_the_json_is_read_back(review: Review) -> None:
    assert not Reader(page(review)).open
    assert printed(review)
    assert len(json.loads(log(review))["runs"][0]["results"]) == len(review.findings)
    assert all(re.match(r"::(error|warning|notice) [^\n]*$", each) for each in annotations(review))
    assert Review.model_validate_json(review.model_dump_json(indent=2)) == review


def test_the_files_are_written_each_under_its_name(tmp_path: Path) -> None:
    files.write(USUAL, tmp_path / "new" / "folder", "the artifact")
    written = {path.name: path.read_text("utf-8") for path in (tmp_path / "new" / "folder").iterdir()}
    assert set(written) == set(files.NAMES)
    assert Review.model_validate_json(written["review.json"]) == USUAL
    assert written["review.html"] == page(USUAL) and written["review.sarif"] == log(USUAL)


def test_the_committed_schema_is_that_of_the_model() -> None:
    assert schema.FILE.read_text("utf-8") == schema.schema(), "type `python -m review.report.schema`"
