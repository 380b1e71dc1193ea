"""A training under SageMaker's contract, and one that is ended at any moment and started again."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from bench import spot_jobs
from tests.workloads.tabling import PYTHON, Split, rows, run, succeed

pytestmark = pytest.mark.slow
SLOWLY = ("--iterations", "30", "--epoch-iterations", "1")


def place(split: Split, folder: Path, **hyperparameters: str) -> Path:
    """A training job's folder."""
    for name in ("train", "validation"):
        (folder / "input" / "data").mkdir(parents=True, exist_ok=True)
        (folder / "input" / "data" / name).symlink_to(split.folder / name)
    (folder / "input" / "data" / "code").mkdir()
    (folder / "input" / "config").mkdir()
    (folder / "input" / "config" / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    return folder


def test_a_job_takes_its_arguments_from_where_sagemaker_puts_them(cancer: Split, tmp_path: Path) -> None:
    given = {"target": '"target"', "max_leaf_nodes": "7", "iterations": "4", "epoch_iterations": "2", "watch": "{}"}
    folder = place(cancer, tmp_path, **given, _tuning_objective_metric="x", sagemaker_region='"us-east-1"')
    said = succeed(cancer.code, "train", "--job", folder)
    assert "epoch 2 of 2" in said
    assert sorted(path.name for path in (folder / "model").rglob("*") if path.is_file()) == [
        "inference.py",
        "model.joblib",
        "model.json",
    ]
    assert len(list((folder / "checkpoints" / "job").glob("*.checkpoint"))) == 2
    assert (folder / "output" / "data" / "inside" / "report.html").is_file()
    assert not (folder / "output" / "failure").exists()


def test_a_retry_goes_on_where_the_job_before_ended_and_a_search_keeps_its_jobs_apart(
    cancer: Split, tmp_path: Path
) -> None:
    folder = place(cancer, tmp_path, target="target", iterations="2", epoch_iterations="1")
    command = (cancer.code, "train", "--job", folder)
    assert "goes on" not in succeed(*command, TRAINING_JOB_NAME="pipelines-a-Train-1")
    assert "goes on after epoch 2" in succeed(*command, TRAINING_JOB_NAME="pipelines-a-Train-2")
    for name in ("search-1", "search-2"):
        searched = {"SLUICE_COMMAND": f"train --job {folder}", "TRAINING_JOB_NAME": name}
        assert "goes on" not in succeed(cancer.code, **searched)
    for host in ("algo-1", "algo-2"):
        assert "goes on" not in succeed(*command, SM_HOSTS='["algo-1", "algo-2"]', SM_CURRENT_HOST=host)
    names = ["job", "job-of-host-0", "job-of-host-1", "search-1", "search-2"]
    assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == names


@pytest.mark.parametrize(
    ("hyperparameters", "words"),
    [
        ({"target": "Target"}, "train.csv has no column 'Target'"),
        ({}, "the following arguments are required: --target"),
        ({"target": "target", "learning_rate": "fast"}, "argument --learning-rate: invalid float value: 'fast'"),
        ({"target": "target", "iterations": "0"}, "argument --iterations: it is 0; at least 1 is needed"),
        ({"target": "target", "epoch_iterations": "0"}, "argument --epoch-iterations: it is 0; at least 1 is needed"),
        ({"target": "target", "depth": "3"}, "unrecognized arguments: --depth=3"),
        ({"target": "target", "max_leaf_nodes": "1"}, "The 'max_leaf_nodes' parameter"),
        ({"target": "target", "metric_pattern": "logg_loss=(.+)"}, "metric.pattern of workload.yaml, 'logg_loss=(.+)'"),
        (
            {"target": "target", "metric_pattern": '"n:log_loss(.)"'},
            "finds no number in what training prints: 'epoch 1",
        ),
    ],
)
def test_what_ends_a_job_is_told_where_sagemaker_looks_for_the_reason(
    cancer: Split, tmp_path: Path, hyperparameters: dict[str, str], words: str
) -> None:
    done = run(cancer.code, "train", "--job", place(cancer, tmp_path, **hyperparameters))
    assert done.returncode != 0
    assert words in (tmp_path / "output" / "failure").read_text()
    assert words in done.stderr
    assert not (tmp_path / "model").exists()


def test_a_retry_of_a_job_whose_metric_was_not_found_ends_too_and_one_that_finds_it_goes_on(
    cancer: Split, tmp_path: Path
) -> None:
    one = {"target": "target", "iterations": "1"}  # a single epoch, whose checkpoint is there before its line
    place(cancer, tmp_path, **one, metric_pattern="loss of ([0-9.]+)")
    for line in ("epoch 1 of 1: ", "goes on after epoch 1: "):
        done = run(cancer.code, "train", "--job", tmp_path)
        assert done.returncode != 0 and not (tmp_path / "model").exists()
        assert f"finds no number in what training prints: '{line}" in (tmp_path / "output" / "failure").read_text()
    given = tmp_path / "input" / "config" / "hyperparameters.json"
    given.write_text(json.dumps({**one, "metric_pattern": json.dumps("validation:log_loss=([0-9.eE+-]+)")}))
    assert "trained 1 iterations" in succeed(cancer.code, "train", "--job", tmp_path)


def printed(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("epoch ")]


def predictions(model: Path, split: Split) -> list[str]:
    """What the model answers to each row of the test set, to the last digit."""
    body = "\n".join(",".join(list(row.values())[:-1]) for row in rows(split.folder / "test" / "test.csv"))
    requests = json.dumps([[body, "text/csv", "application/json"]])
    return json.loads(succeed(Path(__file__).with_name("serve_rows.py"), model, text=requests))


def recorded(output: Path) -> list[str]:
    """What the look inside kept of each step."""
    assert (output / "inside" / "report.html").stat().st_size > 0
    return (output / "inside" / "history.jsonl").read_text().splitlines()[1:]


def test_a_training_killed_at_any_moment_ends_with_the_same_model_and_report(cancer: Split, tmp_path: Path) -> None:
    calm = succeed(*cancer.training(tmp_path / "calm", *SLOWLY, "--output", tmp_path / "calm-output"))
    places = ("--checkpoints", tmp_path / "kept", "--output", tmp_path / "rough-output")
    command = [str(PYTHON), *cancer.training(tmp_path / "rough", *SLOWLY, *places)]
    chance, log = random.Random(0), tmp_path / "log"
    for _ in range(3):
        with log.open("ab") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
        seen = len(printed(log.read_text())) + chance.randint(1, 8)
        while len(printed(log.read_text())) < seen and process.poll() is None:
            time.sleep(0.001)
        time.sleep(chance.random() / 20)
        assert process.poll() is None, log.read_text()
        process.kill()
        process.wait()
    told = spot_jobs.judge((log.read_text() + succeed(*command[1:])).splitlines(), kills=3)
    assert (told.lost_epochs, told.differing) == (0, 0)
    assert told.told == spot_jobs.judge(calm.splitlines(), kills=0).told
    assert predictions(tmp_path / "rough", cancer) == predictions(tmp_path / "calm", cancer)
    assert recorded(tmp_path / "rough-output") == recorded(tmp_path / "calm-output")
    assert len(recorded(tmp_path / "calm-output")) == 30


def test_sigterm_ends_a_training_after_the_epoch_it_is_in(cancer: Split, tmp_path: Path) -> None:
    command = cancer.training(tmp_path / "model", *SLOWLY, "--checkpoints", tmp_path / "kept")
    process = subprocess.Popen([str(PYTHON), *command], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline().startswith("epoch 1 of 30")
    os.kill(process.pid, signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    last = said.splitlines()[-1]
    assert last.startswith("ended by SIGTERM after epoch ")
    assert not (tmp_path / "model").exists()
    rest = succeed(*command)
    assert rest.startswith(f"goes on after epoch {last.split()[-1]}: ")


def test_checkpoints_of_another_training_are_not_taken_up(cancer: Split, tmp_path: Path) -> None:
    few = ("--iterations", "2", "--epoch-iterations", "1", "--checkpoints", tmp_path / "kept")
    succeed(*cancer.training(tmp_path / "model", *few))
    done = run(*cancer.training(tmp_path / "model", *few, "--learning-rate", "0.3"))
    assert done.returncode != 0
    assert "has checkpoints of other data or hyperparameters: name another folder" in done.stderr
    assert "epoch 4 of 4" in succeed(*cancer.training(tmp_path / "model", *few[2:], "--iterations", "4"))
