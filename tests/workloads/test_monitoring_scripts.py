"""What the monitor's script finds in a day of requests of real tables, whatever lies beside them."""

import csv
import gzip
import json
import shutil
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.monitoring_jobs import START as MOMENT
from tests.workloads.monitoring_jobs import WINDOW, Job, captured, changed, drawn, packed
from tests.workloads.tabling import Split, csv_of, pack, refused

pytestmark = pytest.mark.slow

ALL = ("data-quality", "model-quality", "bias", "attribution")
ROWS = 600
# Code of models.
ANSWERS = "def predict_fn(rows, model):\n    return [{'value': 3.0} for row in rows]\n"
DESCRIBED = "def model_fn(folder):\n    return None, {'problem': 'regression'}\n"
BY_SEX_AND_AGE = (
    "def predict_fn(rows, model):\n"
    "    return [{'value': 20 * float(row['SexCode']) + float(row['Age'] or 30) / 10} for row in rows]\n"
)


@pytest.fixture(scope="session")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(tmp_path_factory.mktemp("monitor") / "0f1e2d.zip")


@pytest.fixture
def job(monitor: Path, titanic: Split, tmp_path: Path) -> Job:
    return Job(monitor, titanic, tmp_path)


@pytest.fixture
def asking(monitor: Path, titanic: Split, titanic_model: Path, tmp_path: Path) -> Job:
    """One that asks the model too, which had an auc of 0.85 on its test rows."""
    evaluation = {"metrics": {"auc": {"value": 0.849}, "accuracy": {"value": 0.829}}}
    (tmp_path / "evaluation.json").write_text(json.dumps(evaluation))
    return Job(monitor, titanic, tmp_path, titanic_model)


def features(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {feature["name"]: feature for feature in found["kinds"]["data-quality"]["features"]}


def coded(folder: Path, inference: str) -> Path:
    """A model.tar.gz that answers by this code."""
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "inference.py").write_text(inference)
    return pack(folder, folder.parent / "model.tar.gz")


def test_requests_like_the_training_rows_have_not_drifted(asking: Job, titanic: Split) -> None:
    rows = drawn(titanic, ROWS)
    asking.ask(rows)
    asking.label(rows, share=0.7)
    found = asking.run(*ALL, critical=["Age"], segment="Sex", metric="validation:auc")
    assert (found["state"], found["rows"], found["causes"], found["faults"]) == ("examined", ROWS, [], {})
    assert set(found["kinds"]) == set(ALL) and not found["skipped"]
    quality = found["kinds"]["model-quality"]
    assert quality["enough"] and 0.25 < quality["unlabelled_share"] < 0.35 and quality["interval"][0] < 0.849
    labelled = (asking.output / "labelled.csv").read_text().splitlines()
    assert labelled[0] == "Name,PClass,Age,Sex,SexCode,Survived" and len(labelled) == quality["labelled"] + 1
    assert "evidently.html" not in asking.report()


def test_a_shift_of_a_critical_feature_is_drift_and_of_another_one_is_only_told(job: Job, titanic: Split) -> None:
    job.ask(changed(drawn(titanic, ROWS), Age=lambda age: str(float(age) + 7)))
    found = job.run(critical=["Age"])
    [cause] = found["causes"]
    assert cause.startswith("data-quality: Age changed (median") and "higher" in cause
    assert features(found)["Age"]["drifted"] and not features(found)["Sex"]["drifted"]
    found = job.run(critical=["Sex"])
    assert features(found)["Age"]["drifted"] and found["causes"] == []


def test_a_category_that_is_new_is_named(job: Job, titanic: Split) -> None:
    rows = drawn(titanic, ROWS)
    job.ask([*changed(rows[:40], PClass=lambda _: "4th"), *rows[40:]])
    [cause] = job.run(critical=["PClass"])["causes"]
    assert "'4th' was never seen and is 6" in cause


def test_missing_values_that_jump_are_drift(job: Job, titanic: Split) -> None:
    rows = drawn(titanic, ROWS)
    job.ask([*changed(rows[:300], PClass=lambda _: "NA"), *rows[300:]])
    found = job.run(critical=["PClass"])
    assert "missing" in found["causes"][0] and features(found)["PClass"]["missing"] >= 0.5


