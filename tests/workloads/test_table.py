"""A table is read as it is meant, or refused with what to change; all cases are read by one process."""

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rehearsal.embedded import ROOT

PYTHON = ROOT / ".venv-cloud" / "bin" / "python"
SCRIPTS = ROOT / "workloads" / "tabular" / "scripts"
GOOD = "name,age,y\nAnn,29,0\nBob,,1\nCyd,31.5,0\n"
MANY = "".join(f"{n},{n}\n" for n in range(25))
# What is written (a text, bytes, or files of a folder) -> what the refusal says.
REFUSED: dict[str, tuple[Any, str]] = {
    "target": (
        GOOD.replace(",y", ",Y"),
        "no column 'y'; it has 'name', 'age', 'Y'. Is it 'Y'? Write that as data.targ",
    ),
    "unlike": (GOOD.replace(",y", ",outcome"), "no column 'y'; it has 'name', 'age', 'outcome'. Write one of them"),
    "constant": ("a,y\n1,5\n2,5\n", "target 'y' is 5 in all 2 rows: there is nothing to learn; add rows with other"),
    "empty-row": (GOOD + ",,\nDan,1,1\n", "1 empty rows, the first is row 4 of empty-row.csv: remove them"),
    "blank-line": (GOOD + "\nDan,1,1\n", "1 empty rows, the first is row 4 of blank-line.csv: remove them"),
    "mixed": (
        GOOD + "Dan,old,1\n",
        "column 'age' mixes numbers and texts: row 1 of mixed.csv has '29' and row 4 of mi",
    ),
    "mixed-target": ("a,y\n1,0\n2,1\n3,no\n", "column 'y' mixes numbers and texts: row 1 of mixed-target.csv has '0'"),
    "mixed-files": ({"a": "x,y\n1,0\n", "b": "x,y\nu,1\n"}, "row 1 of a.csv has '1' and row 1 of b.csv has 'u'"),
    "nothing": ("", "nothing.csv has 0 bytes: upload it again, with its rows"),
    "latin": (
        "name,y\nZoë,1\nAnn,0\n".encode("latin-1"),
        "not UTF-8: byte 0xeb at position 9. If it is WINDOWS-1252, co",
    ),
    "utf16": (
        GOOD.encode("utf-16"),
        "not UTF-8: byte 0xff at position 0. If it is UTF-16, convert it: iconv -f UTF-16",
    ),
    "utf16-unmarked": (
        GOOD.encode("utf-16-le"),
        "not UTF-8: byte 0x00 at position 1. If it is UTF-16LE, convert it: iconv -f UTF-16LE",
    ),
    "utf16-odd": ("näme,y\nAnn,0\nBob,1\n".encode("utf-16-be"), "If it is UTF-16BE, convert it: iconv -f UTF-16BE"),
    "parquet-as-csv": (
        b"PAR1\x15\x04\x15\xe0",
        "parquet-as-csv.csv is a Parquet file: write data.format: parquet in workload.yaml, or upload it as a CSV",
    ),
    "header-only": ("a,y\n", "header-only.csv has a header and no rows: add rows or remove the file"),
    "twice": ("a,a,y\n1,2,0\n", "twice.csv has more than one column named 'a': rename all but one"),
    "no-header": ("14.2,1.7,1\n13.2,1.8,2\n", "begins with numbers, '14.2', '1.7', '1': put a first line with the col"),
    "half-header": (
        "Ann,29,1\nBob,30,0\n",
        "Some names are numbers, so perhaps the header is missing: put a first line",
    ),
    "no-name": (",a,y\n0,1,0\n", "column 1 has no name: name it in the first line or leave it out"),
    "only-lines": ("\n\n", "begins with an empty line: put a first line with the columns' names"),
    "semicolons": ("a;y\n1;0\n", "has one column, 'a;y': part the columns with commas"),
    "wide": (
        "a,y\n1,0\n1,2,3\n",
        "wide.csv row 2 has 3 fields, the header 2: put fields with commas in double quotes",
    ),
    "narrow": ("a,b,y\n1,2,0\n1\n", "narrow.csv row 2 has 1 fields, the header 3: put fields with commas"),
    "open-quote": ('a,y\n"1,0\n2,1\n', "open-quote.csv line 3: unexpected end of data: close the quotes"),
    "gaps": (
        "a,y\n1,0\n2,\n3,1\n",
        "target 'y' is missing in 1 rows, the first is row 2 of gaps.csv: fill it in or rem",
    ),
    "no-values": ("a,y\n1,\n2,NA\n", "the target 'y' has no value in any row: fill it in or name another column"),
    "names": ("a,y\n" + "".join(f"1,n{n}\n" for n in range(40)), "40 different texts in 40 rows: these are names, not"),
    "infinite": ("a,y\n" + MANY + "1,inf\n", "the target 'y' is infinite in row 26 of infinite.csv: correct it"),
    "infinite-feature": (
        "a,b,y\n1,,0\n2,-inf,1\n3,4,0\n",
        "column 'b' is infinite in row 2 of infinite-feature.csv: correct it, or leave it empty if it is unknown",
    ),
    "unlike-files": ({"a": "x,y\n1,0\n", "b": "z,y\n1,1\n"}, "b.csv has the columns 'z', 'y', a.csv has 'x', 'y': al"),
    "no-files": ({}, "holds no .csv file: put the table there or change data.path and data.format"),
}
READ: dict[str, Any] = {
    "good": "\ufeff" + GOOD + "\n",
    "files": {"a": "x,y\n1,u\n", "b": "x,y\nNaN,v\n", "c": "x,y\n2,w\n"},
    "quoted": 'a,y\n"x, ""y""\nz",1\nw,0\n',
    "values": "a,y\n" + MANY,
    "counts": "a,y\n" + "1,0\n2,1\n3,2\n",
    "fractions": "a,y\n" + "1,0.5\n2,1\n3,2\n",
}
TYPED = {"name": ["Ann", None], "flag": [True, False], "n": [None, 2], "y": [0, 1]}


