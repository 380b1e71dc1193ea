"""The least parts of a statement that can be compared, and what holds or shares them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from review.iam import conditions
from review.iam.patterns import Pattern, disjoint, intersects, pattern, within
from review.iam.statements import ALL, Statement, Texts
from review.iam.values import all_of


@dataclass(frozen=True)
class Part:
    """One principal, one resource and one alternative of the conditions of a statement, with its actions."""

    statement: Statement
    mask: int
    principal: Pattern
    not_principals: tuple[Pattern, ...]
    resource: Pattern
    not_resources: tuple[Pattern, ...]
    condition: conditions.Block
    shown: str


def parts(statement: Statement, mask: int) -> Iterator[Part]:
    for principal, less_principals in _each(statement.principals):
        for resource, less_resources in _each(statement.resources):
            for condition in conditions.alternatives(statement.condition):
                yield Part(
                    statement, mask, pattern(principal), less_principals, pattern(resource), less_resources, condition,
                    f"all but {', '.join(statement.resources.texts)}" if statement.resources.inverted else resource,
                )  # fmt: skip


def _each(texts: Texts) -> Iterator[tuple[str, tuple[Pattern, ...]]]:
    if texts.inverted:
        yield "*", texts.patterns
    else:
        yield from ((each, ()) for each in texts.texts)


def overlap(part: Part, other: Part) -> Part | None:
    """A part that lies within both: exact where one holds the other, else the narrower guess."""
    resource = _meet(part.resource, part.not_resources, other.resource, other.not_resources)
    principal = _meet(part.principal, part.not_principals, other.principal, other.not_principals)
    condition = conditions.both(part.condition, other.condition)
    if not resource or not principal:
        return None
    guard = part.statement.guard | other.statement.guard
    return Part(
        replace(part.statement, guard=guard), other.mask, principal, part.not_principals + other.not_principals,
        resource, part.not_resources + other.not_resources, condition, part.shown,
    )  # fmt: skip


def _meet(a: Pattern, a_less: tuple[Pattern, ...], b: Pattern, b_less: tuple[Pattern, ...]) -> Pattern | None:
    if not intersects(a, b):
        return None
    smaller = b if within(b, (a,)) else a
    return None if within(smaller, a_less + b_less) else smaller


def holds(inner: Pattern, less: tuple[Pattern, ...], outer: Sequence[Texts]) -> bool | None:
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
