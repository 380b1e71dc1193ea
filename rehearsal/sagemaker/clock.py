"""The cloud's time: real time plus what the rehearsal has skipped, and what falls due at a moment of it."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

logger = logging.getLogger("sluice")
LONGEST_HOLD_SECONDS = 20.0


class Clock:
    """Seconds since the epoch, a way forward, and an agenda."""

    def __init__(self) -> None:
        self._skipped_seconds = 0.0
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._acting, self._changed = threading.RLock(), threading.Condition()
        self._keeper: threading.Thread | None = None
        self._actor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="clock-actions")
        self._busy: set[object] = set()
        self._ended = threading.Condition()

    def now(self) -> float:
        return time.time() + self._skipped_seconds

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something when so much of the cloud's time has passed, one thing after the other."""
        with self._changed:
            heapq.heappush(self._agenda, (self.now() + seconds, next(self._order), action))
            if self._keeper is None or not self._keeper.is_alive():
                self._keeper = threading.Thread(target=self._keep, name="clock", daemon=True)
                self._keeper.start()
            self._changed.notify_all()

    def begin(self, key: object) -> None:
        """Hold every skip of time until `end(key)`: what runs for seconds must not be passed over by hours."""
        with self._ended:
            self._busy.add(key)

    def end(self, key: object) -> None:
        with self._ended:
            self._busy.discard(key)
            self._ended.notify_all()

    def advance(self, seconds: float) -> float:
        """Skip time; gives the time then. What falls due on the way is done in its order, each at its own moment.

        RuntimeError tells, when all is done, of actions that failed.
        """
        if seconds < 0:
            raise ValueError(f"the clock cannot go back: {seconds} seconds")
        faults: list[BaseException] = []
        with self._acting:
            target = self.now() + seconds
            self._settle()
            while action := self._due(target):
                faults += self._act(action)
                self._settle()
            self._skipped_seconds += max(0.0, target - self.now())
        if faults:
            raise RuntimeError(f"{len(faults)} of what fell due failed; the first: {faults[0]!r}") from faults[0]
        return self.now()

    def _act(self, action: Callable[[], None]) -> list[BaseException]:
        fault = self._actor.submit(action).exception()
        if fault:
            logger.error("what fell due failed", exc_info=fault)
        return [fault] if fault else []

    def _settle(self) -> None:
        deadline = time.monotonic() + LONGEST_HOLD_SECONDS
        with self._ended:
            while self._busy and self._ended.wait(deadline - time.monotonic()):
                pass
            if self._busy:
                logger.warning("time goes on after %s s, although %s still run", LONGEST_HOLD_SECONDS, self._busy)
                self._busy.clear()

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
                    self._act(action)
            with self._changed:
                self._changed.wait(max(0.0, self._agenda[0][0] - self.now()) if self._agenda else None)
