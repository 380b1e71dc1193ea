"""JSON that a stranger's application wrote: read whole and safe to walk, or a sentence on what is wrong with it."""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

# CloudFormation takes templates of 1 MB; the metadata of some thousand resources, stack traces included, is 20 MB.
LARGEST_MB = 40
# CDK nests by some ten levels; what walks a template calls itself once for each, and Python ends that at a thousand.
DEEPEST = 200

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_STEP = [0] * 256
for _bracket, _step in zip(b"[{]}", (1, 1, -1, -1), strict=True):
    _STEP[_bracket] = _step
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[{]}"))


class AssemblyError(Exception):
    """Something is no cloud assembly, or a part of it is missing or cannot be read: which file, and what to do."""


def read_object(path: Path) -> Mapping[str, Any]:
    """The object in `path`. Raises AssemblyError."""
    try:
        size = path.stat().st_size
        if size > LARGEST_MB * 1e6:
            raise AssemblyError(
                f"{path} has {size / 1e6:.0f} MB, and no more than {LARGEST_MB} MB are read (CloudFormation takes "
                "templates of 1 MB): name another folder, or synthesize anew"
            )
        found = _parsed(path.read_bytes())
    except FileNotFoundError:
        raise AssemblyError(f"{path} is missing: synthesize anew") from None
    except OSError as error:
        raise AssemblyError(f"{path} cannot be read ({error.strerror}): synthesize anew") from None
    except RecursionError:
        raise AssemblyError(
            f"{path} is nested deeper than {DEEPEST} levels: CloudFormation takes no such file"
        ) from None
    except ValueError as error:
        raise AssemblyError(f"{path} is no JSON ({error}): synthesize anew") from None
    if not isinstance(found, dict):
        raise AssemblyError(f"{path} holds no JSON object: synthesize anew")
    return found


def _parsed(data: bytes) -> Any:
    """Raises ValueError, and RecursionError past DEEPEST."""
    # Brackets in texts count here too, so that this is but a reason to look closely; it takes 5 ms a megabyte.
    depths = accumulate(map(_STEP.__getitem__, data.translate(None, _ALL_BUT_BRACKETS)))
    found = json.loads(data.decode("utf-8-sig"))
    if max(depths, default=0) > DEEPEST and _deeper(found):
        raise RecursionError
    if _SURROGATE.search(data):  # half a character cannot be written again: it becomes a question mark
        found = json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
    return found


def _deeper(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for each in level for inner in _within(each)]
        if not level:
            return False
    return True


def _within(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def is_there(path: Path) -> bool:
    """Whether `path` is a file or a folder; a name that no system takes is none."""
    try:
        return path.exists()
    except OSError:
        return False


def mapping(value: Any) -> Mapping[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str:
    """`value` if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""
