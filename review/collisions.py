"""Fixed names that the deployment would need twice."""

from collections.abc import Iterable, Iterator

from review.cloud_assembly import Assembly, Resource, Stack
from review.drafts import Draft
from review.model import Action, Finding, Kind, Severity
from review.names import Name, fixed_name, name_properties, references_of
from review.replacement import schema
from review.shown import shown
from review.values import plain


def collisions(drafts: Iterable[Draft], base: Assembly, head: Assembly) -> Iterator[Finding]:
    """One finding for each resource that cannot be made because of its name."""
    wanting = [draft for draft in drafts if draft.action in _MADE and not draft.type_changed]
    named = [(draft, name) for draft in wanting if (name := _wanted(draft))]
    if not named:
        return
    replaced = {(draft.pair.place.stack, draft.pair.place.logical_id) for draft in wanting if draft.action in _REPLACED}
    keys = {name.key for _, name in named}
    existing = _by_key(base, keys)
    later = _by_key(head, keys)
    for draft, name in named:
        place = draft.pair.place
        here = (place.stack, place.logical_id)
        before = existing.get(name.key, [])
        if draft.action in _REPLACED and here in before:
            if not _renewed(draft, replaced) and schema(draft.kind).get("replacementStrategy") != "delete_then_create":
                yield _of_replaced(draft, name)
        elif before:
            yield _of_made(draft, name, f"{before[0][0]}/{before[0][1]} has it already")
        elif others := [other for other in later[name.key] if other < here]:
            # Said of one of the two.
            yield _of_made(draft, name, f"{others[0][0]}/{others[0][1]} gets it as well")


_REPLACED = (Action.REPLACE, Action.MAY_REPLACE)
_MADE = (Action.ADD, Action.MOVE, Action.REPLACE, Action.MAY_REPLACE)


def _renewed(draft: Draft, replaced: set[tuple[str, str]]) -> bool:
    """Whether its name, or what it is unique within, comes from something that is replaced, and so is another one."""
    resource, stack = draft.pair.after, draft.pair.place.stack
    assert resource
    values = (plain(resource.properties.get(name)) for name in name_properties(draft.kind))
    named = (name.partition(".")[0] for value in values if isinstance(value, str) for name in references_of(value))
    return any((stack, name) in replaced for name in named)


def _wanted(draft: Draft) -> Name | None:
    pair = draft.pair
    return fixed_name(pair.after, pair.stack_after) if pair.after and pair.stack_after else None


def _by_key(assembly: Assembly, keys: set[tuple[str, ...]]) -> dict[tuple[str, ...], list[tuple[str, str]]]:
    found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    kinds = {key[0] for key in keys}
    for stack, resource in _all(assembly):
        if resource.type in kinds and (name := fixed_name(resource, stack)) and name.key in keys:
            found.setdefault(name.key, []).append((stack.name, resource.logical_id))
    return found


def _all(assembly: Assembly) -> Iterator[tuple[Stack, Resource]]:
    for stack in assembly.stacks.values():
        for resource in stack.resources.values():
            yield stack, resource


def _of_replaced(draft: Draft, name: Name) -> Finding:
    sure = draft.action is Action.REPLACE
    return Finding(
        kind=Kind.COLLISION,
        severity=Severity.HIGH if sure else Severity.MEDIUM,
        rule="name-collision",
        place=draft.pair.place,
        message=f"{'Must' if sure else 'May'} be replaced and keeps its {name.property} {shown(name.text)}:"
        " CloudFormation makes the new one before it deletes the old one, and refuses.",
        fix=f"Leave {name.property} to CloudFormation, or change it along with what forces the replacement.",
    )


def _of_made(draft: Draft, name: Name, who: str) -> Finding:
    moved = " It moved here; the old one is deleted only after the new one is made." if draft.moved_from else ""
    return Finding(
        kind=Kind.COLLISION,
        severity=Severity.HIGH,
        rule="name-collision",
        place=draft.pair.place,
        message=f"Needs the {name.property} {shown(name.text)}, and {who}: its creation fails.{moved}",
        fix="Keep the old logical ID (`override_logical_id`), or rename with `cdk refactor`, or give it another name."
        if draft.moved_from
        else "Give it another name, or none.",
    )
