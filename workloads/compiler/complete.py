"""Puts into a step's request what the SageMaker SDK has no argument for, or drops."""

from collections.abc import Mapping
from typing import Any


class MergeError(ValueError):
    """The SDK writes a member by itself that is put in here: the addition is out of date."""


class Completed:
    """Comes before a step class of the SDK, whose request then also has `additions`."""

    def __init__(self, additions: Mapping[str, Any], **step: Any) -> None:
        super().__init__(**step)
        self._additions = additions

    @property
    def arguments(self) -> dict[str, Any]:
        """The request of the step. Raises MergeError."""
        return merged(super().arguments, self._additions)  # pyright: ignore[reportAttributeAccessIssue]


def merged(request: Mapping[str, Any], additions: Mapping[str, Any], place: str = "") -> dict[str, Any]:
    """`request` with the additions at their places. Raises MergeError where something is there already."""
    result = dict(request)
    for name, value in additions.items():
        there = result.get(name)
        if isinstance(there, dict) and isinstance(value, dict):
            result[name] = merged(there, value, f"{place}{name}.")
        elif there is not None:
            raise MergeError(f"the SDK gives {place}{name} by itself now, as {there!r}: take the addition out")
        else:
            result[name] = value
    return result
