"""What an endpoint was asked is read whatever lies beside it, in bounded memory, and what cannot be read is counted."""

import base64
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from monitoring.scripts import captured
from toolkit.lines import LONGEST_LINE

COLUMNS = ["age", "sex"]
MOMENT = datetime(2026, 11, 27, tzinfo=UTC)
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


def test_half_a_character_and_what_no_table_holds_are_replaced_and_long_texts_are_whole(tmp_path: Path) -> None:
    rows, skipped = read(tmp_path, line(r'["1", "\ud83d"]', "JSON") + line(json.dumps(["1", "a\0b" + "c" * 9_000])))
    assert [row[1] for _, _, row, _ in rows] == ["?", "a?b" + "c" * 9_000] and not skipped


def test_a_time_that_a_delay_cannot_be_added_to_is_counted(tmp_path: Path) -> None:
    (tmp_path / "0.jsonl").write_bytes(line("1,male", inferenceTime="9999-12-31T23:00:00Z") + line("1,male"))
    skipped = Counter[str]()
    rows = captured.read(tmp_path, COLUMNS, skipped, lambda moment: bool(moment + timedelta(hours=24)))
    assert len([*rows]) == 1 and skipped == {"unparsable": 1}


# What JSON and CSV can say of a value, and a request of when it came.
VALUES = some.sampled_from(
    ['"\\ud83d"', '"\\u0000"', "NaN", "Infinity", "1e999", "9" * 400, "9" * 5_000, "[" * 5_000, "{}", '"nan"', "true"]
) | some.text(some.characters(), max_size=9).map(json.dumps)
TIMES = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-27", "10000-01-01T00:00:00Z", "", "now"]
REQUESTS = some.builds(
    lambda age, sex, encoding, time: line(f"[{age}, {sex}]", encoding, inferenceTime=time),
    *(VALUES, VALUES, some.sampled_from(["CSV", "JSON", "BASE64"]), some.sampled_from(TIMES)),
)


@settings(max_examples=40)
@given(some.lists(some.binary(max_size=200) | REQUESTS | some.sampled_from([line("1,male"), b'{"captureData": 1}\n'])))
def test_no_content_whatsoever_ends_the_reading(tmp_path_factory: pytest.TempPathFactory, content: list[bytes]) -> None:
    folder, skipped = tmp_path_factory.mktemp("any"), Counter[str]()
    for number, part in enumerate(content):
        (folder / f"{number}.jsonl").write_bytes(part)
    rows = [*captured.read(folder, COLUMNS, skipped, lambda moment: moment + timedelta(hours=24) > MOMENT or True)]
    assert all(len(row) == len(COLUMNS) for _, _, row, _ in rows) and all(count > 0 for count in skipped.values())
    assert all(b"\0" not in "".join(map(str, row)).encode() for _, _, row, _ in rows)


def kept(number: int, characters: int = 0) -> tuple[str, datetime, tuple[str]]:
    return str(number), MOMENT, ("x" * characters,)


@given(some.integers(1, 300), some.integers(1, 20))
def test_a_sample_keeps_no_more_than_its_size_and_counts_all(offered: int, size: int) -> None:
    sample = captured.Sample(size, 1_000)
    for number in range(offered):
        sample.offer(kept(number))
    assert sample.offered == offered and len(set(sample.rows)) == min(offered, size)


@given(some.lists(some.integers(0, 300), max_size=99), some.integers(1, 20))
def test_a_sample_of_long_texts_keeps_fewer_rows_until_they_are_within_its_bound(lengths: list[int], size: int) -> None:
    sample = captured.Sample(size, 500)
    for number, length in enumerate(lengths):
        sample.offer(kept(number, length))
    assert bool(sample.rows) == bool(lengths) and sample.offered == len(lengths)
    assert sum(len(key) + len(text) for key, _, (text,) in sample.rows) <= 500


def test_a_later_label_replaces_an_earlier_one_and_others_rows_labels_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("inference_id,label\na,0\nb,1\nc,\n")
    (tmp_path / "2.csv").write_text("label,inference_id\n1,a\n0,unknown\n")
    (tmp_path / "3.csv").write_text("id;label\n")
    skipped = Counter[str]()
    assert captured.labels(tmp_path, {"a", "b", "c"}, skipped) == {"a": "1", "b": "1"}
    assert skipped == {"empty label": 1, "labels without the columns inference_id and label": 1}
