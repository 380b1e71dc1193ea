"""The steps of a pipeline's or a state machine's definition, with their arguments."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from review.cloud_assembly import Resource, Stack
from review.iam.principals import properties
from review.iam.references import References

# Where a type holds a definition that is JSON in a text, or a document.
DEFINITIONS = {
    "AWS::SageMaker::Pipeline": ("PipelineDefinition", "PipelineDefinitionBody"),
    "AWS::StepFunctions::StateMachine": ("DefinitionString", "Definition"),
}


def definition(resource: Resource, stack: Stack, side: References) -> Any:
    """What the definition says, tokens in its texts; None where it is elsewhere or cannot be read."""
    value: Any = properties(resource)
    for name in DEFINITIONS[resource.type]:
        inner = value.get(name) if isinstance(value, Mapping) else None
        value = inner if inner is not None else value
    if value is properties(resource):
        return None
    if isinstance(value, Mapping) and not is_function(value):
        return value if "States" in value or "Steps" in value else None
    try:
        return json.loads(side.text(value, stack), strict=False)
    except ValueError:
        return None


def named(value: Any, outer: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every step with its arguments, those within conditions, loops and maps too."""
    if isinstance(value, Mapping):
        for key in ("Arguments", "Parameters"):
            if isinstance(value.get("Type"), str) and isinstance(arguments := value.get(key), Mapping):
                yield str(value.get("Name", outer)), arguments
        for key, each in value.items():
            yield from named(each, key)
    elif isinstance(value, list):
        for each in value:
            yield from named(each, outer)


def is_function(value: Mapping[str, Any]) -> bool:
    return len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref", "Get", "Std:"))
