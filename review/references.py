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


def references(value: Any) -> list[Reference | Import]:
    """All in a template's value, with the paths of the properties that hold them; list positions are `*`."""
    found: list[Reference | Import] = []
    _collect(value, (), found)
    return found


def _collect(value: Any, path: tuple[str, ...], found: list[Reference | Import]) -> None:
    # Texts, by far the most, are not looked at: a call for each is most of the time that thousands of resources take.
    if isinstance(value, list):
        for item in value:
            if isinstance(item, (dict, list)):
                _collect(item, (*path, "*"), found)
    elif isinstance(value, dict):
        if len(value) == 1:
            [(key, argument)] = value.items()
            if key == "Ref" or (isinstance(key, str) and key.startswith("Fn::")):
                _of_function(key, argument, path, found)
                return
        for key, item in value.items():
            if isinstance(item, (dict, list)):
                _collect(item, (*path, str(key)), found)


def _of_function(function: str, argument: Any, path: tuple[str, ...], found: list[Reference | Import]) -> None:
    match function, argument:
        case "Ref", str():
            found.append(Reference(argument, "", path))
        case "Fn::GetAtt", str():
            name, _, attribute = argument.partition(".")
            found.append(Reference(name, attribute, path))
        case "Fn::GetAtt", [str() as name, str() as attribute]:
            found.append(Reference(name, attribute, path))
        case "Fn::Sub", str():
            found += _of_text(argument, {}, path)
        case "Fn::Sub", [str() as text, dict() as given]:
            found += _of_text(text, given, path)
            for item in given.values():
                _collect(item, path, found)
        case (("Fn::ImportValue" | "Fn::GetStackOutput"), _):
            found.append(Import(argument, path))
            _collect(argument, path, found)
        case "Fn::If", [str(), *branches]:
            for branch in branches:
                _collect(branch, path, found)
        case _:
            # The arguments of others are no properties, so that all within stand at the function's own path.
            found += (each._replace(path=path) for each in references(argument))


def _of_text(text: str, given: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Reference]:
    for name in _NAMES.findall(text):
        if name not in given:
            name, _, attribute = name.strip().partition(".")
            yield Reference(name, attribute, path)
