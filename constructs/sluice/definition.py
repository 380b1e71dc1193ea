"""A committed pipeline definition, with its placeholders filled at deployment."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aws_cdk import Fn


class DefinitionError(Exception):
    """The definition and what the platform can fill in do not fit together."""


def images(folder: Path, region: str) -> dict[str, str]:
    """The image URIs in `region` for each placeholder of `folder`/images.json. Raises DefinitionError."""
    known: dict[str, dict[str, str]] = json.loads((folder / "images.json").read_text("utf-8"))
    for name, uris in known.items():
        if region not in uris:
            file = f"{folder.name}/images.json"
            raise DefinitionError(f"{file}: {name} does not exist in {region}; it does in {', '.join(sorted(uris))}")
    return {name: uris[region] for name, uris in known.items()}


# Steps that start what costs money; SageMaker hands a pipeline's own tags on to none of them.
_TAGGED = ("AutoML", "Model", "Processing", "Training", "Transform", "Tuning")


def fill(path: Path, values: Mapping[str, str | list[str]], tags: Mapping[str, str], *, registers: bool = True) -> str:
    """The definition in `path` with each ${Name} replaced by its value, which may be known only at deployment.

    What its steps start gets `tags`. Without `registers`, the steps that register models are left out. A placeholder
    for a list stands alone in a JSON array, which then holds it whole.
    Raises DefinitionError if the definition asks for a value that is not given.
    """
    definition = json.loads(path.read_text("utf-8"))
    if not registers:
        definition["Steps"] = _unregistered(definition["Steps"])
    for step in _steps(definition["Steps"]):
        if step["Type"] in _TAGGED:
            step["Arguments"]["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    return substituted(path, definition, values)


def substituted(path: Path, definition: Mapping[str, Any], values: Mapping[str, str | list[str]]) -> str:
    """`definition`, read from `path`, with each ${Name} replaced by its value. Raises DefinitionError."""
    # On one line: the 1 MiB that SageMaker and Step Functions allow is better spent than on indentation.
    body = json.dumps(definition, separators=(",", ":"), sort_keys=True)
    asked = set(re.findall(r"\$\{(\w+)\}", body))
    if unknown := asked - values.keys():
        raise DefinitionError(f"{path.parent.name}/{path.name} asks for {sorted(unknown)}; there are {sorted(values)}")
    return Fn.sub(
        body,
        {
            name: Fn.join('","', value) if isinstance(value, list) else value
            for name, value in values.items()
            if name in asked
        },
    )


def _steps(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every step, also those inside the branches of conditions."""
    for step in steps:
        yield step
        for branch in ("IfSteps", "ElseSteps") if step["Type"] == "Condition" else ():
            yield from _steps(step["Arguments"].get(branch, []))


def _unregistered(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps without those that register models, which nothing else may wait for. Raises DefinitionError."""
    left_out = {step["Name"] for step in _steps(steps) if step["Type"] == "RegisterModel"}

    def kept(some: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [step for step in some if step["Name"] not in left_out]

    for step in _steps(steps):
        if step["Name"] not in left_out and (waits := left_out.intersection(step.get("DependsOn", []))):
            raise DefinitionError(f"{step['Name']} depends on {sorted(waits)}, which cannot run in this region")
        for branch in {"IfSteps", "ElseSteps"} & step["Arguments"].keys() if step["Type"] == "Condition" else ():
            step["Arguments"][branch] = kept(step["Arguments"][branch])
    return kept(steps)
