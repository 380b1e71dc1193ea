"""Reads the configuration: one team file and the workload files that it names, all mistakes reported at once."""

import ast
import json
import os
import reprlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from config.document import Document, Place, UnreadableError, read
from config.instances import regions
from config.schema import Platform
from config.script import spelt
from config.section import Section
from config.wording import near
from config.workload import Script, Workload

ROOT = Path(__file__).resolve().parent.parent

# What runs where a workload's engine is spark.
SPARK_SCRIPT = "scripts/preprocess_spark.py"
# By what a script of several instances knows its share of the work.
SHARING = "toolkit.distributed"

# Options by which the evaluation of a monitored workload decides between champion and challenger.
CONTEST = {"recent", "champion_test", "trained", "margin", "segment_limit"}

S = TypeVar("S", bound=Section)


@dataclass(frozen=True)
class Problem:
    """One mistake. `field` is written as `studio.users[1].name`; `value` is its repr, empty where nothing was given."""

    file: str
    line: int
    field: str
    value: str
    message: str

    def __str__(self) -> str:
        subject = ": ".join(part for part in (self.field, self.value) if part)
        return (
            f"{self.file}:{self.line}: {subject} {self.message}"
            if subject
            else f"{self.file}:{self.line}: {self.message}"
        )


class ConfigurationError(Exception):
    """The configuration has the given problems, in the order of files and lines; str() is one line for each."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def chosen(name: str | None = None) -> Path:
    """The configuration file: `name`, else the one that SLUICE_CONFIG names, else the project's config/team.yaml."""
    return Path(name or os.environ.get("SLUICE_CONFIG") or ROOT / "config" / "team.yaml")


def load(path: Path, *, root: Path = ROOT) -> Platform:
    """The platform that `path` describes; workloads are the folders of `root`/workloads. Raises ConfigurationError."""
    problems: list[Problem] = []
    document = _read(path, problems)
    if document is None:
        raise ConfigurationError(problems)
    data = document.data if isinstance(document.data, dict) else {}
    names = data.get("workloads", [])
    workloads, known = {}, sorted(found.parent.name for found in root.glob("workloads/*/workload.yaml"))
    if isinstance(names, list):
        for index, name in enumerate(names):
            if name in names[:index]:
                _note(problems, path, document, ("workloads", index), name, "is given twice")
            elif name not in known:
                message = f"must be a folder of workloads/ that has a workload.yaml: {', '.join(known)}"
                _note(problems, path, document, ("workloads", index), name, message)
            else:
                folder = root / "workloads" / name
                workloads[name] = _load_workload(folder / "workload.yaml", problems)
                _check_images(folder / "images.json", path, document, data.get("region"), problems)
        data = {**data, "workloads": {name: workload for name, workload in workloads.items() if workload is not None}}
    platform = _validate(Platform, path, document, data, problems)
    if platform is None or problems:
        raise ConfigurationError(sorted(problems, key=lambda problem: (problem.file, problem.line, problem.field)))
    return platform


def load_workload(path: Path) -> Workload:
    """What one workload.yaml says. Raises ConfigurationError."""
    problems: list[Problem] = []
    workload = _load_workload(path, problems)
    if workload is None or problems:
        raise ConfigurationError(problems)
    return workload


def _load_workload(path: Path, problems: list[Problem]) -> Workload | None:
    document = _read(path, problems)
    workload = None if document is None else _validate(Workload, path, document, document.data, problems)
    if document and workload and workload.process.engine == "spark" and not (path.parent / SPARK_SCRIPT).is_file():
        message = f"needs {SPARK_SCRIPT}: preprocess.py would do the whole work on each instance"
        _note(problems, path, document, ("process", "engine"), "spark", message)
    if document and workload and isinstance(workload.algorithm, Script):
        _check_arguments(workload, workload.algorithm, path, document, problems)
    if document and workload and workload.monitor:
        known = spelt(path.parent / "scripts", "evaluate.py")
        if lacking := [] if known is None else sorted(CONTEST - known):
            options = ", ".join(f"--{name.replace('_', '-')}" for name in lacking)
            message = f"needs the options {options} of scripts/evaluate.py: a run's model is compared with the champion"
            _note(problems, path, document, ("monitor",), None, message)
    if document and workload and _claims_to_share(workload) and not any(map(_shares, path.parent.glob("scripts/*.py"))):
        message = f"needs a script that imports {SHARING}: every instance would train the same model"
        _note(problems, path, document, ("train", "distributed"), True, message)
    return workload