def test_how_a_number_is_written_is_no_drift(job: Job, titanic: Split) -> None:
    """SexCode is 0 or 1: a column of few numbers, which are compared as categories."""
    rows = drawn(titanic, ROWS)
    job.ask(changed(rows, SexCode=lambda code: f"{code}.0", Age=lambda age: f" {float(age):.3e}"))
    found = job.run(critical=["SexCode", "Age"])
    assert found["causes"] == [] and features(found)["SexCode"]["p"] > 0.01


def test_flipped_labels_are_drift_of_quality(asking: Job, titanic: Split) -> None:
    rows = drawn(titanic, ROWS)
    asking.ask(rows)
    asking.label(changed(rows, Survived=lambda label: "01"[label == "0"]))
    found = asking.run("model-quality")
    assert found["causes"][0].startswith("model-quality: auc 0.849 -> 0.")
    assert found["kinds"]["model-quality"]["interval"][1] < 0.5


def test_a_model_whose_test_rows_are_not_kept_is_judged_by_what_was_measured_of_them(
    asking: Job, titanic: Split, tmp_path: Path
) -> None:
    """By the value as if it were exact, and where its deviation is told, by both."""
    asking.baseline = tmp_path / "older"
    shutil.copytree(titanic.folder / "baseline", asking.baseline, ignore=shutil.ignore_patterns("tested.csv"))
    rows = drawn(titanic, ROWS)
    asking.ask(rows)
    asking.label(rows)

    def drifted(**measured: float) -> bool:
        (tmp_path / "evaluation.json").write_text(json.dumps({"metrics": {"auc": measured}}))
        return asking.run("model-quality", segment="Sex")["kinds"]["model-quality"]["drifted"]

    assert drifted(value=0.95)
    assert not drifted(value=0.95, standard_deviation=0.03)
    assert drifted(value=0.99, standard_deviation=0.02)


