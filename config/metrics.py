"""What a workload is judged by, and which algorithm gives it."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, StringConstraints

from config.section import Finding, Section, Text
from config.tuning import Finite
from config.wording import Shape

_CLASSES = dict.fromkeys(("accuracy", "balanced_accuracy", "f1"), "maximize")
_BINARY = {**_CLASSES, "auc": "maximize"}
_NUMBERS = {"rmse": "minimize", "mae": "minimize", "r2": "maximize"}
# What the evaluation of each algorithm, or of each of Autopilot's problems, measures, and which way is better.
_MEASURED = {
    "kmeans": {"purity": "maximize"},
    "BinaryClassification": _BINARY,
    "MulticlassClassification": _CLASSES,
    "Regression": _NUMBERS,
    "auto": {**_BINARY, **_NUMBERS},
}
# A script may measure what it likes; of these names everybody knows which way is better.
_WELL_KNOWN = {
    **_MEASURED["auto"],
    **_MEASURED["kmeans"],
    **dict.fromkeys(("precision", "recall"), "maximize"),
    **dict.fromkeys(("loss", "log_loss", "mse", "error"), "minimize"),
}


def _has_a_group(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"must be a regular expression: {error}") from error
    if groups != 1:
        raise ValueError(f"must have one group, which finds the number, not {groups}: loss=([0-9.eE+-]+)")
    return pattern


class Metric(Section):
    """What a run is judged by. `pattern` finds its value in the training log, as the first group of a match."""

    name: Annotated[
        str,
        StringConstraints(max_length=255),
        Shape(r"^[a-zA-Z][a-zA-Z0-9:_-]*$", "must be of letters, digits and : _ -, and begin with a letter"),
    ]
    direction: Literal["maximize", "minimize"]
    pattern: Annotated[Text, AfterValidator(_has_a_group)] | None = None
    worst: Finite | None = None  # a model that is worse is not registered, champion or not

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        name, pattern = _bare(raw), raw.get("pattern")
        found = re.findall(r"\w+", pattern) if isinstance(pattern, str) else []
        others = [word for word in found if word in _WELL_KNOWN]
        if name in _WELL_KNOWN and others and name not in found:
            yield ("pattern",), pattern, f"must find {name}, as the metric is called, not {others[0]}"


def contradicted(algorithm: Mapping[str, Any], metric: Mapping[str, Any]) -> Iterator[Finding]:
    """A metric that the algorithm's evaluation does not have, or would be judged by the wrong way round."""
    kind = algorithm.get("name")
    measured = _MEASURED.get(str(algorithm.get("problem", "auto") if kind == "autopilot" else kind))
    name, direction = metric.get("name"), metric.get("direction")
    if measured and isinstance(name, str) and name not in measured:
        yield ("metric", "name"), name, f"must be one of {', '.join(measured)}: the evaluation has no other"
    better = (measured or _WELL_KNOWN).get(name if measured else _bare(metric))
    if better and direction in ("maximize", "minimize") and direction != better:
        yield ("metric", "direction"), direction, f"must be {better} where the metric is {name}"


def _bare(metric: Mapping[str, Any]) -> str:
    """The name without the data set before it: `log_loss` of `validation:log_loss`."""
    return str(metric.get("name")).rpartition(":")[2]
