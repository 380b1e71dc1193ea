"""The difference of two assemblies: what CloudFormation will do to each resource, what follows, and what that costs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from review.asset_changes import code_lines
from review.cascade import cascade, caused_by_moves
from review.cloud_assembly import Assembly
from review.collisions import collisions
from review.conditions import surroundings
from review.drafts import KEPT, Draft, drafted, policy
from review.exports import notes, refused_exports
from review.model import Action, Change, Finding, Kind, Place, Severity
from review.moves import moved
from review.nesting import NESTED
from review.pairs import pairs
from review.references import Reference, references
from review.stateful import HOLDS, SERVES, is_stateful, is_watched


@dataclass(frozen=True)
class Difference:
    """`changes`: what holds state first, then the gravest. `notes`: what else changes, and what cannot be known."""

    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


_ORDER = (Action.DESTROY, Action.REPLACE, Action.MAY_REPLACE, Action.MOVE, Action.ORPHAN, Action.UPDATE, Action.ADD)


def difference(base: Assembly, head: Assembly) -> Difference:
    """Of what `cdk deploy` of the head would do where the base is deployed."""
    around = surroundings(base, head)
    found = moved([draft for pair in pairs(base, head) if (draft := drafted(pair, around))])
    drafts = {(draft.pair.place.stack, draft.pair.place.logical_id): draft for draft in found}
    cascade(drafts, base, head)
    caused_by_moves(drafts)
    missing = _read_code(drafts.values())
    _fold_versions(drafts)
    replaced = {key for key, draft in drafts.items() if draft.action is Action.REPLACE}
    ordered = sorted(drafts.values(), key=_rank)
    findings = [
        *(finding for draft in ordered for finding in _findings(draft)),
        *_whole_stacks(ordered),
        *collisions(ordered, base, head),
        *refused_exports(base, head, replaced),
    ]
    remarks = [*notes(base, head), *missing, *_unknown(ordered)]
    return Difference(tuple(map(_change, ordered)), tuple(findings), tuple(remarks))


def _rank(draft: Draft) -> tuple[bool, int, bool, str, str]:
    place = draft.pair.place
    return not is_stateful(draft.kind), _ORDER.index(draft.action), draft.code_only, place.stack, place.logical_id


def _change(draft: Draft) -> Change:
    return Change(
        place=draft.pair.place,
        action=draft.action,
        properties=tuple(draft.properties),
        causes=tuple(draft.causes),
        lines=tuple(draft.lines),
        stateful=is_stateful(draft.kind),
        code_only=draft.code_only,
        moved_from=draft.moved_from,
    )


def _read_code(drafts: Iterable[Draft]) -> list[str]:
    """Adds the files that changed; a note where an asset is not at hand."""
    missing = 0
    for draft in drafts:
        if draft.code_only and draft.pair.after:
            handler = draft.pair.after.properties.get("Handler")
            assets = [stack.assets if stack else {} for stack in (draft.pair.stack_before, draft.pair.stack_after)]
            lines, complete = code_lines(
                assets[0], assets[1], draft.leaves, handler if isinstance(handler, str) else ""
            )
            draft.lines += lines
            missing += not complete
    return (
        [f"of {missing} resources with other code the files were not compared: their assets are missing"]
        if missing
        else []
    )


def _fold_versions(drafts: Mapping[tuple[str, str], Draft]) -> None:
    """A function's version has a logical ID of its own for each code; its alias follows. Both are the code's change."""
    for kind in ("AWS::Lambda::Version", "AWS::Lambda::Alias"):
        for (stack, _), draft in drafts.items():
            if draft.kind != kind or draft.action not in (Action.MOVE, Action.UPDATE) or not draft.pair.after:
                continue
            named = {found.name for found in references(draft.pair.after.properties) if isinstance(found, Reference)}
            changed = [other for name in named if (other := drafts.get((stack, name)))]
            draft.code_only = bool(changed) and all(other.code_only for other in changed)


def _unknown(drafts: Iterable[Draft]) -> Iterator[str]:
    kinds = {draft.kind for draft in drafts if draft.action is Action.UPDATE and draft.kind.startswith("Custom::")}
    for kind in sorted(kinds):
        yield f"{kind}: what an update does, its own handler decides; a replacement cannot be foreseen"


def _findings(draft: Draft) -> Iterator[Finding]:
    if draft.type_changed:
        message, fix = (
            "Another type under one logical ID, which is refused.",
            "Give it another construct ID.",
        )
        yield _finding(draft, "type-changed", Severity.HIGH, message, fix, Kind.COLLISION)
    elif draft.kind.startswith("Custom::") and any(leaf.path == ("ServiceToken",) for leaf in draft.leaves):
        message, fix = "Another function behind it, which CloudFormation may refuse.", "Give it another construct ID."
        yield _finding(draft, "update-refused", Severity.MEDIUM, message, fix, Kind.COLLISION)
    if is_watched(draft.kind) and draft.action in _SAID and not (draft.code_only or draft.left):
        rule, severity, message, fix = _SAID[draft.action](draft)
        yield _finding(draft, rule, severity, message, fix, Kind.DESTRUCTIVE)


def _whole_stacks(drafts: Iterable[Draft]) -> Iterator[Finding]:
    """One for all that a stack holds which leaves the application, under another name or for good."""
    held: dict[tuple[str, str], list[str]] = {}
    for draft in drafts:
        if draft.left and is_stateful(draft.kind):
            place = draft.pair.place
            old, new = (draft.moved_from.rpartition("/")[0], place.stack) if draft.moved_from else (place.stack, "")
            held.setdefault((old, new), []).append(place.path)
    for (old, new), paths in sorted(held.items()):
        what = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
        place = Place(stack=new or old, logical_id="", type=NESTED, path=new or old)
        yield Finding(
            kind=Kind.DESTRUCTIVE,
            severity=Severity.HIGH if new else Severity.MEDIUM,
            rule="moved" if new else "orphaned",
            place=place,
            message=f"{old} becomes {new}: CloudFormation makes all of it anew and empty ({what}), and leaves {old}"
            " in the account as it is."
            if new
            else f"The stack leaves the application and stays in the account with all that it holds ({what}).",
            fix="Keep the stack's name, or move what it holds before the old one is destroyed."
            if new
            else "Keep the stack, or destroy it knowingly once what it holds is safe.",
        )


def _finding(draft: Draft, rule: str, severity: Severity, message: str, fix: str, kind: Kind) -> Finding:
    return Finding(kind=kind, severity=severity, rule=rule, place=draft.pair.place, message=message, fix=fix)


def _severity(draft: Draft) -> Severity:
    return Severity.HIGH if is_stateful(draft.kind) else Severity.MEDIUM


def _stake(draft: Draft) -> str:
    return f"lost: {HOLDS[draft.kind]}" if draft.kind in HOLDS else f"meanwhile: {SERVES[draft.kind]}"


def _old(draft: Draft) -> str:
    """What becomes of the old one of a replaced resource; the new template's policy decides."""
    assert draft.pair.after
    found = policy(draft.pair.after.attributes, "UpdateReplacePolicy", draft.kind)
    if found in KEPT:
        return "the old one stays in the account, outside the stack, and the new one starts empty"
    if found == "Snapshot":
        return "a snapshot of the old one is kept, and the new one starts empty"
    return f"the old one is deleted; {_stake(draft)}"


