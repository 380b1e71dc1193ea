"""What the roles, users and groups of an application may do in the head and could not in the base, or the reverse."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from review.cloud_assembly import Resource, Stack
from review.iam import escalation, told
from review.iam.actions import actions
from review.iam.branches import Guard, guarded
from review.iam.managed import UNKNOWN
from review.iam.principals import KINDS, Key, Principals, properties
from review.iam.references import Target
from review.iam.statements import ANYONE, Policy, Statement, policy
from review.iam.widening import Widening, settled, widenings
from review.model import Finding, Kind, Place, Severity

ASK = "Ask what needs this, and whether fewer actions, a named resource or a condition would do."
_ASK_DENY = "Ask why the Deny is gone or weaker, and what stops these actions now."
_ASK_NOTHING = "Nothing to do; see that what uses it still works."
_READ = "Read the policies of both sides."


@dataclass(frozen=True)
class Sides:
    """`rewired`: what references lead through (outputs, parameters) has changed, so that equal texts may differ."""

    base: Principals
    head: Principals
    rewired: bool = True

    def place(self, key: Key) -> Place:
        return place(*(self.head if key in self.head.members else self.base).members[key])  # pyright: ignore[reportArgumentType]


def place(stack: Stack, resource: Resource) -> Place:
    return Place(
        stack=stack.name, logical_id=resource.logical_id, type=resource.type, path=resource.path, source=resource.source
    )


def findings(sides: Sides) -> Iterator[Finding]:
    """Those of each principal: its policies, its trust and its boundary."""
    for key in dict.fromkeys([*sides.head.members, *sides.base.members]):
        there, was = key in sides.head.members, key in sides.base.members
        if there and was and not sides.rewired and sides.base.written(key) == sides.head.written(key):
            continue
        base, head = sides.base.policy(key), sides.head.policy(key)
        where = sides.place(key)
        title = f"{KINDS[where.type]} {where.path}"
        if there and was:
            bounds = (_bound(sides.base, key), _bound(sides.head, key))
            yield from compared(base, head, where, title, bounds)
            yield from _trust(sides, key, where, title)
            yield from _boundary(sides, key, where, title)
        elif there:
            yield from _new(sides, key, head, where, title)
        else:
            yield from _gone(sides, key, base, where, title)
    for key in dict.fromkeys([*sides.head.named, *sides.base.named]):
        holder = sides.head if key in sides.head.named else sides.base
        where = place(*holder.attached(key))
        yield from compared(sides.base.policy(key), sides.head.policy(key), where, f"{key[0]} {key[1]}")


def compared(
    base: Policy, head: Policy, where: Place, title: str, bounds: tuple[Policy, Policy] = (Policy(), Policy())
) -> Iterator[Finding]:
    """What one principal may do more, and what less, of what its boundary lets through before and after."""
    wider = blurred(_through(widenings(base, head), bounds[1]), base)
    for certain, told_so in ((True, f"{title} may now do"), (False, f"{title}: look whether it may now do")):
        severity = Severity.HIGH if certain else Severity.MEDIUM
        if found := [each for each in wider if not each.denied and each.certain == certain]:
            yield _finding("iam-widened", severity, where, f"{told_so} {told.extent(found)}.", ASK)
    for certain, end in ((True, "which it may do now"), (False, "which nothing here allows, though others may")):
        severity = Severity.HIGH if certain else Severity.MEDIUM
        if found := [each for each in wider if each.denied and each.certain == certain]:
            message = f"{title} is no longer denied {told.extent(found)}, {end}."
            yield _finding("deny-weakened", severity, where, message, _ASK_DENY)
    if wider:
        yield from escalation.findings(base, head, where, title)
    if less := [
        each for each in _through(widenings(head, base), bounds[0]) if each.certain or each.denied or not wider
    ]:
        yield _finding("iam-narrowed", Severity.LOW, where, _narrowing(title, less), _ASK_NOTHING)
    yield from unread(base, head, where, title)


def _through(found: list[Widening], boundary: Policy) -> list[Widening]:
    """Without the actions that no statement of the boundary allows, if there is one and it can be read."""
    if not boundary.statements or boundary.unread or _unknown_of(boundary):
        return found
    allowed = 0
    for statement in boundary.statements:
        allowed |= statement.mask() if statement.allows else 0
    return [replace(each, mask=each.mask & allowed) for each in found if each.mask & allowed]


def blurred(found: Sequence[Widening], base: Policy) -> list[Widening]:
    """With doubt where a policy of which the content is unknown is gone, since it may have held all of this."""
    return [replace(each, certain=each.certain and not _unknown(each.mask) and not _unknown_of(base)) for each in found]


def _unknown(mask: int) -> bool:
    return mask.bit_count() < 100 and any(name.startswith(UNKNOWN) for name in actions().of(mask))


def _unknown_of(held: Policy) -> bool:
    return any(text.startswith(UNKNOWN) for each in held.statements for text in each.actions.texts)


def _narrowing(title: str, less: Sequence[Widening]) -> str:
    lost = [each for each in less if not each.denied]
    if lost:
        return f"{title} may no longer do {told.extent([replace(each, why='new') for each in lost])}."
    return f"{title} is now denied {told.extent(less)}."


def unread(base: Policy, head: Policy, where: Place, title: str, rule: str = "iam-widened") -> Iterator[Finding]:
    if set(head.unread) - set(base.unread):
        message = f"{title}: a part of its policy cannot be read before deployment (a macro, or no statement)."
        yield _finding(rule, Severity.MEDIUM, where, message, _READ)


def _new(sides: Sides, key: Target, head: Policy, where: Place, title: str) -> Iterator[Finding]:
    """A new principal's rights are new, and seldom a surprise: grave only where they are boundless."""
    wider = widenings(Policy(), head)
    allowed = [each for each in wider if not each.denied]
    if allowed:
        boundless = any(each.statement.actions.texts == ("*",) and each.resource == "*" for each in allowed)
        severity = Severity.HIGH if boundless else Severity.MEDIUM
        yield _finding("iam-widened", severity, where, f"{title} is new and may do {told.extent(allowed)}.", ASK)
        yield from escalation.findings(Policy(), head, where, title)
    yield from unread(Policy(), head, where, title)
    for each in _open(sides.head, key):
        severity = Severity.MEDIUM if each.condition else Severity.HIGH
        yield _finding("trust-widened", severity, where, f"{title} is new and anyone may assume it.", ASK_TRUST)


