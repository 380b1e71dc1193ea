"""What the compiler writes, refuses and compares, with the SDK's part played by a given definition."""

import copy
import json
import re
import shutil
import sys
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from workloads.compiler import __main__ as compiler

DIGITS = Path(__file__).parents[2] / "workloads" / "digits"
COMMITTED = json.loads((DIGITS / "pipeline.json").read_text())
IMAGES = json.loads((DIGITS / "images.json").read_text())


class Project:
    """A copy of the digits workload whose pipeline.py gives `definition`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.definition: dict[str, Any] = copy.deepcopy(COMMITTED)

    def build(self, folder: Path, workload: object) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
        return self.definition, IMAGES

    def arguments(self, name: str) -> dict[str, Any]:
        """Those of the step `name`, to be changed."""
        return next(step["Arguments"] for step in self.definition["Steps"] if step["Name"] == name)

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir() if path.is_file()}


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Project:
    folder = tmp_path / "workloads" / "digits"
    folder.mkdir(parents=True)
    for name in ("workload.yaml", "pipeline.py", "pipeline.json", "images.json"):
        shutil.copy(DIGITS / name, folder)
    project = Project(folder)
    monkeypatch.setattr(compiler, "WORKLOADS", folder.parent)
    monkeypatch.setattr(compiler, "isolate", lambda: None)
    monkeypatch.setitem(sys.modules, "workloads.compiler.build", SimpleNamespace(build=project.build))  # pyright: ignore[reportArgumentType]
    return project


def test_a_changed_definition_is_written(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.arguments("Preprocess")["StoppingCondition"]["MaxRuntimeInSeconds"] = 900
    assert compiler.main([]) == 0
    assert json.loads((project.folder / "pipeline.json").read_text()) == project.definition
    assert "workloads/digits/pipeline.json: written" in capsys.readouterr().out


def test_check_shows_what_differs_and_writes_nothing(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    before = project.files()
    assert compiler.main(["--check"]) == 0
    project.arguments("Preprocess")["StoppingCondition"]["MaxRuntimeInSeconds"] = 900
    assert compiler.main(["--check", "digits"]) == compiler.REFUSED
    said = capsys.readouterr().out
    assert "run `sluice pipelines compile`" in said
    assert '+     "MaxRuntimeInSeconds": 900' in said
    assert project.files() == before


def test_a_refused_definition_leaves_the_files_as_they_are(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    before = project.files()
    project.arguments("Train").update(EnableNetworkIsolation=False, EnableManagedSpotTraining=False)
    assert compiler.main([]) == compiler.REFUSED
    said = capsys.readouterr().out
    assert "[isolation]" in said
    assert "[spot]" in said
    assert "digits: refused, 2 findings; nothing written" in said
    assert project.files() == before


def test_a_mistaken_workload_file_is_reported_before_anything_is_built(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    path = project.folder / "workload.yaml"
    path.write_text(path.read_text().replace("k: 10", "k: 0"))
    assert compiler.main([]) == compiler.COULD_NOT
    said = capsys.readouterr().out
    assert "algorithm.k" in said
    assert "building" not in said


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("IMAGES = {}\n\n\ndef build(workload):\n    return {}[workload.description]\n", "line 5: KeyError: 'Numbers'"),
        ("IMAGES = {}\ndef build(workload:\n", "line 2: SyntaxError: "),
        ("import nothing_of_this_name\n", "line 1: ModuleNotFoundError: No module named 'nothing_of_this_name'"),
    ],
)
def test_a_broken_pipeline_is_told_with_its_line_and_hides_no_other_workload(
    project: Project, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    broken = project.folder.parent / "broken"
    broken.mkdir()
    (broken / "pipeline.py").write_text(text)
    automl = (DIGITS.parent / "automl" / "workload.yaml").read_text()  # its kind is compiled without the SDK
    (broken / "workload.yaml").write_text(re.sub("description: .*", "description: Numbers", automl))
    (project.folder / "pipeline.json").unlink()
    assert compiler.main([]) == compiler.COULD_NOT
    said = capsys.readouterr().out
    assert f"broken: pipeline.py {told}" in said
    assert "workloads/digits/pipeline.json: written" in said


def test_every_exception_in_force_is_shown_with_its_last_day_and_reason(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    path, day = project.folder / "workload.yaml", date.today() + timedelta(days=30)
    waiver = f"exceptions: [{{rule: spot, step: Train, reason: no capacity here, until: {day}}}]"
    path.write_text(path.read_text().replace("exceptions: []", waiver))
    del project.arguments("Train")["EnableManagedSpotTraining"]
    assert compiler.main([]) == 0
    assert f"digits: step Train: [spot] is waived until {day}: no capacity here" in capsys.readouterr().out
