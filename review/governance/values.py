"""What a template says of a value: a literal, nothing, or something that it leaves to others; each branch by itself."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any


class Absent:
    """The type of ABSENT: the template does not set the property."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = Absent()


@dataclass(frozen=True)
class Unknown:
    """A value that is decided elsewhere. `source` says where; `options`, what it may be; `complete`, only that."""

    source: str
    options: tuple[Any, ...] = ()
    complete: bool = False


@dataclass(frozen=True)
class Case:
    """One value that a property has. `when` names the branch of the template in which it has it; empty for always."""

    path: str
    value: Any
    when: str = ""


def cases(value: Any, template: Mapping[str, Any], path: str = "", when: str = "") -> Iterator[Case]:
    """Every value that `value`, a part of `template`, may have: its own, or one for each branch of an Fn::If."""
    match intrinsic(value):
        case None:
            yield Case(path, Unknown(value) if isinstance(value, str) and "${" in value else value, when)
        case ("Fn::If", [str(name), yes, no]):
            for branch, holds in ((yes, name), (no, f"not {name}")):
                yield from cases(branch, template, path, f"{when} and {holds}".removeprefix(" and "))
        case ("Ref", "AWS::NoValue"):
            yield Case(path, ABSENT, when)
        case ("Ref", str(name)) if name in as_map(template.get("Parameters")):
            yield Case(path, _parameter(name, as_map(template["Parameters"][name])), when)
        case ("Fn::FindInMap", [name, first, second, *_]):
            yield Case(path, _found(template, name, first, second), when)
        case ("Fn::Sub" | "Fn::Join", _):
            text, whole = written(value, template)
            yield Case(path, text if whole else Unknown(text), when)
        case ("Get", str(name)):
            yield Case(path, _pipeline_parameter(name, template), when)
        case (name, inner):
            yield Case(path, Unknown(_source(name, inner)), when)


def intrinsic(value: Any) -> tuple[str, Any] | None:
    """The function that stands for a value, of CloudFormation or of a pipeline's definition, and what it is given."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    [(name, inner)] = value.items()
    is_one = isinstance(name, str) and (name.startswith(("Fn::", "Std:")) or name in ("Ref", "Condition", "Get"))
    return (name, inner) if is_one and not (name == "Get" and not isinstance(inner, str)) else None


def at(value: Any, path: str, template: Mapping[str, Any], start: str = "") -> Iterator[Case]:
    """What stands at `path`, such as `ProductionVariants.*.InstanceType`; an absent parent is an absent value."""
    found = list(cases(value, template, start))
    for key in path.split(".") if path else ():
        found = [below for case in found for below in _below(case, key, template)]
    yield from found


def _below(case: Case, key: str, template: Mapping[str, Any]) -> Iterator[Case]:
    deeper = f"{case.path}.{key}".lstrip(".")
    match case.value:
        case Absent():
            yield from [] if key == "*" else [replace(case, path=deeper)]
        case dict() as inner if key != "*" and key not in inner and "Fn::Transform" in inner:
            yield Case(deeper, Unknown("Fn::Transform"), case.when)
        case dict() as inner if key != "*":
            yield from cases(inner.get(key, ABSENT), template, deeper, case.when)
        case list() as items if key == "*":
            for index, item in enumerate(items):
                yield from cases(item, template, f"{case.path}.{index}".lstrip("."), case.when)
        case Unknown():
            yield replace(case, path=deeper)
        case _:  # a map where there should be a list, or the other way round
            yield Case(deeper, Unknown("a value of another form"), case.when)


def written(value: Any, template: Mapping[str, Any]) -> tuple[str, bool]:
    """A text with `${...}` for what only a deployment knows, and whether there is nothing of the kind in it."""
    match intrinsic(value):
        case ("Fn::Join", [str(between), list(parts)]):
            texts = [written(part, template) for part in parts]
            return between.join(text for text, _ in texts), all(whole for _, whole in texts)
        case ("Fn::Sub", str(text)):
            return text.replace("${!", "${"), "${" not in text
        case ("Fn::Sub", [str(text), dict(given)]):
            for name, inner in given.items():
                known, whole = written(inner, template)
                if whole:
                    text = text.replace(f"${{{name}}}", json.dumps(known)[1:-1] if '"' in text else known)
            return text, "${" not in text
        case None if isinstance(value, str | int | float):
            return str(value), True
        case ("Ref" | "Fn::GetAtt" | "Fn::ImportValue" as name, inner):
            return f"${{{_source(name, inner)}}}", False
        case _:
            return "${...}", False


def reference(value: Any) -> str:
    """The logical ID that a Ref or Fn::GetAtt leads to, or an Fn::Sub of one reference alone; else empty."""
    match intrinsic(value):
        case ("Ref", str(name)):
            return name
        case ("Fn::GetAtt", [str(name), *_]):
            return name
        case ("Fn::GetAtt", str(name)):
            return name.partition(".")[0]
        case ("Fn::Sub", str(text)) if found := re.fullmatch(r"\$\{([\w]+)(?:\.[\w.]+)?\}", text):
            return found[1]
    return ""


def strings(value: Any) -> Iterator[str]:
    """Every string in `value`, with the names of references among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def maps(value: Any) -> Iterator[Mapping[str, Any]]:
    """The maps of a list: a report of another version may hold anything."""
    yield from (each for each in value if isinstance(each, dict)) if isinstance(value, list | tuple) else ()


def _parameter(name: str, parameter: Mapping[str, Any]) -> Unknown:
    allowed = parameter.get("AllowedValues")
    if isinstance(allowed, list):
        return Unknown(f"the parameter {name}", tuple(allowed), complete=True)
    default = (parameter["Default"],) if "Default" in parameter else ()
    return Unknown(f"the parameter {name}", default)


def _pipeline_parameter(name: str, definition: Mapping[str, Any]) -> Unknown:
    """A parameter of a pipeline is chosen by whoever starts it, among `EnumValues` if it has any."""
    for parameter in definition.get("Parameters", ()) if isinstance(definition.get("Parameters"), list) else ():
        if isinstance(parameter, dict) and name == f"Parameters.{parameter.get('Name')}":
            if isinstance(parameter.get("EnumValues"), list):
                return Unknown(f"the pipeline's {name}", tuple(parameter["EnumValues"]), complete=True)
            return Unknown(
                f"the pipeline's {name}", (parameter["DefaultValue"],) if "DefaultValue" in parameter else ()
            )
    return Unknown(name)


def _found(template: Mapping[str, Any], name: Any, first: Any, second: Any) -> Any:
    table = as_map(as_map(template.get("Mappings")).get(name) if isinstance(name, str) else None)
    rows = [table[first]] if isinstance(first, str) and first in table else list(table.values())
    values = [row[second] for row in map(as_map, rows) if isinstance(second, str) and second in row]
    if len(values) == 1:
        return values[0]
    return Unknown(f"the mapping {name}" if isinstance(name, str) else "a mapping", tuple(values), bool(values))


def _source(name: str, inner: Any) -> str:
    if isinstance(inner, str):
        return inner if name in ("Ref", "Get") else f"{name} {inner}"
    if name == "Fn::GetAtt" and isinstance(inner, list):
        return ".".join(str(part) for part in inner)
    return name


def as_map(value: Any) -> Mapping[str, Any]:
    """`value` if it is a map, else an empty one: templates hold odd things."""
    return value if isinstance(value, dict) else {}