def _why(draft: Draft) -> str:
    forced = [change for change in draft.properties if change.replaces]
    names = ", ".join(change.name for change in forced[:3]) or "a property"
    return f"{names} ({forced[0].replaces})" if forced else names


def _replaced(draft: Draft) -> tuple[str, Severity, str, str]:
    message = f"Replaced because of {_why(draft)}: {_old(draft)}."
    return "replaced", _severity(draft), message, "Keep the property as it is, or move what it holds first."


def _may_be_replaced(draft: Draft) -> tuple[str, Severity, str, str]:
    message = f"May be replaced because of {_why(draft)}: if so, {_old(draft)}."
    return (
        "may-be-replaced",
        _severity(draft),
        message,
        "Look at the change set (`cdk diff --method=change-set`) before the deployment.",
    )


def _destroyed(draft: Draft) -> tuple[str, Severity, str, str]:
    assert draft.pair.before
    kept = policy(draft.pair.before.attributes, "DeletionPolicy", draft.kind) == "Snapshot"
    message = f"Deleted with a last snapshot; {_stake(draft)}." if kept else f"Deleted; {_stake(draft)}."
    return "destroyed", _severity(draft), message, "Deploy a DeletionPolicy of Retain before it leaves the template."


def _orphaned(draft: Draft) -> tuple[str, Severity, str, str]:
    severity = Severity.MEDIUM if is_stateful(draft.kind) else Severity.LOW
    message = "Leaves its stack and stays in the account: nobody updates, deletes or accounts for it there."
    return "orphaned", severity, message, "Delete it by hand, or import it elsewhere (`cdk import`)."


def _moved(draft: Draft) -> tuple[str, Severity, str, str]:
    old = (
        "the old one stays in the account, outside its stack"
        if draft.kept
        else f"the old one is deleted; {_stake(draft)}"
    )
    message = f"Moved from {draft.moved_from}: CloudFormation makes a new one, which starts empty; {old}."
    return "moved", _severity(draft), message, "Keep the old logical ID (`override_logical_id`), or use `cdk refactor`."


_SAID = {
    Action.REPLACE: _replaced,
    Action.MAY_REPLACE: _may_be_replaced,
    Action.DESTROY: _destroyed,
    Action.ORPHAN: _orphaned,
    Action.MOVE: _moved,
}
