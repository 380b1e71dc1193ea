"""What the look inside keeps, also across interruptions, and what it does when a rule fires."""

import json
import math
import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from toolkit.inside import Inside, StopTrainingError
from toolkit.inside.statistics import BINS, ZERO, edges, merged

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-cloud" / "bin" / "python"


def learn(inside: Inside, steps: range, first: float = 2.0) -> None:
    for step in steps:
        inside.record(step, losses={"train": first / (step + 1), "validation": first / (step + 1) + 0.1})


def overfit(inside: Inside, steps: int = 30) -> None:
    for step in range(steps):
        inside.record(step, losses={"train": 1 / (step + 1), "validation": abs(step - 5) / 10 + 1})


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("apart", [1, 7])
def test_a_long_training_keeps_a_bounded_number_of_records_spread_evenly(tmp_path: Path, apart: int) -> None:
    inside = Inside(tmp_path, watch={})
    learn(inside, range(3, 5000 * apart, apart))
    steps = [record["step"] for record in inside.history.records]
    assert 100 <= len(steps) <= 200
    assert len({after - before for before, after in pairwise(steps)}) == 1
    assert steps[0] == 3
    assert steps[-1] > 4900 * apart


def test_a_restarted_training_goes_on_with_its_history_and_forgets_what_comes_again(tmp_path: Path) -> None:
    learn(Inside(tmp_path / "lost", tmp_path / "kept", watch={}), range(10))
    restarted = Inside(tmp_path / "output", tmp_path / "kept", watch={})
    learn(restarted, range(7, 12), first=4.0)
    restarted.report()
    _, *records = lines(tmp_path / "output/inside/history.jsonl")
    assert [record["step"] for record in records] == list(range(12))
    assert [record["losses"]["train"] for record in records[6:8]] == [2 / 7, 4 / 8]


def test_a_line_that_was_half_written_is_left_out(tmp_path: Path) -> None:
    learn(Inside(tmp_path, watch={}), range(5))
    history = tmp_path / "inside" / "history.jsonl"
    whole = history.read_bytes()
    for cut in range(len(whole)):
        history.write_bytes(whole[:cut])
        records = Inside(tmp_path, watch={}).history.records
        assert [record["step"] for record in records] == list(range(max(0, whole[:cut].count(b"\n") - 1)))
        learn(Inside(tmp_path, watch={}), range(len(records), 5))
        assert [record["step"] for record in Inside(tmp_path, watch={}).history.records] == list(range(5)), cut


def test_an_alert_is_written_once_beside_the_checkpoints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        overfit(Inside(tmp_path / "output", tmp_path / "kept", watch={"overfitting": "alert"}, job="tabular-1"))
    assert [path.name for path in (tmp_path / "kept/tabular-1/alerts").iterdir()] == ["1-overfitting.json"]
    alert = json.loads((tmp_path / "kept/tabular-1/alerts/1-overfitting.json").read_text())
    assert (alert["symptom"], alert["step"], alert["job"]) == ("overfitting", 16, "tabular-1")
    assert alert["values"]["best"] == pytest.approx(1.1)
    assert "Stop at the best validation loss" in alert["next"]
    assert capsys.readouterr().out.count("inside: overfitting at step 16") == 1


def test_stop_ends_the_training_with_a_report_and_ends_it_again_when_tried_again(tmp_path: Path) -> None:
    for _ in range(2):
        inside = Inside(tmp_path / "output", tmp_path / "kept", watch={"overfitting": "stop"})
        with pytest.raises(StopTrainingError, match=r"overfitting at step 16: .*Stop at the best validation loss"):
            overfit(inside)
    summary = json.loads((tmp_path / "output/inside/summary.json").read_text())
    assert [one["symptom"] for one in summary["fired"]] == ["overfitting"]
    assert "overfitting" in (tmp_path / "output/inside/report.html").read_text()


def test_what_is_not_watched_is_not_judged(tmp_path: Path) -> None:
    inside = Inside(tmp_path, watch={"dead_units": "stop"})
    overfit(inside)
    assert inside.history.about["fired"] == []


