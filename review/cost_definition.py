"""Definitions of pipelines and state machines, as they are written into templates: text, objects, placeholders."""

import json
from collections.abc import Mapping
from typing import Any

from review.cloud_assembly import Resource
from review.cost_values import UNKNOWN, Values


def machine_definition(values: Values, resource: Resource) -> dict[str, Any] | None:
    """A state machine's, with what it substitutes; None if it cannot be read."""
    written = (values.raw(resource.properties, name) for name in ("DefinitionString", "Definition"))
    definition = parsed(values, next((each for each in written if each is not None), None))
    told = values.at(resource.properties, "DefinitionSubstitutions")
    if definition is None or not isinstance(told, Mapping):
        return definition
    filled = json.dumps(definition)
    for name, value in told.items():
        filled = filled.replace(f"${{{name}}}", json.dumps(values.text(value))[1:-1])
    return json.loads(filled)


def parsed(values: Values, body: Any) -> dict[str, Any] | None:
    """A definition as text or as an object; None if it cannot be read."""
    if isinstance(body, Mapping) and not any(key == "Ref" or key.startswith("Fn::") for key in body):
        found = plain(values, body)
        return found if isinstance(found, dict) else None
    try:
        found = json.loads(values.text(body))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def plain(values: Values, value: Any, depth: int = 0) -> Any:
    """Without intrinsic functions: what is not known stands as text."""
    if depth > 60:
        return None
    found = values.of(value)
    if found is UNKNOWN:
        return values.text(value)
    if isinstance(found, Mapping):
        return {key: plain(values, each, depth + 1) for key, each in found.items()}
    return [plain(values, each, depth + 1) for each in found] if isinstance(found, list) else found
