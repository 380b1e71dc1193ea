"""The arrangement of the folders: who may import whom, and what may not be written down."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.load import ROOT

PROJECT = {"app", "config", "stacks", "sluice", "controls", "workloads", "rehearsal", "review", "cli", "bench"}
# What may import which packages of the project; rehearsal, review, cli and bench may import all.
MAY_IMPORT = {
    "app.py": {"config", "stacks", "review"},
    "stacks": {"stacks", "sluice", "config"},
    "constructs/sluice": {"sluice", "config"},
    "config": {"config"},
    "lambda/controls": {"controls"},
    "workloads": {"workloads", "config"},
}
SERVICES = ("sagemaker", "lambda", "cloudwatch", "events", "s3", "scheduler", "states", "vpc-flow-logs")
# The same in every partition.
PRINCIPALS = {f"{service}.amazonaws.com" for service in SERVICES}


def sources(place: str) -> Iterator[Path]:
    path = ROOT / place
    yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """The first part of the name of each module that `path` imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names.add((node.module or "").partition(".")[0])
    return names


@pytest.mark.parametrize("place", MAY_IMPORT)
def test_imports_point_one_way(place: str) -> None:
    assert list(sources(place))
    wrong = {str(path): names for path in sources(place) if (names := imported(path) & PROJECT - MAY_IMPORT[place])}
    assert not wrong


@pytest.mark.parametrize(
    ("place", "forbidden"),
    [
        ("config", {"aws_cdk", "constructs", "sagemaker"}),
        ("lambda/controls", {"aws_cdk", "constructs", "pydantic", "yaml"}),
    ],
)
def test_what_must_run_alone_imports_nothing_heavy(place: str, forbidden: set[str]) -> None:
    assert not {str(path): names for path in sources(place) if (names := imported(path) & forbidden)}


def test_the_constructs_of_pypi_are_not_shadowed() -> None:
    """Also for a program that starts in the project's root, as the CDK command line starts app.py."""
    show = "import constructs, sys; print(constructs.__file__, constructs.Construct)"
    shown = subprocess.run([sys.executable, "-c", show], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "site-packages" in shown


@pytest.mark.parametrize("folder", ["constructs", "lambda", *{path.parent for path in (ROOT / "tests").rglob("*.py")}])
def test_folders_that_are_no_packages_stay_none(folder: str | Path) -> None:
    assert not (ROOT / folder / "__init__.py").exists()


def test_no_source_names_a_partition() -> None:
    """ARNs and host names are made from the partition of the stack; service principals are the same everywhere."""
    literal = re.compile(r"arn:aws|[\w{}.-]*\.amazonaws\.com(?:\.cn)?")
    found = [
        f"{path.relative_to(ROOT)}: {match}"
        for place in ("app.py", "stacks", "constructs/sluice", "config", "lambda/controls", "workloads")
        for path in sources(place)
        for match in literal.findall(path.read_text("utf-8"))
        if match not in PRINCIPALS
    ]
    assert not found
