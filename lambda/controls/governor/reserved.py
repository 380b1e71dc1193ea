"""What jobs that go on on demand may still cost: held back from the budget, so that several at once do not share it.

One item holds all of them, and each change of it is one write that holds only if nobody wrote in between.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from controls.ledger import Ledger
from controls.spending.budget import ContendedError

TOPIC, _ALL = "fallback-open", "all"
# AWS, StoppingCondition: the longest that a training may run. Whose end nobody was told of holds nothing back then.
_LONGEST = timedelta(days=28)
_ATTEMPTS = 10

Row = tuple[str, float, str]  # ARN, USD, the last day


class Reserved:
    def __init__(self, ledger: Ledger, *, now: datetime) -> None:
        self._ledger, self._today, self._last = ledger, f"{now:%Y-%m-%d}", f"{now + _LONGEST:%Y-%m-%d}"

    def hold(self, arn: str, usd: float, fits: Callable[[float], bool]) -> float:
        """Hold `usd` back for the job `arn` if it `fits` beside what others hold, which is returned."""

        def held(rows: list[Row]) -> list[Row]:
            known = any(row[0] == arn for row in rows)
            return rows if known or not fits(_others(rows, arn)) else [*rows, (arn, usd, self._last)]

        return _others(self._changed(held), arn)

    def release(self, arn: str) -> None:
        self._changed(lambda rows: [row for row in rows if row[0] != arn])

    def _changed(self, change: Callable[[list[Row]], list[Row]]) -> list[Row]:
        """Raises ContendedError."""
        for _ in range(_ATTEMPTS):
            item = self._ledger.recall(TOPIC, _ALL) or {"revision": 0, "rows": []}
            known: list[Row] = [(arn, usd, last) for arn, usd, last in item["rows"]]
            rows = sorted(change([row for row in known if row[2] >= self._today]))
            if rows == known or self._ledger.revise(TOPIC, _ALL, item["revision"], rows=rows):
                return rows
        raise ContendedError("what fallbacks may cost is written by others each time")


def _others(rows: list[Row], arn: str) -> float:
    return sum(usd for each, usd, _ in rows if each != arn)
