"""The `sluice` command."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

# The function of each command's module that is the command, or the group of commands that it holds.
COMMANDS = {
    "new": "app",
    "pipelines": "app",
    "runs": "runs",
    "monitors": "app",
    "costs": "costs",
    "review": "review",
    "sweep": "sweep",
    "keep": "keep",
    "restore": "restore",
    "thaw": "thaw",
}


class _Commands(TyperGroup):
    """Imports a command when it is asked for: boto3 takes 0.6 s, which those that call no account need not wait for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        found = getattr(import_module(f"cli.{cmd_name}"), COMMANDS[cmd_name])
        if isinstance(found, typer.Typer):
            made = typer.main.get_command(found)
            made.name = cmd_name
            return made
        one = typer.Typer(add_completion=False)
        one.command(cmd_name)(found)
        return typer.main.get_command(one)


app = typer.Typer(cls=_Commands, no_args_is_help=True, add_completion=False)


@app.callback()
def main() -> None:
    """A governed Amazon SageMaker platform."""


if __name__ == "__main__":
    app(prog_name="sluice")
