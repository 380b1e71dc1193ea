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
# A token of which the value is left open: some text, but no pattern, so that it does not hold what a wildcard matches.
_LOOSE, _WILD_TEXT = "\ue006", "\ue007"
_MANIES = (MANY, _LOOSE)
_WILD = re.compile(f"[{MANY}{ONE}{_LOOSE}]")
# In a pattern each token is one character, of planes that Unicode leaves empty; hard ones from the second on.
_TOKENS, _HARD_TOKENS = 0x40000, 0xA0000
_SYMBOL = re.compile(f"[{OPEN}{HARD}][^{CLOSE}]*{CLOSE}|\\$\\{{[^}}]*\\}}|[*?]", re.DOTALL)
_ESCAPED = {"${*}": "*", "${?}": "?", "${$}": "$"}
_MEANING = {"*": MANY, "?": ONE}
# A pair of patterns that needs more states than this is left undecided.
_STATES = 20_000

Pattern = str
# A place in one pattern, and those in the others: which, and where.
_Places = frozenset[tuple[int, int]]
_State = tuple[int, _Places]
_characters: dict[str, str] = {}


def token(name: str, *, hard: bool = False) -> str:
    return f"{HARD if hard else OPEN}{name}{CLOSE}"


def shown(text: str) -> str:
    """A text as a reader may see it: in one line, its tokens as `<LogicalId.Attribute>`."""
    return " ".join(text.translate({ord(OPEN): "<", ord(HARD): "<", ord(CLOSE): ">"}).split())


@cache
def pattern(text: str, wild: bool = True) -> Pattern:
    """`wild`: whether `*` and `?` are wildcards, as they are not in StringEquals."""

    def put(found: re.Match[str]) -> str:
        symbol = found[0]
        if symbol in _MEANING:
            return _MEANING[symbol] if wild else symbol
        return _ESCAPED.get(symbol) or _character(symbol)

    return re.sub(f"{MANY}+", MANY, _SYMBOL.sub(put, text))


def _character(of: str) -> str:
    """The one that stands for a token, or for a policy variable such as `${aws:username}`, which is soft."""
    if of not in _characters:
        first = _HARD_TOKENS if of.startswith(HARD) else _TOKENS
        _characters[of] = chr(first + len(_characters))
    return _characters[of]


def _is_token(symbol: str) -> bool:
    return ord(symbol) >= _TOKENS


@cache
def _start(value: Pattern) -> str:
    """What each text that it matches begins with."""
    return _WILD.split(value, maxsplit=1)[0]


def _alike(one: Pattern, other: Pattern) -> bool:
    a, b = _start(one), _start(other)
    return a.startswith(b) or b.startswith(a)


def near(one: Pattern, others: Iterable[Pattern]) -> bool:
    """Whether one of the others may have a text in common with `one`, whatever tokens turn out to be; a quick guess."""
    soft = _softened(one)
    return any(_alike(soft, _softened(each)) for each in others)


def within(inner: Pattern, outer: Sequence[Pattern]) -> bool | None:
    """Whether every text that `inner` matches is matched by one of `outer`; None: it depends on a token's value."""
    if inner in outer or MANY in outer:
        return True
    some = tuple(each for each in outer if _alike(inner, each) and intersects(inner, each))
    found = _covered(inner, some) if some else False
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
    if a in _MANIES:
        yield i + 1, j
        if b and b not in _MANIES:
            yield i, j + 1
    if b in _MANIES:
        yield i, j + 1
        if a and a not in _MANIES:
            yield i + 1, j
    single = a and b and a not in _MANIES and b not in _MANIES
    if single and (a == b or (a == ONE and not _is_token(b)) or (b == ONE and not _is_token(a))):
        yield i + 1, j + 1


@cache
def _covered(inner: Pattern, outer: tuple[Pattern, ...]) -> bool | None:
    """A walk of `inner` beside all places in which `outer` may then be: a text that `inner` ends and none of them."""
    if len(outer) == 1 and outer[0].endswith(MANY) and _start(outer[0]) == outer[0][:-1]:
        return inner.startswith(outer[0][:-1])
    alphabet = {s for each in (inner, *outer) for s in each} - {MANY, ONE, _LOOSE} | {_OTHER, _WILD_TEXT}
    todo: list[_State] = [(0, _closed({(n, 0) for n in range(len(outer))}, outer))]
    seen = set(todo)
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
    inner: Pattern, place: int, states: _Places, outer: tuple[Pattern, ...], alphabet: set[str]
) -> Iterable[_State]:
    symbol = inner[place]
    if symbol == MANY:
        yield place + 1, states
    if symbol in (MANY, ONE):
        symbols = alphabet if symbol == MANY else {s for s in alphabet if not _is_token(s)}
    else:
        symbols = {symbol}
    for each in symbols:
        reached = {
            (n, at if outer[n][at] in _MANIES else at + 1)
            for n, at in states
            if at < len(outer[n]) and _takes(outer[n][at], each)
        }
        yield (place if symbol == MANY else place + 1), _closed(reached, outer)


def _takes(symbol: str, given: str) -> bool:
    if symbol in (MANY, given):
        return True
    return given != _WILD_TEXT if symbol == _LOOSE else symbol == ONE and not _is_token(given)


def _closed(states: set[tuple[int, int]], outer: tuple[Pattern, ...]) -> _Places:
    """With the places after a `*` that matches nothing."""
    found, todo = set(states), list(states)
    while todo:
        n, at = todo.pop()
        if at < len(outer[n]) and outer[n][at] in _MANIES and (n, at + 1) not in found:
            found.add((n, at + 1))
            todo.append((n, at + 1))
    return frozenset(found)


def _doubtful(inner: Pattern, outer: Sequence[Pattern]) -> bool:
    """Whether the values of soft tokens could make `inner` lie within `outer`."""
    loose = [_softened(each) for each in outer]
    if _is_soft(inner):
        return any(intersects(_softened(inner), each) for each in loose)
    return any(_is_soft(each) for each in outer) and _covered(inner, tuple(loose)) is not False


_SOFT = re.compile(f"[{chr(_TOKENS)}-{chr(_HARD_TOKENS - 1)}]")


def _is_soft(value: Pattern) -> bool:
    return _SOFT.search(value) is not None


@cache
def _softened(value: Pattern) -> Pattern:
    return _SOFT.sub(_LOOSE, value)
