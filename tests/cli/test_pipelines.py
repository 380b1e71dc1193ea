"""`sluice pipelines compile` runs the compiler where the SDK is and reports what it says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import pipelines
from cli.main import app

ROOT = Path(__file__).parents[2]
RUNNER = CliRunner()

NO_NETWORK = """
import socket

def refuse(*arguments, **named):
    raise RuntimeError(f"network used: {arguments}")

socket.socket.connect = socket.getaddrinfo = refuse
"""


def stand_in(path: Path, *, status: int, says: str = "") -> Path:
    """An interpreter that shows its arguments, says a line and ends with `status`."""
    path.write_text(f'#!/bin/sh\necho "$@"\necho "{says}"\nexit {status}\n')
    path.chmod(0o755)
    return path


def test_a_missing_sdk_environment_names_the_command_that_makes_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pipelines, "SDK_PYTHON", tmp_path / "none")
    result = RUNNER.invoke(app, ["pipelines", "compile"])
    assert result.exit_code == 2
    assert "make setup-sdk" in result.output


@pytest.mark.parametrize(
    ("compiler", "ours", "word"), [(0, 0, "ok"), (3, 1, "failed"), (2, 2, "failed"), (1, 2, "failed")]
)
def test_the_exit_status_says_refused_apart_from_not_compiled(
    compiler: int, ours: int, word: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pipelines, "SDK_PYTHON", stand_in(tmp_path / "python", status=compiler))
    result = RUNNER.invoke(app, ["pipelines", "compile"])
    assert result.exit_code == ours
    assert f"{word} after" in result.output


def test_the_compiler_gets_the_arguments_and_its_lines_are_shown_as_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    says = "step Train: Arguments.InputDataConfig[0]: [spot] [bold] missing"
    monkeypatch.setattr(pipelines, "SDK_PYTHON", stand_in(tmp_path / "python", status=0, says=says))
    result = RUNNER.invoke(app, ["pipelines", "compile", "--check", "digits"])
    assert "-m workloads.compiler --check digits" in result.output
    assert says in result.output


@pytest.mark.parametrize("arguments", [[], ["pipelines"], ["pipelines", "compile"]])
def test_help_works_at_every_level(arguments: list[str]) -> None:
    result = RUNNER.invoke(app, [*arguments, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_the_command_line_starts_without_the_cdk() -> None:
    code = "import sys, cli.main; sys.exit('aws_cdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def compile_digits(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(pipelines.SDK_PYTHON), "-m", "workloads.compiler", *arguments]
    variables = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False, timeout=120)


def test_an_unknown_workload_is_answered_with_the_known_ones() -> None:
    # Needs no SDK: names and configuration are read before it is imported.
    command = [sys.executable, "-m", "workloads.compiler", "letters"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no such workload: letters; workloads/ has automl, digits, tabular" in done.stdout


@pytest.mark.slow
def test_compiling_gives_the_committed_files_whoever_runs_it_and_without_network(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK)
    surroundings = {
        "PYTHONPATH": str(tmp_path),
        "HOME": str(tmp_path),
        "AWS_PROFILE": "somebody",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "TZ": "Asia/Tokyo",
    }
    for seed in ("1", "2"):
        done = compile_digits("--check", PYTHONHASHSEED=seed, **surroundings)
        assert done.returncode == 0, done.stdout + done.stderr
