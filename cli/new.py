"""`sluice new`: what one adds by copying."""

import re
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console

from config.load import ROOT
from config.workload import RESERVED, WorkloadName

WORKLOADS = ROOT / "workloads"
# What stands before and behind a workload's name in its definition: places in S3, what Begin is told, what a run that
# registers nothing says, and the model card. pipeline.py takes the name from its folder.
NAMED = (
    (r"s3://\$\{ArtifactBucket\}/", r"(?=[/\"'])"),
    (r"\{% '", r"(?=/' & \$states\.context\.Execution\.Name)"),
    (r'"workload": "', r'(?=")'),
    (r'"', r"(?=: not registered, because )"),
    (r"(?:pipeline|state machine) of the workload ", r'(?=\\?")'),
)
COULD_NOT = 2

app = typer.Typer(no_args_is_help=True, help="New parts of the platform.")


@app.callback()
def new() -> None:
    """New parts of the platform."""


@app.command()
def workload(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and single dashes; 20 at most.")],
    like: Annotated[str, typer.Option("--like", help="The workload to begin from.")] = "tabular",
) -> None:
    """Make workloads/NAME, which passes all checks, from another workload.

    Exit status: 0 made; 2 not made, and nothing is left behind.
    """
    console, errors = Console(soft_wrap=True, highlight=False), Console(stderr=True, soft_wrap=True, highlight=False)
    if problem := _problem(name, like):
        errors.print(problem, markup=False)
        raise typer.Exit(COULD_NOT)
    copy(WORKLOADS / like, WORKLOADS / name)
    console.print(f"workloads/{name} is there, like {like}. Next:", markup=False)
    console.print(f"  1. workloads/{name}/workload.yaml: your data, metric and instances", markup=False)
    console.print("  2. sluice pipelines compile " + name, markup=False)
    console.print(f"  3. workloads: [..., {name}] in your configuration, then cdk deploy --all", markup=False)


def copy(source: Path, target: Path) -> None:
    """`target` as `source` is, under its own name, as a whole or not at all."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as folder:
        made = Path(folder) / target.name
        shutil.copytree(source, made, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("pipeline.json", "monitor.json"):
            if (definition := made / name).is_file():
                definition.write_text(renamed(definition.read_text("utf-8"), source.name, target.name), "utf-8")
        made.rename(target)


def renamed(definition: str, old: str, new: str) -> str:
    """The text of a definition under another name. The same word elsewhere, such as a channel `train`, stays."""
    for before, behind in NAMED:
        definition = re.sub(f"({before}){old}{behind}", rf"\g<1>{new}", definition)
    return definition


def _problem(name: str, like: str) -> str | None:
    known = sorted(path.parent.name for path in WORKLOADS.glob("*/workload.yaml"))
    try:
        TypeAdapter(WorkloadName).validate_python(name)
    except ValidationError:
        return f"NAME: {name!r} must be lower-case letters, digits and single dashes, 20 at most, from a letter on"
    if name in RESERVED:
        return f"NAME: {name} is the place of {RESERVED[name]}; choose another name"
    if (WORKLOADS / name).exists():
        return f"NAME: workloads/{name} exists already; choose another name"
    if like not in known:
        return f"--like: {like!r} must be one of {', '.join(known)}"
    return None
