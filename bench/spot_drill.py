"""A writer of checkpoints that is killed at random points, on a disk that forgets what it was not told to keep."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from shutil import copyfile
from typing import Any

from workloads.toolkit.checkpointing import Checkpoints

PROFILE = os.environ.get("SLUICE_PROFILE", "default")
# In this process, and real training jobs; `make nightly` sets SLUICE_PROFILE.
KILLS, JOBS = {"default": (200, 6), "nightly": (2_000, 30)}[PROFILE]
EPOCHS, LARGEST_STATE = 12, 5_000


class KilledError(BaseException):
    """The process has ended; nothing in it can catch this and go on, because its disk takes nothing any more."""


class Disk:
    """The module `os` for a process that ends in the middle of its `calls`-th call.

    After some calls `elsewhere` gets one of the files that are `here`, as SageMaker's copy to S3 sees the folder.
    """

    def __init__(self, random: Random, calls: int, here: Path, elsewhere: Path) -> None:
        self._random, self._left, self._here, self._elsewhere = random, calls, here, elsewhere
        self._paths: dict[int, Path] = {}
        self._unsafe: set[Path] = set()  # files of which not every byte is known to be on the disk
        self._named = self._names()  # what the folder held when it was synced the last time

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT:
            self._unsafe.add(path)
        return self._run(lambda: self._remember(os.open(path, flags, mode), path))

    def write(self, file: int, content: memoryview) -> int:
        """Writes a part, as a system may, and a part of that when it is the last call."""
        part = content[: self._random.randint(1, len(content))]
        if self._left == 1:
            os.write(file, part[: self._random.randint(0, len(part))])
        return self._run(lambda: os.write(file, part))

    def fsync(self, file: int) -> None:
        self._run(lambda: None)  # what the disk has safely is told by `_unsafe`
        self._unsafe.discard(self._paths[file])
        if self._paths[file] == self._here:
            self._named = self._names()

    def close(self, file: int) -> None:
        os.close(file)  # the system does it for a process that has ended
        self._run(lambda: None)

    def replace(self, source: Path, target: Path) -> None:
        self._run(lambda: source.replace(target))
        if source in self._unsafe:
            self._unsafe = self._unsafe - {source} | {target}

    def remove(self, path: Path) -> None:
        self._run(lambda: path.unlink())

    def lose_power(self) -> None:
        """Cut what was not synced, and undo what was done to names since the folder was synced, or some of it.

        Each name by itself: POSIX promises no order of what is not synced.
        """
        now = self._names()
        for path in sorted(now.keys() | self._named.keys()):
            if now.get(path) == self._named.get(path) or self._random.random() < 0.5:
                continue
            if path in self._named:
                path.write_bytes(self._named[path])
            else:
                path.unlink()
        for path in self._unsafe:
            if path.is_file():
                os.truncate(path, self._random.randint(0, path.stat().st_size))

    def _names(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self._here.glob("*")}

    def _remember(self, file: int, path: Path) -> int:
        self._paths[file] = path
        return file

    def _run(self, call: Callable[[], Any]) -> Any:
        self._left -= 1
        if self._left <= 0:
            raise KilledError
        done = call()
        if self._random.random() < 0.2 and (files := sorted(self._here.glob("*"))):
            chosen = self._random.choice(files)
            copyfile(chosen, self._elsewhere / chosen.name)
        return done


@dataclass
class Drill:
    """What came out: finished epochs that were lost, and checkpoints loaded that were not what was saved."""

    kills: int = 0
    lost_epochs: int = 0
    half_written_loaded: int = 0


def state_of(run: int, epoch: int) -> bytes:
    """What an epoch of a run ends with: bytes that tell by themselves whether they are whole."""
    body = Random(f"{run} {epoch}").randbytes(Random(f"{epoch} {run}").randint(0, LARGEST_STATE))
    return hashlib.sha256(body).digest() + body


def kill(run: int, folder: Path, make: Callable[..., Checkpoints] = Checkpoints) -> Drill:
    """One run of `EPOCHS` that is killed up to three times and then ends, with what was found on the way."""
    random, drill, finished = Random(run), Drill(), 0
    here, elsewhere = folder / "here", folder / "elsewhere"
    elsewhere.mkdir(parents=True)
    for attempt in range(4):
        disk = Disk(random, random.randint(1, 120) if attempt < 3 else 1_000_000, here, elsewhere)
        checkpoints = make(here, disk=disk)
        found = checkpoints.restore()
        reached = _judge(drill, run, finished, found)
        _judge(drill, run, 0, make(elsewhere).restore())  # what S3 has may be older, never half of something
        try:
            for epoch in range(reached + 1, EPOCHS + 1):
                checkpoints.save(epoch, state_of(run, epoch))
                finished = epoch
        except KilledError:
            drill.kills += 1
            if random.random() < 0.5:
                disk.lose_power()
    _judge(drill, run, EPOCHS, make(here).restore())
    return drill


def _judge(drill: Drill, run: int, finished: int, found: tuple[int, bytes] | None) -> int:
    epoch, state = found or (0, b"")
    if found and state != state_of(run, epoch):
        drill.half_written_loaded += 1
    drill.lost_epochs += max(0, finished - epoch)
    return epoch


def drill(kills: int, folder: Path, make: Callable[..., Checkpoints] = Checkpoints) -> Drill:
    """Runs, each with points of its own, until at least so many kills."""
    total, run = Drill(), 0
    while total.kills < kills:
        one = kill(run, folder / str(run), make)
        run += 1
        for name, value in vars(one).items():
            setattr(total, name, getattr(total, name) + value)
    return total
