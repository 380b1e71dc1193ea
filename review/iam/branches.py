"""What stands in a template under a condition: the branches of Fn::If."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from review.cloud_assembly import Stack

# Name of a condition's definition and whether it holds.
Guard = frozenset[tuple[str, bool]]
ALWAYS: Guard = frozenset()
NO_VALUE = {"Ref": "AWS::NoValue"}


def guarded(value: Any, stack: Stack, guard: Guard = ALWAYS) -> Iterator[tuple[Guard, Any]]:
    """The items of a list, or the one value, with the conditions of the template under which each is there."""
    if value is None or value == NO_VALUE:
        return
    if isinstance(value, list):
        for each in value:
            yield from guarded(each, stack, guard)
    elif isinstance(value, dict) and isinstance(argument := value.get("Fn::If"), list) and len(argument) == 3:
        name = _condition(argument[0], stack)
        for holds, branch in ((True, argument[1]), (False, argument[2])):
            if (name, not holds) not in guard:
                yield from guarded(branch, stack, guard | {(name, holds)})
    else:
        yield guard, value


def variants(value: Any, stack: Stack, limit: int = 32) -> list[tuple[Guard, Any]]:
    """A whole value once for each way in which the conditions in it can turn out. Raises ValueError past `limit`."""
    names = sorted(_names(value))
    if 2 ** len(names) > limit:
        raise ValueError(f"more than {limit} combinations of conditions")
    found = [(ALWAYS, value)]
    for name in names:
        found = [
            (guard | {(_condition(name, stack), holds)}, _chosen(each, name, holds))
            for guard, each in found
            for holds in (True, False)
        ]
    return found


def _names(value: Any) -> set[str]:
    if isinstance(value, list):
        return {name for each in value for name in _names(each)}
    if not isinstance(value, dict):
        return set()
    own = value.get("Fn::If")
    mine = {own[0]} if isinstance(own, list) and len(own) == 3 and isinstance(own[0], str) else set()
    return mine | {name for each in value.values() for name in _names(each)}


def _chosen(value: Any, name: str, holds: bool) -> Any:
    if isinstance(value, list):
        chosen = [(_chosen(each, name, holds), each) for each in value]
        return [each for each, _ in chosen if each != NO_VALUE]
    if not isinstance(value, dict):
        return value
    own = value.get("Fn::If")
    if isinstance(own, list) and len(own) == 3 and own[0] == name:
        return _chosen(own[1 if holds else 2], name, holds)
    inner = {key: _chosen(each, name, holds) for key, each in value.items()}
    return {key: each for key, each in inner.items() if each != NO_VALUE}


def _condition(name: Any, stack: Stack) -> str:
    """A condition is what it says, whatever its name."""
    definition = mapping(stack.template, "Conditions").get(str(name))
    return json.dumps(definition, sort_keys=True) if definition is not None else str(name)


def flat(values: Iterable[Any]) -> list[Any]:
    """Lists within lists, as an Fn::If leaves them, as one."""
    return [inner for each in values for inner in (flat(each) if isinstance(each, list) else [each])]


def mapping(value: Any, key: str) -> Mapping[str, Any]:
    """What stands under a key, where both are as they should be."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}
