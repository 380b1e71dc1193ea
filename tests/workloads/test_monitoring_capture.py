"""What an endpoint was asked is read whatever lies beside it, in bounded memory, and what cannot be read is counted."""

import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from monitoring.scripts import captured
from toolkit.lines import LONGEST_LINE

COLUMNS = ["age", "sex"]
ANSWER = {"predictions": [{"class": 1, "probability": 0.75}]}


def line(data: str, encoding: str = "CSV", answer: Any = ANSWER, **event: str) -> bytes:
    output = {"data": json.dumps(answer), "encoding": "JSON"}
    told = {"eventId": "e1", "inferenceTime": "2026-11-27T10:00:00Z", **event}
    side = {"data": data, "encoding": encoding, "mode": "INPUT"}
    captured_data = {"endpointInput": side, "endpointOutput": output}
    return json.dumps({"captureData": captured_data, "eventMetadata": told, "eventVersion": "0"}).encode() + b"\n"


def read(folder: Path, *content: bytes) -> tuple[list[Any], Counter[str]]:
    for number, part in enumerate(content):
        (folder / f"{number}.jsonl").write_bytes(part)
    skipped = Counter[str]()
    return list(captured.read(folder, COLUMNS, skipped)), skipped


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("22.5,female", "CSV"),
        ("sex,age\nfemale,22.5", "CSV"),
        ('[["22.5", "female"]]', "JSON"),
        ('["22.5", "female"]', "JSON"),
        ('{"instances": [{"sex": "female", "age": "22.5", "more": 1}]}', "JSON"),
        (base64.b64encode(b"22.5,female").decode(), "BASE64"),
    ],
)
def test_a_request_is_read_in_each_form_that_the_model_takes(tmp_path: Path, data: str, encoding: str) -> None:
    [(key, moment, row, answer)], skipped = read(tmp_path, line(data, encoding, inferenceId="mine"))
    assert (key, f"{moment:%H:%M}", row, answer) == ("mine", "10:00", ("22.5", "female"), ANSWER["predictions"][0])
    assert not skipped


def test_rows_of_one_request_have_keys_of_their_own_and_missing_values_are_none(tmp_path: Path) -> None:
    answers = {"predictions": [{"value": 1}, {"value": 2}]}
    rows, _ = read(tmp_path, line("1,NA\n2,male", answer=answers))
    assert [(key, row) for key, _, row, _ in rows] == [("e1/0", ("1", None)), ("e1/1", ("2", "male"))]


def test_what_cannot_be_read_is_counted_by_its_kind_and_stops_nothing(tmp_path: Path) -> None:
    good = line("1,male")
    huge = b"x" * (LONGEST_LINE + 5) + b"\n"
    rows, skipped = read(
        tmp_path,
        good + b"{half a li\n" + good,
        b"",
        huge + good,
        good.replace(b"male", b"m\xe4le") + good,
        line("1,male,3") + line('[{"age": 1}]', "JSON") + line("%%%", "BASE64") + good,
        line("1,male", answer={"predictions": []}),
    )
    assert len(rows) == 6 and rows[-1][3] is None
    kinds = {"unparsable": 2, "empty file": 1, "huge line": 1, "encoding": 1, "schema": 2, "answer": 1}
    assert skipped == kinds


@given(content=some.lists(some.binary(max_size=200) | some.sampled_from([line("1,male"), b'{"captureData": 1}\n'])))
def test_no_content_whatsoever_ends_the_reading(tmp_path_factory: pytest.TempPathFactory, content: list[bytes]) -> None:
    rows, skipped = read(tmp_path_factory.mktemp("any"), *content)
    assert all(len(row) == len(COLUMNS) for _, _, row, _ in rows) and all(count > 0 for count in skipped.values())


@given(some.integers(1, 300), some.integers(1, 20))
def test_a_sample_keeps_no_more_than_its_size_and_counts_all(offered: int, size: int) -> None:
    sample = captured.Sample(size)
    for number in range(offered):
        sample.offer(number)
    assert sample.offered == offered and len(set(sample.rows)) == min(offered, size)


def test_a_later_label_replaces_an_earlier_one_and_others_rows_labels_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("inference_id,label\na,0\nb,1\nc,\n")
    (tmp_path / "2.csv").write_text("label,inference_id\n1,a\n0,unknown\n")
    (tmp_path / "3.csv").write_text("id;label\n")
    skipped = Counter[str]()
    assert captured.labels(tmp_path, {"a", "b", "c"}, skipped) == {"a": "1", "b": "1"}
    assert skipped == {"empty label": 1, "labels without the columns inference_id and label": 1}
