"""Models of the tabular workload: trained, served and measured by processes, from a zip, on real tables."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from rehearsal.sagemaker.storage import SAFELY
from tests.workloads.tabling import TABULAR, Split, csv_of, pack, refused, rows, succeed

pytestmark = pytest.mark.slow
METRICS = ("--metric", "validation:log_loss", "--direction", "minimize")


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def test_training_prints_its_metrics_and_leaves_names_out(titanic: Split, tmp_path: Path) -> None:
    said = succeed(*titanic.training(tmp_path, "--iterations", "10", "--epoch-iterations", "4")).splitlines()
    assert said[0].startswith("the column 'Name' is left out: it has 7")
    assert [line.split(":")[0] for line in said[1:4]] == [f"epoch {n} of 3" for n in (1, 2, 3)]
    values = {word.split("=")[0]: float(word.split("=")[1]) for word in said[3].split() if "=" in word}
    assert set(values) == {"train:log_loss", "validation:log_loss", "validation:auc", "validation:accuracy"}
    assert values["validation:auc"] > 0.75
    description = read(tmp_path / "model.json")
    assert description["classes"] == [0, 1]
    assert {column["name"]: column["kind"] for column in description["columns"]} == {
        "Name": "dropped",
        "PClass": "category",
        "Age": "number",
        "Sex": "category",
        "SexCode": "number",
    }


def served(model: Path, folder: Path, requests: list[tuple[str, str, str]]) -> list[str]:
    with tarfile.open(model) as archive:
        archive.extractall(folder, **SAFELY)
    return json.loads(succeed(Path(__file__).with_name("serve_rows.py"), folder, text=json.dumps(requests)))


def test_the_model_answers_rows_in_every_form_alike(titanic: Split, titanic_model: Path, tmp_path: Path) -> None:
    table = rows(titanic.folder / "test" / "test.csv")[:5]
    names = [name for name in table[0] if name != "Survived"]
    ordered = [[row[name] for name in names] for row in table]
    turned = [[row[name] for name in reversed(names)] for row in table]
    plain, csv, of_json = "text/csv", "text/csv; charset=utf-8", "application/json"
    typed = [{**row, "Age": float(row["Age"]) if row["Age"] else None} for row in table]
    requests = [
        (csv_of(ordered), plain, of_json),
        (csv_of([list(reversed(names)), *turned]), csv, of_json),
        (json.dumps({"instances": typed}), of_json, of_json),
        (json.dumps(ordered), of_json, "*/*"),
        (csv_of(ordered), plain, plain),
        ("[]", of_json, of_json),
        ("a,b\n", plain, of_json),
        ('[{"Sex": "male"}]', of_json, of_json),
        (csv_of([["x", "1st", "old", "male", "0"]]), plain, of_json),
        (csv_of([["x", "9th", "", "?", ""]]), plain, of_json),
        ("{}", of_json, of_json),
        ("", "image/png", of_json),
    ]
    answers = served(titanic_model, tmp_path, requests)
    assert answers[0] == answers[1] == answers[2] == answers[3]
    predictions = json.loads(answers[0])["predictions"]
    assert len(predictions) == 5
    for told in predictions:
        assert told["class"] in (0, 1)
        assert told["probability"] == max(told["probabilities"].values()) and sum(told["probabilities"].values()) == 1
    assert answers[4].splitlines() == [f"{told['class']},{told['probability']}" for told in predictions]
    assert json.loads(answers[5]) == {"predictions": []}
    assert "a row has 2 fields; without a header these 5 are expected: ['Name', 'PClass'" in answers[6]
    assert "the columns ['PClass', 'Age', 'SexCode'] are missing" in answers[7]
    assert answers[8] == "the column 'Age' holds numbers, not 'old'"
    assert len(json.loads(answers[9])["predictions"]) == 1, "what was never seen is as good as missing"
    assert "send a list of rows" in answers[10]
    assert answers[11] == "image/png cannot be read: send text/csv or application/json"


def test_the_evaluation_measures_bias_and_says_what_the_model_decides_by(
    titanic: Split, titanic_model: Path, tmp_path: Path
) -> None:
    succeed(*titanic.evaluation(titanic_model, tmp_path, *METRICS, "--segment", "Sex"))
    report = read(tmp_path / "evaluation.json")
    assert set(report["metrics"]) == {"log_loss", "auc", "accuracy"}
    assert report["metrics"]["auc"]["value"] > 0.75
    # Of 263 rows: that of an auc by Hanley and McNeil (1982) is 0.025.
    assert 0.02 < report["metrics"]["auc"]["standard_deviation"] < 0.03
    assert all(set(told) == {"value", "standard_deviation"} for told in report["metrics"].values())
    assert (report["champion"], report["better"]) == (None, True)
    assert report["reason"].endswith("there is no champion")
    bias = read(tmp_path / "bias.json")
    women, men = bias["values"]
    assert (women["value"], men["value"], bias["positive"]) == ("female", "male", 1)
    assert women["rows"] + men["rows"] == 263
    assert women["DPPL"] < -0.3 and men["DPPL"] == -women["DPPL"] and women["AD"] == -men["AD"]
    assert women["DI"] == pytest.approx(1 / men["DI"]) and women["DI"] > 1
    columns = read(tmp_path / "explanation.json")["columns"]
    assert set(columns) == {"PClass", "Age", "Sex", "SexCode"}
    assert all(set(told) == {"mean", "std"} for told in columns.values())
    assert columns["PClass"]["mean"] > 0


@pytest.mark.parametrize(
    ("more", "better", "reason"),
    [
        (("--worst", "0.01"), False, "worse than the 0.01 that is asked for"),
        (("--worst", "2"), True, "there is no champion"),
        (("--champion", "MODEL", "--champion-version", "0"), True, "there is no champion"),
        (("--champion", "MODEL", "--champion-version", "3"), False, "on 263 of today's test rows log_loss is"),
        (("--champion", "WEAK", "--champion-version", "3"), True, "of champion version 3"),
        (
            ("--champion", "OTHER", "--champion-version", "3"),
            True,
            "could not be measured on the same rows (ValueError: it",
        ),
        (("--champion", "TEXT", "--champion-version", "3"), True, "could not be measured on the same rows (ReadError"),
        (("--champion", "LIST", "--champion-version", "3"), True, "could not be measured on the same rows (TypeError"),
        (("--champion", "NULL", "--champion-version", "3"), True, "could not be measured on the same rows (TypeError"),
        (("--champion", "EMPTY", "--champion-version", "3"), True, "could not be measured on the same rows (EOFError"),
        (("--champion", "CUT", "--champion-version", "3"), True, "could not be measured on the same rows ("),
    ],
)
def test_only_a_model_that_beats_the_champion_on_the_same_rows_is_better(
    titanic: Split,
    titanic_model: Path,
    champions: dict[str, Path],
    tmp_path: Path,
    more: tuple[str, ...],
    better: bool,
    reason: str,
) -> None:
    places = {"MODEL": titanic_model, **champions}
    succeed(*titanic.evaluation(titanic_model, tmp_path, *METRICS, *(places.get(word, word) for word in more)))
    report = read(tmp_path / "evaluation.json")
    assert report["better"] is better
    assert report["proven"] is (better and "WEAK" in more), "of the others none was compared with"
    assert reason in report["reason"]


@pytest.fixture(scope="module")
def champions(titanic: Split, cancer: Split, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("champions")
    succeed(*titanic.training(folder / "weak", "--iterations", "1", "--learning-rate", "0.01"))
    succeed(*cancer.training(folder / "other", "--iterations", "1"))
    (folder / "manifest.json").write_text("{}")
    weak = {path.name: path.read_bytes() for path in (folder / "weak").glob("model.*")}
    broken = {
        "list": {"model.json": b"[]"},
        "null": {"model.json": json.dumps({**json.loads(weak["model.json"]), "classes": None}).encode()},
        "empty": {"model.joblib": b""},
        "cut": {"model.joblib": weak["model.joblib"][:-100]},
    }
    for name, changed in broken.items():
        (folder / name).mkdir()
        for member, content in {**weak, **changed}.items():
            (folder / name / member).write_bytes(content)
    packed = {name.upper(): pack(folder / name, folder / f"{name}.tar.gz") for name in ("weak", "other", *broken)}
    return {**packed, "TEXT": folder / "manifest.json"}


def test_numbers_and_many_classes_are_learned_too(code: Path, cancer: Split, tmp_path: Path) -> None:
    succeed(TABULAR / "data.py", tmp_path / "wine.csv", "--table", "wine")
    wine = Split(code, tmp_path / "wine.csv", "target", tmp_path / "wine")
    assert "multiclass" in wine.preprocess()
    assert "validation:auc=" in succeed(*wine.training(tmp_path / "m1"))
    radius = Split(code, cancer.table, "mean radius", tmp_path / "radius")
    assert "regression" in radius.preprocess()
    assert "validation:r2=0.9" in succeed(*radius.training(tmp_path / "m2"))
    model = pack(tmp_path / "m2", tmp_path / "m2.tar.gz")
    metric = ("--metric", "validation:rmse", "--direction", "minimize")
    succeed(*radius.evaluation(model, tmp_path / "out", *metric, "--segment", "target"))
    assert set(read(tmp_path / "out" / "evaluation.json")["metrics"]) == {"rmse", "r2"}
    assert "there is no metric 'log_loss'; a regression model has rmse, r2" in refused(
        *radius.evaluation(model, tmp_path / "out", "--metric", "log_loss", "--direction", "minimize")
    )
    row = ",".join(list(rows(cancer.table)[0].values())[1:])
    assert float(served(model, tmp_path / "served", [(row, "text/csv", "text/csv")])[0]) > 0
