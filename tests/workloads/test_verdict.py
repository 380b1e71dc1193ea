"""What is told of a model and its champion, also where their measures are no numbers."""

import json
import math
from argparse import Namespace
from pathlib import Path

import pytest
from toolkit.verdict import conclude


@pytest.mark.parametrize(
    ("value", "theirs", "better", "words"),
    [
        (math.nan, {"auc": 0.5}, False, "auc is nan, which is no measure"),
        (math.inf, {"auc": 0.5}, False, "auc is inf, which is no measure"),
        (0.6, {"auc": math.nan}, True, "(it has no auc, or one that is not finite)"),
        (0.6, {"accuracy": 0.9}, True, "(it has no auc, or one that is not finite)"),
        (0.6, {"auc": 0.6}, False, "auc is 0.6, not better than the 0.6 of champion version 3"),
        (0.7, {"auc": 0.6}, True, "auc is 0.7, better than the 0.6 of champion version 3"),
    ],
)
def test_a_measure_that_is_no_number_never_wins_and_never_keeps_a_place(
    tmp_path: Path, value: float, theirs: dict[str, float], better: bool, words: str
) -> None:
    options = Namespace(champion_version="3", direction="maximize", worst=None)
    conclude(tmp_path, "auc", {"auc": value}, options, lambda: theirs)
    told = json.loads((tmp_path / "evaluation.json").read_text(), parse_constant=pytest.fail)
    assert told["better"] is better and words in told["reason"]
    assert told["proven"] is False, "nothing was compared beyond chance"