def _gone(sides: Sides, key: Target, base: Policy, where: Place, title: str) -> Iterator[Finding]:
    if any(not each.denied for each in widenings(Policy(), base)):
        yield _finding("iam-narrowed", Severity.LOW, where, f"{title} is gone, and what it could do.", _ASK_NOTHING)
    if any(_open(sides.base, key)):
        message = f"{title} is gone, which anyone could assume."
        yield _finding("trust-narrowed", Severity.LOW, where, message, _ASK_NOTHING)


def _open(side: Principals, key: Target) -> Iterator[Statement]:
    """What lets anyone assume a role."""
    for each in trust(side, key).statements:
        if each.allows and (ANYONE in each.principals.texts or each.principals.inverted):
            yield each


ASK_TRUST = (
    "Ask who assumes the role, and name that principal, with an external ID or a source condition if it is not ours."
)


def trust(side: Principals, key: Target) -> Policy:
    """Who may assume a role; every trust policy is about the role itself."""
    stack, resource = side.members[key]
    return policy(properties(resource).get("AssumeRolePolicyDocument"), stack, side.references)


def _trust(sides: Sides, key: Target, where: Place, title: str) -> Iterator[Finding]:
    if where.type != "AWS::IAM::Role":
        return
    base, head = trust(sides.base, key), trust(sides.head, key)
    less = widenings(head, base)
    for each in _by_certainty(settled(widenings(base, head), less)):
        verb = "may now be assumed by" if each[0].certain else ": look whether it may now be assumed by"
        severity = Severity.HIGH if each[0].certain or each[0].denied else Severity.MEDIUM
        yield _finding("trust-widened", severity, where, f"{title} {verb} {_assuming(each)}.", ASK_TRUST)
    if less:
        message = f"{title} may no longer be assumed by {_assuming(less)}."
        yield _finding("trust-narrowed", Severity.LOW, where, message, _ASK_NOTHING)
    yield from unread(base, head, where, title, "trust-widened")


