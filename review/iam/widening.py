"""Which requests one policy allows and another does not, as far as they can be told apart."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from review.iam import conditions
from review.iam.actions import actions
from review.iam.branches import ALWAYS
from review.iam.parts import Part, holds, overlap, parts
from review.iam.patterns import near
from review.iam.statements import Policy, Statement, Texts
from review.iam.values import all_of


@dataclass(frozen=True)
class Widening:
    """Actions that `statement` allows (or, where it is a Deny of the base, stopped) on `resource`.

    `certain`: nothing that only the deployment knows decides it. `denied`: a Deny is gone or weaker.
    `why`: `new`, `principals`, `resources` or `conditions`: what of it the base did not allow.
    """

    statement: Statement
    mask: int
    resource: str
    certain: bool
    denied: bool
    why: str


class _Side:
    """Statements with their actions as bits."""

    def __init__(self, statements: Iterable[Statement]) -> None:
        found = [(each, each.mask()) for each in dict.fromkeys(statements)]
        self.allows = [each for each in found if each[0].allows]
        self.denies = [each for each in found if not each[0].allows]


# Past so many conditions of the template a statement counts as covered only by one that depends on none other.
_CONDITIONS = 4


def widenings(base: Policy, head: Policy) -> list[Widening]:
    """What `head` allows beyond `base`; empty where each request that it allows was allowed before.

    Asked once for each way in which the template's conditions can turn out.
    """
    if base.statements == head.statements:
        return []
    names = sorted({name for each in (*base.statements, *head.statements) for name, _ in each.guard})
    turns = itertools.product((True, False), repeat=len(names)) if 0 < len(names) <= _CONDITIONS else [()]
    found: list[Widening] = []
    for turn in turns:
        held = set(zip(names, turn, strict=True)) if turn else None
        old, new = (_Side(_there(each.statements, held)) for each in (base, head))
        found += [*_allowed(old, new), *_undenied(old, new)]
    return list(_merged(found))


def settled(found: Sequence[Widening], less: Sequence[Widening]) -> list[Widening]:
    """Certain where nothing was lost: who is named beside those who were there is somebody else."""
    return [replace(each, certain=each.certain or not less) for each in found]


def _there(statements: Iterable[Statement], held: set[tuple[str, bool]] | None) -> Iterable[Statement]:
    if held is None:
        return statements
    return [replace(each, guard=ALWAYS) if each.guard else each for each in statements if each.guard <= held]


def _allowed(old: _Side, new: _Side) -> Iterator[Widening]:
    covers = old.allows + new.denies
    same = {each for each, _ in old.allows}
    for statement, mask in new.allows:
        if statement in same:
            continue
        for part in parts(statement, mask):
            for certain, uncovered in _uncovered(part, covers):
                if left := uncovered & ~_idle(part.shown, old.allows):
                    why = _reason(part, left, old.allows)
                    yield Widening(statement, left, part.shown, certain, False, why)


def _idle(resource: str, allows: list[tuple[Statement, int]]) -> int:
    """Actions that mean nothing on a bucket, or on its objects, and that the base allows where they mean something."""
    idle = actions().meaningless_on(resource)
    if not idle:
        return 0
    bucket = resource.partition("/")[0]
    there = 0
    for statement, mask in allows:
        if mask & idle and any(text.partition("/")[0] == bucket for text in statement.resources.texts):
            there |= mask
    return idle & there


def _undenied(old: _Side, new: _Side) -> Iterator[Widening]:
    """Of what the base denied, what the head neither denies nor leaves without any statement that allows it."""
    same = {each for each, _ in new.denies}
    for statement, mask in old.denies:
        if statement in same:
            continue
        for part in parts(statement, mask):
            for certain, left in _uncovered(part, new.denies):
                opened = _opened(replace(part, mask=left), new)
                if opened:
                    yield Widening(statement, opened, part.shown, certain, True, "denied")
                if left & ~opened:
                    yield Widening(statement, left & ~opened, part.shown, False, True, "denied")


def _opened(part: Part, new: _Side) -> int:
    """The actions of a part that the head allows somewhere within it."""
    found = 0
    for statement, mask in new.allows:
        both = part.mask & mask & ~found
        if not both or conditions.contradict(part.condition, statement.condition):
            continue
        if any((name, not holds) in part.statement.guard for name, holds in statement.guard):
            continue
        for other in parts(statement, both):
            if shared := overlap(part, other):
                left = [left for certain, left in _uncovered(shared, new.denies) if certain]
                found |= left[0] if left else 0
    return found


def _uncovered(part: Part, covers: Iterable[tuple[Statement, int]]) -> Iterator[tuple[bool, int]]:
    """The actions of a part that the statements together do not hold: those surely not, and those perhaps not."""
    left, perhaps = part.mask, 0
    partly: list[tuple[int, Texts]] = []
    for statement, mask in covers:
        if not mask & left or not statement.guard <= part.statement.guard or not _is_near(part, statement.resources):
            continue
        fits = all_of(
            (
                conditions.implies(part.condition, statement.condition),
                holds(part.principal, part.not_principals, [statement.principals]),
            )
        )
        held = fits and all_of((fits, holds(part.resource, part.not_resources, [statement.resources])))
        if held:
            left &= ~mask
        elif fits is None or held is None:
            perhaps |= mask
        elif fits:
            partly.append((mask, statement.resources))
    for alike in _classes(left, [mask for mask, _ in partly]):
        together = [resources for mask, resources in partly if alike & mask]
        if len(together) > 1 and holds(part.resource, part.not_resources, together):
            left &= ~alike
    if certain := left & ~perhaps:
        yield True, certain
    if unsure := left & perhaps:
        yield False, unsure


def _is_near(part: Part, resources: Texts) -> bool:
    return resources.inverted or bool(part.not_resources) or near(part.resource, resources.patterns)


def _classes(left: int, masks: list[int]) -> list[int]:
    """The actions of `left` in groups that the same of the masks hold."""
    groups = [left] if left else []
    for mask in masks:
        groups = [part for each in groups for part in (each & mask, each & ~mask) if part]
    return groups


def _reason(part: Part, left: int, allows: list[tuple[Statement, int]]) -> str:
    """What the base lacked: the action, or only the principal, the resource or the looser conditions."""
    near = [statement for statement, mask in allows if mask & left]
    if any(
        holds(part.resource, part.not_resources, [each.resources])
        and holds(part.principal, part.not_principals, [each.principals])
        for each in near
    ):
        return "conditions"
    if any(holds(part.resource, part.not_resources, [each.resources]) for each in near):
        return "principals"
    return "resources" if near else "new"


def _merged(found: list[Widening]) -> Iterator[Widening]:
    """One for each statement and resource: the alternatives of conditions and principals say no more."""
    together: dict[tuple[object, ...], Widening] = {}
    for each in found:
        key = (each.statement, each.resource, each.certain, each.denied, each.why)
        known = together.get(key)
        together[key] = replace(each, mask=each.mask | known.mask) if known else each
    yield from together.values()
