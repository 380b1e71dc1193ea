"""Watches what the sweep does to people, and knows nothing of how it decides."""

from bisect import bisect_right
from dataclasses import dataclass, field

from bench.money.world import Thing


@dataclass
class Observer:
    """`wrong`: in words, each ending of what was in use, or had been so, or was told of, for less than its grace."""

    grace_minutes: int
    wrong: list[str] = field(default_factory=list[str])
    endings: int = 0
    _told: dict[str, list[int]] = field(default_factory=dict[str, list[int]])

    def told(self, thing: Thing, minute: int) -> None:
        """The owner of `thing` was warned."""
        self._told.setdefault(thing.name, []).append(minute)

    def ended(self, thing: Thing, minute: int) -> None:
        """The sweep ended `thing`."""
        self.endings += 1
        begun = bisect_right(thing.uses, minute, key=lambda use: use.start)
        last = thing.uses[begun - 1] if begun else None
        if last and minute < last.end:
            self.wrong.append(f"{thing.name} was ended at minute {minute}, in use until {last.end}")
        elif last and minute - last.end < self.grace_minutes:
            self.wrong.append(f"{thing.name} was ended at minute {minute}, in use until just before, at {last.end}")
        elif not any(
            (last.end if last else thing.made) <= told <= minute - self.grace_minutes
            for told in self._told.pop(thing.name, ())
        ):
            self.wrong.append(f"{thing.name} was ended at minute {minute} without a word {self.grace_minutes} before")
