"""Which way the security of an application goes: what a change widens, opens or switches off."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from review import internet, network, switches
from review.cloud_assembly import Stack
from review.iam import boundaries, identity, resource_policies, swapped
from review.iam.principals import Principals
from review.iam.references import References, Target
from review.model import Finding
from review.pairs import Pair


def security(pairs: Iterable[Pair]) -> tuple[Finding, ...]:
    """By kind, and then in the order of the templates."""
    found = tuple(pairs)
    rewired = _is_rewired(found)
    return tuple(dict.fromkeys(_findings(found, rewired))) if rewired or any(map(_differs, found)) else ()


def _findings(found: tuple[Pair, ...], rewired: bool) -> Iterator[Finding]:
    base, head = _references(found)
    sides = identity.Sides(Principals(base), Principals(head), rewired)
    return chain(
        identity.findings(sides),
        boundaries.findings(sides, found),
        swapped.findings(sides, found),
        resource_policies.findings(base, head, rewired),
        network.findings(base, head),
        internet.findings(base, head, found),
        switches.findings(base, head, found),
    )


def _differs(pair: Pair) -> bool:
    if pair.before is None or pair.after is None:
        return True
    return (pair.before.type, pair.before.properties, pair.before.attributes) != (
        pair.after.type,
        pair.after.properties,
        pair.after.attributes,
    )


def _is_rewired(found: tuple[Pair, ...]) -> bool:
    """Whether an output, a condition or a parameter of a nested stack says something else; new ones matter nowhere."""
    stacks = {(p.stack_before.name, p.stack_after.name): p for p in found if p.stack_before and p.stack_after}
    return any(
        _changed(p.stack_before, p.stack_after, section)
        for p in stacks.values()
        for section in ("Outputs", "Conditions")
    ) or any(
        p.before.properties != p.after.properties
        for p in found
        if p.before and p.after and p.after.type == "AWS::CloudFormation::Stack"
    )


def _changed(before: Stack | None, after: Stack | None, section: str) -> bool:
    old, new = (stack.template.get(section) if stack else None for stack in (before, after))
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return False
    return any(name in new and new[name] != value for name, value in old.items())


def _references(found: tuple[Pair, ...]) -> tuple[References, References]:
    """Both sides; what has moved keeps the key that it had."""
    moved = {
        Target(pair.stack_after.name, pair.after.logical_id): Target(pair.stack_before.name, pair.before.logical_id)
        for pair in found
        if pair.stack_before and pair.stack_after and pair.before and pair.after
    }
    renames = {new: old for new, old in moved.items() if new != old}
    return (
        References({pair.stack_before.name: pair.stack_before for pair in found if pair.stack_before}),
        References({pair.stack_after.name: pair.stack_after for pair in found if pair.stack_after}, renames),
    )
