"""The automl workload's scripts, run as its processing jobs run them."""

import hashlib
import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from config.load import ROOT

pytestmark = pytest.mark.slow

SCRIPTS = ROOT / "workloads" / "automl" / "scripts"
PYTHON = ROOT / ".venv-cloud" / "bin" / "python"
PARTS = ("train", "features", "labels", "baseline")


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([PYTHON, SCRIPTS, *words], capture_output=True, text=True, check=False)


def preprocess(folder: Path, table: str, target: str = "y", *more: str) -> "subprocess.CompletedProcess[str]":
    (folder / "table.csv").write_text(table)
    places = [word for part in PARTS for word in (f"--{part}", str(folder / part))]
    return run("preprocess", "--input", str(folder / "table.csv"), "--target", target, *places, *more)


def table(rows: int, target: Any = None) -> str:
    draw = random.Random(1)
    lines = [f"{i},{draw.random():.4f}7,{draw.choice('ab') if target is None else target}" for i in range(rows)]
    return "\n".join(["id,x,y", *lines]) + "\n"


def test_the_held_out_rows_are_told_without_header_and_target_and_the_labels_beside_them(tmp_path: Path) -> None:
    assert (done := preprocess(tmp_path, table(1000))).returncode == 0, done.stderr
    train = (tmp_path / "train" / "train.csv").read_text().splitlines()
    features = (tmp_path / "features" / "features.csv").read_text().splitlines()
    labels = (tmp_path / "labels" / "labels.csv").read_text().splitlines()
    assert train[0] == "id,x,y" and len(train) == 801 and len(features) == len(labels) == 200
    statistics = json.loads((tmp_path / "baseline" / "statistics.json").read_text())
    assert statistics["dataset"]["item_count"] == 800
    constraints = json.loads((tmp_path / "baseline" / "constraints.json").read_text())
    assert constraints["features"][2]["string_constraints"] == {"domains": ["a", "b"]}
    whole = set(table(1000).splitlines())
    assert {f"{row},{label}" for row, label in zip(features, labels, strict=True)} | set(train) == whole


def test_what_was_read_is_noted_with_its_hash_and_the_versions_of_the_first_step(tmp_path: Path) -> None:
    (tmp_path / "begin.json").write_text('{"objects": [{"version": "v1"}]}')
    done = preprocess(tmp_path, table(1000), "y", "--manifest", str(tmp_path / "begin.json"))
    assert done.returncode == 0, done.stderr
    content = table(1000).encode()
    digest = hashlib.sha256(content).hexdigest()
    assert json.loads((tmp_path / "baseline" / "data.json").read_text()) == {
        "files": [{"name": "table.csv", "sha256": digest, "bytes": len(content), "rows": 1000}],
        "rows": 1000,
        "columns": {"id": "number", "x": "number", "y": "text"},
        "target": "y",
        "problem": "binary",
        "begin": {"objects": [{"version": "v1"}]},
    }


@pytest.mark.parametrize(
    ("text", "target", "words"),
    [
        (table(1000), "z", "has no column 'z'"),
        (table(1000, "a"), "y", "there is nothing to learn"),
        (table(600), "y", "the table has 600 rows: Autopilot needs 625"),
        ("", "y", "0 bytes"),
    ],
)
def test_a_table_that_cannot_be_searched_is_refused_with_what_to_change(
    tmp_path: Path, text: str, target: str, words: str
) -> None:
    done = preprocess(tmp_path, text, target)
    assert done.returncode != 0 and words in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("target", "metric", "refused"),
    [
        (
            "abc",
            "auc",
            "there is no metric 'auc'; a multiclass model has accuracy, balanced_accuracy, f1: write one",
        ),
        ("abc", "rmse", "there is no metric 'rmse'; a multiclass model has"),
        ("ab", "r2", "there is no metric 'r2'; a binary model has accuracy, balanced_accuracy, f1, auc: write one of"),
        (
            range(99),
            "f1",
            "there is no metric 'f1'; a regression model has rmse, mae, r2: write one of them as",
        ),
        ("abc", "f1", ""),
        ("ab", "auc", ""),
        (range(99), "mae", ""),
    ],
)
def test_a_metric_that_the_tables_problem_does_not_have_is_refused_before_the_search(
    tmp_path: Path, target: Any, metric: str, refused: str
) -> None:
    rows = "".join(f"{n},{target[n % len(target)]}\n" for n in range(1000))
    done = preprocess(tmp_path, f"x,y\n{rows}", "y", "--metric", metric)
    assert (done.returncode == 0) == (not refused), done.stderr
    assert refused in done.stderr and "Traceback" not in done.stderr
    assert (tmp_path / "train").exists() == (not refused)


def evaluate(folder: Path, champion: list[str] | None, *words: str, rows: list[str]) -> dict[str, Any]:
    for name, lines in (("predictions", rows), ("champion", champion or [])):
        (folder / name).mkdir()
        (folder / name / "features.csv.out").write_text("".join(f"{line}\n" for line in lines))
    (folder / "labels").mkdir()
    (folder / "labels" / "labels.csv").write_text("0\n1\n1\n0\n")
    places = [word for part in ("predictions", "champion", "labels") for word in (f"--{part}", str(folder / part))]
    version = ["--champion-version", "3" if champion else "0"]
    done = run("evaluate", *places, *version, "--output", str(folder / "out"), *words)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "out" / "evaluation.json").read_text())


def answer(probability: float) -> str:
    """As a container answers; the labels come in any order, as lists of Python or of JSON."""
    return f"{round(probability)},\"[{probability}, {1 - probability}]\",\"['1', '0']\""


GOOD, POOR = [answer(p) for p in (0.1, 0.9, 0.8, 0.2)], [answer(p) for p in (0.6, 0.4, 0.8, 0.2)]
AUC = ("--metric", "auc", "--direction", "maximize", "--worst", "0.7")


@pytest.mark.parametrize(
    ("rows", "champion", "better", "words"),
    [
        (GOOD, None, True, "there is no champion"),
        (POOR, None, True, "auc is 0.75;"),
        (POOR, GOOD, False, "not better"),
        (GOOD, GOOD, False, "not better"),
        (GOOD, POOR, True, "better than the 0.75 of champion version 3"),
        (GOOD, ["0.1", "0.9", "0.8", "0.2"], True, "could not be measured on the same rows (it has no auc"),
        (GOOD, ["a,b,c"] * 4, True, "could not be measured on the same rows (ValueError: malformed"),
        (GOOD, ["a,[,]"] * 4, True, "could not be measured on the same rows (SyntaxError"),
        (GOOD, GOOD[:3], True, "could not be measured on the same rows (ValueError: there are 3 predictions for 4"),
        ([answer(0.5)] * 4, None, False, "worse than the 0.7 that is asked for"),
    ],
)
def test_only_what_is_good_enough_and_better_is_better(
    tmp_path: Path, rows: list[str], champion: list[str] | None, better: bool, words: str
) -> None:
    told = evaluate(tmp_path, champion, *AUC, rows=rows)
    assert told["better"] is better and words in told["reason"]
    assert set(told) == {"metrics", "champion", "better", "proven", "reason"}
    assert (told["champion"] is None) == (champion is None)


def test_numbers_are_measured_by_their_error(tmp_path: Path) -> None:
    told = evaluate(tmp_path, None, "--metric", "rmse", "--direction", "minimize", rows=["0.5", "0.5", "0.5", "0.5"])
    assert told["metrics"]["rmse"] == {"value": 0.5} and told["better"]
