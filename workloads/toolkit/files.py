"""The files that a run reads, and what is noted of them so that it can be repeated."""

import hashlib
import json
from pathlib import Path

from toolkit.table_file import TableError


def files_of(path, format):
    """The table's files, sorted. Raises TableError where there are none, and for a file of 0 bytes."""
    path = Path(path)
    files = sorted(path.rglob(f"*.{format}")) if path.is_dir() else [path]
    if not files or not files[0].exists():
        raise TableError(f"{path} holds no .{format} file: put the table there or change data.path and data.format")
    for file in files:
        if file.stat().st_size == 0:
            raise TableError(f"{file.name} has 0 bytes: upload it again, with its rows")
    return files


def name_of(path, file):
    """A file of `path` as messages and manifests call it."""
    return file.relative_to(path).as_posix() if file != Path(path) else file.name


def noted(path, rows, format="csv", begin=None):
    """Hash, bytes and rows of each file, of which `rows` tells by its name how many it has, and `begin`.

    `begin` is the manifest of the run's first step, with the versions in S3: a file or its folder, or None.
    """
    files = []
    for file in files_of(path, format):
        content, name = file.read_bytes(), name_of(path, file)
        digest = hashlib.sha256(content).hexdigest()
        files.append({"name": name, "sha256": digest, "bytes": len(content), "rows": int(rows[name])})
    if begin and Path(begin).is_dir():
        [begin] = Path(begin).iterdir()  # its name is that in S3, which no pipeline knows beforehand
    told = json.loads(Path(begin).read_text()) if begin else None
    return {"files": files, "rows": sum(file["rows"] for file in files), "begin": told}
