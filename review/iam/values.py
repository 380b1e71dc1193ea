"""The values of a condition as sets: texts with wildcards, ranges of numbers and dates, networks."""

import ipaddress
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from review.iam.patterns import Pattern, disjoint, pattern, within

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# The least and the greatest of a comparison, and whether each itself belongs to it.
_Range = tuple[float, bool, float, bool]
_ENDLESS = float("inf")


def all_of(answers: Iterable[bool | None]) -> bool | None:
    found = list(answers)
    return False if False in found else None if None in found else True


def any_of(answers: Iterable[bool | None]) -> bool | None:
    unsure = False
    for each in answers:
        if each:
            return True
        unsure = unsure or each is None
    return None if unsure else False


@dataclass(frozen=True)
class Texts:
    patterns: tuple[Pattern, ...]
    any_case: bool

    def within(self, other: "Texts") -> bool | None:
        if self.any_case and not other.any_case and self.patterns:
            return False
        mine, others = self._as(other), other.patterns
        return all_of(within(each, others) for each in mine)

    def disjoint(self, other: "Texts") -> bool | None:
        mine, others = self, other
        if self.any_case or other.any_case:
            mine, others = _lower(self), _lower(other)
        return all_of(disjoint(each, others.patterns) for each in mine.patterns)

    def _as(self, other: "Texts") -> tuple[Pattern, ...]:
        return _lower(self).patterns if other.any_case else self.patterns


def _lower(texts: Texts) -> Texts:
    return Texts(tuple(each.lower() for each in texts.patterns), True)


@dataclass(frozen=True)
class Ranges:
    ranges: tuple[_Range, ...]

    def within(self, other: "Ranges") -> bool:
        return all(any(_inside(a, b) for b in other.ranges) for a in self.ranges)

    def disjoint(self, other: "Ranges") -> bool:
        return all(_apart(a, b) for a, b in itertools.product(self.ranges, other.ranges))


def _inside(a: _Range, b: _Range) -> bool:
    low = a[0] > b[0] or (a[0] == b[0] and (b[1] or not a[1]))
    return low and (a[2] < b[2] or (a[2] == b[2] and (b[3] or not a[3])))


def _apart(a: _Range, b: _Range) -> bool:
    return any(x[2] < y[0] or (x[2] == y[0] and not (x[3] and y[1])) for x, y in ((a, b), (b, a)))


@dataclass(frozen=True)
class Networks:
    networks: tuple[_Network, ...]

    def within(self, other: "Networks") -> bool:
        return all(is_covered(each, other.networks) for each in self.networks)

    def disjoint(self, other: "Networks") -> bool:
        return not any(a.version == b.version and a.overlaps(b) for a in self.networks for b in other.networks)


def is_covered(network: _Network, others: Iterable[_Network]) -> bool:
    """Whether the networks together hold all addresses of `network`."""
    same = [each for each in others if each.version == network.version]
    merged = ipaddress.collapse_addresses(same)  # pyright: ignore[reportArgumentType]
    return any(network.subnet_of(each) for each in merged)  # pyright: ignore[reportArgumentType]


@cache
def read(operator: str, values: tuple[str, ...]) -> Texts | Ranges | Networks | None:
    """What an operator compares with, without its negation; None where that cannot be read."""
    try:
        match operator:
            case "stringequals" | "binaryequals" | "bool":
                return Texts(tuple(pattern(each, False) for each in values), False)
            case "stringequalsignorecase":
                return _lower(Texts(tuple(pattern(each, False) for each in values), True))
            case "stringlike" | "arnlike" | "arnequals":
                return Texts(tuple(pattern(each) for each in values), False)
            case "ipaddress":
                return Networks(tuple(ipaddress.ip_network(each, strict=False) for each in values))
        for family, number in (("numeric", float), ("date", _seconds)):
            if operator.startswith(family):
                return Ranges(tuple(_range(operator.removeprefix(family), number(each)) for each in values))
    except (ValueError, KeyError):
        return None  # a token where a number or an address must stand
    return None


def _range(comparison: str, value: float) -> _Range:
    return {
        "equals": (value, True, value, True),
        "lessthan": (-_ENDLESS, True, value, False),
        "lessthanequals": (-_ENDLESS, True, value, True),
        "greaterthan": (value, False, _ENDLESS, True),
        "greaterthanequals": (value, True, _ENDLESS, True),
    }[comparison]


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
