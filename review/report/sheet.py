"""What every form of the report shows, in the order in which it does: findings in groups, changes by stack."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from review.model import Action, Change, CostLine, Finding, Kind, Review, Verdict
from review.verdict import gravest_first

# The gravest first.
DONE = {
    Action.DESTROY: "destroyed",
    Action.REPLACE: "replaced",
    Action.MOVE: "moved",
    Action.MAY_REPLACE: "may be replaced",
    Action.ORPHAN: "left in the account",
    Action.ADD: "added",
    Action.UPDATE: "updated",
}
NAMES = {
    Kind.DESTRUCTIVE: "data and service",
    Kind.COLLISION: "name taken",
    Kind.IAM_WIDENED: "may do more",
    Kind.IAM_NARROWED: "may do less",
    Kind.NETWORK_OPENED: "network opened",
    Kind.SWITCH: "safeguard down",
    Kind.RULE: "rule",
    Kind.WAIVER: "waiver",
}
MEANING = {
    Verdict.BLOCK: "somebody has to answer for this before it is merged",
    Verdict.LOOK: "read this before it is merged",
    Verdict.FINE: "nothing here needs a decision",
}
_APART = (Kind.RULE, Kind.WAIVER, Kind.IAM_NARROWED)
# What a terminal or a page would obey instead of showing: controls, and marks that turn the direction of what follows.
_OBEYED = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufff9-\ufffb]+"
)


def line(text: str, most: int = 400) -> str:
    """`text` as one line that is only shown, with its middle left out where it is longer than `most`."""
    return _cut(_OBEYED.sub(" ", _cut(text, most)).strip(), most)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most * 2 // 3]}...{text[-(most // 3 - 3) :]}"


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def signed(amount: float) -> str:
    """`+12.30`; what rounds to nothing has no sign."""
    return f"{amount:+,.2f}" if abs(amount) >= 0.005 else "0.00"


@dataclass(frozen=True)
class StackChanges:
    """`changes` are those that are not only code; `code` are the others."""

    name: str
    changes: Sequence[Change]
    code: Sequence[Change]

    @property
    def counts(self) -> str:
        return counts([*self.changes, *self.code])


@dataclass(frozen=True)
class Sheet:
    review: Review

    @cached_property
    def _sorted(self) -> list[Finding]:
        return gravest_first(self.review.findings)

    @cached_property
    def must_look(self) -> list[Finding]:
        return [each for each in self._sorted if each.kind not in _APART]

    def of(self, kind: Kind) -> list[Finding]:
        return [each for each in self._sorted if each.kind is kind]

    @cached_property
    def stacks(self) -> list[StackChanges]:
        """Those in which the gravest happens first; each one's changes likewise."""
        grouped: dict[str, list[Change]] = {}
        for change in sorted(self.review.changes, key=_gravity):
            grouped.setdefault(change.place.stack, []).append(change)
        return [
            StackChanges(name, [c for c in found if not c.code_only], [c for c in found if c.code_only])
            for name, found in grouped.items()
        ]

    @property
    def counts(self) -> str:
        return counts(self.review.changes)

    @property
    def headline(self) -> str:
        """Why, in one line, without the verdict itself."""
        if self.review.verdict is not Verdict.FINE:
            return "it " + "; it ".join(self.review.reasons)
        return MEANING[Verdict.FINE] if self.review.changes else "nothing changes"

    @property
    def rise(self) -> float:
        return self.review.cost.after - self.review.cost.before

    @cached_property
    def dearer(self) -> list[CostLine]:
        """What changes its price, the largest difference first."""
        moved = [each for each in self.review.cost.lines if not each.unpriced and abs(difference(each)) >= 0.005]
        return sorted(moved, key=lambda each: (-abs(difference(each)), each.place.stack, each.place.path))

    @cached_property
    def unpriced(self) -> list[CostLine]:
        return [each for each in self.review.cost.lines if each.unpriced]


def difference(each: CostLine) -> float:
    return (each.after or 0.0) - (each.before or 0.0)


def counts(changes: Iterable[Change]) -> str:
    """`1 replaced, 3 added, 12 updated; code changed: 2 functions`."""
    listed = list(changes)
    by_action = Counter(each.action for each in listed if not each.code_only)
    told = ", ".join(f"{by_action[action]:,} {words}" for action, words in DONE.items() if by_action[action])
    code = sum(each.code_only for each in listed)
    return "; ".join([*([told] if told else []), *([f"code changed: {count(code, 'function')}"] if code else [])])


def _gravity(change: Change) -> tuple[object, ...]:
    return (
        list(DONE).index(change.action),
        not change.stateful,
        change.place.stack,
        change.place.path,
        change.place.logical_id,
    )