def _check_arguments(
    workload: Workload, algorithm: Script, path: Path, document: Document, problems: list[Problem]
) -> None:
    """Notes what the training script would refuse in each of its jobs, as far as its text tells."""
    known = spelt(path.parent / "scripts")
    if known is None:
        return
    given: dict[str, Place] = {name: ("algorithm", "hyperparameters", name) for name in algorithm.hyperparameters}
    given |= {name: ("tuning", "ranges", name) for name in (workload.tuning.ranges if workload.tuning else ())}
    for name, place in given.items():
        if name.replace("-", "_") not in known:
            message = f"must be an argument of scripts/train.py{near(name, known)}"
            _note(problems, path, document, place, None, message)
    if workload.metric.pattern and "metric_pattern" not in known:
        message = "needs an argument --metric-pattern of scripts/train.py, by which it looks for the metric itself"
        _note(problems, path, document, ("metric", "pattern"), None, message)


def _claims_to_share(workload: Workload) -> bool:
    train = workload.train
    return (
        isinstance(workload.algorithm, Script) and train is not None and train.distributed and train.instance_count > 1
    )


def _shares(script: Path) -> bool:
    try:
        nodes = list(ast.walk(ast.parse(script.read_text("utf-8"))))
    except (SyntaxError, ValueError):
        return False
    names: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            origin = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            names += [origin + alias.name for alias in node.names]
    return any(f"{name}.".startswith(f"{SHARING}.") for name in names)


def _check_images(file: Path, path: Path, document: Document, region: object, problems: list[Problem]) -> None:
    """Notes if a container image of a workload does not exist in `region`; a region that is wrong by itself passes."""
    try:
        images: dict[str, dict[str, str]] = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        message = f"cannot be read ({error}): write it with `sluice pipelines compile`"
        problems.append(Problem(_shown(file), 1, "", "", message))
        return
    if not isinstance(region, str) or region not in regions():
        return
    missing = [name for name, uris in images.items() if region not in uris]
    if missing:
        allowed = ", ".join(sorted(regions().intersection(*images.values())))
        message = f"has no {' and no '.join(missing)} for the workload {file.parent.name}; must be one of {allowed}"
        _note(problems, path, document, ("region",), region, message)


def _read(path: Path, problems: list[Problem]) -> Document | None:
    try:
        document = read(path)
    except UnreadableError as error:
        problems.append(Problem(_shown(path), error.line, "", "", str(error)))
        return None
    for place, line, message in document.flaws:
        problems.append(Problem(_shown(path), line, _written(place), "", message))
    return document


def _validate(model: type[S], path: Path, document: Document, data: object, problems: list[Problem]) -> S | None:
    if not isinstance(document.data, dict):
        message = f"must be a mapping with the keys {', '.join(model.model_fields)}"
        problems.append(Problem(_shown(path), 1, "", "", message))
        return None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            if detail["type"] == "missing_key":
                _note(problems, path, document, detail["loc"], None, detail["msg"])
            else:
                _note(problems, path, document, detail["loc"], detail["input"], detail["msg"])
        return None


def _note(problems: list[Problem], path: Path, document: Document, place: Place, value: object, message: str) -> None:
    place, line = document.find(place)
    shown = "" if value is None else reprlib.repr(value)
    problems.append(Problem(_shown(path), line, _written(place), shown, message))


def _written(place: Place) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")


def _shown(path: Path) -> str:
    resolved = path.resolve()
    return str(resolved.relative_to(ROOT)) if resolved.is_relative_to(ROOT) else str(path)
