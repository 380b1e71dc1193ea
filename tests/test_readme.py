"""What the README tells a reader to type exists, and CI types it too."""

import re
import shlex
import shutil
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from cli import new
from cli.main import app
from config.monitoring import Monitor, Retrain
from config.tuning import Tuning
from config.workload import (
    Autopilot,
    Data,
    Kmeans,
    Metric,
    ProcessSettings,
    RuleException,
    RunSettings,
    Schedule,
    Script,
    ServeSettings,
    TrainSettings,
    Workload,
)

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = [README, *(path.read_text() for path in (ROOT / "docs").glob("*.md"))]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def blocks(page: str = README) -> list[list[str]]:
    """The lines to type, each whole, of each block."""
    found = re.findall(r"```console\n(.*?)```", page, re.DOTALL)
    return [block.replace("\\\n", " ").strip().splitlines() for block in found]


def typed(program: str) -> list[list[str]]:
    """The arguments of each command of README and docs that calls `program`."""
    lines = [shlex.split(line) for page in PAGES for block in blocks(page) for line in block]
    return [words[1:] for words in lines if words[0] == program]


def test_the_quick_start_is_two_commands_and_ci_runs_them() -> None:
    assert blocks()[0] == ["make rehearse", "make test"]
    assert set(blocks()[0]) <= set((ROOT / ".ci" / "run").read_text().splitlines())


def test_every_make_target_in_the_readme_exists() -> None:
    named = set(re.findall(r"\bmake ([a-z-]+)", README))
    assert named and named <= TARGETS


def test_every_file_that_the_readme_links_or_names_exists() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_every_sluice_command_of_the_docs_is_understood() -> None:
    commands = typed(".venv/bin/sluice")
    told = {"costs", "keep", "monitors", "new", "pipelines", "restore", "review", "runs", "sweep", "thaw"}
    assert {words[0] for words in commands} == told
    for words in commands:
        command, context = get_command(app), None
        while isinstance(command, TyperGroup):
            context = command.make_context(words[0], list(words), parent=context)
            _, found, words = command.resolve_command(context, words)
            assert found, words
            command = found
        command.make_context(command.name, list(words), parent=context)


def test_the_workload_that_the_docs_add_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "workloads", tmp_path / "workloads", symlinks=True)
    monkeypatch.setattr(new, "WORKLOADS", tmp_path / "workloads")
    for words in typed(".venv/bin/sluice"):
        if words[0] == "new" and not (tmp_path / "workloads" / words[2]).exists():
            assert CliRunner().invoke(app, words).exit_code == 0
            assert (tmp_path / "workloads" / words[2] / "pipeline.json").exists()


def test_every_aws_command_of_the_docs_exists_with_its_options() -> None:
    session = botocore.session.get_session()
    commands = typed("aws")
    assert len(commands) > 5
    for service, operation, *rest in commands:
        model = session.get_service_model(service)
        [shape] = [model.operation_model(name) for name in model.operation_names if option(name) == operation]
        members = {option(name) for name in (shape.input_shape.members if shape.input_shape else {})}
        named = {word.removeprefix("--") for word in rest if word.startswith("--")} - {"query", "output"}
        assert named <= members, (operation, named - members)


def test_every_field_of_a_workload_is_in_the_docs() -> None:
    page = (ROOT / "docs" / "training.md").read_text()
    sections = (Workload, Data, Kmeans, Script, Autopilot, Metric, ProcessSettings, TrainSettings, Tuning)
    more = (ServeSettings, Schedule, RunSettings, RuleException)
    fields = {name for section in (*sections, *more) for name in section.model_fields}
    assert {name for name in fields if not re.search(rf"`{name}\b", page)} == set()


def test_every_setting_of_a_monitor_is_in_the_docs_with_its_default() -> None:
    page = (ROOT / "docs" / "monitoring.md").read_text()
    rows = {row[0]: row[1] for row in re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", page, re.MULTILINE)}
    assert {*Monitor.model_fields, *Retrain.model_fields} <= {*rows}
    for section in (Monitor(), Retrain()):
        for name, value in section.model_dump(mode="json").items():
            if not isinstance(value, dict):
                assert value is None or rows[name] == f"`{value}`".replace("'", ""), name
    assert rows["schedule"] == f"`{Monitor().schedule.expression}`, {Monitor().schedule.time_zone}"


def option(name: str) -> str:
    return xform_name(name, "-")


def test_the_commands_for_an_account_of_ones_own_use_the_pinned_cdk() -> None:
    [account] = [block for block in blocks() if any("cdk deploy" in line or "bin/cdk deploy" in line for line in block)]
    assert all("node_modules/aws-cdk/bin/cdk" in line for line in account if "cdk " in line)
