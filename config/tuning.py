"""The search for hyperparameters that a workload may ask for."""

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from config.section import Finding, Section, Text, repeated

Finite = Annotated[float, Field(allow_inf_nan=False)]
# What training scripts are given by the same names: arguments of their own, and what SageMaker adds.
_TAKEN = ("target", "job", "model", "train", "validation", "output", "checkpoints", "watch", "metric_pattern")


def _is_free(name: str) -> str:
    if name in _TAKEN or name.startswith(("sagemaker_", "_")):
        raise ValueError(f"must have another name: {', '.join(_TAKEN)}, sagemaker_* and _* mean something else")
    return name


HyperparameterName = Annotated[str, AfterValidator(_is_free)]


class Numbers(Section):
    """`min` to `max`, both included; `scale` says how the search walks from one to the other."""

    type: Literal["integer", "continuous"]
    min: Finite
    max: Finite
    scale: Literal["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"] = "Auto"

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        low, high, scale = raw.get("min"), raw.get("max"), raw.get("scale")
        if not isinstance(low, int | float) or not isinstance(high, int | float):
            return
        if low >= high:
            yield ("min",), low, f"must be below max ({high}); exchange the two"
        if raw.get("type") == "integer":
            for name, value in (("min", low), ("max", high)):
                if not float(value).is_integer():
                    yield (name,), value, "must be a whole number where type is integer"
        if scale == "Logarithmic" and low <= 0:
            yield ("min",), low, "must be above 0 where scale is Logarithmic"
        if scale == "ReverseLogarithmic" and not 0 <= low < high < 1:
            yield ("min",), low, "must, like max, be from 0 to below 1 where scale is ReverseLogarithmic"


class Choices(Section):
    type: Literal["categorical"]
    values: tuple[Text, ...] = Field(min_length=1, max_length=30, strict=False)

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        for place, value in repeated(raw.get("values")):
            yield ("values", *place), value, "is given twice; keep one"


class Tuning(Section):
    """At most `max_jobs` training jobs, `parallel_jobs` at a time; what ends the search earlier is optional.

    The bounds are SageMaker's quotas: AWS, "Resources, limits and quotas of hyperparameter tuning".
    """

    strategy: Literal["Bayesian", "Random", "Grid", "Hyperband"] = "Bayesian"
    max_jobs: Annotated[int, Field(ge=1, le=750)]
    parallel_jobs: Annotated[int, Field(ge=1, le=100)]
    early_stopping: bool = True
    target: Finite | None = None  # a value of the metric that is good enough
    jobs_without_improvement: Annotated[int, Field(ge=3)] | None = None
    max_run_seconds: Annotated[int, Field(ge=120, le=15_768_000)] | None = None
    seed: Annotated[int, Field(ge=0, le=4_294_967_295)] = 0
    ranges: dict[HyperparameterName, Annotated[Numbers | Choices, Field(discriminator="type")]] = Field(
        min_length=1, max_length=30
    )

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        jobs, at_once, ranges = raw.get("max_jobs"), raw.get("parallel_jobs"), raw.get("ranges")
        if isinstance(jobs, int) and isinstance(at_once, int) and at_once > jobs:
            yield ("parallel_jobs",), at_once, f"must be at most max_jobs ({jobs})"
        parts = [part for part in ranges.values() if isinstance(part, Mapping)] if isinstance(ranges, Mapping) else []
        kinds = [part.get("type") for part in parts]
        if raw.get("strategy") == "Grid" and any(kind != "categorical" for kind in kinds):
            yield ("strategy",), "Grid", "must be another one: Grid takes categorical ranges only"
        elif raw.get("strategy") == "Grid" and isinstance(jobs, int) and parts:
            # Source: AWS, "Understand the hyperparameter tuning strategies", grid search.
            counts = [len(part["values"]) if isinstance(part.get("values"), list | tuple) else 0 for part in parts]
            if jobs != (every := math.prod(counts)) and every:
                yield ("max_jobs",), jobs, f"must be {every} where strategy is Grid: it tries each combination once"
        if raw.get("strategy") == "Hyperband" and raw.get("early_stopping", True):
            yield ("early_stopping",), True, "must be false where strategy is Hyperband, which stops jobs by itself"
