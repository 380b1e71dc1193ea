"""The cloud's time: real time plus what the rehearsal has skipped, and what falls due at a moment of it."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable


class Clock:
    """Seconds since the epoch, a way forward, and an agenda."""

    def __init__(self) -> None:
        self._skipped_seconds = 0.0
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._acting, self._changed = threading.RLock(), threading.Condition()
        self._keeper: threading.Thread | None = None
        self.settle: Callable[[], None] = lambda: None  # what a skip waits for between two moments

    def now(self) -> float:
        return time.time() + self._skipped_seconds

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something when so much of the cloud's time has passed: on a thread of the clock, or of who skips time."""
        with self._changed:
            heapq.heappush(self._agenda, (self.now() + seconds, next(self._order), action))
            if self._keeper is None or not self._keeper.is_alive():
                self._keeper = threading.Thread(target=self._keep, name="clock", daemon=True)
                self._keeper.start()
            self._changed.notify_all()

    def advance(self, seconds: float) -> float:
        """Skip time; gives the time then. What falls due on the way is done in its order, each at its own moment."""
        if seconds < 0:
            raise ValueError(f"the clock cannot go back: {seconds} seconds")
        with self._acting:
            target = self.now() + seconds
            self.settle()
            while action := self._due(target):
                action()
                self.settle()
            self._skipped_seconds += max(0.0, target - self.now())
            return self.now()

    def _due(self, until: float) -> Callable[[], None] | None:
        """The next action that falls due by then, with the clock put forward to its moment."""
        with self._changed:
            if not self._agenda or self._agenda[0][0] > until:
                return None
            moment, _, action = heapq.heappop(self._agenda)
            self._skipped_seconds += max(0.0, moment - self.now())
            return action

    def _keep(self) -> None:
        while True:
            with self._acting:
                while action := self._due(self.now()):
                    action()
            with self._changed:
                self._changed.wait(max(0.0, self._agenda[0][0] - self.now()) if self._agenda else None)
