"""The package that is deployed: pure Python, complete in itself, the same wherever it is put together."""

import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_kms as kms

from bench.alone import RUNTIME, imported
from sluice import function
from sluice.function import HandlerFunction

VERBS = [
    *("begin", "cancel", "conclude", "govern", "meter", "promote", "record", "report", "reprice", "retrain", "sweep"),
    *("teardown", "tell", "watch"),
]


def bundle(folder: Path) -> Path:
    """The archive that an app with all functions, synthesized into `folder`, deploys."""
    app = App(outdir=str(folder))
    stack = Stack(app, "Stack")
    key = kms.Key(stack, "Key")
    for verb in VERBS:
        HandlerFunction(stack, verb, prefix="test", verb=verb, key=key, environment={}, timeout=Duration.minutes(1))
    app.synth()
    [asset] = folder.glob("asset.*")
    return asset


def unzipped(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as source:
        source.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unzipped(bundle(tmp_path_factory.mktemp("out")), tmp_path_factory.mktemp("package"))


def test_nothing_in_it_is_compiled(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [path for path in package.rglob("*") if path.is_file()]
    assert {path for path in files if path.suffix in (".so", ".pyd", ".dylib", ".pyc")} == set()
    with capsys.disabled():
        sys.stdout.write(
            f"\npackage: {len(files)} files, {sum(p.stat().st_size for p in files) / 1e6:.2f} MB unzipped\n"
        )


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_each_handler_imports_alone(package: Path, verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = imported(package, verb)
    assert found.others <= set(RUNTIME)
    with capsys.disabled():
        sys.stdout.write(f"\nimport controls.{verb}: {found.seconds:.2f} s beyond boto3\n")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_is_the_same_wherever_and_whenever_it_is_put_together(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = bundle(tmp_path / "here")
    shutil.copytree(function.DEPENDENCIES, tmp_path / "functions", copy_function=shutil.copyfile)
    monkeypatch.setattr(function, "DEPENDENCIES", tmp_path / "functions")
    monkeypatch.setattr(function, "PACKAGE", tmp_path / "functions.zip")
    there = bundle(tmp_path / "there")
    assert there.name == here.name
    assert there.read_bytes() == here.read_bytes()
    assert contents(unzipped(there, tmp_path / "unzipped")) == contents(package)


def test_nothing_in_it_tells_of_the_machine(package: Path) -> None:
    assert not [path for path in package.rglob("*") if path.name in ("RECORD", ".lock", "direct_url.json")]
    assert not [name for name, content in contents(package).items() if str(function.ROOT).encode() in content]


@pytest.mark.parametrize("place", ["assembly", "build"])
def test_a_half_made_one_of_an_earlier_synth_is_repaired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(function, "PACKAGE", tmp_path / "functions.zip")
    whole = bundle(tmp_path / "whole")
    half = function.PACKAGE if place == "build" else tmp_path / "again" / whole.name
    half.parent.mkdir(exist_ok=True)
    half.write_bytes(whole.read_bytes()[:1000])
    assert bundle(tmp_path / "again").read_bytes() == whole.read_bytes()


def test_its_name_changes_with_what_is_left_out_and_with_its_dependencies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(function, "PACKAGE", tmp_path / "functions.zip")
    names = [bundle(tmp_path / "all").name]
    monkeypatch.setattr(function, "UNWANTED", (*function.UNWANTED, "LICENSE"))
    names.append(bundle(tmp_path / "less").name)
    shutil.copytree(function.DEPENDENCIES, tmp_path / "functions")
    (tmp_path / "functions" / "jmespath" / "more.py").touch()
    monkeypatch.setattr(function, "DEPENDENCIES", tmp_path / "functions")
    names.append(bundle(tmp_path / "more").name)
    assert len(set(names)) == 3


def test_without_its_dependencies_the_error_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function, "DEPENDENCIES", function.ROOT / "build" / "absent")
    with pytest.raises(Exception, match=r"build/absent is missing: run `make setup`"):
        bundle(tmp_path)
