"""What botocore's own service model says about a request and an answer."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore.session
import regex
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape


@cache
def service_model(name: str = "sagemaker") -> ServiceModel:
    """botocore's model of a service; loading it costs about 0.3 s."""
    return botocore.session.Session().get_service_model(name)


@cache
def operation(name: str) -> OperationModel:
    return service_model().operation_model(name)


def output_members(name: str) -> Mapping[str, Shape]:
    """The members of an operation's answer."""
    shape = operation(name).output_shape
    return shape.members if shape else {}


def input_members(name: str) -> Mapping[str, Shape]:
    """The members of an operation's request."""
    shape = operation(name).input_shape
    return shape.members if shape else {}


def summary_members(name: str) -> Mapping[str, Shape]:
    """The members of each row of a list's answer."""
    rows = next(shape for shape in output_members(name).values() if isinstance(shape, ListShape))
    return rows.member.members if isinstance(rows.member, StructureShape) else {}


def problems(shape: Shape | None, value: Any, path: str = "") -> list[str]:
    """Every way in which a decoded JSON value breaks the shape, worded as AWS does, with the member's path."""
    if isinstance(shape, StructureShape):
        return _structure_problems(shape, value, path)
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            return [_wrong_type(value, path, "list")]
        found = _range_problems(shape, len(value), value, path, "length")
        return found + [
            p for i, item in enumerate(value) for p in problems(shape.member, item, f"{path}.{i + 1}.member")
        ]
    if isinstance(shape, MapShape):
        if not isinstance(value, dict):
            return [_wrong_type(value, path, "map")]
        found = _range_problems(shape, len(value), value, path, "length")
        for key, item in value.items():
            found += problems(shape.key, key, f"{path}.{key}.key") + problems(shape.value, item, f"{path}.{key}.member")
        return found
    return _scalar_problems(shape, value, path) if shape else []


def _structure_problems(shape: StructureShape, value: Any, path: str) -> list[str]:
    if not isinstance(value, dict):
        return [_wrong_type(value, path, "structure")]
    found = [
        f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
        for name in shape.required_members
        if value.get(name) is None
    ]
    for name, item in value.items():
        if name not in shape.members:
            found.append(f"Unknown member '{_join(path, name)}'; known: {', '.join(sorted(shape.members))}")
        elif item is not None:
            found += problems(shape.members[name], item, _join(path, name))
    return found


_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
    "blob": (str,),
}


def _scalar_problems(shape: Shape, value: Any, path: str) -> list[str]:
    kind = shape.type_name
    text = value if isinstance(value, str) else ""
    if not isinstance(value, _PYTHON_TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return [_wrong_type(value, path, kind)]
    if not isinstance(shape, StringShape):
        return _range_problems(shape, value, value, path, "value") if isinstance(value, int | float) else []
    found = _range_problems(shape, len(text), value, path, "length")
    if shape.enum and value not in shape.enum:
        found.append(_broken(value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"))
    pattern = shape.metadata.get("pattern")
    if pattern and not _pattern(str(pattern)).fullmatch(text):
        found.append(_broken(value, path, f"Member must satisfy regular expression pattern: {pattern}"))
    return found


@cache
def _pattern(pattern: str) -> "regex.Pattern[str]":
    try:
        return regex.compile(pattern)
    except regex.error:
        # Four patterns of the model are broken as written (ranges of surrogates): a test names them.
        return regex.compile("(?s).*")


def _range_problems(shape: Shape, size: float, value: Any, path: str, what: str) -> list[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    words = "have length" if what == "length" else "have value"
    found = []
    if low is not None and size < low:
        found.append(_broken(value, path, f"Member must {words} greater than or equal to {low}"))
    if high is not None and size > high:
        found.append(_broken(value, path, f"Member must {words} less than or equal to {high}"))
    return found


def _broken(value: Any, path: str, constraint: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"


def _wrong_type(value: Any, path: str, kind: str) -> str:
    return _broken(value, path, f"Member must be of type {kind}")


def _join(path: str, member: str) -> str:
    name = member[0].lower() + member[1:]
    return f"{path}.{name}" if path else name


def project(shape: Shape | None, value: Any) -> Any:
    """The part of a stored record that the output shape has room for."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {n: project(s, value[n]) for n, s in shape.members.items() if value.get(n) is not None}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [project(shape.member, item) for item in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: project(shape.value, item) for key, item in value.items()}
    return value
