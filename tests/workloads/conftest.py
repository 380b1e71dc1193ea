"""The tables that the scripts of the tabular workload are tried on, split, and models of them."""

import os
import zipfile
from pathlib import Path

import pytest

from tests.workloads.tabling import TABULAR, TITANIC, Split, pack, succeed


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts in a zip whose name says nothing, links followed, as an asset of the deployment is."""
    path = tmp_path_factory.mktemp("code") / "0a1b2c.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for folder, _, names in os.walk(TABULAR / "scripts", followlinks=True):
            for script in (Path(folder, name) for name in names if name.endswith(".py")):
                archive.write(script, script.relative_to(TABULAR / "scripts"))
    return path


@pytest.fixture(scope="session")
def cancer(code: Path, tmp_path_factory: pytest.TempPathFactory) -> Split:
    folder = tmp_path_factory.mktemp("cancer")
    succeed(TABULAR / "data.py", folder / "table.csv", "--table", "cancer")
    made = Split(code, folder / "table.csv", "target", folder)
    made.preprocess()
    return made


@pytest.fixture(scope="session")
def titanic(code: Path, tmp_path_factory: pytest.TempPathFactory) -> Split:
    """1,313 passengers with texts, missing ages and a column of names."""
    folder = tmp_path_factory.mktemp("titanic")
    succeed("-c", f"{TITANIC}; t.to_csv({str(folder / 'table.csv')!r}, index=False)")
    made = Split(code, folder / "table.csv", "Survived", folder)
    made.preprocess("--segment", "Sex")
    return made


@pytest.fixture(scope="session")
def titanic_model(titanic: Split, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    succeed(*titanic.training(folder / "model", "--iterations", "30"))
    return pack(folder / "model", folder / "model.tar.gz")
