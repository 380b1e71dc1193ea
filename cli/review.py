"""`sluice review`: what a change to a CDK application replaces, widens and costs. Asks no account unless told to."""

import gc
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:  # what a review needs takes half a second to import, and the other commands do without
    from review.fail_on import Condition
    from review.model import Review
    from review.request import Told

HELD, COULD_NOT = 1, 2


class Format(StrEnum):
    CONSOLE = "console"
    MARKDOWN = "markdown"
    JSON = "json"
    SARIF = "sarif"


class Against(StrEnum):
    DEPLOYED = "deployed"


def review(
    base: Annotated[
        str, typer.Option(help="A cdk.out or a git ref. Default: where HEAD left the main branch.", show_default=False)
    ] = "",
    head: Annotated[str, typer.Option(help="A cdk.out, a git ref, or the folder of a cdk.json.")] = ".",
    against: Annotated[
        Against | None, typer.Option(help="Instead of --base, what the account has; and drift.", show_default=False)
    ] = None,
    analyzer: Annotated[
        bool, typer.Option("--analyzer", help="With --against: ask Access Analyzer as well, which AWS charges for.")
    ] = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="For review.md, .html, .json and .sarif.")] = Path(
        "out/review"
    ),
    fail_on: Annotated[
        list[str] | None, typer.Option(metavar="CONDITIONS", help="Such as destructive,finding:high,cost:+100USD.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="Of what is printed.")] = Format.CONSOLE,
    annotate: Annotated[bool, typer.Option(help="Print GitHub annotations, as within GitHub Actions.")] = False,
) -> None:
    """Review a change of infrastructure: what it replaces, permits, opens and costs, and which rules it breaks.

    Works on the cloud assembly of any CDK application. Exit status: 0 reviewed; 1 a condition of --fail-on holds;
    2 could not.
    """
    gc.disable()  # what is read is in use until the end: of 3,000 resources it takes a twentieth less time
    from review.cloud_assembly import AssemblyError
    from review.fail_on import FailOnError, parse

    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        conditions = parse(fail_on or ())
        with errors.status("starting ...") as status:
            made = _reviewed(base, head, against, analyzer, status.update)
            _write(made, out)
    except (AssemblyError, FailOnError, OSError) as error:
        errors.print(str(error), markup=False)
        raise typer.Exit(COULD_NOT) from None
    finally:
        gc.enable()
    _show(made, out, form, annotate or os.environ.get("GITHUB_ACTIONS") == "true")
    _judge(made, conditions, errors)


def _reviewed(base: str, head: str, against: Against | None, analyzer: bool, told: "Told") -> "Review":
    """Raises AssemblyError."""
    from review.request import SourceError, against_deployed, of_sides

    today = datetime.now(UTC).date()
    if against is None and analyzer:
        raise SourceError("--analyzer asks an account: name --against deployed")
    if against is None:
        return of_sides(base, head, today, told)
    if base:
        raise SourceError("--against deployed is the base: leave --base out")
    return against_deployed(head, today, told, analyzer=analyzer)


def _write(made: "Review", out: Path) -> None:
    from review.report import files
    from review.report.markdown import SUMMARY_CHARACTERS, comment

    files.write(made, out, _whole(out))
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8", errors="replace") as page:
            page.write(comment(made, SUMMARY_CHARACTERS, _whole(out)))


def _whole(out: Path) -> str:
    """Where everything is: the run with its artifact, or the page."""
    run = [os.environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    if all(run):
        return f"{run[0]}/{run[1]}/actions/runs/{run[2]}"
    return os.environ.get("CI_JOB_URL") or str(out / "review.html")


def _show(made: "Review", out: Path, form: Format, annotate: bool) -> None:
    from review.report.annotations import annotations

    if form is Format.CONSOLE:
        from review.report.console import summary

        console = Console(highlight=False)
        with _uninterpreted():
            console.print(summary(made, f"everything: {_whole(out)}"))
    else:
        name = {Format.MARKDOWN: "review.md", Format.JSON: "review.json", Format.SARIF: "review.sarif"}[form]
        typer.echo((out / name).read_text("utf-8"), nl=False)
    if annotate:
        for line in annotations(made):
            typer.echo(line, err=form is not Format.CONSOLE)


@contextmanager
def _uninterpreted() -> Iterator[None]:
    """GitHub obeys a line that starts with `::`, and a name that is folded may start one."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        yield
        return
    token = secrets.token_hex(16)
    typer.echo(f"::stop-commands::{token}")
    yield
    sys.stdout.flush()
    typer.echo(f"::{token}::")


def _judge(made: "Review", conditions: "tuple[Condition, ...]", errors: Console) -> None:
    held = [condition.term for condition in conditions if condition.holds(made)]
    if held:
        errors.print(f"--fail-on: {', '.join(held)}", markup=False)
        raise typer.Exit(HELD)
