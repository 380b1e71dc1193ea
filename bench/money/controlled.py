"""One thing under Sluice's sweep, which judges it by the very function that the platform's own sweep calls."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from bench.money.observer import Observer
from bench.money.play import Played
from bench.money.traces import REGION
from bench.money.world import END, Thing, moment
from controls.judgement.choices import Policy
from controls.judgement.hours import OffHours
from controls.judgement.policy import Action, Verdict, decide
from controls.resource import ENVIRONMENT_TAG, PLATFORM_TAG, Kind, Resource, Rule, Warned

Decide = Callable[[Resource, Policy, datetime], Verdict]


class RememberedHours(OffHours):
    """As `OffHours`, which many things ask for the same moments."""

    began = lru_cache(maxsize=None)(OffHours.began)
    share = lru_cache(maxsize=None)(OffHours.share)


def controlled(
    thing: Thing, policy: Policy, sweeps: Sequence[int], observer: Observer, judge: Decide = decide
) -> Played:
    """When it runs if it is swept at `sweeps`; `observer` sees each warning and each ending."""
    return _Control(thing, policy, observer, judge).played(sweeps)


@dataclass
class _Control:
    thing: Thing
    policy: Policy
    observer: Observer
    judge: Decide
    _since: int | None = None  # it runs since then
    _used: int = 0  # as many of its uses have begun
    _warned: Warned | None = None
    _comes_back: bool = False  # as people work again
    _runs: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    _restarts: list[int] = field(default_factory=list[int])

    def played(self, sweeps: Sequence[int]) -> Played:
        for minute, happens in self._happenings(sweeps):
            happens(minute)
        if self._since is not None:
            self._end(END)
        return Played(self.thing, self._runs, self._restarts)

    def _happenings(self, sweeps: Sequence[int]) -> Iterator[tuple[int, Callable[[int], None]]]:
        """In order of time; what people do comes before a sweep of the same minute."""
        found = [(self.thing.made, 0, self._make), *((use.start, 2, self._use) for use in self.thing.uses)]
        found += [(use.end, 1, self._tidy) for use in self.thing.uses if use.tidied and use.end < END]
        found += [(minute, 3, self._sweep) for minute in sweeps if minute >= self.thing.made]
        for minute, _, happens in sorted(found, key=lambda each: each[:2]):
            yield minute, happens

    def _make(self, minute: int) -> None:
        self._start(minute)

    def _use(self, minute: int) -> None:
        self._used += 1
        if self._since is None:
            before = self.thing.uses[self._used - 2] if self._used > 1 else None
            if before and not before.tidied:
                self._restarts.append(minute)
            self._start(minute)

    def _tidy(self, minute: int) -> None:
        self._comes_back = False
        if self._since is not None:
            self._end(minute)

    def _start(self, minute: int) -> None:
        self._since, self._comes_back, self._warned = minute, False, None

    def _end(self, minute: int) -> None:
        if self._since is not None:
            self._runs.append((self._since, minute))
        self._since = None

    def _sweep(self, minute: int) -> None:
        now = moment(minute)
        if self._since is None:
            if self._comes_back and self.policy.off_hours and not self.policy.off_hours.began(now):
                self._start(minute)
            return
        verdict = self.judge(self._seen(minute, self._since), self.policy, now)
        if verdict.action is Action.KEEP or verdict.rule not in self.policy.enforced:
            self._warned = None
        elif verdict.action is not Action.WARN:
            self.observer.ended(self.thing, minute)
            self._end(minute)
            self._comes_back = verdict.rule is Rule.OFF_HOURS and self.thing.kind is Kind.ENDPOINT
        elif verdict.rule and not verdict.told:
            self._warned = Warned(verdict.rule, now)
            self.observer.told(self.thing, minute)

    def _seen(self, minute: int, since: int) -> Resource:
        """As the inventory has it: use is known to the minute, and what was never used idles since it was started."""
        last = self.thing.uses[self._used - 1] if self._used else None
        idle = min(last.end, minute) if last else since
        return Resource(
            kind=self.thing.kind,
            name=self.thing.name,
            arn=self.thing.name,
            region=REGION,
            status="InService",
            created_at=moment(self.thing.made),
            changed_at=moment(since),
            tags={PLATFORM_TAG: self.policy.platform, ENVIRONMENT_TAG: self.thing.environment},
            instance_type=self.thing.instance_type,
            instance_count=1,
            usd_per_hour=self.thing.usd_per_hour,
            idle_since=moment(idle),
            warned=self._warned,
        )
