"""Plays a story step by step: progress while it runs, a table and a report at the end.

python -m rehearsal.runner [--story NAME]
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from rehearsal import report
from rehearsal.embedded import ROOT, EmbeddedCloud, InUseError, RehearsalError, fresh, tail
from rehearsal.stories import change, costs, digits, drift, guardrails, training
from rehearsal.stories.deployed import Deployed, region

STORIES = {
    "digits": digits.Story,
    "guardrails": guardrails.Story,
    "change": change.Story,
    "training": training.Story,
    "costs": costs.Story,
    "drift": drift.Story,
}
OUT = ROOT / "out" / "rehearsal"


@dataclass(frozen=True)
class Step:
    """What one step came to."""

    name: str
    ok: bool
    seconds: float
    evidence: str


def play(name: str, console: Console) -> bool:
    """Play one story; True when every step is ok. Whatever happens, nothing that was started is left running."""
    steps: list[Step] = []
    began = time.monotonic()
    # Side by side: a story clears its folder before it begins.
    place = OUT if name == "digits" else OUT.with_name(f"{OUT.name}-{name}")
    with fresh(place) as out, EmbeddedCloud(region(), out) as cloud:
        story = STORIES[name](cloud, out)
        try:
            for title, act in story.steps():
                if not _take(title, act, out, steps, began, console):
                    break
        finally:  # an error that nobody foresaw is told like any other, and then shown in full
            ok = len(steps) == len(story.steps()) and all(step.ok for step in steps)
            _tell(ok, steps, story, out, console)
    return ok


def _take(title: str, act: Callable[[], str], out: Path, steps: list[Step], began: float, console: Console) -> bool:
    started, ok, evidence = time.monotonic(), False, "an unforeseen error; it is shown below"
    try:
        with console.status(f"{title} ..."):
            evidence = act()
        ok = True
    except RehearsalError as error:
        evidence = str(error)
    except (ClientError, BotoCoreError, OSError) as error:
        evidence = f"{type(error).__name__}: {error}\n{_newest_log(out)}"
    except KeyboardInterrupt:
        evidence = f"stopped by Ctrl-C; all processes are ended\n{_newest_log(out)}"
    finally:
        step = Step(title, ok, round(time.monotonic() - started, 1), evidence)
        steps.append(step)
        mark = "[green]ok[/]" if ok else "[red]failed[/]"
        console.print(f"{time.monotonic() - began:6.1f} s  {mark}  {title} ({step.seconds} s)", highlight=False)
    if not ok:
        console.print(evidence, markup=False, highlight=False)
    return ok


def _newest_log(out: Path) -> str:
    """The end of the log that was written to last."""
    logs = sorted((out / "logs").glob("*.log"), key=lambda path: path.stat().st_mtime)
    return f"{logs[-1].name} ends:\n{tail(logs[-1])}" if logs else "no log was written"


def _tell(ok: bool, steps: list[Step], story: Deployed, out: Path, console: Console) -> None:
    result = {"ok": ok, "steps": [asdict(step) for step in steps], "stand_ins": story.stand_ins}
    (out / "report.json").write_text(json.dumps(result, indent=1) + "\n")
    report.write(out / "report.html", result, story.pictures)
    _table(steps, story.stand_ins, out, console)


def _table(steps: list[Step], stand_ins: list[str], out: Path, console: Console) -> None:
    table = Table("step", "", "seconds", "evidence", title="Rehearsal")
    for step in steps:
        first_line = escape(step.evidence.split("\n", 1)[0])
        table.add_row(step.name, "[green]ok[/]" if step.ok else "[red]failed[/]", f"{step.seconds:.1f}", first_line)
    console.print(table)
    console.print("Stood in for:")
    for line in stand_ins:
        console.print(f"  - {line}", markup=False, highlight=False)
    console.print(f"Report: {(out / 'report.html').relative_to(ROOT)}", markup=False, highlight=False)


def main() -> int:
    """Exit status 0 only if every step of every chosen story is ok."""
    parser = argparse.ArgumentParser(description="Play a story on the embedded cloud")
    parser.add_argument("--story", default="digits", choices=[*STORIES, "all"])
    chosen = parser.parse_args().story
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell started this in the background
        signal.signal(number, signal.default_int_handler)
    console = Console(width=None if sys.stdout.isatty() else 150)
    try:
        results = [play(name, console) for name in (STORIES if chosen == "all" else [chosen])]
    except InUseError as error:
        console.print(str(error), markup=False)
        return 2
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
