"""The scripts of the digits pipeline run as processes, from a zip, on the real digits."""

import hashlib
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "workloads" / "digits"
SCRIPTS = DIGITS / "scripts"
# What the jobs of the embedded cloud import; `make setup` makes it.
PYTHON = ROOT / ".venv-cloud" / "bin" / "python"

pytestmark = pytest.mark.slow


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PYTHON), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60)


def succeed(*arguments: object) -> str:
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def outputs(folder: Path) -> list[str]:
    return [f"--{name}={folder / name}" for name in ("train", "test", "baseline")]


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts in a zip whose name says nothing, as an asset of the deployment is."""
    path = tmp_path_factory.mktemp("code") / "0a1b2c.py"
    with zipfile.ZipFile(path, "w") as archive:
        for script in [*SCRIPTS.glob("*.py"), *SCRIPTS.glob("toolkit/*.py")]:
            archive.write(script, script.relative_to(SCRIPTS))
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "digits.csv"
    succeed(DIGITS / "data.py", path)
    return path


@pytest.fixture(scope="module")
def split(code: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what `preprocess` wrote: train/ and test/."""
    folder = tmp_path_factory.mktemp("split")
    succeed(code, "preprocess", "--input", data, *outputs(folder))
    return folder


@pytest.fixture(scope="module")
def model(split: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.tar.gz"
    succeed(Path(__file__).with_name("fit_digits.py"), split / "train", path, 10)
    return path


def rows(path: Path) -> list[list[int]]:
    return [[int(value) for value in line.split(",")] for line in path.read_text().splitlines()]


def test_the_data_are_the_1797_labelled_images(data: Path) -> None:
    images = rows(data)
    assert len(images) == 1797
    assert {len(image) for image in images} == {65}
    assert {pixel for image in images for pixel in image[:64]} == set(range(17))
    assert {image[64] for image in images} == set(range(10))


def test_preprocess_parts_the_images_into_unlabelled_shards_and_a_labelled_test_set(data: Path, split: Path) -> None:
    shards = sorted((split / "train").iterdir())
    assert [shard.name for shard in shards] == ["part-00.csv", "part-01.csv", "part-02.csv", "part-03.csv"]
    train = [image for shard in shards for image in rows(shard)]
    features, labels = rows(split / "test" / "features.csv"), rows(split / "test" / "labels.csv")
    assert (len(train), len(features), len(labels)) == (1438, 359, 359)
    labelled = [image + label for image, label in zip(features, labels, strict=True)]
    images = rows(data)
    assert all(image in images for image in labelled)
    assert sorted(train + features) == sorted(image[:64] for image in images)


def test_preprocess_tells_what_the_pixels_that_are_trained_with_are_like(
    code: Path, data: Path, tmp_path: Path
) -> None:
    places = [word for name in ("train", "test", "baseline") for word in (f"--{name}", tmp_path / name)]
    succeed(code, "preprocess", "--input", data, *places)
    told = {
        name: json.loads((tmp_path / "baseline" / f"{name}.json").read_text()) for name in ("statistics", "constraints")
    }
    assert told["statistics"]["dataset"]["item_count"] == 1438
    features = {feature["name"]: feature["numerical_statistics"] for feature in told["statistics"]["features"]}
    assert list(features) == [f"_c{pixel}" for pixel in range(64)] and features["_c3"]["max"] == 16
    assert {rule["inferred_type"] for rule in told["constraints"]["features"]} == {"Integral"}


def test_preprocess_gives_the_same_files_again(code: Path, data: Path, split: Path, tmp_path: Path) -> None:
    succeed(code, "preprocess", "--input", data, *outputs(tmp_path))
    written = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.csv")}
    assert written == {path.relative_to(split): path.read_bytes() for path in split.rglob("*.csv")}


def test_preprocess_notes_hash_and_rows_of_each_file_and_the_versions_of_the_first_step(
    code: Path, data: Path, tmp_path: Path
) -> None:
    content = data.read_bytes()
    lines = content.splitlines(keepends=True)
    (tmp_path / "in").mkdir()
    files = {"a.csv": b"".join(lines[:600]), "b.csv": b"".join(lines[600:])}
    for name, part in files.items():
        (tmp_path / "in" / name).write_bytes(part)
    (tmp_path / "begin").mkdir()
    (tmp_path / "begin" / "0a1b.json").write_text('{"objects": [{"version": "v1"}]}')
    given = ("--input", tmp_path / "in", "--manifest", tmp_path / "begin")
    succeed(code, "preprocess", *given, *outputs(tmp_path))
    told = json.loads((tmp_path / "baseline" / "data.json").read_text())
    assert told == {
        "files": [
            {"name": name, "sha256": hashlib.sha256(part).hexdigest(), "bytes": len(part), "rows": rows}
            for (name, part), rows in zip(files.items(), (600, 1197), strict=True)
        ],
        "rows": 1797,
        "begin": {"objects": [{"version": "v1"}]},
    }


def evaluated(code: Path, split: Path, output: Path, *arguments: object) -> dict[str, Any]:
    """What evaluation.json says."""
    succeed(code, "evaluate", "--test", split / "test", "--output", output, *arguments)
    return json.loads((output / "evaluation.json").read_text())


@pytest.fixture(scope="module")
def worse(split: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of two clusters, which cannot tell ten digits apart."""
    path = tmp_path_factory.mktemp("worse") / "model.tar.gz"
    succeed(Path(__file__).with_name("fit_digits.py"), split / "train", path, 2)
    return path


def test_evaluate_reports_the_purity_of_the_clusters(code: Path, split: Path, model: Path, tmp_path: Path) -> None:
    given = ("--champion-version", "0", "--champion", tmp_path / "none", "--metric", "purity", "--worst", 0.6)
    report = evaluated(code, split, tmp_path / "new", "--model", model, *given, "--direction", "maximize")
    value = report["metrics"]["purity"]["value"]
    assert 0.6 < value <= 1
    assert report == {
        "metrics": {"purity": {"value": value}},
        "champion": None,
        "better": True,
        "proven": False,
        "reason": f"purity is {value:.6g}; there is no champion",
        "clusters": 10,
        "images": 359,
    }


def test_a_model_is_better_than_a_worse_champion_alone(
    code: Path, split: Path, model: Path, worse: Path, tmp_path: Path
) -> None:
    beaten = evaluated(code, split, tmp_path, "--model", model, "--champion", worse, "--champion-version", "3")
    assert beaten["better"] and beaten["champion"]["version"] == "3"
    assert beaten["champion"]["metrics"]["purity"]["value"] < beaten["metrics"]["purity"]["value"]
    same = evaluated(code, split, tmp_path, "--model", model, "--champion", model, "--champion-version", "4")
    assert not same["better"]
    assert ", not better than the " in same["reason"]


def test_a_model_below_the_worst_that_is_good_enough_is_not_better_than_nothing(
    code: Path, split: Path, model: Path, tmp_path: Path
) -> None:
    report = evaluated(code, split, tmp_path, "--model", model, "--worst", 0.99)
    assert not report["better"]
    assert "worse than the 0.99 that is asked for" in report["reason"]


def test_a_champion_that_cannot_be_measured_does_not_keep_its_place(
    code: Path, split: Path, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.tar.gz").write_text("{}")
    given = ("--model", model, "--champion-version", "3")
    for name, kind in {"none": "FileNotFoundError", "text": "ReadError"}.items():
        report = evaluated(code, split, tmp_path, *given, "--champion", tmp_path / f"{name}.tar.gz")
        assert report["better"] and report["champion"] == {"version": "3", "metrics": {}}
        assert f"champion version 3 could not be measured on the same rows ({kind}: " in report["reason"]
    arguments = ("--test", split / "test", "--output", tmp_path, *given)
    assert "say where that model lies" in run(code, "evaluate", *arguments).stderr


def image(label: int, pixel: object = 7) -> str:
    return ",".join(map(str, [pixel] * 64 + [label])) + "\n"


GOOD = image(3) + image(5)
NO_DIGITS: dict[str, tuple[str | bytes, str]] = {
    "columns": ("1,2,3\n", "row 1 of columns.csv has 3 columns; 64 pixels and a label are expected: correct it"),
    "constant": (image(3) * 9, "the label, column 65, is 3 in all 9 rows: any clusters would be pure; add images with"),
    "blank": (image(3) + "\n" + image(5), "row 2 of blank.csv is empty: remove it"),
    "commas": (GOOD + "," * 64 + "\n", "row 3 of commas.csv is empty: remove it"),
    "lines": ("\n\n", "row 1 of lines.csv is empty: remove it"),
    "text": (GOOD + image(1, "abc"), "row 3 of text.csv has 'abc' in column 1: write whole numbers, and no line with"),
    "missing": (GOOD + "7," * 64 + "\n", "row 3 of missing.csv has '' in column 65: write whole numbers"),
    "infinite": (GOOD + image(1, "inf"), "row 3 of infinite.csv has 'inf' in column 1: write whole numbers"),
    "dark": (image(3) + image(5, 17), "row 2 of dark.csv has pixels from 17 to 17; 0 to 16 are expected: scale the"),
    "dashes": (image(3, "--1"), "row 1 of dashes.csv has '--1' in column 1: write whole numbers"),
    "negative": (image(3, -1), "row 1 of negative.csv has pixels from -1 to -1; 0 to 16 are expected"),
    "utf16": (GOOD.encode("utf-16"), "utf16.csv is not UTF-8: byte 0xff at position 0. If it is UTF-16, convert it"),
    "nothing": ("", "nothing.csv has 0 bytes: upload it again"),
}


@pytest.mark.parametrize("case", NO_DIGITS)
def test_preprocess_refuses_what_are_no_digits_with_what_to_change(code: Path, tmp_path: Path, case: str) -> None:
    content, words = NO_DIGITS[case]
    wrong = tmp_path / f"{case}.csv"
    wrong.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = run(code, "preprocess", "--input", wrong, *outputs(tmp_path / "out"))
    assert done.returncode != 0
    assert words in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("script", ["preprocess", "evaluate"])
def test_each_script_explains_its_arguments(script: str) -> None:
    assert "--test" in succeed(SCRIPTS / f"{script}.py", "--help")


def test_an_unknown_command_is_answered_with_the_known_ones(code: Path) -> None:
    done = run(code, "deploy")
    assert done.returncode == 1
    assert "preprocess or evaluate, not 'deploy'" in done.stderr
