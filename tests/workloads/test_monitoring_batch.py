"""What batch transform writes is read as its page describes it."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from monitoring.scripts import batch

NOW = datetime(2022, 8, 30, 1, tzinfo=UTC)
FIRST, SECOND = "1f1d57b1-2e6f-488c-8c30-db4e6d757861", "22445434-0c67-45e9-bb4d-bd1bf26561e6"
TIME = "2022-08-30T00:49:15Z"


def transformed(folder: Path, asked: bytes, answered: bytes | None) -> tuple[list[Any], dict[str, int]]:
    for name, content in (("in/a/0.csv", asked), ("out/a/0.csv.out", answered)):
        (folder / name).parent.mkdir(parents=True)
        if content is not None:
            (folder / name).write_bytes(content)
    skipped = Counter[str]()
    return list(batch.read(folder / "in", folder / "out", ["age", "sex"], skipped, {"a/0.csv": NOW})), dict(skipped)


@pytest.mark.parametrize(
    "answered",
    [
        f"0, {FIRST},{TIME}\n1, {SECOND},{TIME}\n",
        f"22,male,0,{FIRST},{TIME}\n38,female,1,{SECOND},{TIME}\n",
        "".join(
            json.dumps({"output": at, "SageMakerInferenceId": key, "SageMakerInferenceTime": TIME}) + "\n"
            for at, key in enumerate((FIRST, SECOND))
        ),
    ],
    ids=["csv", "csv joined with what was asked", "json lines"],
)
def test_rows_have_the_ids_that_a_transform_job_appends_and_the_time_when_it_was_complete(
    tmp_path: Path, answered: str
) -> None:
    found, skipped = transformed(tmp_path, b"22,male\n38,female\n", answered.encode())
    assert [(key, moment, row) for key, moment, row, _ in found] == [
        (FIRST, NOW, ("22", "male")),
        (SECOND, NOW, ("38", "female")),
    ]
    assert [str(next(iter(answer.values()))) for *_, answer in found] == ["0", "1"] and not skipped


def test_rows_without_ids_are_named_by_their_object_and_place(tmp_path: Path) -> None:
    found, skipped = transformed(tmp_path, b"sex,age\nmale,22\n", b"1,0.75\n")
    # Below a header in another order a line is no header, and its fields are in the model's order.
    assert [(key, moment, row) for key, moment, row, _ in found] == [("a/0.csv/0", NOW, ("male", "22"))]
    assert found[0][3] == {"class": "1", "probability": "0.75"} and not skipped


def test_what_cannot_be_read_keeps_its_place_beside_its_answer(tmp_path: Path) -> None:
    asked = b"1,male\n2\n3,m\xe4le\n\n4,female\n5,female\n"
    found, skipped = transformed(
        tmp_path, asked, b'{"output": 1}\n{"output": 2}\n{"output": 3}\n{"output": 4}\n{half\n'
    )
    assert [(row[0], answer and answer["output"]) for *_, row, answer in found] == [("1", 1), ("4", 4), ("5", None)]
    assert skipped == {"schema": 1, "encoding": 1, "answer": 1}


def test_objects_without_answers_are_counted_and_their_rows_are_there(tmp_path: Path) -> None:
    found, skipped = transformed(tmp_path, b"1,male\n", None)
    assert len(found) == 1 and skipped == {"object without answers": 1}


def test_only_objects_are_read_that_the_window_has_and_those_that_did_not_come_are_counted(tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_text("\n")
    skipped = Counter[str]()
    assert not [*batch.read(tmp_path, tmp_path, ["age"], skipped, {"a/0.csv": NOW})]
    assert skipped == {"object that is not there": 1}
