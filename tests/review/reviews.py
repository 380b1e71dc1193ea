"""Reviews made by hand, and whole ones at random, for the tests of what is shown."""

from typing import Any

from hypothesis import strategies as st

from review.model import (
    Action,
    Change,
    Cost,
    CostLine,
    Finding,
    Kind,
    Place,
    PropertyChange,
    Review,
    Severity,
    Side,
)
from review.verdict import gravest_first, verdict

UNCHANGED = Cost(before=0, after=0, idle_before=0, idle_after=0, lines=(), as_of="2026-11-23", assumptions=())
# What a name may try: each of these means something to Markdown, HTML, a table, a terminal or GitHub.
ATTACKS = (
    "</details></summary><script>alert(1)</script>",
    "![x](http://evil.example/x.png)",
    "| a | b |",
    "``` \n# heading\n- item",
    "@org/team #12 GH-12 org/repo#1 www.evil.example http://evil.example",
    "::error file=a::b\n::stop-commands::x",
    "\x1b[31mred\x1b[0m \u202e backwards",
    "<!-- sluice review -->",
    "[bold red]rich[/] \\[x] {{ jinja }} {% raw %}",
    "$x$ \\` `code` ~~gone~~ __b__ *i*",
    "\N{SNOWMAN} caf\u00e9 \N{ROCKET}",
)


def place(path: str = "stack/thing", **changes: str) -> Place:
    return Place(
        **({"stack": "stack", "logical_id": "Thing", "type": "AWS::S3::Bucket", "path": path, "source": ""} | changes)
    )


def finding(kind: Kind, severity: Severity = Severity.HIGH, rule: str = "", **changes: Any) -> Finding:
    return Finding(
        **({"kind": kind, "severity": severity, "rule": rule or kind, "place": place(), "message": "why"} | changes)
    )


def cost(before: float, after: float, **changes: Any) -> Cost:
    return UNCHANGED.model_copy(update={"before": before, "after": after, **changes})


def reviewed(*findings: Finding, **changes: Any) -> Review:
    """With the verdict that these findings and the cost give."""
    priced = changes.get("cost", UNCHANGED)
    given, reasons = verdict(findings, priced)
    members: dict[str, Any] = {
        "base": Side(name="main", commit="a" * 40),
        "head": Side(name=".", commit="b" * 40),
        "changes": (),
        "cost": priced,
        "versions": {"sluice": "0.1.0"},
    }
    return Review(
        **(members | {"verdict": given, "reasons": reasons, "findings": tuple(gravest_first(findings))} | changes)
    )


_names = st.one_of(st.sampled_from(ATTACKS), st.text(max_size=60), st.just("x" * 3000))
_places = st.builds(
    Place,
    stack=_names,
    logical_id=_names,
    type=_names,
    path=_names,
    source=st.one_of(st.just("stacks/a.py:3"), st.just(""), _names),
)
_amounts = st.one_of(st.none(), st.floats(0, 1e6))
_findings = st.builds(
    Finding,
    kind=st.sampled_from(Kind),
    severity=st.sampled_from(Severity),
    rule=_names,
    place=_places,
    message=_names,
    fix=_names,
)
_properties = st.builds(
    PropertyChange,
    name=_names,
    before=st.one_of(st.none(), _names),
    after=st.one_of(st.none(), _names),
    replaces=_names,
)
_changes = st.builds(
    Change,
    place=_places,
    action=st.sampled_from(Action),
    properties=st.lists(_properties, max_size=4).map(tuple),
    causes=st.lists(_names, max_size=3).map(tuple),
    lines=st.lists(_names, max_size=3).map(tuple),
    stateful=st.booleans(),
    code_only=st.booleans(),
    moved_from=_names,
)
_lines = st.builds(
    CostLine,
    place=_places,
    before=_amounts,
    after=_amounts,
    assumption=_names,
    estimated=st.booleans(),
    unpriced=_names,
)


@st.composite
def any_reviews(draw: st.DrawFn, most: int = 4000) -> Review:
    """Of up to `most` changes and findings: a few of each kind, many times."""
    times = draw(st.sampled_from([each for each in (1, 1, 40, 1000) if each * 3 <= most]))
    findings, changes = (tuple(draw(st.lists(each, max_size=3))) * times for each in (_findings, _changes))
    lines = tuple(draw(st.lists(_lines, max_size=3))) * times
    priced = cost(draw(st.floats(0, 1e6)), draw(st.floats(0, 1e6)), lines=lines, assumptions=(draw(_names),) * times)
    if draw(st.booleans()):  # each in a stack of its own
        changes = tuple(_in_stack(each, number) for number, each in enumerate(changes))
    return reviewed(
        *findings,
        changes=changes,
        cost=priced,
        notes=(draw(_names),) * times,
        base=Side(name=draw(_names), commit=draw(_names)),
        versions={draw(_names): draw(_names)},
    )


def _in_stack(change: Change, number: int) -> Change:
    at = change.place.model_copy(update={"stack": f"{number} {change.place.stack}"})
    return change.model_copy(update={"place": at})
