"""What is tried under the platform's roles, and whether it comes out as the table says."""

import copy
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from botocore import xform_name
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


def valid(call: str, values: Mapping[str, str]) -> dict[str, Any]:
    """The request of a call that its guardrails let pass, its placeholders filled."""
    return _filled(table()[0][call], values)


def outcome(client: Any, call: str, request: dict[str, Any]) -> str:
    """What comes of a call: done, denied, or the code of another refusal."""
    method: Callable[..., Any] = getattr(client, xform_name(call))
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


def page() -> str:
    """docs/guardrails.md: what each guardrail prevents and what enforces it, then every attempt."""
    from sluice.guardrails import TABLE as GUARDRAILS  # aws_cdk, which playing the attempts does without

    rows = [f"| {g.name} | {g.prevents} | {g.enforced}{f': {g.note}' if g.note else ''} |\n" for g in GUARDRAILS]
    tried = [f"| {a.guardrail} | {a.who} | {_told(a)} | {a.outcome} |\n" for a in table()[1]]
    return _PAGE.format(guardrails="".join(rows), attempts="".join(tried))


def _told(attempt: Attempt) -> str:
    changes = [f"{path} left out" if v is None else f"{path} = {v}" for path, v in attempt.change.items()]
    return f"{attempt.call}{' with ' if changes else ''}{', '.join(changes)}".replace("|", "\\|")


_PAGE = """# Guardrails

`constructs/sluice/guardrails.py` makes one permissions boundary and puts it on every role of the platform: people,
jobs, pipelines, endpoints, functions. A boundary grants nothing; whatever a role is granted, now or later, it bounds.
`guardrails:` in the configuration sets the limits. This page is written by `python -m rehearsal.attempts`.

| guardrail | prevents | enforced by |
|---|---|---|
{guardrails}
In a pipeline the condition keys bind on the role that runs it, not on who starts it. Where IAM has no key, the
compile-time check refuses the definition before it is committed; nothing stops such a job that a person starts.

## What was tried

`make rehearse STORY=guardrails` deploys the platform to the embedded cloud and makes each of these calls under the role
that is named, with IAM enforced. `anything` is a role that is allowed every action and has only the boundary against
it; `anybody` is the same with a persona's tag.

| guardrail | role | call | outcome |
|---|---|---|---|
{attempts}"""


if __name__ == "__main__":
    (Path(__file__).parents[1] / "docs" / "guardrails.md").write_text(page())
