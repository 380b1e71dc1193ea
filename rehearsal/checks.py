"""What a value given by name may be, and one refusal that tells everything that is wrong."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """What a member may be: in words, and as a test."""

    allowed: str
    fits: Callable[[Any], bool]


def number(low: float, high: float = math.inf, *, whole: bool = False) -> Check:
    """A finite number within these bounds, both included."""
    types = int if whole else (int, float)
    words = f"a {'whole ' if whole else ''}number from {low} {'on' if high == math.inf else f'to {high}'}"
    return Check(
        words,
        lambda v: isinstance(v, types) and not isinstance(v, bool) and math.isfinite(v) and low <= v <= high,
    )


def or_null(check: Check) -> Check:
    return Check(f"{check.allowed}, or null", lambda v: v is None or check.fits(v))


def one_of(values: Collection[str]) -> Check:
    return Check(f"one of {', '.join(sorted(values))}", lambda v: isinstance(v, str) and v in values)


def list_of(values: Callable[[], Collection[str]], words: str) -> Check:
    """A list of such values, which are asked for when one is looked at; `words` name them, as they may be hundreds."""

    def fits(value: Any) -> bool:
        return isinstance(value, list | tuple) and set(map(type, value)) <= {str} and set(value) <= set(values())

    return Check(f"a list of {words}", fits)


TEXT = Check("a text that is not empty", lambda v: isinstance(v, str) and v != "")
OBJECTS = Check("a list of objects", lambda v: isinstance(v, list) and all(isinstance(each, dict) for each in v))
FLAG = Check("true or false", lambda v: isinstance(v, bool))
TRUE = Check("true", lambda v: v is True)
USER = Check(
    "the id of a domain and the name of a user profile in a list, or null",
    lambda v: v is None or (isinstance(v, list) and len(v) == 2 and all(TEXT.fits(part) for part in v)),
)


def refuse(given: Mapping[str, Any], required: Mapping[str, Check], optional: Mapping[str, Check]) -> None:
    """Raise ValueError that names each member that is unknown, missing or not what it may be; else nothing."""
    known = {**required, **optional}
    found = [f"{name}: missing; it is {check.allowed}" for name, check in required.items() if name not in given]
    for name, value in given.items():
        if name not in known:
            found.append(f"{name}: unknown; known: {', '.join(sorted(known)) or 'none'}")
        elif not known[name].fits(value):
            found.append(f"{name}: {value!r} is not {known[name].allowed}")
    if found:
        raise ValueError("; ".join(found))
