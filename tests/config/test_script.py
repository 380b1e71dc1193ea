"""A hyperparameter that the training script has no argument for is refused before anything is compiled."""

import re
import shutil
from pathlib import Path

import pytest

from config.load import ROOT, ConfigurationError, load_workload
from config.script import spelt

TABULAR = ROOT / "workloads" / "tabular"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the workload `tabular`."""
    shutil.copytree(TABULAR / "scripts", tmp_path / "scripts", symlinks=True)
    shutil.copy(TABULAR / "workload.yaml", tmp_path)
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert re.search(old, text)
    path.write_text(re.sub(old, new, text))


def told(folder: Path) -> str:
    try:
        load_workload(folder / "workload.yaml")
    except ConfigurationError as error:
        return str(error)
    return ""


def test_what_the_script_has_an_argument_for_is_accepted(folder: Path) -> None:
    assert told(folder) == ""


def test_misspelt_hyperparameters_are_refused_with_their_line_and_what_is_near(folder: Path) -> None:
    path = folder / "workload.yaml"
    change(path, "iterations: 60", "iteratoins: 60")
    change(path, "    min_samples_leaf: {", "    min_sample_leafs: {")
    change(path, "seed: 0", "zeal: 0")
    text = told(folder)
    assert len(text.splitlines()) == 3
    assert "algorithm.hyperparameters.iteratoins must be an argument of scripts/train.py; is it iterations?" in text
    assert "tuning.ranges.min_sample_leafs must be an argument of scripts/train.py; is it min_samples_leaf?" in text
    assert re.search(r"workload.yaml:5: algorithm.hyperparameters.zeal must be an argument of scripts/train.py", text)


def test_a_pattern_needs_a_script_that_looks_for_the_metric(folder: Path) -> None:
    change(folder / "scripts" / "train.py", "--metric-pattern", "--pattern")
    assert "metric.pattern needs an argument --metric-pattern of scripts/train.py" in told(folder)


@pytest.mark.parametrize(
    "text",
    [
        "parameters = json.loads(path.read_text())",
        "parser.add_argument('--depth'); parser.parse_known_args()",
        "def broken(:",
    ],
)
def test_nothing_is_refused_where_the_text_cannot_tell(tmp_path: Path, text: str) -> None:
    assert spelt(tmp_path) is None
    (tmp_path / "train.py").write_text(text)
    assert spelt(tmp_path) is None


def test_names_that_come_out_of_a_list_or_another_file_count(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("for name in ('depth', 'rate'):\n    parser.add_argument(f'--{name}')\n")
    (tmp_path / "options.py").write_text("parser.add_argument('--leaf-rows')\n")
    assert (spelt(tmp_path) or set()) >= {"depth", "rate", "leaf_rows"}
