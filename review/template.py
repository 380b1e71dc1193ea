"""The resources of a template, whatever form they have: loops unrolled, and a note on all that cannot be read."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from review.json_file import mapping, text

LOOP = "Fn::ForEach::"
# What CloudFormation may make of a loop before it refuses the template: its limit of resources.
MOST = 500


@dataclass(frozen=True)
class Resource:
    """`path` is its construct's, without a last `/Resource`; where the template has none, the logical ID.

    `source` is the line of code that made it, e.g. `stacks/costs.py:31`; empty where that is not known.
    """

    logical_id: str
    type: str
    path: str
    properties: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """What else the template says of it: `DeletionPolicy`, `DependsOn`, `Metadata`..."""
    source: str = ""


def resources_of(
    template: Mapping[str, Any], stack: str, sources: Mapping[str, str], notes: list[str]
) -> dict[str, Resource]:
    """By logical ID. `sources` are lines of code by the path of the construct; adds to `notes`."""
    found = {}
    names = [name for name in _names(template.get("Transform")) if name != "AWS::LanguageExtensions"]
    if names:
        notes.append(f"{stack}: what {', '.join(names)} makes of the template at deployment is not looked at")
    body = template.get("Resources", {})
    if not isinstance(body, dict):
        notes.append(f"{stack}: its Resources are no object and are not looked at")
        return found
    for logical_id, raw in _Loops(template, stack, notes).unrolled(body):
        if not isinstance(raw, dict) or not text(raw.get("Type")):
            notes.append(f"{stack}: {logical_id} is no resource with a Type and is not looked at")
            continue
        found[logical_id] = _resource(logical_id, raw, stack, sources, notes)
    return found


def _resource(
    logical_id: str, raw: Mapping[str, Any], stack: str, sources: Mapping[str, str], notes: list[str]
) -> Resource:
    properties = raw.get("Properties")
    if properties is not None and not isinstance(properties, dict):
        notes.append(f"{stack}: the Properties of {logical_id} are no object and are not looked at")
    whole = text(mapping(raw.get("Metadata")).get("aws:cdk:path"))
    attributes = {key: value for key, value in raw.items() if key not in ("Type", "Properties")}
    return Resource(
        logical_id,
        raw["Type"],
        whole.removesuffix("/Resource") or logical_id,
        mapping(properties),
        attributes,
        source_of(whole, sources),
    )


def source_of(path: str, sources: Mapping[str, str]) -> str:
    """The line that made the construct, or the nearest one around it of which a line is known."""
    while path:
        if path in sources:
            return sources[path]
        path = path.rpartition("/")[0]
    return ""


def _names(transform: Any) -> Iterator[str]:
    if transform:
        for each in transform if isinstance(transform, list) else [transform]:
            yield text(each) or text(mapping(each).get("Name")) or "a transform"


@dataclass
class _Loops:
    template: Mapping[str, Any]
    stack: str
    notes: list[str]
    turns: int = 0

    def unrolled(self, body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for key, value in body.items():
            if key.startswith(LOOP):
                yield from self._made_by(key, value)
            elif key == "Fn::Transform":
                self.notes.append(f"{self.stack}: the resources that Fn::Transform adds are not looked at")
            else:
                yield key, value

    def _made_by(self, key: str, loop: Any) -> Iterator[tuple[str, Any]]:
        """What Fn::ForEach makes. Over values that only CloudFormation knows: its body once, as it stands."""
        match loop:
            case [str(name), values, dict(body)]:
                pass
            case _:
                self.notes.append(f"{self.stack}: {key} is no name, list and object, and is not looked at")
                return
        items = self._items(values)
        if items is None:
            self.notes.append(
                f"{self.stack}: {key} runs over what only CloudFormation knows; its resources are looked at once"
            )
            yield from self.unrolled(body)
            return
        for item in items:
            self.turns += 1
            if self.turns > MOST:
                self.notes.append(f"{self.stack}: {key} makes more than {MOST} resources; the others are not looked at")
                return
            yield from self.unrolled(_with(body, name, item))

    def _items(self, values: Any) -> Sequence[str] | None:
        """What a loop runs over: a list of texts, or a parameter's default. None where it is not known."""
        if isinstance(values, dict) and values.keys() == {"Ref"}:
            parameter = mapping(mapping(self.template.get("Parameters")).get(text(values["Ref"])))
            default = text(parameter.get("Default"))
            return [item.strip() for item in default.split(",")] if default else None
        if isinstance(values, list) and all(isinstance(item, str) for item in values):
            return values
        return None


def _with(value: Any, name: str, item: str) -> Any:
    """`value` with the loop's variable replaced: `${Name}`, `&{Name}` (letters and digits alone) and its Ref."""
    if isinstance(value, dict):
        if value == {"Ref": name}:
            return item
        return {_filled(key, name, item): _with(inner, name, item) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with(inner, name, item) for inner in value]
    return _filled(value, name, item) if isinstance(value, str) else value


def _filled(pattern: str, name: str, item: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9]", "", item)
    return pattern.replace(f"${{{name}}}", item).replace(f"&{{{name}}}", plain)
