"""Ending by Ctrl-C, kill -TERM or a closed terminal, so that what was started is ended and what was made is removed."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """As a context manager it has each of SIGNALS raise, but for the time that `held` or `over` says."""

    def __init__(self) -> None:
        self._holding, self._over, self._came = False, False, 0
        # Only the main thread hears of signals, and only it may say what they do.
        self._here = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> "Interruption":
        if self._here:
            self._before = {each: signal.signal(each, self._heard) for each in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        if self._here:
            for each, handler in self._before.items():
                signal.signal(each, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """One that comes meanwhile raises at the end: between a start and the note of it there is no good moment."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
        if self._came:
            self._raise()

    def over(self) -> None:
        """From now on none raises: a second Ctrl-C would leave behind what the first had begun to remove."""
        self._over = True

    def _heard(self, number: int, _: FrameType | None) -> None:
        self._came = number
        if not self._holding and not self._over:
            self._raise()

    def _raise(self) -> None:
        if self._came == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + self._came)
