"""The story of drift: the world that it plays in, and the workload that it deploys."""

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from random import Random

import pytest
import yaml

from cli.pipelines import SDK_PYTHON
from config.load import load_workload
from rehearsal.embedded import ROOT
from rehearsal.stories.drift_workload import adapt
from rehearsal.stories.drift_world import (
    AREA,
    CHANGES,
    CLINIC,
    CLINICS,
    MEASURED,
    NEW_CLINIC,
    TARGET,
    Row,
    World,
    asked,
)
from workloads.compiler.checks import check, check_monitor

CHANGED = yaml.safe_load((ROOT / "rehearsal" / "stories" / "drift.yaml").read_text())
TABLE = ",".join([*MEASURED, TARGET]) + "\n" + "1,2,3,4,5,6,0\n2,3,4,5,6,7,1\n" * 5


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the workloads, with the story's `tabular`."""
    shutil.copytree(ROOT / "workloads", tmp_path / "workloads")
    adapt(tmp_path / "workloads" / "tabular", CHANGED)
    return tmp_path / "workloads" / "tabular"


def test_the_same_seed_gives_the_same_rows_and_no_two_are_the_same() -> None:
    rows = World(TABLE, Random(1)).rows(50)
    assert rows == World(TABLE, Random(1)).rows(50)
    assert len({tuple(row.values()) for row in rows}) == 50


# What is so after a change that was not before.
SEEN: dict[str, Callable[[list[Row]], bool]] = {
    "a critical feature shifted": lambda rows: min(float(row[AREA]) for row in rows) > 4,
    "a category that is new": lambda rows: {row[CLINIC] for row in rows} == {*CLINICS, NEW_CLINIC},
    "missing values jump": lambda rows: 50 < sum(not row[AREA] for row in rows) < 110,
    "labels flip": lambda rows: any(row[TARGET] == "1" and float(row[AREA]) < 3.4 for row in rows),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_lasts_and_is_what_it_is_called(name: str) -> None:
    world = World(TABLE, Random(2))
    assert not SEEN[name](world.rows(200))
    world.changes.append(CHANGES[name])
    assert SEEN[name](world.rows(200))


def test_a_request_has_no_header_and_no_answer() -> None:
    world = World(TABLE, Random(3))
    [row] = world.rows(1)
    assert asked([row], world.features) == ",".join([row[CLINIC], *(row[name] for name in MEASURED)]) + "\n"


def test_the_storys_definitions_keep_the_rules_for_what_its_settings_say(folder: Path) -> None:
    workload = load_workload(folder / "workload.yaml")
    read = {name: json.loads((folder / name).read_text()) for name in ("pipeline.json", "monitor.json", "images.json")}
    assert not check("tabular", read["pipeline.json"], read["images.json"], workload, date(2026, 11, 27))
    assert not check_monitor("tabular", read["monitor.json"], workload)


@pytest.mark.slow  # the SDK takes seconds to load
def test_the_storys_definitions_are_what_the_sdk_would_compile(folder: Path) -> None:
    script = (
        "import sys; from pathlib import Path; import workloads.compiler.__main__ as compiler; "
        "compiler.WORKLOADS = Path(sys.argv[1]); sys.exit(compiler.main(['--check', 'tabular']))"
    )
    command = [str(SDK_PYTHON), "-c", script, str(folder.parent)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
