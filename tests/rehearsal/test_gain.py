"""What a search gains: asked for by the story, and told by the bench as it is."""

import json
from pathlib import Path

import pytest

from bench import training
from config.load import ROOT, load_workload
from rehearsal.embedded import RehearsalError
from rehearsal.stories import default_model
from rehearsal.stories.training import beats
from tests.workloads.tabling import TABULAR, run, succeed

DEFAULTS = {"learning_rate": 0.1, "min_samples_leaf": 20, "max_features": 1.0, "iterations": 60, "seed": 0}


@pytest.mark.parametrize("tuned", [0.4, 0.5, float("nan")])
def test_a_search_whose_best_is_no_better_than_the_default_ends_the_story(tuned: float) -> None:
    beats(0.3, 0.4)
    with pytest.raises(RehearsalError, match=r"that of the default hyperparameters 0\.4000"):
        beats(tuned, 0.4)


def test_the_median_gain_and_the_share_of_splits_that_won_are_told() -> None:
    splits = [{"seed": i, "rows": 36, "default": 0.1, "tuned": tuned} for i, tuned in enumerate((0.05, 0.09, 0.3))]
    gain, share = training.gain_figures(splits)
    assert (gain.value, share.value) == (pytest.approx(0.01), pytest.approx(2 / 3))
    assert (gain.samples, share.samples) == (3, 3) and "108 in all" in gain.against
    lost, none = training.gain_figures([{"seed": 0, "rows": 36, "default": 0.1, "tuned": 0.1}])
    assert not lost.row("c", "t")["ok"] and not none.row("c", "t")["ok"]


@pytest.mark.slow
def test_each_split_is_searched_anew_and_beats_what_the_scripts_give_by_default(tmp_path: Path) -> None:
    succeed(TABULAR / "data.py", tmp_path / "wine.csv")
    words = [tmp_path / "wine.csv", json.dumps(DEFAULTS), "--splits", 1, "--output", tmp_path / "gains.json"]
    done = run("-m", "bench.gains", *words, PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stderr
    [split] = json.loads((tmp_path / "gains.json").read_text())
    assert (split["seed"], split["rows"]) == (1, 36) and split["chosen"].keys() == {
        *("learning_rate", "min_samples_leaf", "max_features")
    }
    sets = [word for name in ("train", "validation", "test") for word in (f"--{name}", tmp_path / "split")]
    given = ["--input", tmp_path / "wine.csv", "--target", "target", "--seed", 1, "--baseline", tmp_path / "baseline"]
    succeed(TABULAR / "scripts", "preprocess", *given, *sets)
    found = default_model.loss(
        load_workload(TABULAR / "workload.yaml"), tmp_path / "split", lambda command: succeed(*command[1:])
    )
    assert found == pytest.approx(split["default"], rel=1e-9)
