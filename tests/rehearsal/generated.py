"""Requests generated from botocore's model: valid ones, and what breaks one in every way that the model knows."""

import copy
import re
from collections.abc import Iterator
from functools import cache
from itertools import count
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import strategies as st

from rehearsal.sagemaker import shapes

LONGEST = 5_000  # a text that is too long is made only where the model's limit is below this
_SERIAL = count()

Path = tuple[str | int, ...]


class Key(str):
    """A step of a path that is the key of a map."""


def values(shape: Shape, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that the shape allows: required members always, optional ones sometimes, near the top only."""
    return _values(shape.name, depth)


@cache
def _values(name: str, depth: int) -> st.SearchStrategy[Any]:
    shape: Any = shapes.service_model().shape_for(name)
    low = shape.metadata.get("min")
    if isinstance(shape, StructureShape):
        required = {n: values(shape.members[n], depth + 1) for n in shape.required_members}
        optional = {n: values(s, depth + 1) for n, s in shape.members.items() if n not in required}
        return st.fixed_dictionaries(required, optional=optional if depth < 2 else {})
    if isinstance(shape, ListShape):
        most = min(shape.metadata.get("max", 2), max(low or 0, 2))
        return st.lists(values(shape.member, depth + 1), min_size=low or 0, max_size=most)
    if isinstance(shape, MapShape):
        key, value = values(shape.key, depth + 1), values(shape.value, depth + 1)
        return st.dictionaries(key, value, min_size=low or 0, max_size=max(low or 0, 1))
    high = shape.metadata.get("max")
    if shape.type_name == "boolean":
        return st.booleans()
    if shape.type_name in ("integer", "long"):
        return st.integers(low or 0, 2**31 - 1 if high is None else high)
    if shape.type_name in ("float", "double"):
        return st.floats(low or 0, 1e6 if high is None else high)
    if shape.type_name == "timestamp":
        return st.integers(0, 2**31 - 1)
    return _texts(shape)


def _texts(shape: Any) -> st.SearchStrategy[str]:
    if shape.enum:
        return st.sampled_from(shape.enum)
    low, high = int(shape.metadata.get("min", 1)), int(shape.metadata.get("max", 64))
    plain = st.text("abcdef0123456789", min_size=low, max_size=max(low, min(high, 64)))
    pattern = str(shape.metadata.get("pattern", ""))
    try:
        re.compile(pattern)
    except re.error:  # Python cannot read Unicode classes: plain text satisfies what the model says with them
        pattern = ""
    printable = st.characters(min_codepoint=32, max_codepoint=126)
    found = st.from_regex(pattern, fullmatch=True, alphabet=printable) if pattern else plain
    return found.filter(lambda text: not shapes.problems(shape, text))


def fresh_name() -> str:
    """A name that no other request has."""
    return f"n{next(_SERIAL)}"


def breakages(shape: Shape, value: Any, path: Path = ()) -> Iterator[tuple[Path, Any, str]]:
    """Where to put what, and the words of the refusal: each way to break a valid value, nested ones included."""
    if path:
        odd = 7 if shape.type_name in ("string", "structure", "list", "map", "blob") else "x"
        yield path, odd, f"Member must be of type {shape.type_name}"
    if isinstance(shape, StructureShape):
        yield (*path, "Nobody"), 1, "Unknown member"
        for name in shape.required_members:
            yield (*path, name), None, "Member must not be null"
        for name, item in value.items():
            yield from breakages(shape.members[name], item, (*path, name))
    elif isinstance(shape, ListShape):
        yield from _sizes(shape, value, path)
        for index, item in enumerate(value[:1]):
            yield from breakages(shape.member, item, (*path, index))
    elif isinstance(shape, MapShape):
        for key, item in list(value.items())[:1]:
            yield from breakages(shape.value, item, (*path, Key(key)))
    else:
        yield from _scalars(shape, path)


def _sizes(shape: Shape, value: list[Any], path: Path) -> Iterator[tuple[Path, Any, str]]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low:
        yield path, [], f"Member must have length greater than or equal to {low}"
    if high is not None and high < LONGEST and value:
        yield path, value[:1] * (high + 1), f"Member must have length less than or equal to {high}"


def _scalars(shape: Any, path: Path) -> Iterator[tuple[Path, Any, str]]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if shape.type_name == "string":
        if shape.enum:
            yield path, "~", "Member must satisfy enum value set"
        if low:
            yield path, "", f"Member must have length greater than or equal to {low}"
        if high is not None and high < LONGEST:
            yield path, "x" * (high + 1), f"Member must have length less than or equal to {high}"
        pattern = shape.metadata.get("pattern")
        if pattern and pattern not in (".*", "[\\S\\s]*") and shapes.problems(shape, "\n\0 ~"):
            yield path, "\n\0 ~", "Member must satisfy regular expression pattern"
    elif shape.type_name in ("integer", "long", "float", "double"):
        if low is not None:
            yield path, low - 1, f"Member must have value greater than or equal to {low}"
        if high is not None:
            yield path, high + 1, f"Member must have value less than or equal to {high}"


def put(request: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """The request with another value at the path; None takes the member out."""
    changed = copy.deepcopy(request)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    if value is None:
        place.pop(path[-1], None)
    else:
        place[path[-1]] = value
    return changed


def told(path: Path) -> str:
    """A path as AWS writes it: `tags.1.member.key`."""
    return ".".join(_step(step) for step in path)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"{step + 1}.member"
    return f"{step}.member" if isinstance(step, Key) else step[0].lower() + step[1:]
