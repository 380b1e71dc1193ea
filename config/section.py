"""The base of every section of the configuration: strict, frozen, and all of its errors reported together."""

from collections.abc import Callable, Iterator, Mapping
from types import NoneType
from typing import Annotated, Any, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from config import wording
from config.wording import FINDING, Shape

Finding = tuple[tuple[str | int, ...], object, str]
"""Where (keys and indexes from the section on), the value given, and what is wrong with it or allowed instead."""


def repeated(values: object, key: str | None = None) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Place and value of each entry of a raw list (or of `key` in its mappings) that an earlier entry has too."""
    seen: list[object] = []
    for index, entry in enumerate(values if isinstance(values, list | tuple) else ()):
        place: tuple[str | int, ...] = (index,)
        if key is not None:
            if not isinstance(entry, Mapping) or key not in entry:
                continue
            entry, place = entry[key], (index, key)
        if entry in seen:
            yield place, entry
        seen.append(entry)


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
# What every service takes as the value of a tag. Source: AWS, Tagging AWS Resources and Tag Editor, naming limits.
TAG_PATTERN = r"^[\p{L}\p{N} _.:/=+@-]*$"
TagValue = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=256),
    Shape(TAG_PATTERN, "must be of letters, digits, spaces and _ . : / = + @ -, as the value of a tag"),
]
Positive = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """One mapping of the file. Unknown keys and values of a neighbouring type (`"5"` for 5) are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        """What is wrong between fields. Sees the raw mapping, so that it also runs when a field is wrong by itself."""
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _all_at_once(cls, raw: Any, handler: Callable[[Any], Self]) -> Self:
        findings, between, section = [], [], None
        if isinstance(raw, Mapping):
            findings, between = list(cls._empty(raw)), list(cls.contradictions(raw))
        try:
            section = handler(raw)
        except ValidationError as error:
            details = error.errors(include_url=False)
            findings += [cls._finding(detail) for detail in details if not wording.is_consequence(detail)]
        # What is wrong by itself is told alone: what it has to do with others shows when it is right.
        wrong = {place for place, *_ in findings}
        findings += [finding for finding in between if finding[0] not in wrong]
        if section is None or findings:
            raise ValidationError.from_exception_data(cls.__name__, [_detail(finding) for finding in findings])
        return section

    @classmethod
    def _empty(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        """Sections that may be left out and have nothing behind them: whether they are wanted, nobody can tell."""
        for name, field in cls.model_fields.items():
            kinds = get_args(field.annotation)
            if NoneType in kinds and name in raw and raw[name] is None:
                for kind in kinds:
                    if isinstance(kind, type) and issubclass(kind, Section):
                        yield (name,), None, f"{kind._wanted(None)}, or leave it out"

    @classmethod
    def _wanted(cls, value: object) -> str:
        """Of the mapping that `value` is not."""
        if value is not None:
            return f"must be a mapping with the keys {', '.join(cls.model_fields)}"
        needed = [name for name, field in cls.model_fields.items() if field.is_required()]
        return f"has nothing behind it; {'give it ' + ', '.join(needed) if needed else 'write {} for all defaults'}"

    @classmethod
    def _finding(cls, detail: ErrorDetails) -> Finding:
        place, kind, value = detail["loc"], detail["type"], detail["input"]
        place = place[:-1] if place[-1:] == ("[key]",) else place  # pydantic's own step to the key of a mapping
        if kind == "model_type" and not place:
            return place, value, cls._wanted(value)
        if kind == "extra_forbidden" and len(place) == 1:
            meant = wording.near(place[0], cls.model_fields, " ({})")
            return place, value, f"is under an unknown key{meant}; known here: {', '.join(cls.model_fields)}"
        if kind == "missing":
            return place, None, "is required"
        return place, value, wording.message(detail)


def _detail(finding: Finding) -> InitErrorDetails:
    place, value, message = finding
    kind = "missing_key" if message == "is required" else FINDING
    return InitErrorDetails(type=PydanticCustomError(kind, "{message}", {"message": message}), loc=place, input=value)
