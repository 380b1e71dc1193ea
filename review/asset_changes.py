"""Assets: code and files that a template names by a hash of what is in them."""

import filecmp
import re
import zipfile
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from review.values import Leaf

_HASH = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
# As CDK writes assets into a template: the key of an object, or the tag of an image.
_FORM = re.compile(r"(?:^|[/:])[0-9a-f]{64}(?:\.\w+)*$")
# So many files of an asset are named.
_FILES = 12


def hashes(value: Any) -> list[str]:
    """The hashes of assets in a plain value."""
    if isinstance(value, str):
        return _HASH.findall(value) if _FORM.search(value) else []
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [found for item in inner for found in hashes(item)]


def is_asset_change(leaf: Leaf) -> bool:
    """Whether both sides name the same asset in two versions."""
    before, after = hashes(leaf.before), hashes(leaf.after)
    return bool(before) and len(before) == len(after) and _without(leaf.before) == _without(leaf.after)


def _without(value: Any) -> Any:
    if isinstance(value, str):
        return _HASH.sub("", value)
    if isinstance(value, Mapping):
        return {key: _without(item) for key, item in value.items()}
    return [_without(item) for item in value] if isinstance(value, list) else value


@cache
def changed_files(old: Path, new: Path) -> tuple[str, ...] | None:
    """`controls/sweep.py changed`..., of two versions of an asset by content; None where one cannot be read."""
    first, second = _entries(old), _entries(new)
    if first is None or second is None:
        return None
    found = []
    for name in sorted(first.keys() | second.keys()):
        if name not in second:
            found.append(f"{name} removed")
        elif name not in first:
            found.append(f"{name} added")
        elif not _same(old, new, name, first[name], second[name]):
            found.append(f"{name} changed")
    return tuple(found)


def code_lines(
    base: Mapping[str, Path], head: Mapping[str, Path], leaves: list[Leaf], handler: str
) -> tuple[list[str], bool]:
    """`base` and `head`: the stacks' assets by their hashes.

    A line for each file that differs, the handler's own first; and whether each asset was at hand."""
    lines: list[str] = []
    complete = True
    for leaf in leaves:
        for before, after in zip(hashes(leaf.before), hashes(leaf.after), strict=False):
            sides = base.get(before), head.get(after)
            found = changed_files(*sides) if sides[0] and sides[1] else None
            complete = complete and found is not None
            lines += found or ()
    module = handler.rpartition(".")[0].replace(".", "/")
    lines.sort(key=lambda line: not (module and line.rpartition(" ")[0].rpartition(".")[0] == module))
    more = [f"and {len(lines) - _FILES} more files"] if len(lines) > _FILES else []
    return lines[:_FILES] + more, complete


def _entries(path: Path) -> dict[str, tuple[int, int]] | None:
    """By the file's name: its size, and its checksum where one is at hand for nothing."""
    if path.is_dir():
        return {
            str(file.relative_to(path).as_posix()): (file.stat().st_size, 0)
            for file in path.rglob("*")
            if file.is_file()
        }
    try:
        with zipfile.ZipFile(path) as archive:
            return {entry.filename: (entry.file_size, entry.CRC) for entry in archive.infolist() if not entry.is_dir()}
    except (zipfile.BadZipFile, OSError):
        return None


def _same(old: Path, new: Path, name: str, first: tuple[int, int], second: tuple[int, int]) -> bool:
    if first[0] != second[0]:
        return False
    if old.is_dir() and new.is_dir():
        return filecmp.cmp(old / name, new / name, shallow=False)
    sums = [
        zlib.crc32((path / name).read_bytes()) if path.is_dir() else entry[1]
        for path, entry in ((old, first), (new, second))
    ]
    return sums[0] == sums[1]
