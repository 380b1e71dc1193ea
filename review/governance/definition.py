"""The definition of a pipeline within a template, wherever it is written: a string, an Fn::Sub, an Fn::Join."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from review.governance.values import intrinsic, written

# A placeholder where JSON has a number, a list or a map.
_BARE = re.compile(r"(?<=[:,\[])\s*(\$\{[^}\"]*\})(?=\s*[,}\]])")


@dataclass(frozen=True)
class Body:
    """`parsed` is None where it cannot be read; `problem` then says why."""

    parsed: Mapping[str, Any] | None
    problem: str = ""

    @property
    def steps(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Kind, name and arguments of each, those within conditions and loops too."""
        yield from _steps(self.parsed or {})


def bodies(properties: Any, template: Mapping[str, Any]) -> Iterator[Body]:
    """One for each branch of the template that writes the definition otherwise."""
    given = properties.get("PipelineDefinition") if isinstance(properties, dict) else None
    for branch in _branches(given):
        if isinstance(branch, dict) and "PipelineDefinitionBody" in branch:
            yield from (_body(inner, template) for inner in _branches(branch["PipelineDefinitionBody"]))
        elif isinstance(branch, dict) and "PipelineDefinitionS3Location" in branch:
            yield Body(None, "is in a bucket and not in the template")
        else:
            yield Body(None, "has a form that is not known")


def _branches(value: Any) -> Iterator[Any]:
    match intrinsic(value):
        case ("Fn::If", [_, yes, no]):
            yield from _branches(yes)
            yield from _branches(no)
        case ("Ref", "AWS::NoValue"):
            pass
        case _:
            yield value


def _body(value: Any, template: Mapping[str, Any]) -> Body:
    if isinstance(value, dict) and intrinsic(value) is None:
        return Body(value)
    text, _ = written(value, template)
    try:
        parsed = json.loads(_BARE.sub(r'"\1"', text))
    except ValueError:
        return Body(None, "is decided elsewhere" if text.startswith("${") else "is no JSON")
    return Body(parsed) if isinstance(parsed, dict) else Body(None, "is no JSON object")


def _steps(part: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for key in ("Steps", "IfSteps", "ElseSteps"):
        found = part.get(key)
        for step in found if isinstance(found, list) else ():
            if not isinstance(step, dict):
                continue
            arguments = step.get("Arguments")
            arguments = arguments if isinstance(arguments, dict) else {}
            # A ForEach and a Condition hold further steps among their arguments or beside them.
            yield str(step.get("Type", "")), str(step.get("Name", "")), step if "CheckType" in step else arguments
            yield from _steps(arguments)
            yield from _steps(step)
