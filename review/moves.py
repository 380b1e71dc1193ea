"""Resources that come back under another logical ID, or in another stack: renamed constructs and moved ones."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from review.cloud_assembly import Resource, Stack
from review.drafts import Draft, change_of
from review.model import Action
from review.names import fixed_name
from review.pairs import Pair
from review.values import CLOSE, OPEN, leaves, plain

_REFERENCE = re.compile(f"{OPEN}([^{CLOSE}]*){CLOSE}")
_HASH = re.compile(r"[0-9A-F]{8}$|[0-9a-f]{32,}$")
# With fewer values than this two resources are alike by chance, unless they have the same name as constructs.
_ALIKE = 3
# So many changes of a moved one are told.
_CHANGES = 12
_GONE = (Action.DESTROY, Action.ORPHAN)


def moved(drafts: Sequence[Draft]) -> list[Draft]:
    """The drafts, with one instead of two for each resource that moved: `moved_from` says where it was.

    Two are the same if they have the same physical name, else the same construct path, else the same properties up to
    references. Of a stack that goes and another that comes, resources with the same logical ID are the same as well.
    """
    gone, come = ([draft for draft in drafts if _is(draft, wanted)] for wanted in (_GONE, (Action.ADD,)))
    if not gone or not come:
        return list(drafts)
    origin: dict[int, Draft] = {}
    whole = {
        _side(draft)[0].name for draft in (*gone, *come) if not (draft.pair.stack_before and draft.pair.stack_after)
    }

    def by_renamed_stack(stack: Stack, resource: Resource) -> Any:
        return (resource.type, resource.logical_id) if stack.name in whole else None

    for key_of in (_by_name, _by_path, by_renamed_stack, _by_properties_and_tail, _by_properties):
        _match(gone, come, origin, key_of)
    left = {id(draft) for draft in origin.values()}
    return [
        _one(draft, origin[id(draft)]) if id(draft) in origin else draft for draft in drafts if id(draft) not in left
    ]


def _is(draft: Draft, actions: tuple[Action, ...]) -> bool:
    return draft.action in actions and not draft.type_changed


def _match(gone: list[Draft], come: list[Draft], origin: dict[int, Draft], key_of: Any) -> None:
    """Couples those of one key: in the same stack and called alike first. Which side is which makes no difference."""
    taken = {id(draft) for draft in origin.values()}
    groups: dict[Any, tuple[list[Draft], list[Draft]]] = defaultdict(lambda: ([], []))
    for side, drafts in enumerate((gone, come)):
        for draft in drafts:
            if id(draft) not in taken and id(draft) not in origin and (key := key_of(*_side(draft))) is not None:
                groups[key][side].append(draft)
    for old, new in groups.values():
        for nearness in (_stack_and_tail, _stack, _tail_alone, _anywhere) if old and new else ():
            _couple(old, new, origin, nearness)


def _couple(old: list[Draft], new: list[Draft], origin: dict[int, Draft], nearness: Any) -> None:
    waiting: dict[Any, list[Draft]] = defaultdict(list)
    for draft in sorted(old, key=_stack_and_id):
        waiting[nearness(draft)].append(draft)
    for draft in sorted(new, key=_stack_and_id):
        if found := waiting[nearness(draft)]:
            origin[id(draft)] = found.pop(0)
            old.remove(origin[id(draft)])
            new.remove(draft)


def _stack_and_id(draft: Draft) -> tuple[str, str]:
    stack, resource = _side(draft)
    return stack.name, resource.logical_id


def _stack_and_tail(draft: Draft) -> tuple[str, str]:
    stack, resource = _side(draft)
    return stack.name, _tail(resource)


def _stack(draft: Draft) -> str:
    return _side(draft)[0].name


def _tail_alone(draft: Draft) -> str:
    return _tail(_side(draft)[1])


def _anywhere(draft: Draft) -> str:
    del draft
    return ""


def _side(draft: Draft) -> tuple[Stack, Resource]:
    stack, resource = (
        (draft.pair.stack_after, draft.pair.after) if draft.pair.after else (draft.pair.stack_before, draft.pair.before)
    )
    assert stack and resource
    return stack, resource


def _by_name(stack: Stack, resource: Resource) -> Any:
    name = fixed_name(resource, stack)
    return name.key if name else None


def _by_path(stack: Stack, resource: Resource) -> Any:
    del stack
    return (resource.type, resource.path) if resource.path != resource.logical_id else None


def _by_properties_and_tail(stack: Stack, resource: Resource) -> Any:
    return resource.type, _text(stack, resource), _tail(resource)


def _by_properties(stack: Stack, resource: Resource) -> Any:
    return (resource.type, _text(stack, resource)) if _values(resource.properties) >= _ALIKE else None


def _text(stack: Stack, resource: Resource) -> str:
    own = resource.path.removeprefix(stack.name)
    text = json.dumps(_up_to_references(plain(resource.properties), stack), sort_keys=True, default=str)
    return text.replace(own, "<path>") if own.strip("/") and own != resource.logical_id else text


def _tail(resource: Resource) -> str:
    """A construct's last name; of a logical ID, what stands before its hash."""
    return _HASH.sub("", resource.path.rpartition("/")[2])


def _up_to_references(value: Any, stack: Stack) -> Any:
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: _kind_of(found[1], stack), value)
    if isinstance(value, Mapping):
        if len(value) == 1 and ("Fn::ImportValue" in value or "Fn::GetStackOutput" in value):
            return "<imported>"
        return {key: _up_to_references(item, stack) for key, item in value.items()}
    return [_up_to_references(item, stack) for item in value] if isinstance(value, list) else value


def _kind_of(reference: str, stack: Stack) -> str:
    name, _, attribute = reference.partition(".")
    found = stack.resources.get(name)
    return (
        f"<{found.type}.{attribute}>" if found else f"<{reference}>" if reference.startswith("AWS::") else "<imported>"
    )


def _values(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(_values(item) for item in value.values())
    return sum(_values(item) for item in value) if isinstance(value, list) else 1


def _one(new: Draft, old: Draft) -> Draft:
    pair = Pair(old.pair.stack_before, new.pair.stack_after, old.pair.before, new.pair.after)
    before = old.pair.place
    # What else it changes; references go to other logical IDs, which is no change of the resource.
    sides = [_up_to_references(plain(resource.properties), stack) for stack, resource in (_side(old), _side(new))]
    changed = [change_of(leaf) for leaf in leaves(sides[0], sides[1], ("",))][:_CHANGES]
    return Draft(
        pair,
        Action.MOVE,
        [change.model_copy(update={"name": change.name.removeprefix(".")}) for change in changed],
        moved_from=f"{before.stack}/{before.logical_id}",
        kept=old.action is Action.ORPHAN,
        left=old.left,
    )
