"""Whether a template's conditions hold before it is deployed: by the defaults of its parameters alone."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

_DEEPEST = 60  # conditions within conditions; what is deeper is not known


class _Unknown(Enum):
    UNKNOWN = "unknown"

    def __bool__(self) -> bool:
        return False


UNKNOWN: Final = _Unknown.UNKNOWN


class Conditions:
    """`of` gives a value, or UNKNOWN."""

    def __init__(self, written: Mapping[str, Any], of: Callable[[Any], Any]) -> None:
        self._written = written
        self._of = of
        self._known: dict[str, bool | None] = {}

    def holds(self, asked: Any, depth: int = 0) -> bool | None:
        """A condition's name, or what may stand for one; None if it depends on who deploys, or leads in a circle."""
        if depth > _DEEPEST:
            return None
        if not isinstance(asked, str):
            return self._judged(asked, depth)
        if asked not in self._known:
            self._known[asked] = None
            self._known[asked] = self.holds(self._written.get(asked), depth + 1) if asked in self._written else None
        return self._known[asked]

    def _judged(self, asked: Any, depth: int) -> bool | None:
        match asked:
            case {"Condition": str(name), **other} if not other:
                return self.holds(name, depth + 1)
            case {"Fn::Equals": [one, another], **other} if not other:
                found = (self._of(one), self._of(another))
                return None if UNKNOWN in found else str(found[0]) == str(found[1])
            case {"Fn::Not": [part], **other} if not other:
                holds = self.holds(part, depth + 1)
                return None if holds is None else not holds
            case {"Fn::And": [*parts], **other} if not other:
                return self._all(parts, False, depth)
            case {"Fn::Or": [*parts], **other} if not other:
                return self._all(parts, True, depth)
        return None

    def _all(self, parts: list[Any], decisive: bool, depth: int) -> bool | None:
        """`decisive` where one part is that, its opposite where all are known."""
        found = [self.holds(part, depth + 1) for part in parts]
        return decisive if decisive in found else None if None in found else not decisive
