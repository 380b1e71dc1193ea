"""Managed policies that bound roles: one that lets through more is told once, not for each role."""

from collections.abc import Iterator

from review.iam.identity import Sides, place, weakened
from review.iam.principals import properties
from review.iam.references import Target
from review.iam.statements import policy
from review.model import Finding
from review.pairs import Pair


def findings(sides: Sides, pairs: tuple[Pair, ...]) -> Iterator[Finding]:
    bounds = _bounds(sides)
    for pair in pairs:
        if not (pair.before and pair.after and pair.stack_before and pair.stack_after):
            continue
        key = Target(pair.stack_before.name, pair.before.logical_id)
        same = not sides.rewired and properties(pair.before) == properties(pair.after)
        if pair.after.type == "AWS::IAM::ManagedPolicy" and key in bounds and not same:
            before, after = (
                policy(properties(resource).get("PolicyDocument"), stack, side.references)
                for side, stack, resource in (
                    (sides.base, pair.stack_before, pair.before),
                    (sides.head, pair.stack_after, pair.after),
                )
            )
            where = place(pair.stack_after, pair.after)
            yield from weakened(before, after, where, f"{bounds[key]} ({where.path})")


def _bounds(sides: Sides) -> dict[Target, str]:
    """The policies that bound a role or user on both sides, each with how many."""
    found: dict[Target, int] = {}
    for stack, resource in sides.head.members.values():
        if target := sides.head.references.target(properties(resource).get("PermissionsBoundary"), stack):
            key = sides.head.references.key(target[0].name, target[1].logical_id)
            found[key] = found.get(key, 0) + 1
    return {key: f"{count} role{'s' * (count != 1)}" for key, count in found.items()}