def test_class_imbalance_is_judged_by_the_labels_given_once(tmp_path: Path) -> None:
    inside = Inside(tmp_path, watch={"class_imbalance": "stop"})
    inside.labels([0] * 10 + [1])
    with pytest.raises(StopTrainingError, match="class '0' has 11 rows, class '1' 1"):
        inside.labels([0] * 11 + [1])
    for label in (0.5, math.nan, math.inf):
        with pytest.raises(ValueError, match=rf"label {label}: classes are expected"):
            inside.labels([label])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"watch": {"overfit": "log"}}, "no such symptom: overfit; known are vanishing_gradients"),
        ({"watch": {"overfitting": "mail"}}, "a response is one of log, alert, stop"),
        (
            {"thresholds": {"overfitting": {"steps": 3}}},
            "overfitting has no threshold steps, only patience, rise, ratio",
        ),
        ({"limit": 10}, "limit is 10; the rules need at least 40"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        Inside(tmp_path, **wrong)


def test_the_report_of_a_training_without_records_and_of_losses_that_are_not_finite_is_written(tmp_path: Path) -> None:
    inside = Inside(tmp_path, job="<tab & co>")
    assert "no records" in inside.report().read_text()
    inside.record(0, losses={"train": math.nan})
    assert "&lt;tab &amp; co&gt;" in inside.report().read_text()
    assert json.loads((tmp_path / "inside/summary.json").read_text())["losses"] == {"train": None}


def test_the_bins_lie_side_by_side_from_the_lowest_to_the_highest_value() -> None:
    bins = [edges(index) for index in range(BINS)]
    assert [low for low, _ in bins[1:]] == pytest.approx([high for _, high in bins[:-1]])
    assert bins[ZERO] == (-1e-12, 1e-12)
    assert (bins[0][0], bins[-1][1]) == pytest.approx((-1e4, 1e4))


# In one process, because numpy takes its time to come up. Prints what `describe` says and writes a report.
DESCRIBE = """
import json, sys
import numpy as np
sys.path.insert(0, "workloads")
from toolkit.inside import Inside
from toolkit.inside.statistics import BINS, describe, edges, merged
values = np.random.RandomState(0).standard_normal(5000) * 10.0 ** np.random.RandomState(1).uniform(-13, 3, 5000)
counted = merged([describe(values[:2000]), describe(values[2000:])])
low, high = np.array([edges(index) for index in range(BINS)]).T
direct = [int(((np.sign(values) * abs(values) >= l) & (values < h)).sum()) for l, h in zip(low, high)]
inside = Inside(sys.argv[1], watch={})
for step in range(30):
    gradients = np.random.RandomState(step).standard_normal(500) / (step + 1)
    inside.record(step, {"train": 1 / (step + 1)}, {"a<b": gradients}, {"a<b": gradients}, {"a<b": 0.1})
inside.report()
print(json.dumps({
    "counted": counted, "direct": direct, "whole": describe(values), "few": describe([[0.0, 3.0], [-4.0, np.nan]]),
    "none": describe([np.inf]), "large": describe(np.full(2, 1e200)), "single": describe(np.float32([1e30, 1e30])),
}))
"""


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("described")
    done = subprocess.run(
        [PYTHON, "-c", DESCRIBE, folder], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout), folder / "inside"


def test_histograms_of_parts_add_up_to_what_lies_between_the_edges(described: tuple[dict[str, Any], Path]) -> None:
    said, _ = described
    assert sum(said["counted"]) == 5000
    assert said["counted"] == merged([said["whole"]])
    # A value on the very edge may be rounded to either side.
    assert sum(abs(one - other) for one, other in zip(said["counted"], said["direct"], strict=True)) <= 2


def test_statistics_are_of_the_finite_values_and_tell_how_many_were_not(described: tuple[dict[str, Any], Path]) -> None:
    said, _ = described
    few = {
        "size": 4,
        "nonfinite": 0.25,
        "zeros": 0.25,
        "mean": -1 / 3,
        "min": -4,
        "max": 3,
        "norm": 5,
        "mean_abs": 7 / 3,
    }
    assert {name: said["few"][name] for name in few} == pytest.approx(few, rel=1e-5)
    assert (said["none"]["nonfinite"], said["none"]["mean"]) == (1, None)
    assert (said["large"]["norm"], said["single"]["norm"]) == pytest.approx((1e308, 2**0.5 * 1e30), rel=1e-5)


def test_the_report_needs_nothing_else(described: tuple[dict[str, Any], Path]) -> None:
    _, folder = described
    page = (folder / "report.html").read_text()
    assert not re.findall(r"<script|<link|@import|https?://|src=", page)
    assert {link[:22] for link in re.findall(r'href="([^"]*)', page)} == {"data:image/png;base64,"}
    assert "<h3>a&lt;b</h3>" in page
    assert page.count("<figure>") == 3
    assert (folder / "history.jsonl").stat().st_size < 60_000
