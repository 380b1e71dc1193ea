"""`sluice review` of assemblies that are cut, incomplete or strange: a report, or one line and exit status 2."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bench.review_corpus import cases
from cli.main import app
from config.load import ROOT

CASE = next(case for case in cases() if case.title == "A bucket within a nested stack")
TEMPLATE = "Parent.template.json"
DEEP = 100_000


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    return CASE.write(tmp_path)


@pytest.fixture
def run(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path, Path], Result]:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    if "slow" not in request.keywords:  # cloudformation-validate takes half a second for each
        monkeypatch.setattr("review.validation._run", lambda text: [[] for _ in json.loads(text)])
    out = str(tmp_path / "out")

    def review(base: Path, head: Path) -> Result:
        command = ["review", "--base", str(base), "--head", str(head), "--out", out]
        return CliRunner().invoke(app, command, catch_exceptions=False)

    return review


def told(result: Result) -> str:
    """The one line that says why there is no review."""
    assert result.exit_code == 2, result.output
    [line] = result.stderr.strip().splitlines()
    assert "Traceback" not in line
    return line


def test_whole_assemblies_are_reviewed(run: Any, sides: tuple[Path, Path]) -> None:
    assert run(*sides).exit_code == 0


@pytest.mark.parametrize("file", ["manifest.json", TEMPLATE, "inner.nested.template.json"])
@pytest.mark.parametrize("side", [0, 1])
def test_a_file_cut_at_any_twentieth_is_named(run: Any, sides: tuple[Path, Path], file: str, side: int) -> None:
    path = sides[side] / file
    whole = path.read_bytes()
    for twentieth in range(20):
        path.write_bytes(whole[: len(whole) * twentieth // 20])
        assert file in told(run(*sides))


def test_a_template_that_is_missing_is_named(run: Any, sides: tuple[Path, Path]) -> None:
    (sides[1] / TEMPLATE).unlink()
    assert TEMPLATE in told(run(*sides))


def test_a_folder_without_a_manifest_is_none_of_cdk(run: Any, sides: tuple[Path, Path]) -> None:
    (sides[1] / "manifest.json").unlink()
    assert "cdk synth" in told(run(*sides))


def test_a_nested_template_that_is_missing_is_told_of(run: Any, sides: tuple[Path, Path]) -> None:
    (sides[1] / "inner.nested.template.json").unlink()
    result = run(*sides)
    assert result.exit_code in (0, 2)
    assert "inner" in (result.stdout + result.stderr).lower()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff\xfe binary \x80",
        b"[]",
        b"null",
        b'"text"',
        b"12",
        b"NaN",
        b"[" * DEEP,
        b'{"a":' * DEEP + b"1" + b"}" * DEEP,
        b'{"artifacts": ' + b"9" * 5000 + b"}",
        b'{"Resources": {"A": {"Type": "\\ud800"}}}',
    ],
    ids=[
        "nothing",
        "bytes",
        "list",
        "null",
        "text",
        "number",
        "NaN",
        "deep",
        "deep-whole",
        "large-number",
        "surrogate",
    ],
)
@pytest.mark.parametrize("file", ["manifest.json", TEMPLATE])
def test_a_file_with_something_else_in_it_is_reviewed_or_named(
    run: Any, sides: tuple[Path, Path], file: str, content: bytes
) -> None:
    (sides[1] / file).write_bytes(content)
    result = run(*sides)
    assert result.exit_code == 0 or file in told(result)


@pytest.mark.parametrize("version", ["100.0.0", "999999999999.0", "", "old", None, 55, [], {"major": 1}])
def test_another_version_of_the_schema_is_told(run: Any, sides: tuple[Path, Path], version: Any) -> None:
    path = sides[1] / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "version": version}), "utf-8")
    result = run(*sides)
    assert (version == 55 and result.exit_code == 0) or "version" in told(result)


@pytest.mark.parametrize("version", ["1.0.0", "21.0.0", "36.0.0", "48.0.0", "60.1.0"])
def test_versions_of_every_age_are_read(run: Any, sides: tuple[Path, Path], version: str) -> None:
    path = sides[0] / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "version": version}), "utf-8")
    assert run(*sides).exit_code == 0


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("artifacts",), []),
        (("artifacts",), "x"),
        (("artifacts", "Parent"), 1),
        (("artifacts", "Parent", "type"), 7),
        (("artifacts", "Parent", "properties"), []),
        (("artifacts", "Parent", "properties", "templateFile"), {"a": 1}),
        (("artifacts", "Parent", "properties", "templateFile"), "../../no/such.json"),
        (("artifacts", "Parent", "environment"), 5),
        (("artifacts", "Parent", "displayName"), ["a"]),
        (("artifacts", "Parent", "metadata"), [1]),
        (("artifacts", "Parent", "metadata"), {"/Parent": "x"}),
        (("artifacts", "Parent", "metadata"), {"/Parent": [{"type": 1, "data": [], "trace": "x"}]}),
        (("artifacts", "Parent", "additionalMetadataFile"), "none.json"),
        (("artifacts", "Parent", "dependencies"), 4),
        (("missing",), "x"),
        (("runtime",), []),
    ],
)
def test_a_manifest_with_wrong_types_is_reviewed_or_named(
    run: Any, sides: tuple[Path, Path], keys: tuple[str, ...], value: Any
) -> None:
    path = sides[1] / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    inner = manifest
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    path.write_text(json.dumps(manifest), "utf-8")
    result = run(*sides)
    assert result.exit_code == 0 or told(result)


def test_a_folder_that_is_a_file_and_one_that_is_not_there(run: Any, sides: tuple[Path, Path], tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("{}", "utf-8")
    for bad in (file, tmp_path / "nowhere"):
        assert bad.name in told(run(sides[0], bad))
        assert bad.name in told(run(bad, sides[1]))


def test_a_folder_where_a_file_should_be(run: Any, sides: tuple[Path, Path]) -> None:
    (sides[1] / TEMPLATE).unlink()
    (sides[1] / TEMPLATE).mkdir()
    assert TEMPLATE in told(run(*sides))


def test_an_assembly_that_holds_itself(run: Any, sides: tuple[Path, Path]) -> None:
    path = sides[1] / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    manifest["artifacts"]["again"] = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}}
    path.write_text(json.dumps(manifest), "utf-8")
    assert "itself" in told(run(*sides))


@pytest.mark.slow  # processes of their own
def test_a_process_that_fails_prints_one_line_and_no_stack_trace(sides: tuple[Path, Path], tmp_path: Path) -> None:
    path = sides[1] / TEMPLATE
    path.write_bytes(path.read_bytes()[:-7])
    command = [sys.executable, "-m", "cli.main", "review", "--base", str(sides[0]), "--head", str(sides[1])]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1 and TEMPLATE in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.slow  # seconds for each
@pytest.mark.parametrize("kind", ["AWS::SSM::Parameter", "AWS::SageMaker::Pipeline", "AWS::IAM::Policy"])
def test_a_template_of_50_mb_is_reviewed_or_refused(
    run: Any, sides: tuple[Path, Path], tmp_path: Path, kind: str
) -> None:
    folder = tmp_path / "large"
    shutil.copytree(sides[1], folder)
    resources = {f"Large{n}": large(kind, n) for n in range(500)}
    (folder / TEMPLATE).write_text(json.dumps({"Resources": resources}), "utf-8")
    assert (folder / TEMPLATE).stat().st_size > 50_000_000
    result = run(sides[0], folder)
    if result.exit_code:
        assert TEMPLATE in told(result)
    else:
        assert (tmp_path / "out" / "review.md").stat().st_size < 200_000


def large(kind: str, number: int) -> dict[str, Any]:
    """A resource of 100 kB."""
    names = [f"arn:aws:s3:::bucket-{number}-{n:05}/*" for n in range(2900)]
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": names}
    steps = [{"Name": f"S{n}", "Type": "Processing", "Arguments": {"Environment": {"A": "x" * 60}}} for n in range(700)]
    properties = {
        "AWS::SSM::Parameter": {"Type": "String", "Value": "ü" * 17_000},
        "AWS::SageMaker::Pipeline": {
            "PipelineName": f"p{number}",
            "RoleArn": "r",
            "PipelineDefinition": {"PipelineDefinitionBody": json.dumps({"Version": "2020-12-01", "Steps": steps})},
        },
        "AWS::IAM::Policy": {
            "PolicyName": "p",
            "Roles": [f"role-{number}"],
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        },
    }
    return {"Type": kind, "Properties": properties[kind]}
