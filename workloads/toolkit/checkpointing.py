"""Checkpoints that survive the end of the process at any moment.

    checkpoints = Checkpoints("/opt/ml/checkpoints/my-job")
    found = checkpoints.restore()  # (step, state), or None at first
    for step in range(found[0] + 1 if found else 1, last + 1):
        ...
        checkpoints.save(step, state)  # bytes; when this returns, the step is finished

SageMaker copies the folder to S3 file by file while the script writes, in any order, deletes nothing there, and brings
all of it back to the next instance (AWS, "Checkpoints in Amazon SageMaker AI"). So the folder may hold older steps and
half-written files; each checkpoint is one file that tells by itself whether it is intact. What has not reached S3
when the instance is lost is trained again: how often SageMaker copies, AWS does not say.
"""

import hashlib
import os
import re
from pathlib import Path

MAGIC = b"sluice checkpoint 1\n"
DIGEST_BYTES = hashlib.sha256().digest_size
UNFINISHED = ".part"
_NAME = re.compile(r"^step-(\d{8,})\.checkpoint$")


class Checkpoints:
    """The checkpoints of one process, in a folder that it shares with no other. The newest `keep` stay.

    `disk` is the module `os`, or what stands for it where a test ends the process between two of its calls.
    """

    def __init__(self, folder, keep=2, disk=os):
        if keep < 1:
            raise ValueError(f"keep is {keep}; at least 1 checkpoint must stay")
        self._folder, self._keep, self._disk = Path(folder), keep, disk

    def save(self, step, state):
        """Keeps `state` (bytes) as what step number `step` ended with; the same step again replaces it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        whole = self._folder / f"step-{step:08d}.checkpoint"
        part = whole.with_name(whole.name + UNFINISHED)
        self._write(part, MAGIC + hashlib.sha256(state).digest() + state)
        # After a loss of power the new name must not come before the content, nor the removals before the new name.
        self._disk.replace(part, whole)
        self._sync(self._folder)
        self._remove_old(step)

    def restore(self):
        """(step, state) of the newest intact checkpoint, or None. What is not intact is passed over."""
        for step, path in sorted(self._steps(), reverse=True):
            state = _read(path)
            if state is not None:
                return step, state
        return None

    def _write(self, path, content):
        file = self._disk.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[self._disk.write(file, rest) :]
            self._disk.fsync(file)
        finally:
            self._disk.close(file)

    def _sync(self, folder):
        file = self._disk.open(folder, os.O_RDONLY)
        try:
            self._disk.fsync(file)
        finally:
            self._disk.close(file)

    def _remove_old(self, newest):
        """Only what is older than the step just saved: a newer one that is intact belongs to a run that knows more."""
        older = sorted(found for found in self._steps() if found[0] <= newest)
        for _, path in older[: -self._keep]:
            self._disk.remove(path)
        for path in self._folder.glob(f"*{UNFINISHED}"):
            self._disk.remove(path)

    def _steps(self):
        if not self._folder.is_dir():
            return []
        named = [(_NAME.match(path.name), path) for path in self._folder.iterdir()]
        return [(int(name.group(1)), path) for name, path in named if name]


def _read(path):
    content = path.read_bytes()
    digest, state = content[len(MAGIC) : len(MAGIC) + DIGEST_BYTES], content[len(MAGIC) + DIGEST_BYTES :]
    intact = content.startswith(MAGIC) and hashlib.sha256(state).digest() == digest
    return state if intact else None
