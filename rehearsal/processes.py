"""Child processes that never outlive their parent."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)

# The kernel sends the death signal when the *thread* that forked ends, so one thread that never ends forks them all.
_forker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forker")


def die_with(parent: int, number: signal.Signals) -> None:
    """In a new child: get this signal when the thread that forked it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it ended before the request was made
        os._exit(1)


def start(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    orphaned: signal.Signals = signal.SIGKILL,
) -> subprocess.Popen[bytes]:
    """Start a process in a group of its own; its output is appended to `log`. Raises OSError if it cannot start.

    It gets the signal `orphaned` when this process ends, however that comes.
    """

    def fork() -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                list(command),
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=partial(die_with, os.getpid(), orphaned),
            )

    return _forker.submit(fork).result()


def ask_to_end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the process and its whole group."""
    _signal_group(process, signal.SIGTERM)


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the process and its whole group, unasked."""
    _signal_group(process, signal.SIGKILL)
    process.wait()


def stop(process: subprocess.Popen[bytes], *, grace_seconds: float = 2.0) -> int:
    """End the process and its whole group: SIGTERM, then SIGKILL for whatever stays. Returns the exit status."""
    _signal_group(process, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace_seconds)
    _signal_group(process, signal.SIGKILL)
    return process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def free_port() -> int:
    """A loopback TCP port that nobody listens on at the moment of the call."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def clean_environment(**extra: str) -> dict[str, str]:
    """The few variables a child may inherit, plus `extra`: no credentials, no Python settings of the caller."""
    kept = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT")
    return {name: os.environ[name] for name in kept if name in os.environ} | extra
