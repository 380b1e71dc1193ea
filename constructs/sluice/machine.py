"""A committed state machine, with its placeholders filled at deployment."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sluice.definition import substituted

# Actions that start what costs money; nothing hands the state machine's own tags on to them.
_TAGGED = ("createAutoMLJobV2", "createModel", "createProcessingJob", "createTransformJob")
REGISTERS = "createModelPackage"


def fill(path: Path, values: Mapping[str, str | list[str]], tags: Mapping[str, str], *, registers: bool = True) -> str:
    """The state machine in `path` with each ${Name} replaced, as `definition.fill` does for pipelines.

    What it starts gets `tags`. Without `registers`, the states that register models are passed over.
    Raises DefinitionError if it asks for a value that is not given.
    """
    machine: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if not registers:
        _pass_over(machine["States"])
    for state in machine["States"].values():
        if _action(state) in _TAGGED:
            state["Arguments"]["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    return substituted(path, machine, values)


def _pass_over(states: dict[str, Any]) -> None:
    """Takes out each state that registers, and leads what led to it to where it led."""
    for name in [name for name, state in states.items() if _action(state) == REGISTERS]:
        then = states.pop(name)["Next"]
        for state in states.values():
            for place in (state, *state.get("Choices", [])):
                for field in ("Next", "Default"):
                    if place.get(field) == name:
                        place[field] = then


def _action(state: Mapping[str, Any]) -> str:
    return state.get("Resource", "").rpartition(":")[2]
