"""The shape of `workloads/<name>/workload.yaml`."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from config import monitoring
from config.instances import Hosting, Training
from config.metrics import Metric, contradicted
from config.monitoring import Monitor
from config.processing import ProcessSettings
from config.schedule import Schedule
from config.section import Finding, Positive, Section, TagValue, Text
from config.tuning import Finite, HyperparameterName, Tuning
from config.wording import Shape


def _is_no_monitors(name: str) -> str:
    if name.endswith("-monitor"):
        raise ValueError("must not end in -monitor, as the pipelines of monitors do")
    return name


DASHED = Shape(
    r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", "must be of small letters, digits and single dashes, and begin with a letter"
)
WorkloadName = Annotated[
    str,
    StringConstraints(max_length=20),
    DASHED,
    AfterValidator(_is_no_monitors),
]
# Folders of the artifact bucket that others use.
RESERVED = {"costs": "prices and reports", "experiments": "jobs that people start", "mlflow": "what MLflow keeps"}


def _is_free(key: str) -> str:
    if key.startswith(("aws:", "sluice:")):
        raise ValueError("must not begin with aws: or sluice:, which others give meaning to")
    return key


TagKey = Annotated[
    str,
    StringConstraints(max_length=128),
    Shape(r"^[A-Za-z0-9_.:/=+@-]+$", "must be of letters, digits and _ . : / = + @ -, as the key of a tag"),
    AfterValidator(_is_free),
]
Seconds = Annotated[int, Field(ge=1, le=2_419_200)]


class Data(Section):
    """What is under the workload's prefix of the data bucket: `path` is an object, or a folder that ends in `/`."""

    path: Annotated[
        str,
        Shape(
            r"^[A-Za-z0-9][A-Za-z0-9._/-]*$",
            "must be of letters, digits and . _ / -, and begin with a letter or digit: table.csv, rows/",
        ),
    ]
    format: Literal["csv", "parquet"] = "csv"
    target: Text | None = None  # the column that is to be predicted
    segment: Text | None = None  # the column by whose values bias is measured

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        if raw.get("segment") is not None and raw.get("segment") == raw.get("target"):
            yield ("segment",), raw["segment"], "must be another column than target"


class Kmeans(Section):
    """SageMaker's built-in algorithm."""

    name: Literal["kmeans"]
    k: Positive
    feature_dim: Positive


class Script(Section):
    """The workload's own `scripts/train.py` on a framework image."""

    name: Literal["script"]
    framework: Literal["sklearn", "pytorch"] = "sklearn"
    hyperparameters: dict[HyperparameterName, int | Finite | str | bool] = {}


class Autopilot(Section):
    """SageMaker's search for a model of a table. `candidates` and `search_seconds` are its budget."""

    name: Literal["autopilot"]
    problem: Literal["auto", "BinaryClassification", "MulticlassClassification", "Regression"] = "auto"
    mode: Literal["AUTO", "ENSEMBLING", "HYPERPARAMETER_TUNING"] = "AUTO"
    candidates: Annotated[int, Field(ge=1, le=750)]
    search_seconds: Seconds
    candidate_seconds: Seconds


class TrainSettings(Section):
    instance_type: Training
    instance_count: Positive
    volume_gb: Positive
    max_run_seconds: Seconds
    max_wait_seconds: Positive
    spot: bool = True
    distributed: bool = False  # the script shares its work between the instances

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        run, wait = raw.get("max_run_seconds"), raw.get("max_wait_seconds")
        if isinstance(run, int) and isinstance(wait, int) and wait < run:
            yield (
                ("max_wait_seconds",),
                wait,
                f"must be at least max_run_seconds ({run}): it covers waiting and running",
            )


class ServeSettings(Section):
    instance_type: Hosting
    instance_count: Positive


class RunSettings(Section):
    """How a pipeline runs: runs at once, of which the last are refused; steps at once in a run; days for which an
    unchanged step's result is reused; retries of a step.
    """

    parallel_runs: Annotated[int, Field(ge=1, le=50)] = 1  # a schedule may start a run twice
    parallel_steps: Annotated[int, Field(ge=1, le=50)] = 2
    cache_days: Annotated[int, Field(ge=0, le=365)] = 0
    retries: Annotated[int, Field(ge=0, le=10)] = 2


Rule = Literal["spot", "checkpoint", "encryption", "isolation", "instances", "limit", "tuning"]
# What the hook in the training script watches for, and what is done then.
Symptom = Literal[
    "vanishing_gradients", "exploding_gradients", "loss_not_decreasing", "overfitting", "dead_units", "class_imbalance"
]
Response = Literal["log", "alert", "stop"]


