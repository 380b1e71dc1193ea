"""What Model Monitor is told of a captured request."""

from types import SimpleNamespace
from typing import Any

import pytest
from monitoring import record_preprocessor


def handled(data: str) -> Any:
    captured = SimpleNamespace(endpoint_input=SimpleNamespace(data=data), endpoint_output=SimpleNamespace(data="1,0.9"))
    return record_preprocessor.preprocess_handler(captured)


@pytest.mark.parametrize("data", ["5.1,north,\n", "5.1,north,", '5.1,"north",\r\n'])
def test_a_row_has_its_values_by_place_and_the_answer_is_left_out(data: str) -> None:
    assert [*handled(data).values()] == ["5.1", "north", ""]


def test_the_order_of_names_is_that_of_the_columns_however_many_there_are() -> None:
    row = handled(",".join(map(str, range(120))))
    assert [row[name] for name in sorted(row)] == [str(number) for number in range(120)]


def test_several_rows_of_a_request_are_several_and_none_is_none() -> None:
    assert [[*row.values()] for row in handled("1,2\n3,4\n")] == [["1", "2"], ["3", "4"]]
    assert handled("\n") == []
