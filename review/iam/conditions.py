"""Whether one condition block holds whenever another does.

Answers are True, False or None: it cannot be said, since a value is known at deployment only or an operator is unknown.
"""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from review.iam import values
from review.iam.values import all_of, any_of

_SETS = ("forallvalues:", "foranyvalue:")
# What IAM's operators compare; of each the negation is the one with `Not`.
_FAMILIES = ("string", "numeric", "date", "bool", "binary", "ipaddress", "arn", "null")
_SPLIT = 64


@dataclass(frozen=True)
class Clause:
    """One operator on one key. `quantifier` is `forallvalues:`, `foranyvalue:` or empty."""

    quantifier: str
    operator: str
    """Lower case, without `not`, the quantifier and `ifexists`; e.g. `stringlike`."""
    negative: bool
    if_exists: bool
    key: str
    values: tuple[str, ...]

    @property
    def when_missing(self) -> bool:
        """Whether it holds for a request without the key."""
        if self.operator == "null":
            return self.values == ("true",)
        if self.if_exists or self.quantifier == "forallvalues:":
            return True
        return self.negative and self.quantifier != "foranyvalue:"


Block = tuple[Clause, ...]


def block(condition: dict[str, dict[str, Any]]) -> Block:
    """A statement's `Condition`, its values as texts. Raises AttributeError where it is none."""
    return tuple(
        sorted(
            (_clause(operator, key, value) for operator, keys in condition.items() for key, value in keys.items()),
            key=repr,
        )
    )


def _clause(operator: str, key: str, value: Any) -> Clause:
    lower = operator.lower()
    quantifier = next((each for each in _SETS if lower.startswith(each)), "")
    bare = lower.removeprefix(quantifier)
    if_exists = bare.endswith("ifexists")
    bare = bare.removesuffix("ifexists")
    negative = bare.startswith(tuple(f"{family}not" for family in _FAMILIES)) or bare == "notipaddress"
    texts = tuple(sorted({str(each) for each in (value if isinstance(value, list | tuple) else [value])}))
    if bare in ("bool", "null"):
        texts = tuple(sorted({each.lower() for each in texts}))
    return Clause(quantifier, bare.replace("not", "", 1) if negative else bare, negative, if_exists, key.lower(), texts)


def implies(narrow: Block, wide: Block) -> bool | None:
    """Whether every request that meets `narrow` meets `wide`."""
    return True if not wide or narrow == wide else _all_implied(narrow, wide)


@cache
def _all_implied(narrow: Block, wide: Block) -> bool | None:
    return all_of(any_of(_implies(mine, each, narrow) for mine in narrow if mine.key == each.key) for each in wide)


def _implies(mine: Clause, other: Clause, whole: Block) -> bool | None:
    if mine == other:
        return True
    if other.operator == "null":
        return other.values == ("false",) and not mine.when_missing
    if mine.operator == "null":
        return mine.values == ("true",) and other.when_missing
    present = any(each.key == mine.key and not each.when_missing for each in whole)
    if mine.when_missing and not present and not other.when_missing:
        return False
    found = _values_imply(mine, other)
    return found if mine.quantifier == other.quantifier or found is False else None


def _values_imply(mine: Clause, other: Clause) -> bool | None:
    """Of a key that is there."""
    a: Any = values.read(mine.operator, mine.values)
    b: Any = values.read(other.operator, other.values)
    if a is None or b is None or type(a) is not type(b):
        return None
    match mine.negative, other.negative:
        case False, False:
            return a.within(b)
        case True, True:
            return b.within(a)
        case False, True:
            return a.disjoint(b)
    return False


def contradict(one: Block, other: Block) -> bool:
    """Whether surely no request meets both."""
    return any(_contradict(a, b) for a in one for b in other if a.key == b.key)


def _contradict(a: Clause, b: Clause) -> bool:
    if "null" in (a.operator, b.operator):
        null, rest = (a, b) if a.operator == "null" else (b, a)
        return null.values == ("true",) and not rest.when_missing
    if a.quantifier or b.quantifier or (a.when_missing and b.when_missing) or (a.negative and b.negative):
        return False
    if a.negative:
        a, b = b, a
    return _values_imply(a, replace(b, negative=not b.negative)) is True


def both(one: Block, other: Block) -> Block:
    return tuple(sorted({*one, *other}, key=repr))


def alternatives(whole: Block) -> Iterator[Block]:
    """The block as one of each value: together they are met by the same requests. At most 64, else itself."""
    options: list[Iterable[Clause]] = [
        [replace(each, values=(value,)) for value in each.values]
        if not each.negative and each.quantifier != "forallvalues:" and each.values
        else [each]
        for each in whole
    ]
    count = 1
    for each in options:
        count *= len(list(each))
    if count > _SPLIT:
        yield whole
    else:
        yield from (tuple(sorted(each, key=repr)) for each in itertools.product(*options))
