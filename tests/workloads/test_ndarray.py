"""The files of MXNet's arrays are read as MXNet wrote them, and written as it would.

The expected bytes were written by mxnet 1.9.1's `nd.save`: [[1, 2, 3], [4, 5, 6]] in a list, and under a name.
"""

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# numpy is in this environment and not in that of the tests.
PYTHON = ROOT / ".venv-cloud" / "bin" / "python"
MATRIX = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]

LIST_HEAD = "120100000000000000000000000000000100000000000000"
VALUES = "0000803f0000004000004040000080400000a0400000c040"
CONTEXT_AND_VALUES = "010000000000000000000000" + VALUES
SHAPE = "0200000002000000000000000300000000000000"
UNNAMED = LIST_HEAD + "c9fa93f900000000" + SHAPE + CONTEXT_AND_VALUES + "0000000000000000"
NAMED = UNNAMED[:-16] + "01000000000000000900000000000000" + b"centroids".hex()
OLD = LIST_HEAD + "c8fa93f9" + SHAPE + CONTEXT_AND_VALUES + "0000000000000000"
OLDEST = LIST_HEAD + "020000000200000003000000" + CONTEXT_AND_VALUES + "0000000000000000"

READ = """
import json, sys
sys.path.insert(0, "workloads/digits/scripts")
from ndarray import read_ndarrays
for line in sys.stdin:
    try:
        print(json.dumps([array.tolist() for array in read_ndarrays(bytes.fromhex(line))]))
    except ValueError as error:
        print(json.dumps(str(error)))
"""
WRITE = """
import sys
from pathlib import Path
sys.path.insert(0, "rehearsal/containers")
from ndarray import read_ndarray, write_ndarray
for name in ("", "centroids"):
    path = Path(sys.argv[1])
    write_ndarray(path, [[1, 2, 3], [4, 5, 6]], name)
    assert read_ndarray(path).tolist() == [[1, 2, 3], [4, 5, 6]]
    print(path.read_bytes().hex())
"""

FILES = {
    "list": (UNNAMED, [MATRIX]),
    "name": (NAMED, [MATRIX]),
    "version 1": (OLD, [MATRIX]),
    "without a version": (OLDEST, [MATRIX]),
    "other file": ("00" * 24, "it starts with 0x0"),
    "cut": (UNNAMED[: len(UNNAMED) // 2], "in the middle of an array"),
    "empty": ("", "the file ends after 0 bytes"),
    "sparse": (UNNAMED.replace("c9fa93f900000000", "c9fa93f901000000"), "storage type 1"),
    "type": (UNNAMED.replace(CONTEXT_AND_VALUES, "010000000000000063000000" + VALUES), "type flag 99"),
    "dimensions": (UNNAMED.replace(SHAPE, "ffffffff" + SHAPE[8:]), "4294967295 dimensions"),
}


@pytest.fixture(scope="module")
def answers() -> dict[str, object]:
    """What the reader makes of each of FILES; one process for all of them."""
    lines = "".join(f"{content}\n" for content, _ in FILES.values())
    done = subprocess.run([PYTHON, "-c", READ], cwd=ROOT, input=lines, capture_output=True, text=True, check=True)
    return dict(zip(FILES, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("name", FILES)
def test_a_file_gives_its_arrays_or_says_what_is_wrong(name: str, answers: dict[str, object]) -> None:
    expected, answer = FILES[name][1], answers[name]
    if isinstance(expected, str):
        assert isinstance(answer, str)
        assert expected in answer
    else:
        assert answer == expected


def test_the_stand_in_writes_the_bytes_that_mxnet_writes(tmp_path: Path) -> None:
    command = [PYTHON, "-c", WRITE, tmp_path / "model_algo-1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [UNNAMED, NAMED]
