"""What the bench measures is what it says that it does."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from bench import __main__ as bench
from bench import platform


def test_synth_is_timed_with_one_workload_and_with_all_against_the_same_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    synthesized: list[list[str]] = []

    def timed(command: list[str], **extra: str) -> tuple[float, float]:
        if command[-1] == "bench.floor":
            return 2.0, 100.0
        if "SLUICE_CONFIG" not in extra:
            return 3.0, 100.0
        with Path(extra["SLUICE_CONFIG"]).open() as file:
            synthesized.append(yaml.safe_load(file)["workloads"])
        return 5.0, 100.0

    monkeypatch.setattr(platform, "timed", timed)
    figures: dict[str, Any] = {figure.name: figure for figure in platform.synth()}
    [declared] = [names for names, measure in bench.FIGURES.items() if measure is platform.synth]
    assert set(declared) == set(figures)
    assert figures["synth.ratio_to_floor"].value == 1.5 and figures["synth.ratio_three_workloads"].value == 2.5
    assert synthesized == [["digits", "tabular", "automl"]] * (platform.SYNTH_SAMPLES + 1)
