"""A template's values in one form, whichever way they are written, and the paths where two of them differ."""

import json
import math
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any, Final, NamedTuple

# Around what only CloudFormation knows, within a text: `\x02Bucket.Arn\x03/models`. No template holds these characters.
OPEN, CLOSE = "\x02", "\x03"


class _Absent:
    def __repr__(self) -> str:
        return "absent"


# Of two neighbours one of these may hold the name and one of those the value that it is the name of.
NAME_KEYS = ("Name", "Key", "ParameterKey", "ParameterName", "OptionName", "name", "key")
VALUE_KEYS = ("Value", "ParameterValue", "DefaultValue", "OptionValue", "StringValue", "Default", "value")

# What tells one item of a list from the others.
_IDENTITIES = ("Name", "Key", "Id", "Sid", "VariantName", "ChannelName", "ParameterKey", "AttributeName", "RuleName")

ABSENT: Final = _Absent()
"""A value that is not there, as a missing key and `AWS::NoValue` are."""


class Leaf(NamedTuple):
    """One place where two values differ. List positions are `*`.

    `certain` is false where it differs for some outcomes of a condition only; `opaque` where what is in it, on either
    side, is known to CloudFormation alone, so that anything below may differ.
    """

    path: tuple[str, ...]
    before: Any
    after: Any
    certain: bool = True
    opaque: bool = False
    called: str = ""
    """What the template calls it beside it, as in `{"Name": "TOKEN", "Value": ...}`."""


def plain(value: Any, mappings: Mapping[str, Any] | None = None) -> Any:
    """A template's value with texts joined, numbers and truth values as texts, and lookups in `mappings` done."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(int(value)) if math.isfinite(value) and value == int(value) else str(value)
        case list():
            return [inner for item in value if (inner := plain(item, mappings)) is not ABSENT]
        case dict() if len(value) == 1 and _is_function(next(iter(value))):
            [(function, argument)] = value.items()
            return _function(function, argument, mappings or {})
        case dict():
            return {key: inner for key, item in value.items() if (inner := plain(item, mappings)) is not ABSENT}
        case None:
            return ABSENT
        case _:
            return str(value)


def function_of(value: Any) -> str:
    """The name of the intrinsic function that a plain value still is, or empty."""
    if isinstance(value, dict) and len(value) == 1:
        name = next(iter(value))
        return name if _is_function(name) else ""
    return ""


def leaves(before: Any, after: Any, path: tuple[str, ...] = (), called: str = "") -> Iterator[Leaf]:
    """Where two plain values differ. `called`: see Leaf."""
    if before == after and type(before) is type(after):
        return
    first, second = function_of(before), function_of(after)
    if "Fn::If" in (first, second):
        yield from _conditional(before, after, path, called)
    elif first or second:
        yield Leaf(path, before, after, opaque=True, called=called)
    elif _all(dict, before, after):
        old, new = before or {}, after or {}
        found = [
            leaf
            for key in dict.fromkeys([*_keys(old), *_keys(new)])
            for leaf in leaves(_of(old, key), _of(new, key), (*path, str(key)), beside(key, old, new) or called)
        ]
        yield from found or [Leaf(path, before, after, called=called)]
    elif _all(list, before, after):
        yield from _lists(before, after, path, called)
    else:
        yield Leaf(path, before, after, opaque=_is_opaque(before) or _is_opaque(after), called=called)


def beside(key: Any, *entries: Any) -> str:
    """What a value's neighbours call it; empty for what is no such value."""
    if key not in VALUE_KEYS:
        return ""
    names = (entry[name] for entry in entries if isinstance(entry, Mapping) for name in NAME_KEYS if name in entry)
    return next((name for name in names if isinstance(name, str)), "")


def _is_function(key: Any) -> bool:
    return isinstance(key, str) and (key.startswith("Fn::") or key in ("Ref", "Condition"))


def _function(function: str, argument: Any, mappings: Mapping[str, Any]) -> Any:
    match function, argument:
        case "Ref", "AWS::NoValue":
            return ABSENT
        case "Ref", str():
            return f"{OPEN}{argument}{CLOSE}"
        case "Fn::GetAtt", str():
            return f"{OPEN}{argument}{CLOSE}"
        case "Fn::GetAtt", [str() as name, str() as attribute]:
            return f"{OPEN}{name}.{attribute}{CLOSE}"
        case "Fn::Sub", str():
            return _substituted(argument, {})
        case "Fn::Sub", [str() as text, dict() as given]:
            return _substituted(text, {key: plain(item, mappings) for key, item in given.items()})
        case "Fn::Join", [str() as delimiter, list() as parts]:
            return delimiter.join(_text(inner) for part in parts if (inner := plain(part, mappings)) is not ABSENT)
        case "Fn::Select", [(int() | str()) as index, list() as items] if str(index).isdigit() and int(index) < len(
            items
        ):
            return plain(items[int(index)], mappings)
        case "Fn::FindInMap", [str() as name, str() as first, str() as second, *_]:
            found = mappings.get(name, {})
            found = found.get(first, {}) if isinstance(found, dict) else {}
            if isinstance(found, dict) and second in found:
                return plain(found[second], mappings)
    if function == "Fn::If" and isinstance(argument, list):
        # A branch that gives nothing keeps its place.
        return {function: [_kept(plain(item, mappings)) for item in argument]}
    return {function: _kept(plain(argument, mappings))}