def sexes(rows: list[dict[str, str]]) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The women, and the men."""
    women, men = ([row for row in rows if row["Sex"] == sex] for sex in ("female", "male"))
    return women, men


def test_a_segment_whose_true_positives_fall_apart_is_drift_of_bias(job: Job, titanic: Split, tmp_path: Path) -> None:
    """Of a model that gives everybody of the first class a chance, women and men alike, when its men all die."""
    answer = "{'probabilities': {'0': 1 - sure, '1': sure}}"
    job.model = coded(
        tmp_path / "model",
        "def model_fn(folder):\n    return None, {'problem': 'binary', 'classes': [0, 1]}\n\n"
        "def predict_fn(rows, model):\n"
        f"    return [{answer} for sure in (0.9 * (row['PClass'] == '1st') for row in rows)]\n",
    )
    women, men = sexes(drawn(titanic, 2 * ROWS))
    job.ask([*women, *men])
    job.label([*women, *men])
    found = job.run("bias", segment="Sex")["kinds"]["bias"]
    assert not found["drifted"] and set(found["rows"]) == {"female", "male"}
    job.label([*women, *(row | ({"Survived": "0"} if row["PClass"] == "1st" else {}) for row in men)])
    found = job.run("bias", segment="Sex")
    assert found["causes"][0].startswith("bias: gap of tpr between segments 0.")
    assert found["kinds"]["bias"]["gaps"]["tpr"] > found["kinds"]["bias"]["before"]["tpr"] + 0.1


@pytest.mark.parametrize("women", [0, 29])
def test_where_a_segment_is_missing_or_has_few_rows_nothing_is_known_of_bias(
    asking: Job, titanic: Split, women: int
) -> None:
    parts = sexes(drawn(titanic, 2 * ROWS))
    rows = [*parts[0][:women], *changed(parts[1], Survived=lambda _: "1")]
    asking.ask(rows)
    asking.label(rows)
    found = asking.run("bias", segment="Sex")
    assert found["causes"] == [] and found["kinds"]["bias"]["enough"] is False
    assert found["faults"] == {} and "too few of two values of the segment" in asking.report()


def test_a_segment_of_whose_values_few_rows_were_tested_is_a_fault(asking: Job, titanic: Split) -> None:
    """Of passengers of each age there are few."""
    rows = drawn(titanic, ROWS)
    asking.ask(rows)
    asking.label(rows)
    found = asking.run("bias", segment="Age")
    told = "of the rows that the model was tested with, no two values of 'Age' have 30"
    assert found["faults"] == {"bias": told} and found["causes"] == []


def test_answers_that_rest_on_other_features_are_drift_of_attribution(job: Job, titanic: Split, tmp_path: Path) -> None:
    """Of a model whose answers rest on the sex first and on the age last; then all are of one sex, and very old."""
    job.model = coded(tmp_path / "model", DESCRIBED + BY_SEX_AND_AGE)
    job.ask(drawn(titanic, ROWS))
    before = job.run("attribution")
    assert before["causes"] == [] and before["kinds"]["attribution"]["ndcg"] > 0.99
    job.ask(changed(drawn(titanic, ROWS), SexCode=lambda _: "0.35", Age=lambda age: str(float(age) + 300)))
    [cause] = job.run("attribution")["causes"]
    assert cause.startswith("attribution: 7") and "of what the answers rest on moved, most Age 8% -> 8" in cause


def test_no_traffic_and_too_little_are_states_of_their_own_and_have_a_report(job: Job, titanic: Split) -> None:
    found = job.run()
    assert (found["state"], found["rows"], found["kinds"]) == ("no-traffic", 0, {})
    assert "Nobody asked anything" in job.report()
    job.ask(drawn(titanic, 199))
    assert job.run()["state"] == "too-little"
    assert job.run(minimum_rows=199)["state"] == "examined"
    assert "No drift" in job.report()


def test_labels_that_come_days_later_are_joined_with_the_rows_of_then(asking: Job, titanic: Split) -> None:
    then, now = drawn(titanic, ROWS, seed=1), drawn(titanic, ROWS, seed=2)
    asking.ask(then, hours_ago=72, name="then")
    asking.ask(now, name="now")
    asking.label(then, name="then")
    found = asking.run("model-quality", delay_hours=72)
    assert found["rows"] == ROWS
    assert (found["kinds"]["model-quality"]["labelled"], found["kinds"]["model-quality"]["unlabelled_share"]) == (
        ROWS,
        0,
    )
    assert asking.run("model-quality")["kinds"]["model-quality"] | {"enough": False} == {
        "drifted": False,
        "labelled": 0,
        "unlabelled_share": 1.0,
        "enough": False,
    }


def test_whatever_lies_beside_the_requests_is_counted_and_there_is_a_report(asking: Job, titanic: Split) -> None:
    rows = drawn(titanic, ROWS)
    asking.ask(rows)
    asking.label(rows)
    good = captured(["A", "1st", "30", "male", "0"], "more", MOMENT).encode()
    for name, content in {
        "corrupt": gzip.compress(good * 50) + b"\n{" + good,
        "empty": b"",
        "huge": b"[" * (5 * 2**20) + b"\n" + good,
        "deep": good.replace(b'\\"A\\"', b"[" * 50_000) + b"[" * 100_000 + b"\n",
        "latin": good.replace(b"male", b"m\xe2le") + good.decode().encode("utf-16") + b"\n",
        "changed": captured(["A", "1st"], "other", MOMENT).encode() * 3,
        "numbers": json.dumps({"a": 1}).encode() + b"\nnull\n3\n",
        "infinite": captured(["A", "1st", "1e999", "male", "inf"], "x", MOMENT).encode(),
    }.items():
        (asking.capture / f"{name}.jsonl").write_bytes(content)
    (asking.labels / "wrong.csv").write_bytes(b"id;label\n\xff\n")
    (asking.labels / "huge.csv").write_bytes(
        b"inference_id,label\n" + b"x" * 200_000 + b",1\nasked-1,\xff\nasked-2,7\n"
    )
    found = asking.run(*ALL, critical=["Age"], segment="Sex")
    assert found["state"] == "examined" and found["causes"] == []
    assert found["rows"] == ROWS + 2
    told = {"schema": 3, "empty file": 1, "huge line": 1, "label line": 2, "label of no known class": 1}
    assert told.items() <= found["skipped"].items() and {"encoding", "unparsable"} <= set(found["skipped"])
    assert "huge line <b>1</b>" in asking.report()


def test_texts_that_no_file_holds_far_times_and_extreme_numbers_have_a_report_too(asking: Job, titanic: Split) -> None:
    asking.ask(drawn(titanic, ROWS))
    names = ["\ud83d", "a\rb", "a\0b", 'a"\n,b']
    ages = ["1e308", "-1e308", "5e-324", "9" * 400, "1e999", "NaN"]
    odd = [[name, "1st", age, "male", "0"] for name in names for age in ages]
    lines = [captured(values, f"odd-{number}", MOMENT) for number, values in enumerate(odd)]
    lines.append(captured(odd[0], "far", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)))
    (asking.capture / "odd.jsonl").write_text("".join(lines * 20))
    (asking.labels / "odd.csv").write_text("inference_id,label\n" + "".join(f"odd-{at},1\n" for at in range(len(odd))))
    found = asking.run(*ALL, minimum_rows=30, segment="Sex", delay_hours=0.001)
    assert found["rows"] == ROWS + 20 * len(odd) and found["skipped"] == {"unparsable": 20}
    with (asking.output / "labelled.csv").open(newline="", encoding="utf-8") as file:
        assert {row[0] for row in csv.reader(file, strict=True)} == {"Name", "?", "a\rb", "a?b", 'a"\n,b'}


def test_long_texts_are_compared_as_those_of_the_reference_and_kept_whole(
    asking: Job, titanic: Split, tmp_path: Path
) -> None:
    asking.baseline = shutil.copytree(titanic.folder / "baseline", tmp_path / "long")
    reference = asking.baseline / "reference.csv"
    reference.write_text(reference.read_text().replace(",male,", f",{'male' * 500},"))
    rows = changed(drawn(titanic, ROWS), Sex=lambda sex: sex if sex == "female" else sex * 500)
    asking.ask(rows)
    asking.label(rows)
    found = asking.run("data-quality", "model-quality", critical=["Sex"])
    assert found["causes"] == [] and f",{'male' * 500}," in (asking.output / "labelled.csv").read_text()


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_model_that_cannot_be_asked_keeps_nothing_else_from_being_examined(
    job: Job, titanic: Split, tmp_path: Path, content: bytes | None
) -> None:
    job.model = tmp_path / "model.tar.gz"
    if content is None:
        with tarfile.open(job.model, "w:gz") as archive:
            archive.add(titanic.table, "model.bin")
    else:
        job.model.write_bytes(content)
    job.ask(changed(drawn(titanic, ROWS), Age=lambda age: str(float(age) + 7)))
    found = job.run(*ALL, critical=["Age"])
    assert set(found["kinds"]) == {"data-quality"} and found["causes"]
    assert set(found["faults"]) == {"model-quality", "bias", "attribution"}
    assert "not examined" in job.report()


FAILS = "raise RuntimeError('half \\ud83d')"


@pytest.mark.parametrize(
    ("inference", "told"),
    [
        (FAILS, "RuntimeError: half ?"),
        (f"import os\n{ANSWERS}def model_fn(folder):\n    os._exit(1)\n", "its process ended before it answered"),
        (ANSWERS + DESCRIBED.replace("regression", "guess"), "its problem is none of binary, multiclass, regression"),
        (DESCRIBED + ANSWERS.replace("3.0", "float('nan')"), "it does not answer each row by a number"),
        (DESCRIBED + ANSWERS.replace("in rows", "in rows[1:]"), "it does not answer each row by a number"),
    ],
)
def test_a_model_whose_code_fails_or_answers_nonsense_is_a_fault(
    job: Job, titanic: Split, tmp_path: Path, inference: str, told: str
) -> None:
    job.model = coded(tmp_path / "model", inference)
    job.ask(drawn(titanic, ROWS))
    found = job.run("data-quality", "attribution")
    assert set(found["kinds"]) == {"data-quality"}
    assert found["faults"] == {"attribution": f"the model cannot be asked: {told}"} and told in job.report()


def test_a_model_neither_reaches_what_examines_it_nor_writes_what_is_found(
    job: Job, titanic: Split, tmp_path: Path
) -> None:
    """It replaces each `judged` that it can see, and writes into the job's folder as long as it lives."""
    forges = "import os, sys, time\nfor module in list(sys.modules.values()):\n    if hasattr(module, 'judged'):\n"
    forges += (
        "        module.judged = lambda *_, **__: {'moved': 0.0, 'ndcg': 1, 'p': 1, 'drifted': False, 'cause': ''}\n"
    )
    forges += f"os.makedirs({str(job.output / WINDOW['end'])!r}, exist_ok=True)\nif not os.fork():\n    while True:\n"
    forges += "".join(
        f"        open({str(job.output / name)!r}, 'w').write('forged')\n" for name in ("metrics.json", "labelled.csv")
    )
    job.model = coded(tmp_path / "model", forges + "        time.sleep(0.001)\n" + DESCRIBED + BY_SEX_AND_AGE)
    rows = changed(drawn(titanic, ROWS), SexCode=lambda _: "0.35", Age=lambda age: str(float(age) + 300))
    job.ask(rows)
    job.label(rows)
    assert job.run("attribution", "model-quality")["causes"]
    assert (job.output / "labelled.csv").read_text().startswith("Name,PClass")
    assert job.run("attribution")["causes"]
    assert {path.name for path in job.output.iterdir()} == {"metrics.json", "report.html"}


