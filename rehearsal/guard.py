"""`python -m rehearsal.guard COMMAND...`: runs a command, and ends all that came of it when it ends or is to end.

A process group or a death signal reaches neither a job's background processes nor those that start a session of their
own. Here every descendant whose parent ends becomes a child of the guard, which therefore finds them all.
Only who kills the guard itself with SIGKILL escapes it.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

from rehearsal.processes import die_with

_PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    """The exit status of the command."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return subprocess.Popen(sys.argv[1:], preexec_fn=partial(die_with, os.getpid(), signal.SIGKILL)).wait()
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end_all()


def _end_all() -> None:
    """Kill the children, and those that become children by that, until there are none."""
    while True:
        for child in children(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


def children(pid: int) -> list[int]:
    """The processes that a process has started or inherited."""
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


if __name__ == "__main__":
    sys.exit(main())
