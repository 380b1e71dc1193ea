"""Resources that come back under another logical ID, or in another stack: renamed constructs and moved ones."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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

    def by_renamed_stack(stack: Stack, resource: Resource) -> Iterator[Any]:
        if stack.name in whole:
            yield resource.type, resource.logical_id

    for keys in (_by_name, _by_path, by_renamed_stack, _by_properties):
        _match(gone, come, origin, keys)
    left = {id(draft) for draft in origin.values()}
    return [
        _one(draft, origin[id(draft)]) if id(draft) in origin else draft for draft in drafts if id(draft) not in left
    ]


def _is(draft: Draft, actions: tuple[Action, ...]) -> bool:
    return draft.action in actions and not draft.type_changed


def _match(gone: list[Draft], come: list[Draft], origin: dict[int, Draft], keys: Any) -> None:
    taken = {id(draft) for draft in origin.values()}
    waiting: dict[Any, list[Draft]] = defaultdict(list)
    for draft in gone:
        if id(draft) not in taken:
            for key in keys(*_side(draft)):
                waiting[key].append(draft)
    for draft in come:
        if id(draft) in origin:
            continue
        stack, resource = _side(draft)
        for key in keys(stack, resource):
            found = [old for old in waiting[key] if id(old) not in taken]
            if found:
                # The nearest: in the same stack, then the one whose construct is called alike.
                best = max(
                    found, key=lambda old: (_side(old)[0].name == stack.name, _tail(_side(old)[1]) == _tail(resource))
                )
                origin[id(draft)] = best
                taken.add(id(best))
                break


def _side(draft: Draft) -> tuple[Stack, Resource]:
    stack, resource = (
        (draft.pair.stack_after, draft.pair.after) if draft.pair.after else (draft.pair.stack_before, draft.pair.before)
    )
    assert stack and resource
    return stack, resource


def _by_name(stack: Stack, resource: Resource) -> Iterator[Any]:
    if name := fixed_name(resource, stack):
        yield name.key


def _by_path(stack: Stack, resource: Resource) -> Iterator[Any]:
    if resource.path != resource.logical_id:
        yield resource.type, resource.path


def _by_properties(stack: Stack, resource: Resource) -> Iterator[Any]:
    own = resource.path.removeprefix(stack.name)
    text = json.dumps(_up_to_references(plain(resource.properties), stack), sort_keys=True, default=str)
    text = text.replace(own, "<path>") if own.strip("/") and own != resource.logical_id else text
    if _values(resource.properties) >= _ALIKE:
        yield resource.type, text
    yield resource.type, text, _tail(resource)


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