def test_settings_that_fit_no_model_are_told_not_drift(asking: Job, titanic: Split) -> None:
    rows = drawn(titanic, ROWS)
    asking.ask(rows)
    asking.label(rows)
    found = asking.run(*ALL, critical=["age"], segment="Gender", metric="rmse")
    assert found["causes"] == []
    assert found["faults"] == {
        "data-quality": "the model has no feature age",
        "model-quality": "rmse is no metric of what this model answers",
        "bias": "the model has no feature 'Gender'",
    }


def test_a_model_without_reference_rows_ends_the_job_with_their_name(job: Job, titanic: Split, tmp_path: Path) -> None:
    job.ask(drawn(titanic, 1))
    job.run()
    (tmp_path / "baseline").mkdir()
    shutil.copy(titanic.folder / "baseline" / "data.json", tmp_path / "baseline")
    words = ["--baseline", tmp_path / "baseline", "--watch", tmp_path / "watch.json", "--output", tmp_path]
    assert "reference.csv" in refused(job.code, "examine", *words, *job.source())


def test_evidently_gives_a_second_opinion_where_it_is_asked_for(job: Job, titanic: Split) -> None:
    job.ask(changed(drawn(titanic, ROWS), Age=lambda age: str(float(age) + 7)))
    assert job.run(evidently=True)["state"] == "examined"
    assert len((job.output / "evidently.html").read_text()) > 100_000
    assert 'href="evidently.html"' in job.report()


def test_batch_transform_is_examined_by_what_it_read_and_wrote(monitor: Path, titanic: Split, tmp_path: Path) -> None:
    class Batch(Job):
        def source(self) -> list[object]:
            return ["--asked", tmp_path / "in", "--answered", tmp_path / "out"]

    job, rows = Batch(monitor, titanic, tmp_path), changed(drawn(titanic, ROWS), Age=lambda age: str(float(age) + 7))
    lines = csv_of([[row[name] for name in ("Name", "PClass", "Age", "Sex", "SexCode")] for row in rows])
    for place in ("in", "out"):
        (tmp_path / place / "part").mkdir(parents=True)
    (tmp_path / "in" / "part" / "0.csv").write_text(lines)
    answers = [f"0, id-{number},2026-11-26T13:00:00Z" for number in range(ROWS)]  # began before the window
    (tmp_path / "out" / "part" / "0.csv.out").write_text("\n".join(answers) + "\n")
    job.complete = {"part/0.csv": "2026-11-26T14:00:00Z"}
    found = job.run(critical=["Age"])
    assert (found["rows"], found["skipped"]) == (ROWS, {}) and "Age changed" in found["causes"][0]
