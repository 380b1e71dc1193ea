"""What is tried under the platform's roles, and whether it comes out as the table says."""

import copy
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from botocore.exceptions import ClientError

TABLE = Path(__file__).with_name("attempts.yaml")
DONE, DENIED = "done", "denied"
_DENIALS = ("AccessDeniedException", "AccessDenied")


@dataclass(frozen=True)
class Attempt:
    """One line of the table."""

    guardrail: str
    who: str
    call: str
    change: Mapping[str, Any]
    outcome: str

    def __str__(self) -> str:
        changed = ", ".join(f"{path}={value}" for path, value in self.change.items())
        return f"{self.guardrail}: {self.who} {self.call}{f' with {changed}' if changed else ''}"


def table() -> tuple[dict[str, Any], list[Attempt]]:
    """The valid request of each call, and every attempt, in the table's order."""
    read = yaml.safe_load(TABLE.read_text("utf-8"))
    attempts = [
        Attempt(guardrail, row["who"], row["call"], row.get("with", {}), row["outcome"])
        for guardrail, rows in read["attempts"].items()
        for row in rows
    ]
    return read["requests"], attempts


def requests(values: Mapping[str, str]) -> Iterator[tuple[Attempt, dict[str, Any]]]:
    """Every attempt with its request, its placeholders filled; `number` differs from attempt to attempt."""
    valid, attempts = table()
    for number, attempt in zip(itertools.count(), attempts, strict=False):
        request = copy.deepcopy(valid[attempt.call])
        for path, value in attempt.change.items():
            _put(request, path.split("."), value)
        yield attempt, _filled(request, {**values, "number": str(number), "token": f"{number:032}"})


def outcome(client: Any, call: str, request: dict[str, Any]) -> str:
    """What comes of a call: done, denied, or the code of another refusal."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", call).lower()
    method: Callable[..., Any] = getattr(client, name)
    try:
        method(**request)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return DENIED if code in _DENIALS else code
    return DONE


def _put(request: Any, path: list[str], value: Any) -> None:
    """Set what lies at a path, or leave it out where the value is None."""
    *before, last = path
    for name in before:
        request = request[int(name)] if isinstance(request, list) else request[name]
    if value is None:
        del request[last]
    elif isinstance(request, list):
        request[int(last)] = value
    else:
        request[last] = value


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(item, values) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    return value.format_map(values) if isinstance(value, str) and "{" in value else value
