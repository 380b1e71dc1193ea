"""However a story ends, its report says so; a step that fails ends it."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from rehearsal import processes, runner
from rehearsal.embedded import ROOT, EmbeddedCloud, InUseError, RehearsalError, fresh


def play(monkeypatch: pytest.MonkeyPatch, out: Path, second: Callable[[], str]) -> tuple[bool, dict[str, Any]]:
    class Story:
        stand_ins = ["a laptop for a cloud"]

        def __init__(self, cloud: EmbeddedCloud, out: Path) -> None:
            self.pictures: dict[str, Any] = {}

        def steps(self) -> list[tuple[str, Callable[[], str]]]:
            return [("first", lambda: "done"), ("second", second), ("third", lambda: "done")]

    monkeypatch.setattr(runner, "STORIES", {"digits": Story})
    monkeypatch.setattr(runner, "OUT", out)
    monkeypatch.setattr(runner, "ROOT", out.parent)
    ok = runner.play("digits", Console(quiet=True))
    return ok, json.loads((out / "report.json").read_text())


def test_a_story_whose_steps_are_all_ok_is_ok(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ok, told = play(monkeypatch, tmp_path / "out", lambda: "done")
    assert ok and told["ok"] and told["stand_ins"] == ["a laptop for a cloud"]
    assert [(s["name"], s["ok"], s["evidence"]) for s in told["steps"]] == [
        (n, True, "done") for n in ("first", "second", "third")
    ]


def test_a_failing_step_ends_the_story_and_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail() -> str:
        raise RehearsalError("the bucket is gone")

    ok, told = play(monkeypatch, tmp_path / "out", fail)
    assert not ok and not told["ok"]
    assert [(s["name"], s["ok"], s["evidence"]) for s in told["steps"]] == [
        ("first", True, "done"),
        ("second", False, "the bucket is gone"),
    ]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "failed" in page and "the bucket is gone" in page


def test_an_unforeseen_error_is_told_and_raised(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail() -> str:
        raise KeyError("nobody thought of this")

    with pytest.raises(KeyError):
        play(monkeypatch, tmp_path / "out", fail)
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert not told["ok"] and told["steps"][-1]["name"] == "second"


def test_stopping_by_hand_ends_the_story(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupt() -> str:
        raise KeyboardInterrupt

    ok, told = play(monkeypatch, tmp_path / "out", interrupt)
    assert not ok and "Ctrl-C" in told["steps"][-1]["evidence"]


def test_evidence_with_square_brackets_is_no_markup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    ok, told = play(monkeypatch, tmp_path / "out", lambda: "[/opt/ml] and [bold")
    assert ok and told["steps"][1]["evidence"] == "[/opt/ml] and [bold"


def test_two_rehearsals_never_share_a_folder(tmp_path: Path) -> None:
    with fresh(tmp_path / "out") as out:
        (out / "kept").touch()
        with pytest.raises(InUseError, match="another rehearsal is using"), fresh(tmp_path / "out"):
            pass
        assert (out / "kept").exists()
    with fresh(tmp_path / "out") as out:
        assert not (out / "kept").exists()


@pytest.mark.slow
def test_a_port_that_is_taken_meanwhile_is_given_up_for_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    free = processes.free_port
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = iter([taken.getsockname()[1]])
        monkeypatch.setattr(processes, "free_port", lambda: next(ports, 0) or free())
        with EmbeddedCloud("us-east-1", tmp_path) as cloud:
            cloud.start()
            assert cloud.port != taken.getsockname()[1]
            assert cloud.client("sagemaker").list_endpoints()["Endpoints"] == []


SLOW_STORY = """
import sys, time
from pathlib import Path
from rehearsal import runner

class Story:
    stand_ins = []
    def __init__(self, cloud, out):
        self.pictures, self._cloud = {}, cloud
    def steps(self):
        return [("start", self.start), ("wait", self.wait)]
    def start(self):
        self._cloud.start()
        return "done"
    def wait(self):
        print("started", self._cloud.process.pid, flush=True)
        time.sleep(60)

runner.STORIES, runner.OUT, runner.ROOT = {"digits": Story}, Path(sys.argv[1]) / "out", Path(sys.argv[1])
sys.argv[1:] = []
sys.exit(runner.main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_a_rehearsal_ends_its_cloud(number: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SLOW_STORY, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        cloud = next(int(line.split()[1]) for line in process.stdout if line.startswith("started"))
        process.send_signal(number)
        process.stdout.read()
    assert gone(cloud)
    if number != signal.SIGKILL:
        told = json.loads((tmp_path / "out" / "report.json").read_text())
        assert process.returncode == 1
        assert [step["ok"] for step in told["steps"]] == [True, False]
        assert "Ctrl-C" in told["steps"][1]["evidence"] and "cloud.log ends:" in told["steps"][1]["evidence"]


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
