"""A YAML file read together with the line of each of its keys."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Place = tuple[str | int, ...]

_TEXT = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")


class UnreadableError(Exception):
    """The file cannot be read or is not YAML; `line` is 1 where no line is known."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Document:
    """`flaws` has what is wrong with keys: place, line and what it is. Of `data` keys that are no text are left out."""

    data: Any
    root: yaml.Node | None
    flaws: tuple[tuple[Place, int, str], ...]

    def find(self, place: Place) -> tuple[Place, int]:
        """The part of `place` that has a meaning to the reader, and the line of its deepest key in the file.

        The last element is kept even if it is not in the file (a key that is missing); others are dropped
        then, because validation also reports steps of its own, such as the mode of the network.
        """
        node, line, kept = self.root, 1, []
        for position, step in enumerate(place):
            found = _child(node, step)
            if found is not None:
                key, node = found
                line = key.start_mark.line + 1
            if found is not None or position == len(place) - 1:
                kept.append(step)
        return tuple(kept), line


def read(path: Path) -> Document:
    """Reads one YAML file. Raises UnreadableError."""
    try:
        loader = yaml.SafeLoader(path.read_bytes())
        root = loader.get_single_node()
        # Before constructing, which takes the last of two keys silently and mixes merged keys into the nodes.
        flaws = tuple(_flaws(root, (), set()))
        return Document(None if root is None else loader.construct_document(root), root, flaws)
    except OSError as error:
        raise UnreadableError(f"cannot be read: {error.strerror}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UnreadableError(f"is not valid YAML: {error.problem}", mark.line + 1 if mark else 1) from error
    except (yaml.YAMLError, ValueError) as error:
        raise UnreadableError(f"is not valid YAML: {error}".splitlines()[0]) from error


def _child(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def _flaws(node: yaml.Node | None, place: Place, walked: set[int]) -> Iterator[tuple[Place, int, str]]:
    """Takes keys that are no text out of the nodes: some of them no mapping of Python's could have."""
    if node is None or id(node) in walked:  # an alias leads to a node again
        return
    walked.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, entry in enumerate(node.value):
            yield from _flaws(entry, (*place, index), walked)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        pairs, node.value = node.value, []
        for key, value in pairs:
            line = key.start_mark.line + 1
            if key.tag not in _TEXT:
                yield place, line, f"has {_said(key)} as a key, where only text can be one"
                continue
            if key.value in seen:
                yield (*place, key.value), line, "is given twice in one mapping; keep one"
            seen.add(key.value)
            node.value.append((key, value))
            yield from _flaws(value, (*place, key.value), walked)


def _said(key: yaml.Node) -> str:
    if isinstance(key, yaml.ScalarNode):
        return f"{key.value}, without quotes," if key.value else "nothing"
    return "a list" if isinstance(key, yaml.SequenceNode) else "a mapping"
