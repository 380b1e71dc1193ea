"""Which requests one policy allows and another does not, as far as they can be told apart."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from review.iam import conditions
from review.iam.patterns import Pattern, disjoint, intersects, near, pattern, within
from review.iam.references import ALWAYS
from review.iam.statements import ALL, Policy, Statement, Texts
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


@dataclass(frozen=True)
class _Part:
    """One principal, one resource and one alternative of the conditions of a statement, with its actions."""

    statement: Statement
    mask: int
    principal: Pattern
    not_principals: tuple[Pattern, ...]
    resource: Pattern
    not_resources: tuple[Pattern, ...]
    condition: conditions.Block
    shown: str


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
        for part in _parts(statement, mask):
            for certain, left in _uncovered(part, covers):
                why = _reason(part, left, old.allows)
                yield Widening(statement, left, part.shown, certain, False, why)


def _undenied(old: _Side, new: _Side) -> Iterator[Widening]:
    """Of what the base denied, what the head neither denies nor leaves without any statement that allows it."""
    same = {each for each, _ in new.denies}
    for statement, mask in old.denies:
        if statement in same:
            continue
        for part in _parts(statement, mask):
            for certain, left in _uncovered(part, new.denies):
                opened = _opened(replace(part, mask=left), new)
                if opened:
                    yield Widening(statement, opened, part.shown, certain, True, "denied")
                if left & ~opened:
                    yield Widening(statement, left & ~opened, part.shown, False, True, "denied")


def _opened(part: _Part, new: _Side) -> int:
    """The actions of a part that the head allows somewhere within it."""
    found = 0
    for statement, mask in new.allows:
        both = part.mask & mask & ~found
        if not both or conditions.contradict(part.condition, statement.condition):
            continue
        if any((name, not holds) in part.statement.guard for name, holds in statement.guard):
            continue
        for other in _parts(statement, both):
            if overlap := _overlap(part, other):
                left = [left for certain, left in _uncovered(overlap, new.denies) if certain]
                found |= left[0] if left else 0
    return found


def _overlap(part: _Part, other: _Part) -> _Part | None:
    """A part that lies within both: exact where one holds the other, else the narrower guess."""
    resource = _meet(part.resource, part.not_resources, other.resource, other.not_resources)
    principal = _meet(part.principal, part.not_principals, other.principal, other.not_principals)
    condition = conditions.both(part.condition, other.condition)
    if not resource or not principal:
        return None
    guard = part.statement.guard | other.statement.guard
    return _Part(
        replace(part.statement, guard=guard), other.mask, principal, part.not_principals + other.not_principals,
        resource, part.not_resources + other.not_resources, condition, part.shown,
    )  # fmt: skip


def _meet(a: Pattern, a_less: tuple[Pattern, ...], b: Pattern, b_less: tuple[Pattern, ...]) -> Pattern | None:
    if not intersects(a, b):
        return None
    smaller = b if within(b, (a,)) else a
    return None if within(smaller, a_less + b_less) else smaller


def _parts(statement: Statement, mask: int) -> Iterator[_Part]:
    for principal, less_principals in _each(statement.principals):
        for resource, less_resources in _each(statement.resources):
            for condition in conditions.alternatives(statement.condition):
                yield _Part(
                    statement, mask, pattern(principal), less_principals, pattern(resource), less_resources, condition,
                    f"all but {', '.join(statement.resources.texts)}" if statement.resources.inverted else resource,
                )  # fmt: skip


def _each(texts: Texts) -> Iterator[tuple[str, tuple[Pattern, ...]]]:
    if texts.inverted:
        yield "*", texts.patterns
    else:
        yield from ((each, ()) for each in texts.texts)


def _uncovered(part: _Part, covers: Iterable[tuple[Statement, int]]) -> Iterator[tuple[bool, int]]:
    """The actions of a part that the statements together do not hold: those surely not, and those perhaps not."""
    left, perhaps = part.mask, 0
    partly: list[tuple[int, Texts]] = []
    for statement, mask in covers:
        if not mask & left or not statement.guard <= part.statement.guard or not _is_near(part, statement.resources):
            continue
        fits = all_of(
            (
                conditions.implies(part.condition, statement.condition),
                _holds(part.principal, part.not_principals, [statement.principals]),
            )
        )
        held = fits and all_of((fits, _holds(part.resource, part.not_resources, [statement.resources])))
        if held:
            left &= ~mask
        elif fits is None or held is None:
            perhaps |= mask
        elif fits:
            partly.append((mask, statement.resources))
    for alike in _classes(left, [mask for mask, _ in partly]):
        together = [resources for mask, resources in partly if alike & mask]
        if len(together) > 1 and _holds(part.resource, part.not_resources, together):
            left &= ~alike
    if certain := left & ~perhaps:
        yield True, certain
    if unsure := left & perhaps:
        yield False, unsure


def _is_near(part: _Part, resources: Texts) -> bool:
    return resources.inverted or bool(part.not_resources) or near(part.resource, resources.patterns)


def _holds(inner: Pattern, less: tuple[Pattern, ...], outer: Sequence[Texts]) -> bool | None:
    """Whether all that `inner` matches, but for `less`, is in one of `outer`."""
    if ALL in outer:
        return True
    straight = [each for texts in outer if not texts.inverted for each in texts.patterns]
    inverted = [texts.patterns for texts in outer if texts.inverted]
    if not inverted:
        return within(inner, (*straight, *less))
    # Outside all that each of the inverted leaves out: with one of them that is exact.
    for out in inverted:
        answer = all_of(_apart(inner, each, (*straight, *less)) for each in out)
        if answer is not False:
            return answer
    return False


def _apart(inner: Pattern, left_out: Pattern, covered: tuple[Pattern, ...]) -> bool | None:
    """Whether what `inner` shares with `left_out` is covered otherwise."""
    if not intersects(inner, left_out):
        return disjoint(inner, (left_out,))
    smaller = left_out if within(left_out, (inner,)) else inner
    return within(smaller, covered)


def _classes(left: int, masks: list[int]) -> list[int]:
    """The actions of `left` in groups that the same of the masks hold."""
    groups = [left] if left else []
    for mask in masks:
        groups = [part for each in groups for part in (each & mask, each & ~mask) if part]
    return groups


def _reason(part: _Part, left: int, allows: list[tuple[Statement, int]]) -> str:
    """What the base lacked: the action, or only the principal, the resource or the looser conditions."""
    near = [statement for statement, mask in allows if mask & left]
    if any(
        _holds(part.resource, part.not_resources, [each.resources])
        and _holds(part.principal, part.not_principals, [each.principals])
        for each in near
    ):
        return "conditions"
    if any(_holds(part.resource, part.not_resources, [each.resources]) for each in near):
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
