"""A model's own code in a process of its own: questions go in and answers come out as lines of JSON, and no more.

So nothing of this process's memory is the model's, and a model that fails, ends or hangs ends nothing else.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from toolkit.asked import writable

LONGEST_SECONDS = 1_800  # for all that a model is asked: half of what a monitor's job may take as it comes
MOST_BYTES = 16 * 2**20  # of one answer
LONGEST_REASON = 500  # characters
# Of few rows at a time threads wait for each other longer than they work.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class ModelError(Exception):
    """Why a model cannot be asked."""


class Apart:
    """A context with the process (`answering.py`) of the model in `archive`, model.tar.gz.

    Its end is the end of the process, of its group and of its folder.
    """

    def __init__(self, archive, seconds=LONGEST_SECONDS):
        self._archive, self._seconds = Path(archive).resolve(), seconds

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._socket, theirs = socket.socketpair()
        self._deadline = time.monotonic() + self._seconds
        script = Path(sys.argv[0]).resolve()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, script, "answering", self._archive, str(theirs.fileno())],
                cwd=self._folder.name,
                env={**os.environ, **_ONE_THREAD, "SLUICE_ML": self._folder.name, "SLUICE_COMMAND": ""},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        return self

    def __exit__(self, *_):
        self._socket.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._folder.cleanup()

    def ask(self, question):
        """What is answered to a line of JSON. Raises ModelError where the model fails, ends, or takes too long."""
        try:
            self._socket.settimeout(self._left())
            self._socket.sendall(question.encode() + b"\n")
            told = json.loads(self._line())
        except TimeoutError as error:
            raise ModelError(f"it took more than {self._seconds} s") from error
        except ConnectionError as error:
            raise ModelError("its process ended before it answered") from error
        except (ValueError, RecursionError) as error:
            raise ModelError("what it answers cannot be read") from error
        if isinstance(told, dict) and "error" in told:
            raise ModelError(writable(str(told["error"]))[:LONGEST_REASON])
        return told

    def _line(self):
        received = bytearray()
        while not received.endswith(b"\n"):
            self._socket.settimeout(self._left())
            part = self._socket.recv(2**16)
            if not part:
                raise ConnectionError
            received += part
            if len(received) > MOST_BYTES:
                raise ValueError
        return received

    def _left(self):
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left
