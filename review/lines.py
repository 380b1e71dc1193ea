"""The line of code that made each construct, as far as the assembly's metadata tells.

CDK notes where an element was made (`aws:cdk:creationStack`, or a `trace` beside another note). jsii adds Python's
own frames where `JSII_HOST_STACK_TRACES=1`, which review.source sets: this is what aws-cdk#31798 asks for.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from review.json_file import mapping, text

# `__init__ (/repo/stacks/costs.py:25)`, `at new Costs (/repo/lib/costs.ts:25:7)`, `/repo/bin/app.ts:3:1`.
_FRAME = re.compile(r"(?:^|\(|\bat )(?:file://)?(?P<file>[^()]+?):(?P<line>\d+)(?::\d+)?\)?\s*$")
_NOT_OURS = re.compile(r"(^|/)(node_modules|site-packages|dist-packages|\.?venv[^/]*|env)/|^node:|^internal/")
# Made as the whole tree was synthesized: the construct's parents say more than this line.
_SYNTH = re.compile(r"\.synth\(")
# Where a class makes itself: the line that makes one of it says more.
_ITSELF = re.compile(r"\bsuper\(")


def sources(metadata: Mapping[str, Any], files: "Files") -> dict[str, str]:
    """`file:line` by the path of the construct, without a slash before it; files are named from the repository."""
    found = {}
    for path, notes in metadata.items():
        for frames in _traces(notes):
            if line := _first(frames, files):
                found[path.removeprefix("/")] = line
                break
    return found


def root_of(folder: Path) -> Path:
    """The repository that `folder` is in, or the working folder."""
    around = (parent for parent in folder.resolve().parents if (parent / ".git").exists())
    return next(around, Path.cwd())


def _traces(notes: Any) -> Iterator[list[Any]]:
    """The frames that a construct's notes hold, those of its making first."""
    entries = [mapping(note) for note in notes] if isinstance(notes, list) else []
    for entry in entries:
        if entry.get("type") == "aws:cdk:creationStack" and isinstance(entry.get("data"), list):
            yield entry["data"]
    for entry in entries:
        if entry.get("type") == "aws:cdk:logicalId" and isinstance(entry.get("trace"), list):
            yield entry["trace"]


def _first(frames: list[Any], files: "Files") -> str:
    own = ""
    for frame in frames:
        match = _FRAME.search(text(frame)[-1000:])
        if match and (file := files.relative(match["file"].strip())):
            number = int(match["line"][:9])
            code = files.code(file, number)
            if _SYNTH.search(code):
                return own
            if not _ITSELF.search(code):
                return f"{file}:{number}"
            own = own or f"{file}:{number}"
    return own


class Files:
    """The files of a repository, each looked at once."""

    def __init__(self, root: Path) -> None:
        self._roots = {PurePosixPath(root.resolve()), PurePosixPath(root.absolute())}
        self.relative, self._lines = cache(self._relative), cache(self._read)

    def code(self, file: str, number: int) -> str:
        lines = self._lines(file)
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def _relative(self, file: str) -> str:
        """`file` as named from the repository; empty where it is none of its files.

        An assembly may have been made elsewhere: then the longest end of the name that is a file here counts.
        """
        path = PurePosixPath(file)
        for root in self._roots:
            if path.is_relative_to(root):
                inner = str(path.relative_to(root))
                return "" if _NOT_OURS.search(inner) else inner
        if _NOT_OURS.search(file) or ".." in path.parts:
            return ""
        ends = (PurePosixPath(*path.parts[start:]) for start in range(int(path.is_absolute()), len(path.parts)))
        return next((str(end) for end in ends if self._lines(str(end))), "")

    def _read(self, file: str) -> list[str]:
        try:
            return Path(next(iter(self._roots)), file).read_text("utf-8").splitlines()
        except (OSError, ValueError):
            return []
