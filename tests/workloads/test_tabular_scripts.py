"""The tabular workload's data and its first step: processes, from a zip, on real tables."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.tabling import TABULAR, Split, refused, rows, run, succeed

pytestmark = pytest.mark.slow


def read(path: Path) -> Any:
    return json.loads(path.read_text())


@pytest.mark.parametrize(
    ("table", "shape", "classes"), [("cancer", (569, 31), {"0", "1"}), ("wine", (178, 14), set("012"))]
)
def test_the_data_are_the_labelled_tables_of_scikit_learn(
    tmp_path: Path, table: str, shape: tuple[int, int], classes: set[str]
) -> None:
    succeed(TABULAR / "data.py", tmp_path / "table.csv", "--table", table)
    found = rows(tmp_path / "table.csv")
    assert (len(found), len(found[0])) == shape
    assert {row["target"] for row in found} == classes


def test_preprocess_shares_out_every_row_once_and_each_class_alike(titanic: Split) -> None:
    sets = {name: rows(titanic.folder / name / f"{name}.csv") for name in ("train", "validation", "test")}
    assert {name: len(found) for name, found in sets.items()} == {"train": 787, "validation": 263, "test": 263}
    survived = {name: sum(row["Survived"] == "1" for row in found) / len(found) for name, found in sets.items()}
    assert max(survived.values()) - min(survived.values()) < 0.01
    assert sorted(row["Name"] for found in sets.values() for row in found) == sorted(
        row["Name"] for row in rows(titanic.table)
    )


def test_the_split_does_not_depend_on_the_order_and_little_on_rows_that_are_added(
    code: Path, titanic: Split, tmp_path: Path
) -> None:
    header, *lines = titanic.table.read_text().splitlines()
    (tmp_path / "turned.csv").write_text("\n".join([header, *reversed(lines)]))
    (tmp_path / "fewer.csv").write_text("\n".join([header, *lines[:1200]]))
    turned, fewer = (Split(code, tmp_path / f"{n}.csv", "Survived", tmp_path / n) for n in ("turned", "fewer"))
    turned.preprocess()
    fewer.preprocess()
    for name in ("train", "validation", "test"):
        assert (turned.folder / name / f"{name}.csv").read_bytes() == (
            titanic.folder / name / f"{name}.csv"
        ).read_bytes()
    trained = {row["Name"] for row in rows(fewer.folder / "train" / "train.csv")}
    tested = {row["Name"] for row in rows(titanic.folder / "test" / "test.csv")}
    assert len(trained & tested) < 0.1 * len(tested)


def test_preprocess_tells_what_is_in_the_table_and_what_was_read(titanic: Split) -> None:
    baseline = titanic.folder / "baseline"
    features = {feature["name"]: feature for feature in read(baseline / "statistics.json")["features"]}
    assert features["Age"]["inferred_type"] == "Fractional"
    common = features["Age"]["numerical_statistics"]["common"]
    assert common["num_present"] + common["num_missing"] == 787 and common["num_missing"] > 300
    assert {
        bucket["value"] for bucket in features["Sex"]["string_statistics"]["distribution"]["categorical"]["buckets"]
    } == {
        "male",
        "female",
    }
    rules = {rule["name"]: rule for rule in read(baseline / "constraints.json")["features"]}
    assert rules["Sex"]["string_constraints"] == {"domains": ["female", "male"]}
    assert rules["Age"]["num_constraints"] == {"is_non_negative": True}
    assert rules["Survived"]["inferred_type"] == "Integral" and rules["Survived"]["completeness"] == 1
    assert (baseline / "tested.csv").read_text() == (titanic.folder / "test" / "test.csv").read_text()
    described = read(baseline / "data.json")
    assert (described["problem"], described["rows"]) == ("binary", 1313)
    assert described == read(titanic.folder / "train" / "data.json")


@pytest.mark.parametrize("given", ["input/0a1b.json", "input"])
def test_the_manifest_of_the_first_step_ends_up_in_what_was_read(cancer: Split, tmp_path: Path, given: str) -> None:
    (tmp_path / "input").mkdir()
    (tmp_path / "input" / "0a1b.json").write_text('{"objects": [{"VersionId": "v1"}]}')
    again = Split(cancer.code, cancer.table, "target", tmp_path)
    again.preprocess("--manifest", tmp_path / given)
    assert read(tmp_path / "baseline" / "data.json")["begin"] == {"objects": [{"VersionId": "v1"}]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "bad.csv has no column 'target'; it has 'a', 'b'"),
        ("a,target\n1,0\n2,0\n", "the target 'target' is 0 in all 2 rows"),
        ("a,target\n1,0\n2,1\n3,1\n4,0\n5,1\n", "only 2 rows have 0 as target: 3 are needed"),
        ("", "bad.csv has 0 bytes"),
    ],
)
def test_the_first_step_refuses_what_cannot_be_learned_from(code: Path, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    outputs = [f"--{name}={tmp_path / name}" for name in ("train", "validation", "test", "baseline")]
    said = refused(code, "preprocess", "--input", tmp_path / "bad.csv", "--target", "target", *outputs)
    assert words in said and "Traceback" not in said
    assert not (tmp_path / "train").exists()


@pytest.mark.parametrize("segment", ["Name", "Cabin"])
def test_a_segment_that_cannot_tell_of_bias_is_refused_at_the_first_step(
    titanic: Split, tmp_path: Path, segment: str
) -> None:
    outputs = [f"--{name}={tmp_path / name}" for name in ("train", "validation", "test", "baseline")]
    given = ("--input", titanic.table, "--target", "Survived", "--segment", segment)
    assert "to measure bias by" in refused(titanic.code, "preprocess", *given, *outputs)


@pytest.mark.parametrize(
    ("script", "option"), [("preprocess", "--input"), ("train", "--job"), ("evaluate", "--champion")]
)
def test_each_script_explains_its_arguments(script: str, option: str) -> None:
    assert option in succeed(TABULAR / "scripts" / f"{script}.py", "--help")


def test_an_unknown_command_is_answered_with_the_known_ones(code: Path) -> None:
    done = run(code, "deploy")
    assert done.returncode == 1
    assert "preprocess or preprocess_spark or train or evaluate, not 'deploy'" in done.stderr


def test_the_scripts_are_written_for_the_oldest_python_of_the_images() -> None:
    for path in [*(TABULAR / "scripts").glob("*.py"), *(TABULAR / "scripts" / "toolkit").glob("*.py")]:
        ast.parse(path.read_text(), feature_version=(3, 9))