def _kept(value: Any) -> Any:
    return f"{OPEN}AWS::NoValue{CLOSE}" if value is ABSENT else value


def _substituted(text: str, given: Mapping[str, Any]) -> str:
    """A text of Fn::Sub: `${!Literal}` stays, `${Name}` is a reference or one of those given."""
    parts = text.split("${")
    done = [parts[0]]
    for part in parts[1:]:
        name, closed, rest = part.partition("}")
        if not closed:
            done.append("${" + part)
        elif name.startswith("!"):
            done.append("${" + name[1:] + "}" + rest)
        else:
            done.append((_text(given[name]) if name in given else f"{OPEN}{name.strip()}{CLOSE}") + rest)
    return "".join(done)


def _text(value: Any) -> str:
    """Of what stays a function within a text, words without quotes, so that a text that is JSON stays JSON."""
    if isinstance(value, str):
        return value
    if value is ABSENT:
        return ""
    words = json.dumps(value, sort_keys=True, ensure_ascii=False)
    words = words.replace("\\u0002", "${").replace("\\u0003", "}").replace('"', "'").replace("\\", "/")
    return f"{OPEN}{words}{CLOSE}"


_MALFORMED = "\0"


def _conditional(before: Any, after: Any, path: tuple[str, ...], called: str) -> Iterator[Leaf]:
    """What holds in every outcome is certain; an Fn::If against a value is compared in both of its branches."""
    (one, yes, no), (other, new_yes, new_no) = _branches(before), _branches(after)
    if _MALFORMED in (one, other) or (one and other and one != other):
        yield Leaf(path, before, after, False, True, called)
        return
    found = [list(leaves(yes, new_yes, path, called)), list(leaves(no, new_no, path, called))]
    for leaf in (leaf for side in found for leaf in side):
        everywhere = all(any(leaf.path == other.path for other in side) for side in found)
        yield leaf if everywhere else leaf._replace(certain=False)


def _branches(value: Any) -> tuple[str, Any, Any]:
    argument = value.get("Fn::If") if function_of(value) == "Fn::If" else None
    if isinstance(argument, list) and len(argument) == 3:
        yes, no = (ABSENT if item == f"{OPEN}AWS::NoValue{CLOSE}" else item for item in argument[1:])
        return str(argument[0]), yes, no
    return (_MALFORMED if argument is not None else ""), value, value


def _lists(before: Any, after: Any, path: tuple[str, ...], called: str) -> Iterator[Leaf]:
    """Items that both have are put aside; the rest are compared by their names, and else by their order."""
    if before is ABSENT or after is ABSENT:
        old, new = ([] if side is ABSENT else list(side) for side in (before, after))
    else:
        new, old = list(after), []
        for item in before:
            if item in new:
                new.remove(item)
            else:
                old.append(item)
    found = [leaf for one, other in _couples(old, new) for leaf in leaves(one, other, (*path, "*"), called)]
    # Only the order differs: some services care.
    yield from found or [Leaf((*path, "*"), before, after, called=called)]


def _couples(old: list[Any], new: list[Any]) -> Iterator[tuple[Any, Any]]:
    named = {name: item for item in reversed(new) if (name := _identity(item))}
    left, rest = [], list(new)
    for item in old:
        other = named.pop(_identity(item), None)
        if other is None:
            left.append(item)
        else:
            rest.remove(other)
            yield item, other
    for one, other in zip_longest(left, rest, fillvalue=ABSENT):
        if _identity(one) and _identity(other):
            # Two of different names: one goes, the other comes.
            yield from ((one, ABSENT), (ABSENT, other))
        else:
            yield one, other


def _identity(item: Any) -> str:
    found = (item[key] for key in _IDENTITIES if key in item) if isinstance(item, dict) else iter(())
    return next((value for value in found if isinstance(value, str)), "")


def _all(kind: type, before: Any, after: Any) -> bool:
    sides = [side for side in (before, after) if side is not ABSENT]
    return bool(sides) and all(isinstance(side, kind) for side in sides)


def _keys(value: Any) -> list[Any]:
    return [] if value is ABSENT else list(value)


def _of(value: Any, key: Any) -> Any:
    return ABSENT if value is ABSENT else value.get(key, ABSENT)


def _is_opaque(value: Any) -> bool:
    return isinstance(value, str) and OPEN in value
