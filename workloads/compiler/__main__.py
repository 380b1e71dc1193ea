"""`python -m workloads.compiler [--check] [WORKLOAD...]`: writes each workload's pipeline.json and images.json.

Of a workload with a monitor also its monitor.json; where there is none any more, that file is removed.

Exit status: 0 compiled; 2 could not be compiled; 3 a definition is refused or, with --check, not what is committed.
(1 is Python's own.) What could not be compiled hides no other workload.
"""

import argparse
import difflib
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config.load import ConfigurationError, load_workload
from config.workload import Autopilot, Workload
from workloads.compiler.canonical import canonical
from workloads.compiler.checks import check, check_monitor, in_force
from workloads.compiler.environment import isolate

WORKLOADS = Path(__file__).resolve().parents[1]
DIFF_LINES = 20
COULD_NOT, REFUSED = 2, 3
# What a pipeline.py may raise that is not as it should be; what the compiler's own files raise has no line of it.
MISTAKES = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError, OSError, RuntimeError),
    *(SyntaxError, TypeError, ValueError),
)


def main(argv: list[str] | None = None) -> int:
    """Compiles the named workloads, or all; see the module for the exit status."""
    parser = argparse.ArgumentParser(prog="python -m workloads.compiler")
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD")
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    options = parser.parse_args(argv)
    known = sorted(path.parent.name for path in WORKLOADS.glob("*/workload.yaml"))
    unknown = sorted(set(options.workloads) - set(known))
    if unknown:
        _say(f"no such workload: {', '.join(unknown)}; workloads/ has {', '.join(known)}")
        return COULD_NOT
    workloads = _configured(sorted(set(options.workloads)) or known)
    if workloads is None:
        return COULD_NOT
    isolate()
    statuses = [_tried(name, workload, options.check) for name, workload in workloads.items()]
    return COULD_NOT if COULD_NOT in statuses else max(statuses)


def _configured(names: list[str]) -> dict[str, Workload] | None:
    """The workloads' configuration, read before the SDK is imported; all errors are shown."""
    workloads: dict[str, Workload] = {}
    for name in names:
        try:
            workloads[name] = load_workload(WORKLOADS / name / "workload.yaml")
        except ConfigurationError as error:
            _say(str(error))
    return workloads if len(workloads) == len(names) else None


def _tried(name: str, workload: Workload, compare: bool) -> int:
    """As `_compile`; a mistake in the workload's pipeline.py is told with its line."""
    try:
        return _compile(name, workload, compare)
    except MISTAKES as error:
        path = str(WORKLOADS / name / "pipeline.py")
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
        line = error.lineno if isinstance(error, SyntaxError) and error.filename == path else (lines or [None])[-1]
        place = f"pipeline.py line {line}" if line else "pipeline.py"
        _say(f"{name}: {place}: {type(error).__name__}: {error}")
        return COULD_NOT


def _compile(name: str, workload: Workload, compare: bool) -> int:
    if isinstance(workload.algorithm, Autopilot):
        from workloads.compiler.machine import build
    else:
        _say(f"{name}: building the definition with the SageMaker SDK")
        from workloads.compiler.build import build  # seconds, and only in .venv-sdk

    folder = WORKLOADS / name
    definition, images = build(folder, workload)
    today = datetime.now(UTC).date()
    for waiver in in_force(workload, today):
        _say(f"{name}: step {waiver.step}: [{waiver.rule}] is waived until {waiver.until}: {waiver.reason}")
    monitor = _monitor(folder, workload)
    findings = check(name, definition, images, workload, today)
    findings += check_monitor(name, monitor, workload) if monitor else []
    for finding in findings:
        _say(str(finding))
    if findings:
        _say(f"{name}: refused, {len(findings)} findings; nothing written")
        return REFUSED
    texts = {folder / "pipeline.json": canonical(definition), folder / "images.json": canonical(images)}
    texts[folder / "monitor.json"] = canonical(monitor) if monitor else ""
    if monitor:
        texts[WORKLOADS / "monitoring" / "images.json"] = canonical(_monitor_images())
    return max(_compare(path, text) if compare else _write(path, text) for path, text in texts.items())


def _monitor(folder: Path, workload: Workload) -> dict[str, Any] | None:
    """The definition of the workload's monitor."""
    if workload.monitor is None:
        return None
    from workloads.compiler.build import build_monitor

    return build_monitor(folder, workload)


def _monitor_images() -> dict[str, dict[str, str]]:
    from workloads.compiler.build import monitor_images

    return monitor_images()


def _write(path: Path, text: str) -> int:
    """Without a text there is to be no such file."""
    before = path.read_text() if path.is_file() else ""
    if text:
        path.write_text(text)
        _say(f"{_shown(path)}: {'unchanged' if before == text else 'written'}")
    elif before:
        path.unlink()
        _say(f"{_shown(path)}: removed")
    return 0


def _compare(path: Path, text: str) -> int:
    committed = path.read_text() if path.is_file() else ""
    if committed == text:
        if text:
            _say(f"{_shown(path)}: up to date")
        return 0
    diff = difflib.unified_diff(committed.splitlines(), text.splitlines(), "committed", "compiled", n=1, lineterm="")
    lines = list(diff)
    _say(f"{_shown(path)}: differs from what pipeline.py gives; run `sluice pipelines compile`")
    _say("\n".join(lines[:DIFF_LINES]))
    if len(lines) > DIFF_LINES:
        _say(f"... {len(lines) - DIFF_LINES} more lines")
    return REFUSED


def _shown(path: Path) -> str:
    return path.relative_to(WORKLOADS.parent).as_posix()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
