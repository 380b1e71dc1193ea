"""What the review of a case of the corpus says otherwise than the case expects, and of the case turned round."""

import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

from bench.review_corpus import Case
from review.cloud_assembly import read
from review.model import Change, Kind, Place, Review, Side
from review.report.markdown import comment
from review.review import review

TODAY = date(2026, 11, 27)
SIDES = (Side(name="base"), Side(name="head"))
# The corpus is about these; what the rules of the governance pack find has examples of its own.
JUDGED = frozenset(Kind) - {Kind.RULE, Kind.WAIVER}
TURNED = {
    "add": {"destroy", "orphan"},
    "destroy": {"add"},
    "orphan": {"add"},
    "update": {"update"},
    "replace": {"replace"},
    "may-replace": {"may-replace"},
    "move": {"move"},
}
MIRRORED = (("iam-widened", "iam-narrowed"), ("trust-widened", "trust-narrowed"))
# What is turned the less safe way one way is not so the other way.
ONE_WAY = re.compile(
    r"switch-(?!role|definition).*|ingress-opened|egress-opened|boundary-weakened|deny-weakened|endpoint-policy.*"
)


def reviewed(case: Case, *, turned: bool = False) -> Review:
    with tempfile.TemporaryDirectory() as folder:
        sides = case.write(Path(folder))
        base, head = (read(side) for side in (reversed(sides) if turned else sides))
        return review(base, head, sides=SIDES, today=TODAY, validate=False)


def wrong(case: Case) -> list[str]:
    """Each a sentence; empty where the review says what it should, also of the case turned round."""
    forth, back = reviewed(case), reviewed(case, turned=True)
    return [*_otherwise(case, forth), *(f"turned round: {each}" for each in _unmirrored(case, forth, back))]


def _otherwise(case: Case, found: Review) -> Iterator[str]:
    expect, named = case.expect, _names(case)
    changes = {named(change.place): {change.action.value} for change in found.changes}
    yield from _compared("change", {key: [value] for key, value in expect.changes.items()}, changes)
    yield from _compared("findings", expect.findings, rules(found, named))
    by_name = {named(change.place): change for change in found.changes}
    for name, parts in expect.lines.items():
        said = "\n".join(by_name[name].lines) if name in by_name else ""
        yield from (f"lines of {name} do not say {part!r}: {said!r}" for part in parts if part not in said)
    folded = [name for name, change in by_name.items() if change.code_only]
    if sorted(folded) != sorted(expect.code_only):
        yield f"code alone: {folded}, expected {expect.code_only}"
    difference = round(found.cost.after - found.cost.before, 6)
    direction = "up" if difference > 0 else "down" if difference < 0 else "same"
    if expect.cost and direction != expect.cost:
        yield f"cost goes {direction} ({found.cost.before} to {found.cost.after}), expected {expect.cost}"
    whole = found.model_dump_json() + comment(found)
    yield from (f"the review holds {word!r}" for word in expect.never if word in whole)


def _unmirrored(case: Case, forth: Review, back: Review) -> Iterator[str]:
    named = _names(case)
    there, here = ({named(each.place): each for each in side.changes} for side in (forth, back))
    for name, change in there.items():
        name_back = _name_back(case, change, name)
        if name_back not in here:
            yield f"{name} is {change.action} one way, and not there the other way"
        elif here[name_back].action.value not in TURNED[change.action.value]:
            yield f"{name} is {change.action} one way, {here[name_back].action} the other way"
    if len(there) != len(here):
        yield f"{len(there)} changes one way, {len(here)} the other way: {sorted(there)}, {sorted(here)}"
    yield from unmirrored_rules(rules(forth, named), rules(back, named))
    whole = back.model_dump_json() + comment(back)
    yield from (f"the review holds {word!r}" for word in case.expect.never if word in whole)


def unmirrored_rules(one: Mapping[str, set[str]], other: Mapping[str, set[str]]) -> Iterator[str]:
    """Where rules by name, of a pair and of the same turned round, are no mirror images."""
    for wide, narrow in (*MIRRORED, *(pair[::-1] for pair in MIRRORED)):
        ones, others = (
            {name for name, found in side.items() if rule in found} for side, rule in ((one, wide), (other, narrow))
        )
        if ones ^ others and not _weakened(one, other, ones ^ others):
            yield f"{wide} at {sorted(ones)} one way, {narrow} at {sorted(others)} the other way"
    for name in one.keys() & other.keys():
        yield from (f"{rule} at {name} both ways" for rule in one[name] & other[name] if ONE_WAY.fullmatch(rule))


def _weakened(one: Mapping[str, set[str]], other: Mapping[str, set[str]], names: Iterable[str]) -> bool:
    """A denial or a boundary that is gone one way has its own rule, and narrows the other way."""
    own = {"deny-weakened", "boundary-weakened", "resource-policy-widened", "endpoint-policy-dropped"}
    weak = own | {"switch-role-swapped", "moved"}
    return all((one.get(name, set()) | other.get(name, set())) & weak for name in names)


def _name_back(case: Case, change: Change, name: str) -> str:
    """Under which name a change stands the other way: what moved, under the one that it had."""
    if not change.moved_from:
        return name
    return change.moved_from if "/" in name and "/" in change.moved_from else change.moved_from.rpartition("/")[2]


def rules(found: Review, named: Callable[[Place], str]) -> dict[str, set[str]]:
    """The judged rules by name of the resource."""
    by_name = defaultdict[str, set[str]](set)
    for finding in found.findings:
        if finding.kind in JUDGED:
            by_name[named(finding.place)].add(finding.rule)
    return dict(by_name)


def _names(case: Case) -> Callable[[Place], str]:
    """How the case calls a resource."""
    single = all(len(list(side)) == 2 for side in (case.base, case.head))
    return lambda place: place.logical_id if single else f"{place.stack}/{place.logical_id}"


def _compared(what: str, expected: Mapping[str, list[str]], found: Mapping[str, set[str]]) -> Iterator[str]:
    for name in {**expected, **found}:
        said, wanted = found.get(name, set()), expected.get(name, [])
        ways = [[one.strip() for one in each.split(" or ")] for each in wanted]
        known = {one.removesuffix("?") for way in ways for one in way}
        for way in ways:
            if not any(one.endswith("?") or one in said for one in way):
                yield f"{what} of {name}: {' or '.join(way)} is missing, found {sorted(said) or 'nothing'}"
        if more := said - known:
            yield f"{what} of {name}: {', '.join(sorted(more))} is not expected"