def put(folder: Path, name: str, content: Any) -> Path:
    if isinstance(content, dict):
        (folder / name).mkdir()
        for part, text in content.items():
            put(folder / name, part, text)
        return folder / name
    path = folder / f"{name}.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("tables")
    tables = {name: content for name, (content, _) in REFUSED.items()} | READ
    cases = [
        {"name": name, "path": str(put(folder, name, content)), "target": "y", "format": "csv"}
        for name, content in tables.items()
    ]
    (folder / "torn.parquet").write_bytes(b"PAR1 and no more")
    for name, columns in {"typed": TYPED, "torn": None}.items():
        path = str(folder / f"{name}.parquet")
        cases.append({"name": name, "path": path, "target": "y", "format": "parquet", "columns": columns})
    done = subprocess.run(
        [str(PYTHON), str(Path(__file__).with_name("read_tables.py"))],
        input=json.dumps(cases),
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("case", REFUSED)
def test_a_table_that_cannot_be_learned_from_is_refused_with_what_to_change(told: dict[str, Any], case: str) -> None:
    assert REFUSED[case][1] in told[case].get("refused", told[case])


def test_missing_values_of_other_columns_are_fine_and_a_mark_at_the_start_too(told: dict[str, Any]) -> None:
    assert told["good"]["columns"] == ["name", "age", "y"]
    assert told["good"]["rows"] == [["Ann", 29, 0], ["Bob", None, 1], ["Cyd", 31.5, 0]]


def test_a_folder_is_one_table_in_the_order_of_the_names(told: dict[str, Any]) -> None:
    assert told["files"]["rows"] == [[1, "u"], [None, "v"], [2, "w"]]
    assert [file["rows"] for file in told["files"]["manifest"]["files"]] == [1, 1, 1]


def test_quotes_keep_commas_quotes_and_ends_of_lines(told: dict[str, Any]) -> None:
    assert told["quoted"]["rows"] == [['x, "y"\nz', 1], ["w", 0]]


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        ("good", "binary"),
        ("quoted", "binary"),
        ("files", "multiclass"),
        ("counts", "multiclass"),
        ("values", "regression"),
        ("fractions", "regression"),
    ],
)
def test_the_problem_is_found_from_the_target(told: dict[str, Any], case: str, problem: str) -> None:
    assert told[case]["problem"] == problem


def test_the_manifest_tells_what_was_read(told: dict[str, Any]) -> None:
    content = READ["good"].encode()
    digest = hashlib.sha256(content).hexdigest()
    assert told["good"]["manifest"] == {
        "files": [{"name": "good.csv", "sha256": digest, "bytes": len(content), "rows": 3}],
        "rows": 3,
        "columns": {"name": "text", "age": "number", "y": "number"},
        "target": "y",
        "problem": "binary",
        "begin": None,
    }


def test_parquet_is_read_too_and_refused_where_it_is_none(told: dict[str, Any]) -> None:
    assert told["typed"]["rows"] == [["Ann", 1, None, 0], [None, 0, 2, 1]]
    assert "torn.parquet is no Parquet file" in told["torn"]["refused"]
