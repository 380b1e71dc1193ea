"""However a story ends, its report says so; a step that fails ends it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from rehearsal import runner
from rehearsal.embedded import EmbeddedCloud, RehearsalError


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
