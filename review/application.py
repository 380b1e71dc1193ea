"""A CDK application in whatever language, synthesized as the CDK command line does it: by the app of its cdk.json."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from review.json_file import AssemblyError, mapping, read_object, text

LONGEST_SECONDS = 900
SHOWN_LINES = 20
# Linux takes no longer variable; past that CDK reads the context from a file.
LONGEST_VARIABLE = 100_000

# What the CDK command line says, with two things that a review wants: where each construct was made, and the findings
# of rule packs in their report alone, as one that raises leaves no assembly. `sluice:review` tells an application that
# it may add such packs now: they take time that `cdk deploy` need not wait for.
_CONTEXT = {
    "aws:cdk:enable-asset-metadata": True,
    "aws:cdk:bundling-stacks": ["**"],
    "aws:cdk:disable-creation-stack-traces": False,
    "@aws-cdk/core:failSynthOnValidationErrors": False,
    "sluice:review": True,
}
# Of a hook that started us, they would name its repository; and without bytecode each synth compiles aws_cdk anew.
_UNSET = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "PYTHONDONTWRITEBYTECODE")
# The built-in validator takes longer than the synthesis. The second has jsii tell Python's frames.
_SET = {"CDK_VALIDATION": "false", "JSII_HOST_STACK_TRACES": "1"}


class SourceError(AssemblyError):
    """What --base or --head names cannot be had; the message says what to type next."""


def environment() -> dict[str, str]:
    """That of this process, as far as others may have it."""
    return {name: value for name, value in os.environ.items() if name not in _UNSET}


class Synthesis:
    """One that runs from now on; `finish` waits for it, `end` ends it in any case."""

    def __init__(self, name: str, folder: Path, outdir: Path, more: Mapping[str, str]) -> None:
        """`name` is how the user called it, `folder` the one with the cdk.json. Raises AssemblyError."""
        self.name, self.folder, self.outdir = name, folder, outdir
        settings = read_object(folder / "cdk.json")
        self.command = _command(folder, settings)
        # An `app` that names a folder is an assembly already.
        self.process = None
        self._written = outdir.with_name(f"{outdir.name}.log")
        if (folder / self.command).is_dir():
            self.outdir = folder / self.command
            return
        context = _context(folder, settings)
        variables = environment() | {k: os.environ.get(k, v) for k, v in _SET.items()} | {"CDK_OUTDIR": str(outdir)}
        with self._written.open("w", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                self.command,
                shell=True,
                cwd=folder,
                env={**variables, **_told(context, outdir), **more},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # to end it with all that it started
            )

    def finish(self) -> Path:
        """The folder of the assembly. Raises SourceError with the last lines that the application wrote."""
        if self.process is None:
            return self.outdir
        try:
            code = self.process.wait(LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            raise SourceError(f"{self._called()} has not ended within {LONGEST_SECONDS // 60} minutes") from None
        if code:
            raise SourceError(f"{self._called()} ended with {code}:\n{self._last_lines()}")
        if not (self.outdir / "manifest.json").is_file():
            raise SourceError(
                f"{self._called()} wrote no cloud assembly into CDK_OUTDIR: does it call app.synth(), and name no "
                f"outdir of its own?\n{self._last_lines()}"
            )
        return self.outdir

    def end(self) -> None:
        """Ends it with all that it started; nothing if it has ended by itself."""
        if self.process is not None and self.process.poll() is None:
            for sign in (signal.SIGTERM, signal.SIGKILL):
                # The group outlives its first process where that did not wait for the others.
                with suppress(ProcessLookupError):
                    os.killpg(self.process.pid, sign)
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(3)

    def _called(self) -> str:
        return f"{self.name}: `{self.command}`, the app of cdk.json,"

    def _last_lines(self) -> str:
        written = self._written.read_text("utf-8", errors="replace")
        return "\n".join(f"  {line}" for line in written.splitlines()[-SHOWN_LINES:])


def _command(folder: Path, settings: Mapping[str, Any]) -> str:
    app, build = text(settings.get("app")), text(settings.get("build"))
    if not app:
        raise SourceError(f"{folder / 'cdk.json'} names no app: say there how it is run, such as `python3 app.py`")
    if app.endswith(".js") and (folder / app).is_file():
        app = f"node {app}"
    return f"({build}\n) && {app}" if build else app


def _context(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """As the command line gives it, but for a person's own ~/.cdk.json: both sides are to be as others see them."""
    looked_up = folder / "cdk.context.json"
    given = dict(mapping(settings.get("context")))
    if looked_up.is_file():
        given |= read_object(looked_up)
    given["aws:cdk:enable-path-metadata"] = settings.get("pathMetadata") is not False
    if settings.get("versionReporting") is not False:
        given["aws:cdk:version-reporting"] = True
    return given | _CONTEXT


def _told(context: Mapping[str, Any], outdir: Path) -> dict[str, str]:
    whole = json.dumps(context)
    if len(whole) < LONGEST_VARIABLE:
        return {"CDK_CONTEXT_JSON": whole}
    path = outdir.with_name(f"{outdir.name}.context.json")
    path.write_text(whole, "utf-8")
    return {"CDK_CONTEXT_JSON": "{}", "CONTEXT_OVERFLOW_LOCATION_ENV": str(path)}


def has_application(folder: Path) -> bool:
    return (folder / "cdk.json").is_file()


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Raises SourceError where there is no git."""
    if not shutil.which("git"):
        raise SourceError("git is not installed: name folders that `cdk synth` wrote instead of a branch")
    return subprocess.run(
        # Hooks of a checkout are for people, and take time.
        ["git", "-c", "core.hooksPath=/dev/null", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
