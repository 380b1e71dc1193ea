"""The base of every section of the configuration: strict, frozen, and all of its errors reported together."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

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
TagValue = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256, pattern=TAG_PATTERN)]
Positive = Annotated[int, Field(ge=1)]

# From pydantic's words to those of someone who writes YAML.
_WORDING = {
    "Value error, ": "",
    "Input should": "must",
    "String should": "must",
    "Tuple should": "must",
    "tuple": "list",
}


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
        findings = list(cls.contradictions(raw)) if isinstance(raw, Mapping) else []
        section = None
        try:
            section = handler(raw)
        except ValidationError as error:
            findings = [cls._finding(detail) for detail in error.errors(include_url=False)] + findings
        if section is None or findings:
            raise ValidationError.from_exception_data(cls.__name__, [_detail(finding) for finding in findings])
        return section

    @classmethod
    def _finding(cls, detail: ErrorDetails) -> Finding:
        place, kind = detail["loc"], detail["type"]
        place = place[:-1] if place[-1:] == ("[key]",) else place  # pydantic's own step to the key of a mapping
        if kind == "extra_forbidden" and len(place) == 1:
            return place, detail["input"], f"is under an unknown key; known here: {', '.join(cls.model_fields)}"
        if kind == "missing":
            return place, None, "is required"
        message = detail["msg"]
        for theirs, ours in _WORDING.items():
            message = message.replace(theirs, ours)
        return place, detail["input"], message


def _detail(finding: Finding) -> InitErrorDetails:
    place, value, message = finding
    kind = "missing_key" if message == "is required" else "finding"
    return InitErrorDetails(type=PydanticCustomError(kind, "{message}", {"message": message}), loc=place, input=value)
