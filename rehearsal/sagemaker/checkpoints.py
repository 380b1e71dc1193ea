"""Checkpoints in S3. Source: AWS, "Checkpoints in Amazon SageMaker AI" and "Managed Spot Training"."""

import contextlib
import time
from pathlib import Path
from typing import Any

from rehearsal.sagemaker import storage

EVERY_SECONDS = 1.0


class Checkpoints:
    """The checkpoint folders of one attempt, in step with a prefix in S3. What is deleted here stays there."""

    def __init__(self, s3: Any, uri: str, folders: list[Path]) -> None:
        self._s3, self._folders = s3, folders
        self._bucket, prefix = storage.split(uri)
        self._prefix = prefix.rstrip("/") + "/" if prefix else ""
        self._seen: dict[Path, tuple[int, int]] = {}
        self._next = 0.0

    def download(self) -> None:
        """Bring what S3 holds into every folder."""
        found = storage.listing(self._s3, self._bucket, self._prefix) if self._folders else []
        for folder in self._folders:
            folder.mkdir(parents=True, exist_ok=True)
            for key in found:
                path = folder / storage.relative(key, self._prefix)
                path.parent.mkdir(parents=True, exist_ok=True)
                self._s3.download_file(self._bucket, key, str(path))
                self._seen[path] = _state(path)

    def sync(self, *, now: bool = False) -> None:
        """Upload what has changed since, once a second or now."""
        if not now and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY_SECONDS
        for folder in self._folders:
            for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                with contextlib.suppress(FileNotFoundError):  # the job renamed or removed it meanwhile
                    state = _state(path)
                    if self._seen.get(path) != state:
                        key = self._prefix + path.relative_to(folder).as_posix()
                        self._s3.upload_file(str(path), self._bucket, key)
                        self._seen[path] = state


def _state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size
