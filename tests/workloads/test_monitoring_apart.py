"""A model's own code runs in a process of its own, whose failures are told and whose answers are only data."""

import json
import sys
import tarfile
import time
from pathlib import Path

import pytest
from monitoring.scripts.apart import Apart, ModelError

from tests.workloads.monitoring_jobs import SCRIPTS

MODEL = "def model_fn(folder):\n    return None, {'problem': 'regression'}\n\ndef predict_fn(rows, model):\n    "


@pytest.fixture(autouse=True)
def script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(SCRIPTS / "__main__.py")])


def asked(folder: Path, code: str, seconds: float = 60) -> object:
    """What a model with this code answers to one row of one column."""
    (folder / "inference.py").write_text(code)
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        archive.add(folder / "inference.py", "code/inference.py")
    with Apart(folder / "model.tar.gz", seconds) as apart:
        assert apart.ask('["age"]') == {"problem": "regression", "classes": None}
        return apart.ask(json.dumps([[4]]))


def test_rows_are_answered_by_the_columns_names(tmp_path: Path) -> None:
    assert asked(tmp_path, f"{MODEL}return [{{'value': row['age'] + 1}} for row in rows]") == [5]


@pytest.mark.parametrize(
    ("does", "told"),
    [
        ("raise MemoryError('too large')", "MemoryError: too large"),
        ("assert False, '\\ud83d'", "AssertionError: ?"),
        ("raise SystemExit('enough')", "its process ended before it answered"),
        ("import time; time.sleep(600)", "it took more than 0.4 s"),
    ],
)
def test_a_model_that_fails_ends_or_hangs_is_told(tmp_path: Path, does: str, told: str) -> None:
    with pytest.raises(ModelError) as found:
        asked(tmp_path, MODEL + does, 0.4 if "sleep" in does else 60)
    assert str(found.value) == told


@pytest.mark.slow
@pytest.mark.parametrize("line", ["{", "[" * 100_000, "x" * (17 * 2**20), "1\\n2"], ids=["half", "deep", "huge", "two"])
def test_a_line_that_is_no_answer_is_told(tmp_path: Path, line: str) -> None:
    writes = f"import os, sys; os.write(int(sys.argv[-1]), b'{line}\\n')" if len(line) < 9 else ""
    writes = writes or f"import socket, sys; socket.socket(fileno=int(sys.argv[-1])).sendall(b'{line}\\n')"
    with pytest.raises(ModelError, match="cannot be read"):
        asked(tmp_path, MODEL + writes)


@pytest.mark.slow
def test_no_process_of_a_models_group_outlives_it(tmp_path: Path) -> None:
    target, child = str(tmp_path / "alive"), "while True: open({!r}, 'a').write('x'); time.sleep(0.02)"
    forks = f"import os, time\n    if not os.fork():\n        {child.format(target)}\n"
    forks += f"    while not os.path.exists({target!r}): time.sleep(0.01)\n    return [{{'value': 1}}]"
    assert asked(tmp_path, MODEL + forks) == [1]
    time.sleep(0.2)
    written = (tmp_path / "alive").stat().st_size
    time.sleep(0.3)
    assert (tmp_path / "alive").stat().st_size == written
