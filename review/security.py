"""Which way the security of an application goes: what a change widens, opens or switches off."""

from collections.abc import Iterable, Iterator
from itertools import chain

from review import internet, network, switches
from review.cloud_assembly import Stack
from review.iam import boundaries, identity, resource_policies, swapped
from review.iam.principals import Principals
from review.iam.references import References, Target
from review.model import Finding
from review.pairs import Pair


def security(pairs: Iterable[Pair]) -> tuple[Finding, ...]:
    """The gravest are not first: they are by kind, and then in the order of the templates."""
    found = tuple(pairs)
    changed = any(pair.before is not pair.after and _differs(pair) for pair in found) or _outputs_differ(found)
    return tuple(dict.fromkeys(_findings(found))) if changed else ()


def _findings(found: tuple[Pair, ...]) -> Iterator[Finding]:
    base, head = _references(found)
    sides = identity.Sides(Principals(base), Principals(head))
    return chain(
        identity.findings(sides),
        boundaries.findings(sides, found),
        swapped.findings(sides, found),
        resource_policies.findings(base, head),
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


def _outputs_differ(found: tuple[Pair, ...]) -> bool:
    """What references go through, beside the resources themselves."""
    return any(
        _beside(old) != _beside(new)
        for old, new in {
            (id(p.stack_before), id(p.stack_after)): (p.stack_before, p.stack_after) for p in found
        }.values()
    )


def _beside(stack: Stack | None) -> list[object]:
    return [stack.template.get(key) for key in ("Outputs", "Conditions", "Mappings", "Parameters")] if stack else []


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
