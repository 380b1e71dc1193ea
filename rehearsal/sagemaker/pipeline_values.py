"""What the references, functions and conditions of a pipeline definition stand for in one execution."""

import json
import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from rehearsal.sagemaker import storage
from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.store import Record

_PART = re.compile(r"\.?([A-Za-z0-9_-]+)|\[['\"]?([^'\"\]]+)['\"]?\]")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


class StepError(Exception):
    """Why a step, and with it the execution, failed."""


class Values:
    """Parameters, execution variables and the results of the steps that have ended."""

    def __init__(
        self,
        execution: Record,
        steps: dict[str, dict[str, Any]],
        parameters: Record,
        clock: Clock,
        open_s3: Callable[[], Any],
    ) -> None:
        self._execution, self._steps, self._parameters, self._clock = execution, steps, parameters, clock
        self._open_s3 = open_s3  # a client that reads property files
        self.results: dict[str, dict[str, Any]] = {}

    def resolve(self, value: Any) -> Any:
        """Replace references and functions by what they stand for. Raises StepError."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Get"}:
            return self._get(value["Get"])
        if set(value) == {"Std:Join"}:
            join = value["Std:Join"]
            return join["On"].join(str(self.resolve(item)) for item in join["Values"])
        if set(value) == {"Std:JsonGet"}:
            return self._json_get(value["Std:JsonGet"])
        return {key: self.resolve(item) for key, item in value.items()}

    def holds(self, condition: dict[str, Any]) -> bool:
        """Whether a condition of a Condition step is true. Raises StepError when its values cannot be compared."""
        kind = condition["Type"]
        if kind == "Not":
            return not self.holds(condition["Expression"])
        if kind == "Or":
            return any(self.holds(inner) for inner in condition["Conditions"])
        if kind == "In":
            return self.resolve(condition["QueryValue"]) in self.resolve(condition["Values"])
        left, right = self.resolve(condition["LeftValue"]), self.resolve(condition["RightValue"])
        try:
            return _COMPARE[kind](left, right)
        except TypeError as error:
            raise StepError(f"{kind}: {left!r} and {right!r} cannot be compared") from error

    def _get(self, path: str) -> Any:
        head, _, rest = path.partition(".")
        if head == "Parameters":
            return self._parameters[rest]
        if head == "Execution":
            if rest in ("StartDateTime", "CurrentDateTime"):
                return iso(self._execution["StartTime"] if rest == "StartDateTime" else self._clock.now())
            return self._execution[rest]
        parts = _parts(rest)
        return _walk(self.results[parts[0]], parts[1:], path)

    def _json_get(self, call: dict[str, Any]) -> Any:
        if "S3Uri" in call:
            uri = self.resolve(call["S3Uri"])
        else:
            source = call["PropertyFile"]
            uri = self._property_file(source["Get"] if isinstance(source, dict) else source)
        bucket, key = storage.split(uri)
        content = self._open_s3().get_object(Bucket=bucket, Key=key)["Body"].read()
        try:
            found = json.loads(content)
        except ValueError as error:
            raise StepError(f"Std:JsonGet: {uri} is not JSON") from error
        return _walk(found, _parts(call["Path"].removeprefix("$")), f"{uri} {call['Path']}")

    def _property_file(self, path: str) -> str:
        """The S3 URI of `Steps.<step>.PropertyFiles.<name>`: below the job's output that the file names."""
        parts = _parts(path.removeprefix("Steps."))
        for file in self._steps[parts[0]].get("PropertyFiles", []):
            if file["PropertyFileName"] == parts[-1]:
                outputs = self.results[parts[0]].get("ProcessingOutputConfig", {}).get("Outputs", [])
                output = _walk(outputs, [file["OutputName"], "S3Output", "S3Uri"], path)
                return f"{output.rstrip('/')}/{file['FilePath'].lstrip('/')}"
        raise StepError(f"{path}: step {parts[0]} has no property file of that name")


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _parts(path: str) -> list[str]:
    return [a or b for a, b in _PART.findall(path)]


def _walk(found: Any, parts: list[str], path: str) -> Any:
    for part in parts:
        found = _member(found, part, path)
    return found


def _member(found: Any, part: str, path: str) -> Any:
    """One part of a property path: a member, an index, or the item of a list by its name."""
    if isinstance(found, dict) and part in found:
        return found[part]
    if isinstance(found, list):
        if part.isdigit() and int(part) < len(found):
            return found[int(part)]
        for item in found:
            if isinstance(item, dict) and part in (item.get("OutputName"), item.get("InputName"), item.get("Name")):
                return item
    raise StepError(f"{path}: no '{part}' there")
