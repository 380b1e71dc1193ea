"""Policies on resources: what each subject (a bucket, a key, a function) lets others do, before and after."""

from collections.abc import Iterator, Sequence

from review.iam import told
from review.iam.identity import unread
from review.iam.references import References
from review.iam.statements import ANYONE, Policy, Statement
from review.iam.subjects import ENDPOINT, Subject, exists, subjects
from review.iam.widening import Widening, settled, widenings
from review.model import Finding, Kind, Place, Severity

_ASK = "Ask who needs this, and name that principal, with a source condition if it is a service or not ours."
# Conditions that leave of anyone somebody.
_RESTRICTING = ("aws:source", "aws:principal", "aws:vpc", "kms:calleraccount", "kms:viaservice", "aws:userid")


def findings(base: References, head: References, rewired: bool) -> Iterator[Finding]:
    """`rewired`: what references lead through has changed, so that equal texts may differ."""
    before, after = subjects(base), subjects(head)
    for key in dict.fromkeys([*after, *before]):
        old, new = before.get(key), after.get(key)
        if old and new and not rewired and [each for each, _ in old.documents] == [each for each, _ in new.documents]:
            continue
        if new and not old:
            old_too = exists(key, base)
            yield from _compared(Policy(), new) if old_too else _new(new)
        elif old and not new and exists(key, head):
            yield from _compared(old.policy, Subject(old.place, head))
        elif old and new:
            if old.written and not new.written and new.place.type == ENDPOINT:
                yield from _dropped(old, new)
            else:
                yield from _compared(old.policy, new)


def _dropped(old: Subject, new: Subject) -> Iterator[Finding]:
    if not widenings(old.policy, new.policy):
        return
    message = f"VPC endpoint {new.place.path} has no policy any more: everyone may do everything through it."
    fix = "Ask why, and put back the policy that names the accounts or the resources."
    yield _finding("endpoint-policy-dropped", Severity.HIGH, new.place, message, fix, Kind.NETWORK_OPENED)


def _compared(base: Policy, new: Subject) -> Iterator[Finding]:
    title = f"The policy of {_subject(new.place)}"
    less = widenings(new.policy, base)
    wider = settled(widenings(base, new.policy), less)
    for certain in (True, False):
        if found := [each for each in wider if not each.denied and each.certain == certain]:
            verb = "now lets" if certain else "changes: look whether it now lets"
            severity = Severity.HIGH if certain else Severity.MEDIUM
            message = f"{title} {verb} {_who(found)} do {told.extent(found)}."
            yield _finding(
                "resource-policy-widened",
                severity,
                new.place,
                message,
                _ASK,
            )
    if found := [each for each in wider if each.denied]:
        message = f"{title} no longer denies {told.extent(found)}."
        fix = "Ask why the Deny is gone or weaker; anyone whose own policy allows this can do it now."
        yield _finding("deny-weakened", Severity.HIGH, new.place, message, fix)
    if less:
        message = f"{title} lets others do less: {told.extent(less)}."
        fix = "Nothing to do; see that who uses it still can."
        yield _finding("iam-narrowed", Severity.LOW, new.place, message, fix, Kind.IAM_NARROWED)
    yield from unread(base, new.policy, new.place, title, "resource-policy-widened")


def _new(new: Subject) -> Iterator[Finding]:
    """Of a new resource only what lets in anyone, or another account."""
    for each in new.policy.statements:
        if not each.allows or new.place.type == ENDPOINT:
            continue
        if is_public(each):
            actions = ", ".join(each.actions.texts[:3])
            message = f"The policy of {_subject(new.place)}, which is new, lets anyone do {actions}."
            yield _finding(
                "resource-policy-widened",
                Severity.HIGH,
                new.place,
                message,
                _ASK,
            )


def is_public(statement: Statement) -> bool:
    anyone = ANYONE in statement.principals.texts or statement.principals.inverted
    restricted = any(
        clause.key.startswith(_RESTRICTING) and not clause.negative and not clause.if_exists and clause.values != ("*",)
        for clause in statement.condition
        if clause.key not in ("aws:securetransport", "lambda:functionurlauthtype")
    )
    return anyone and not restricted


def _who(found: Sequence[Widening]) -> str:
    if any(is_public(each.statement) for each in found):
        return "anyone"
    return told.who(list(dict.fromkeys(text for each in found for text in each.statement.principals.texts)))


def _subject(where: Place) -> str:
    return where.path.removesuffix("/Policy")


def _finding(
    rule: str, severity: Severity, where: Place, message: str, fix: str, kind: Kind = Kind.IAM_WIDENED
) -> Finding:
    return Finding(kind=kind, severity=severity, rule=rule, place=where, message=message, fix=fix)
