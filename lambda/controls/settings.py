"""Settings of a function: one frozen dataclass, read from the environment."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")

PREFIX = "SLUICE_"
_CONVERSIONS: dict[Any, Callable[[str], Any]] = {str: str, int: int}


class MissingSettingError(RuntimeError):
    """The function was deployed without a variable that it needs."""


def read(kind: type[T], environment: Mapping[str, str]) -> T:
    """The dataclass `kind`, each field from the variable SLUICE_<FIELD>; fields that are no str or int hold JSON.

    Raises MissingSettingError, which names every absent variable.
    """
    names = {field.name: PREFIX + field.name.upper() for field in fields(kind)}  # type: ignore[arg-type]
    missing = sorted(name for name in names.values() if name not in environment)
    if missing:
        raise MissingSettingError(f"{kind.__name__} needs the environment variables {', '.join(missing)}")
    values = {
        field.name: _CONVERSIONS.get(field.type, json.loads)(environment[names[field.name]])
        for field in fields(kind)  # type: ignore[arg-type]
    }
    return kind(**values)
