"""One thing under each regime: when it runs, and how often somebody has to start it again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench.money.world import END, WARM_UP, Thing
from controls.resource import Kind

# Its default and its shortest; more would only cost more.
NATIVE_IDLE_MINUTES = 60


@dataclass
class Played:
    """`runs`: from which minute to before which it ran. `restarts`: minutes at which a person had to start it again.

    Each start takes `start_minutes` of the thing more, which are billed: whoever asked waits for so long.
    """

    thing: Thing
    runs: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    restarts: list[int] = field(default_factory=list[int])

    def minutes(self) -> int:
        """Billed in the month: what ran in it, and what its starts took."""
        ran = sum(max(0, min(stop, END) - max(start, 0)) for start, stop in self.runs)
        return ran + self.thing.start_minutes * sum(0 <= start < END for start, _ in self.runs)

    def usd(self) -> float:
        return self.minutes() * self.thing.usd_per_hour / 60


def _joined(thing: Thing, stops: Callable[[int], int | None]) -> Played:
    """Runs from one use to the next, but where `stops` of the number of a use ends it, always before the next one."""
    played = Played(thing)
    start, ended = thing.made, False
    for number, use in enumerate(thing.uses):
        if ended:
            start = use.start
        stop = use.end if use.tidied else stops(number)
        ended = stop is not None
        if stop is not None:
            played.runs.append((start, stop))
            if not use.tidied and number + 1 < len(thing.uses):
                played.restarts.append(thing.uses[number + 1].start)
    if not ended:
        played.runs.append((start, END))
    return played


def uncontrolled(thing: Thing) -> Played:
    """Ended only by tidy people."""
    return _joined(thing, lambda _: None)


def native(thing: Thing) -> Played:
    """Studio's idle shutdown: apps alone, once nothing is open in them; what was never opened runs on as well."""

    def stops(number: int) -> int | None:
        stop = thing.uses[number].end + NATIVE_IDLE_MINUTES
        following = thing.uses[number + 1].start if number + 1 < len(thing.uses) else END
        return stop if thing.kind is Kind.APP and not thing.uses[number].kernel and stop < following else None

    return _joined(thing, stops)


def foreseen(thing: Thing) -> Played:
    """There only while it is used, and through pauses that are no longer than a start."""
    return Played(thing, list(_worth_running(thing)))


def _worth_running(thing: Thing) -> Iterator[tuple[int, int]]:
    running: tuple[int, int] | None = None
    for use in thing.uses:
        # Of a pause that reaches into the month only its part there is billed.
        if running and max(use.start, 0) - max(running[1], 0) <= thing.start_minutes:
            running = (running[0], use.end)
        else:
            if running:
                yield running
            running = (use.start, use.end)
    if running:
        yield running


def sweeps(every_hours: int, minute: int) -> range:
    """The minutes at which a sweep comes; the schedule begins when the platform is deployed, so at any minute."""
    return range(WARM_UP + minute, END, every_hours * 60)
