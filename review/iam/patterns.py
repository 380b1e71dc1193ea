"""Texts with wildcards as IAM reads them, and whether one holds all that another matches.

What only the deployment knows (a Ref, a policy variable) stands in a text as one token: the same token is the same
text, a `*` matches it, a `?` does not. A token is hard where it is a resource of the application without a name of its
own: nothing else is equal to it. It is soft where it may turn out to be anything: an account, a parameter, an import.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache

OPEN, HARD, CLOSE = "\ue000", "\ue002", "\ue001"
MANY, ONE = "\ue003", "\ue004"
_OTHER = "\ue005"  # any character that no pattern names
_SYMBOL = re.compile(f"[{OPEN}{HARD}][^{CLOSE}]*{CLOSE}|\\$\\{{[^}}]*\\}}|.", re.DOTALL)
_ESCAPED = {"${*}": "*", "${?}": "?", "${$}": "$"}
_WILD = {"*": MANY, "?": ONE}
# A pair of patterns that needs more states than this is left undecided.
_STATES = 20_000

Pattern = tuple[str, ...]


def token(name: str, *, hard: bool = False) -> str:
    return f"{HARD if hard else OPEN}{name}{CLOSE}"


def shown(text: str) -> str:
    """A text as a reader may see it, its tokens as `<LogicalId.Attribute>`."""
    return text.translate({ord(OPEN): "<", ord(HARD): "<", ord(CLOSE): ">"})


@cache
def pattern(text: str, wild: bool = True) -> Pattern:
    """`wild`: whether `*` and `?` are wildcards, as they are not in StringEquals."""
    symbols = [_ESCAPED.get(symbol) or (_WILD.get(symbol, symbol) if wild else symbol) for symbol in _symbols(text)]
    return tuple(s for i, s in enumerate(symbols) if not (s == MANY and i and symbols[i - 1] == MANY))


def _symbols(text: str) -> list[str]:
    return _SYMBOL.findall(text)


def within(inner: Pattern, outer: Sequence[Pattern]) -> bool | None:
    """Whether every text that `inner` matches is matched by one of `outer`; None: it depends on a token's value."""
    if inner in outer or (MANY,) in outer:
        return True
    near = tuple(each for each in outer if intersects(inner, each))
    found = _covered(inner, near) if near else False
    return found if found is not False or not _doubtful(inner, outer) else None


def disjoint(inner: Pattern, outer: Iterable[Pattern]) -> bool | None:
    """Whether no text matches `inner` and one of `outer`."""
    outer = tuple(outer)
    if any(intersects(inner, each) for each in outer):
        return False
    return None if any(intersects(_softened(inner), _softened(each)) for each in outer) else True


@cache
def intersects(one: Pattern, other: Pattern) -> bool:
    """Whether some text matches both."""
    seen, todo = {(0, 0)}, [(0, 0)]
    while todo:
        i, j = todo.pop()
        if i == len(one) and j == len(other):
            return True
        for state in _steps(one, other, i, j):
            if state not in seen:
                seen.add(state)
                todo.append(state)
    return False


def _steps(one: Pattern, other: Pattern, i: int, j: int) -> Iterable[tuple[int, int]]:
    a, b = (one[i] if i < len(one) else ""), (other[j] if j < len(other) else "")
    if a == MANY:
        yield i + 1, j
        if b and b != MANY:
            yield i, j + 1
    if b == MANY:
        yield i, j + 1
        if a and a != MANY:
            yield i + 1, j
    if a and b and MANY not in (a, b) and (a == b or (a == ONE and len(b) == 1) or (b == ONE and len(a) == 1)):
        yield i + 1, j + 1


@cache
def _covered(inner: Pattern, outer: tuple[Pattern, ...]) -> bool | None:
    """A walk of `inner` beside all places in which `outer` may then be: a text that `inner` ends and none of them."""
    if len(outer) == 1 and outer[0][-1:] == (MANY,) and MANY not in outer[0][:-1] and ONE not in outer[0]:
        return inner[: len(outer[0]) - 1] == outer[0][:-1]
    alphabet = {s for each in (inner, *outer) for s in each} - {MANY, ONE} | {_OTHER}
    start = (0, _closed({(n, 0) for n in range(len(outer))}, outer))
    seen, todo = {start}, [start]
    while todo:
        place, states = todo.pop()
        if place == len(inner):
            if not any(at == len(outer[n]) for n, at in states):
                return False
            continue
        if len(seen) > _STATES:
            return None
        for following in _moves(inner, place, states, outer, alphabet):
            if following not in seen:
                seen.add(following)
                todo.append(following)
    return True


def _moves(
    inner: Pattern, place: int, states: frozenset[tuple[int, int]], outer: tuple[Pattern, ...], alphabet: set[str]
) -> Iterable[tuple[int, frozenset[tuple[int, int]]]]:
    symbol = inner[place]
    if symbol == MANY:
        yield place + 1, states
    if symbol in (MANY, ONE):
        symbols = alphabet if symbol == MANY else {s for s in alphabet if len(s) == 1}
    else:
        symbols = {symbol}
    for each in symbols:
        reached = {
            (n, at if outer[n][at] == MANY else at + 1)
            for n, at in states
            if at < len(outer[n]) and (outer[n][at] in (MANY, each) or (outer[n][at] == ONE and len(each) == 1))
        }
        yield (place if symbol == MANY else place + 1), _closed(reached, outer)


def _closed(states: set[tuple[int, int]], outer: tuple[Pattern, ...]) -> frozenset[tuple[int, int]]:
    """With the places after a `*` that matches nothing."""
    return frozenset(states | {(n, at + 1) for n, at in states if at < len(outer[n]) and outer[n][at] == MANY})


def _doubtful(inner: Pattern, outer: Sequence[Pattern]) -> bool:
    """Whether the values of soft tokens could make `inner` lie within `outer`."""
    loose = [_softened(each) for each in outer]
    if _is_soft(inner):
        return any(intersects(_softened(inner), each) for each in loose)
    return any(_is_soft(each) for each in outer) and _covered(inner, tuple(loose)) is not False


def _is_soft(value: Pattern) -> bool:
    return any(symbol.startswith(OPEN) for symbol in value)


@cache
def _softened(value: Pattern) -> Pattern:
    return tuple(MANY if symbol.startswith(OPEN) else symbol for symbol in value)
