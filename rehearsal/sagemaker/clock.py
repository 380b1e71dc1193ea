"""The cloud's time: real time plus what the rehearsal has skipped."""

import time


class Clock:
    """Seconds since the epoch, and a way forward."""

    def __init__(self) -> None:
        self._skipped_seconds = 0.0

    def now(self) -> float:
        return time.time() + self._skipped_seconds

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"the clock cannot go back: {seconds} seconds")
        self._skipped_seconds += seconds
