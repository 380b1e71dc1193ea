"""`sluice new workload` makes a folder that is whole, named right and passes the checks, or nothing."""

import json
import os
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import new, pipelines
from cli.main import app
from config.load import ROOT, load_workload
from workloads.compiler.canonical import canonical
from workloads.compiler.checks import check

RUNNER = CliRunner()
LIKE = ("digits", "tabular", "automl")
PARTS = (*LIKE, "compiler", "monitoring", "toolkit")
COMPILED = shutil.ignore_patterns("__pycache__")


@pytest.fixture
def workloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like workloads/, to make new ones in."""
    folder = tmp_path / "workloads"
    for part in PARTS:
        shutil.copytree(ROOT / "workloads" / part, folder / part, symlinks=True, ignore=COMPILED)
    monkeypatch.setattr(new, "WORKLOADS", folder)
    return folder


def make(workloads: Path, name: str, like: str) -> Path:
    result = RUNNER.invoke(app, ["new", "workload", name, "--like", like])
    assert result.exit_code == 0, result.output
    return workloads / name


@pytest.mark.parametrize("like", LIKE)
@pytest.mark.parametrize("name", ["churn-1", "train"])
def test_a_new_workload_is_the_old_one_but_for_the_name_in_its_definition(
    workloads: Path, name: str, like: str
) -> None:
    made = make(workloads, name, like)
    files = {path.relative_to(made): path.read_bytes() for path in made.rglob("*") if path.is_file()}
    before = {path.relative_to(workloads / like): path.read_bytes() for path in (workloads / like).rglob("*.*")}
    named = [name for name in ("monitor.json", "pipeline.json") if Path(name) in before]
    assert sorted(key for key in before if files[key] != before[key]) == [Path(name) for name in named]
    definition, images = (json.loads(files[Path(f"{part}.json")]) for part in ("pipeline", "images"))
    assert check(name, definition, images, load_workload(made / "workload.yaml"), date.today()) == []
    assert files[Path("pipeline.json")].decode() == canonical(definition)
    assert sorted(path.name for path in workloads.iterdir()) == sorted([*PARTS, name])


@pytest.mark.parametrize("like", LIKE)
def test_a_workload_may_be_called_like_a_channel_or_a_step_and_be_copied_again(workloads: Path, like: str) -> None:
    make(workloads, "train", like)
    again, back = make(workloads, "again", "train"), make(workloads, "x", like)
    text, expected = ((folder / "pipeline.json").read_text() for folder in (again, back))
    assert new.renamed(text, "again", "x") == expected
    assert (again / "workload.yaml").read_text() == (workloads / like / "workload.yaml").read_text()


@pytest.mark.slow
def test_the_definition_of_a_new_workload_is_what_the_compiler_makes_of_it(workloads: Path) -> None:
    names = {
        like: make(workloads, name, like).name for like, name in zip(LIKE, ("train", "evaluate", "s3"), strict=True)
    }
    command = [str(pipelines.SDK_PYTHON), "-m", "workloads.compiler", "--check", *names.values()]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=workloads.parent, env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("pipeline.json: up to date") == len(LIKE)


@pytest.mark.parametrize(
    ("name", "like", "told"),
    [
        ("Churn", "tabular", "NAME: 'Churn' must be lower-case letters"),
        ("digits", "tabular", "NAME: workloads/digits exists already; choose another name"),
        ("mlflow", "tabular", "NAME: mlflow is the place of what MLflow keeps; choose another name"),
        ("../churn", "tabular", "NAME: '../churn' must be"),
        ("churn", "forest", "--like: 'forest' must be one of automl, digits, tabular"),
    ],
)
def test_a_name_that_will_not_do_is_refused_and_nothing_is_left(
    workloads: Path, name: str, like: str, told: str
) -> None:
    before = sorted(workloads.rglob("*"))
    result = RUNNER.invoke(app, ["new", "workload", name, "--like", like])
    assert result.exit_code == 2
    assert told in result.output
    assert sorted(workloads.rglob("*")) == before
