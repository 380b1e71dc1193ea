"""The role of something that runs, exchanged for another: what it can do then that it could not before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from review.iam import told
from review.iam.identity import ASK, Sides, blurred
from review.iam.principals import Key, Principals, properties
from review.iam.references import Target
from review.iam.widening import widenings
from review.model import Finding, Kind, Severity
from review.pairs import Pair

# Properties that hold a role in the specification of CloudFormation's types.
_ROLES = frozenset(
    {
        "Role", "RoleArn", "RoleARN", "ExecutionRoleArn", "ExecutionRole", "TaskRoleArn", "ServiceRole",
        "ServiceRoleArn", "IamInstanceProfile", "IamRoleArn", "DefaultExecutionRole", "InvocationRole", "JobRole",
        "NodeRole", "PodExecutionRoleArn", "InstanceRoleArn", "SpaceExecutionRole",
        "StepFunctionRoleArn", "EnvironmentRole",
    }
)  # fmt: skip


@dataclass(frozen=True)
class _Held:
    key: Key | None
    text: str


def findings(sides: Sides, pairs: tuple[Pair, ...]) -> Iterator[Finding]:
    for pair in pairs:
        if (
            pair.before
            and pair.after
            and pair.stack_before
            and pair.stack_after
            and pair.before.properties != pair.after.properties
        ):
            before = dict(_held(properties(pair.before), (), sides.base, pair.stack_before))
            after = dict(_held(properties(pair.after), (), sides.head, pair.stack_after))
            for path, new in after.items():
                old = before.get(path)
                if old and old.text != new.text and old.key != new.key:
                    yield from _compared(sides, pair, ".".join(path), old, new)


def _held(value: Any, path: tuple[str, ...], side: Principals, stack: Any) -> Iterator[tuple[tuple[str, ...], _Held]]:
    """Every role in the properties, with where it stands."""
    if isinstance(value, Mapping) and not any(key.startswith("Fn::") or key == "Ref" for key in value):
        for name, each in value.items():
            if name in _ROLES and not isinstance(each, list):
                yield (*path, name), _Held(_role(each, side, stack), side.references.text(each, stack))
            else:
                yield from _held(each, (*path, name), side, stack)
    elif isinstance(value, list):
        for n, each in enumerate(value):
            yield from _held(each, (*path, str(n)), side, stack)


def _role(value: Any, side: Principals, stack: Any) -> Key | None:
    """The role, through an instance profile too; None if the templates do not hold it."""
    target = side.references.target(value, stack)
    if target and target[1].type == "AWS::IAM::InstanceProfile":
        roles = properties(target[1]).get("Roles")
        return _role(roles[0], side, target[0]) if isinstance(roles, list) and roles else None
    key = side.key_of(value, stack)
    return key if isinstance(key, Target) and key in side.members else None


def _compared(sides: Sides, pair: Pair, path: str, old: _Held, new: _Held) -> Iterator[Finding]:
    title = f"{pair.place.path} ({path})"
    if old.key is None or new.key is None:
        message = f"{title} runs under another role, and not both are in the templates: look what the new one may do."
        yield _finding(pair, "iam-widened", Severity.MEDIUM, message, ASK)
        return
    base, head = sides.base.policy(old.key), sides.head.policy(new.key)
    wider = [each for each in blurred(widenings(base, head), base) if not each.denied]
    names = f"{told.name(old.key)} -> {told.name(new.key)}"
    if wider:
        certain = any(each.certain for each in wider)
        severity = Severity.HIGH if certain else Severity.MEDIUM
        message = f"{title} runs under another role ({names}) that may also do {told.extent(wider)}."
        yield _finding(pair, "iam-widened", severity, message, ASK)
    if less := [each for each in widenings(head, base) if not each.denied]:
        message = f"{title} runs under another role ({names}) that may not do {told.extent(less)}."
        yield _finding(pair, "iam-narrowed", Severity.LOW, message, "Nothing to do; see that it still works.")


def _finding(pair: Pair, rule: str, severity: Severity, message: str, fix: str) -> Finding:
    kind = Kind.IAM_NARROWED if rule == "iam-narrowed" else Kind.IAM_WIDENED
    return Finding(kind=kind, severity=severity, rule=rule, place=pair.place, message=message, fix=fix)
