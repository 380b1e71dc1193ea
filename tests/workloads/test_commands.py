"""The one entry of every workload's scripts: which step it runs, and where it tells why that ended."""

from pathlib import Path

import pytest

from rehearsal.embedded import ROOT
from tests.workloads.tabling import run

WORKLOADS = {
    "digits": ("--test", "--train", "--baseline"),
    "automl": ("--target=y", "--train", "--features", "--labels", "--baseline"),
    "tabular": ("--target=y", "--train", "--validation", "--test", "--baseline"),
}


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """The folder that stands for /opt/ml of a processing job."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "processingjobconfig.json").write_text("{}")
    return tmp_path


def refused(workload: str, folder: Path) -> str:
    """What `preprocess` says of a table that it cannot take."""
    (folder / "bad.csv").write_text("a,b,ü\n1,2,3\n")
    words = [word if "=" in word else f"{word}={folder / word[2:]}" for word in WORKLOADS[workload]]
    scripts = ROOT / "workloads" / workload / "scripts"
    done = run(scripts, "preprocess", f"--input={folder / 'bad.csv'}", *words, SLUICE_ML=str(folder), LC_ALL="C")
    assert done.returncode != 0
    return done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_processing_job_leaves_the_reason_of_its_end_as_its_message(workload: str, job: Path) -> None:
    said = refused(workload, job)
    message = (job / "output" / "message").read_text("utf-8")
    assert message and message in said and "Traceback" not in message
    assert ("has no column 'y'; it has 'a', 'b', 'ü'" in message) == (workload != "digits")


@pytest.mark.slow
def test_outside_a_processing_job_no_message_is_left(tmp_path: Path) -> None:
    refused("tabular", tmp_path)
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize("workload", WORKLOADS)
def test_an_unknown_command_is_the_reason_too(workload: str, job: Path) -> None:
    done = run(ROOT / "workloads" / workload / "scripts", "deploy", SLUICE_ML=str(job))
    assert done.returncode == 1
    assert "say which step to run: preprocess or " in (job / "output" / "message").read_text()
