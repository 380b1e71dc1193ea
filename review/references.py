"""Who refers to what: within a stack, through outputs and exports, and through the parameters of nested stacks."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_NAMES = re.compile(r"\$\{([^!}][^}]*)\}")


class Reference(NamedTuple):
    """`name` is a logical ID, a parameter or a pseudo-parameter; `attribute` is empty for its Ref."""

    name: str
    attribute: str
    path: tuple[str, ...]


class Import(NamedTuple):
    """What a stack takes from another one: by an export's name as written, or by another stack's output."""

    export: Any
    path: tuple[str, ...]


def references(value: Any, path: tuple[str, ...] = ()) -> Iterator[Reference | Import]:
    """All in a template's value, with the paths of the properties that hold them; list positions are `*`."""
    if isinstance(value, list):
        for item in value:
            yield from references(item, (*path, "*"))
    elif isinstance(value, dict):
        if len(value) == 1:
            [(key, argument)] = value.items()
            if key == "Ref" or (isinstance(key, str) and key.startswith("Fn::")):
                yield from _of_function(key, argument, path)
                return
        for key, item in value.items():
            yield from references(item, (*path, str(key)))


def _of_function(function: str, argument: Any, path: tuple[str, ...]) -> Iterator[Reference | Import]:
    match function, argument:
        case "Ref", str():
            yield Reference(argument, "", path)
        case "Fn::GetAtt", str():
            name, _, attribute = argument.partition(".")
            yield Reference(name, attribute, path)
        case "Fn::GetAtt", [str() as name, str() as attribute]:
            yield Reference(name, attribute, path)
        case "Fn::Sub", str():
            yield from _of_text(argument, {}, path)
        case "Fn::Sub", [str() as text, dict() as given]:
            yield from _of_text(text, given, path)
            for item in given.values():
                yield from references(item, path)
        case (("Fn::ImportValue" | "Fn::GetStackOutput"), _):
            yield Import(argument, path)
            yield from references(argument, path)
        case "Fn::If", [str(), *branches]:
            for branch in branches:
                yield from references(branch, path)
        case _:
            # The arguments of others are no properties, so that all within stand at the function's own path.
            yield from (found._replace(path=path) for found in references(argument))


def _of_text(text: str, given: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Reference]:
    for name in _NAMES.findall(text):
        if name not in given:
            name, _, attribute = name.strip().partition(".")
            yield Reference(name, attribute, path)