def _by_certainty(found: Sequence[Widening]) -> Iterator[list[Widening]]:
    for certain in (True, False):
        if group := [each for each in found if each.certain == certain]:
            yield group


def _assuming(found: Sequence[Widening]) -> str:
    texts = dict.fromkeys(text for each in found for text in each.statement.principals.texts)
    inverted = any(each.statement.principals.inverted for each in found)
    looser = " under looser conditions" if all(each.why == "conditions" for each in found) else ""
    return f"{'all but ' if inverted else ''}{told.who(list(texts))}{looser}"


def _boundary(sides: Sides, key: Target, where: Place, title: str) -> Iterator[Finding]:
    """Whether it is another; that the same one says more is told once for all roles (review.iam.boundaries)."""
    before, after = (_bounding(side, key) for side in (sides.base, sides.head))
    if before and not after:
        message = f"{title} has no permissions boundary any more."
        yield _finding("boundary-weakened", Severity.HIGH, where, message, "Ask why, and put the boundary back.")
    elif after and not before:
        yield _finding("iam-narrowed", Severity.LOW, where, f"{title} has a permissions boundary now.", _ASK_NOTHING)
    elif before != after:
        yield from weakened(_bound(sides.base, key), _bound(sides.head, key), where, title)


def _bounding(side: Principals, key: Target) -> list[tuple[Guard, object]]:
    """The boundary's key or its ARN, for each of the template's conditions."""
    stack, resource = side.members[key]
    found = []
    for guard, value in guarded(properties(resource).get("PermissionsBoundary"), stack):
        target = side.references.target(value, stack)
        named = side.references.key(target[0].name, target[1].logical_id) if target else None
        found.append((guard, named or side.references.text(value, stack)))
    return found


def _bound(side: Principals, key: Target) -> Policy:
    """What the boundary lets through."""
    stack, resource = side.members[key]
    values = guarded(properties(resource).get("PermissionsBoundary"), stack)
    return sum((side.document(value, stack, guard) for guard, value in values), Policy())


def weakened(before: Policy, after: Policy, where: Place, title: str) -> Iterator[Finding]:
    """A boundary against the one that was there."""
    for group in _by_certainty(blurred(widenings(before, after), before)):
        sure = group[0].certain or any(each.denied for each in group)
        verb = "lets through more" if sure else "is another, look whether it lets through more"
        message = f"The permissions boundary of {title} {verb}: {told.extent(group)}."
        severity = Severity.HIGH if sure else Severity.MEDIUM
        yield _finding("boundary-weakened", severity, where, message, "Ask which of the roles needs this.")
        return
    if widenings(after, before):
        message = f"The permissions boundary of {title} lets through less."
        yield _finding("iam-narrowed", Severity.LOW, where, message, _ASK_NOTHING)


_KINDS = {"iam-narrowed": Kind.IAM_NARROWED, "trust-narrowed": Kind.IAM_NARROWED}


def _finding(rule: str, severity: Severity, where: Place, message: str, fix: str) -> Finding:
    kind = _KINDS.get(rule, Kind.IAM_WIDENED)
    return Finding(kind=kind, severity=severity, rule=rule, place=where, message=message.replace(" :", ":"), fix=fix)
