"""A YAML file read together with the line of each of its keys."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Place = tuple[str | int, ...]


class UnreadableError(Exception):
    """The file cannot be read or is not YAML; `line` is 1 where no line is known."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Document:
    """`repeated` has the keys given twice in one mapping, each with the line of the repetition."""

    data: Any
    root: yaml.Node | None
    repeated: tuple[tuple[str, int], ...]

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
        repeated = tuple(_repeated_keys(root, set()))
        return Document(None if root is None else loader.construct_document(root), root, repeated)
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


def _repeated_keys(node: yaml.Node | None, walked: set[int]) -> Iterator[tuple[str, int]]:
    if node is None or id(node) in walked:  # an alias leads to a node again
        return
    walked.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            yield from _repeated_keys(entry, walked)
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.value, key.start_mark.line + 1
            if isinstance(key.value, str):
                seen.add(key.value)
            yield from _repeated_keys(value, walked)
