"""`sluice pipelines`: pipeline definitions are compiled by hand and committed, like lock files."""

import os
import subprocess
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

ROOT = Path(__file__).resolve().parents[1]
SDK_PYTHON = ROOT / ".venv-sdk" / "bin" / "python"
# The compiler's exit status -> ours; anything else, such as a traceback's 1, is 2.
STATUSES = {0: 0, 3: 1}
COULD_NOT = 2

app = typer.Typer(no_args_is_help=True, help="The pipelines of the workloads.")


@app.callback()
def pipelines() -> None:
    """The pipelines of the workloads."""


@app.command("compile")
def compile_(
    workloads: Annotated[
        list[str] | None, typer.Argument(metavar="[WORKLOAD]...", help="Default: all.", show_default=False)
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Compare with the committed files, write nothing.")] = False,
) -> None:
    """Write each workload's pipeline.json and images.json, if the definition keeps the rules.

    Every exception from a rule that is in force is shown, with its last day and its reason.

    Exit status: 0 compiled; 1 refused by a rule or, with --check, not what is committed; 2 could not be compiled.
    """
    console, errors = Console(soft_wrap=True, highlight=False), Console(stderr=True, soft_wrap=True, highlight=False)
    if not SDK_PYTHON.is_file():
        errors.print("The environment with the SageMaker SDK (.venv-sdk) is missing: run `make setup-sdk` first.")
        raise typer.Exit(COULD_NOT)
    started = time.monotonic()
    status = STATUSES.get(_run(["--check"] * check + (workloads or []), console), COULD_NOT)
    console.print(f"{'ok' if status == 0 else 'failed'} after {time.monotonic() - started:.0f} s")
    raise typer.Exit(status)


def _run(arguments: list[str], console: Console) -> int:
    """Runs the compiler where the SDK is, shows its lines as they come, and gives its exit status."""
    # Without bytecode the SDK's import takes twice as long.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [str(SDK_PYTHON), "-m", "workloads.compiler", *arguments]
    with (
        console.status("compiling; the SageMaker SDK takes some seconds to load"),
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdout
        for line in process.stdout:
            console.print(escape(line.rstrip("\n")))
    return process.returncode
