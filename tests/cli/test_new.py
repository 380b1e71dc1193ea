"""`sluice new workload` makes a folder that is whole, named right and passes the checks, or nothing."""

import json
import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import new
from cli.main import app
from config.load import ROOT, load_workload
from workloads.compiler.canonical import canonical
from workloads.compiler.checks import check

RUNNER = CliRunner()
LIKE = ("digits", "tabular", "automl")
COMPILED = shutil.ignore_patterns("__pycache__")


@pytest.fixture
def workloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like workloads/, to make new ones in."""
    for part in (*LIKE, "toolkit"):
        shutil.copytree(ROOT / "workloads" / part, tmp_path / part, symlinks=True, ignore=COMPILED)
    monkeypatch.setattr(new, "WORKLOADS", tmp_path)
    return tmp_path


@pytest.mark.parametrize("like", LIKE)
def test_a_new_workload_passes_all_checks_and_names_the_old_one_nowhere(workloads: Path, like: str) -> None:
    result = RUNNER.invoke(app, ["new", "workload", "churn-1", "--like", like])
    assert result.exit_code == 0, result.output
    made = workloads / "churn-1"
    workload = load_workload(made / "workload.yaml")
    definition, images = (json.loads((made / f"{part}.json").read_text()) for part in ("pipeline", "images"))
    assert check("churn-1", definition, images, workload, date.today()) == []
    assert (made / "pipeline.json").read_text() == canonical(definition)
    for file in new.NAMED:
        assert not re.search(rf"\b{like}\b", (made / file).read_text()), file
    before = {path.relative_to(workloads / like) for path in (workloads / like).rglob("*")}
    assert before == {path.relative_to(made) for path in made.rglob("*")}
    assert sorted(path.name for path in workloads.iterdir()) == sorted([*LIKE, "churn-1", "toolkit"])


@pytest.mark.parametrize(
    ("name", "like", "told"),
    [
        ("Churn", "tabular", "NAME: 'Churn' must be lower-case letters"),
        ("digits", "tabular", "NAME: workloads/digits exists already; choose another name"),
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
