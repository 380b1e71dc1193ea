"""How much of a review a comment has room for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TypeVar

Each = TypeVar("Each")
_ALL = 10**9


@dataclass
class Room:
    """How many of each kind of thing are shown; `left` counts the others by what they are."""

    properties: int = _ALL
    rows: int = _ALL
    items: int = _ALL
    stacks: int = _ALL
    left: Counter[str] = field(default_factory=Counter)

    def shown(self, what: str, of: Sequence[Each], noun: str) -> Sequence[Each]:
        """As many of these as the room `what` is for."""
        most = getattr(self, what)
        if len(of) > most:
            self.left[noun] += len(of) - most
        return of[:most]


def rooms() -> list[Room]:
    """Ever smaller ones: details of resources go first, then their rows, then stacks; the verdict needs none."""
    sizes = [
        (_ALL, _ALL, _ALL, _ALL),
        (8, _ALL, _ALL, _ALL),
        (2, _ALL, _ALL, _ALL),
        (0, _ALL, _ALL, _ALL),
        *((0, rows, items, _ALL) for rows, items in ((100, 200), (30, 100), (8, 50), (0, 50))),
        *((0, 0, items, stacks) for stacks, items in product((30, 0), (30, 10))),
        (0, 0, 3, 0),
        (0, 0, 0, 0),
    ]
    return [Room(*size) for size in sizes]