# Source: AWS's package smdebug_rulesconfig 1.0.1, and "List of Debugger built-in rules".
_DEBUGGER_RULES = (
    *("AllZero", "CheckInputImages", "ClassImbalance", "Confusion", "CreateXgboostReport", "DeadRelu"),
    *("ExplodingTensor", "FeatureImportanceOverweight", "LossNotDecreasing", "NLPSequenceRatio", "Overfit"),
    *("Overtraining", "PoorWeightInitialization", "SaturatedActivation", "SimilarAcrossRuns", "StalledTrainingRule"),
    *("TensorVariance", "TreeDepth", "UnchangedTensor", "VanishingGradient", "WeightUpdateRatio"),
)


def _is_built_in(rule: str) -> str:
    if rule not in _DEBUGGER_RULES:
        raise ValueError(f"must be one of {', '.join(_DEBUGGER_RULES)}")
    return rule


DebuggerRule = Annotated[str, AfterValidator(_is_built_in)]


class RuleException(Section):
    """A rule of the pipeline compiler that one step of this workload need not keep, why, and until which day."""

    rule: Rule
    step: Text
    reason: Text
    until: date


_BUILT_IN = "it is built in, and this sits in the script"
# What an algorithm has no use for, unless it is as it would be anyway, and why.
_UNWANTED = {
    "autopilot": {
        **dict.fromkeys(("train", "tuning", "watch", "debugger"), "it trains by itself"),
        "data.segment": "its runs measure no bias",
        "metric.pattern": "no training log of its is read",
        "monitor": "its runs leave no rows that later ones could be compared with",
        "process.engine": "its processing steps are scripts",
        "run.cache_days": "state machines reuse no results",
        "run.parallel_steps": "its steps come one after another",
    },
    "kmeans": {
        **dict.fromkeys(("watch", "debugger"), _BUILT_IN),
        "monitor": "its runs leave no rows with a target that later ones could be compared with",
        "tuning": "its metrics come from a test channel, and there is none",
    },
}
_ANYWAY = {"process.engine": "script", "run.parallel_steps": RunSettings().parallel_steps}
# Of data, what kmeans does not look at, with the value that says nothing.
_UNREAD = {"format": "csv", "target": None, "segment": None}


class Workload(Section):
    """`train` is left out where Autopilot trains; `tuning` makes the training step a search for hyperparameters."""

    description: Text
    data: Data
    algorithm: Annotated[Kmeans | Script | Autopilot, Field(discriminator="name")]
    metric: Metric
    process: ProcessSettings
    train: TrainSettings | None = None
    tuning: Tuning | None = None
    watch: dict[Symptom, Response] = {}
    # Rules of SageMaker Debugger, such as VanishingGradient, for accounts that still have it.
    debugger: tuple[DebuggerRule, ...] = Field(default=(), strict=False)
    serve: ServeSettings
    run: RunSettings = RunSettings()
    schedule: Schedule | None = None
    monitor: Monitor | None = None
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=40)] = {}  # AWS: 50, with those of the platform
    exceptions: tuple[RuleException, ...] = Field(default=(), strict=False)

    @classmethod
    def contradictions(cls, raw: Mapping[str, Any]) -> Iterator[Finding]:
        algorithm, data, metric = (
            part if isinstance(part := raw.get(name), Mapping) else {} for name in ("algorithm", "data", "metric")
        )
        name, tuning = algorithm.get("name"), raw.get("tuning")
        for field, why in _UNWANTED.get(name, {}).items() if isinstance(name, str) else ():
            place, value = tuple(field.split(".")), raw
            for part in place:
                value = value.get(part) if isinstance(value, Mapping) else None
            if value and value != _ANYWAY.get(field):
                yield place, None, f"must be left out where the algorithm is {name}: {why}"
        yield from contradicted(algorithm, metric)
        if isinstance(monitor := raw.get("monitor"), Mapping) and name == "script":
            yield from monitoring.contradicted(monitor, algorithm, data, metric)
        for part, neutral in _UNREAD.items() if name == "kmeans" else ():
            if (value := data.get(part, neutral)) != neutral:
                told = "must be left out where the algorithm is kmeans, which clusters the rows of a CSV"
                yield ("data", part), value, told
        if name != "autopilot" and raw.get("train") is None:
            yield ("train",), None, "is required"
        if name in ("script", "autopilot") and data and data.get("target") is None:
            yield ("data", "target"), None, "is required"
        train = train if isinstance(train := raw.get("train"), Mapping) else {}
        count = train.get("instance_count", 1)
        if name == "script" and isinstance(count, int) and count > 1 and not train.get("distributed"):
            told = "must be 1 unless distributed is true: every instance would train the same model"
            yield ("train", "instance_count"), count, told
        if name == "script" and tuning is not None:
            if metric and metric.get("pattern") is None:
                yield ("metric", "pattern"), None, "is required"
            if raw.get("debugger"):
                yield ("debugger",), None, "must be left out where there is tuning, which takes no Debugger rules"
