"""Which line of code a construct was made on, out of what CDK and jsii note."""

from pathlib import Path
from typing import Any

import pytest

from review.lines import Files, root_of, sources
from review.template import source_of

COSTS = "import x\n\nBucket(self, 'B')\napp.synth()\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "env" / "repo"  # a repository may itself be in a folder that is named like an environment
    for name in ("stacks/costs.py", "lib/costs.ts", ".venv/lib/x.py", "node_modules/y/z.js"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(COSTS)
    (root / ".git").mkdir()
    return root


def made(*frames: Any) -> list[dict[str, Any]]:
    return [{"type": "aws:cdk:logicalId", "data": "B"}, {"type": "aws:cdk:creationStack", "data": list(frames)}]


@pytest.mark.parametrize(
    ("frames", "line"),
    [
        (["...jsii...", "__init__ ({root}/stacks/costs.py:3)", "<module> ({root}/app.py:9)"], "stacks/costs.py:3"),
        (["wrap ({root}/.venv/lib/x.py:1)", "__init__ ({root}/stacks/costs.py:3)"], "stacks/costs.py:3"),
        (["    at new Costs ({root}/lib/costs.ts:3:7)"], "lib/costs.ts:3"),
        (["Object.<anonymous> (file://{root}/lib/costs.ts:3:7)"], "lib/costs.ts:3"),
        (["new Bucket ({root}/node_modules/y/z.js:1:2)", "{root}/lib/costs.ts:2:1"], "lib/costs.ts:2"),
        (["__init__ (/builds/team/repo/stacks/costs.py:3)"], "stacks/costs.py:3"),
        (["run (/usr/lib/python3/runpy.py:3)", "node:internal/main:1:2"], None),
        (["<module> ({root}/stacks/costs.py:4)"], ""),  # the whole tree was synthesized there
        (["Stack trace not available", 3, None, {}], None),
        (["at " * 20_000], None),
    ],
)
def test_the_first_frame_in_the_repository_counts(repository: Path, frames: list[Any], line: str | None) -> None:
    filled = [frame.replace("{root}", str(repository)) if isinstance(frame, str) else frame for frame in frames]
    assert sources({"/S/B/Resource": made(*filled)}, Files(repository)) == ({"S/B/Resource": line} if line else {})


def test_a_trace_beside_the_logical_id_will_do(repository: Path) -> None:
    note = {"type": "aws:cdk:logicalId", "data": "B", "trace": [f"__init__ ({repository}/stacks/costs.py:3)"]}
    assert sources({"/S/B": [note, "x"], "/S/C": "x"}, Files(repository)) == {"S/B": "stacks/costs.py:3"}


def test_what_cdk_made_itself_has_the_line_of_what_is_around_it() -> None:
    known = {"S": "app.py:1", "S/F": "stacks/costs.py:3"}
    assert source_of("S/F/Role/DefaultPolicy/Resource", known) == "stacks/costs.py:3"
    assert source_of("S/G/Resource", known) == "app.py:1"
    assert source_of("T/G/Resource", known) == ""


def test_an_assembly_is_of_the_repository_around_it(repository: Path, tmp_path: Path) -> None:
    assert root_of(repository / "infra" / "cdk.out") == repository
    assert root_of(tmp_path / "cdk.out") == Path.cwd()
