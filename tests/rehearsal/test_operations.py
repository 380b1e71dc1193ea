"""The table of operations in the docs is the one that `make cloud-operations` would write."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal import operations
from rehearsal.embedded import ROOT, EmbeddedCloud, RehearsalError


def test_the_docs_list_what_is_served_and_nothing_else(cloud: EmbeddedCloud) -> None:
    listed = re.findall(r"^\| (\w+) \|", operations.TABLE.read_text(), re.MULTILINE)[1:]
    served = {*cloud.control("operations")["operations"], "InvokeEndpoint", "CallMlflowAppApi"}
    assert listed == sorted(served), "type `make cloud-operations`"


def test_each_call_is_told_by_who_makes_it() -> None:
    rows = [
        ("cloudformation", "", "stacks"),
        ("aws-cli", "", "AWS CLI"),
        ("sagemaker", "", "SageMaker SDK"),
        ("Boto3", "sluice-dev-costs-SweepFunctionRoleD3998F33-2E84", "sweep function"),
        ("Boto3", "sluice-dev-studio-datascientistE88C5724-A37A", "persona"),
        ("Boto3", "sluice-dev-training-PipelinedigitsRoleE701CAD0-1F5B", "pipeline"),
        ("Boto3", "", "story"),
    ]
    for agent, role, who in rows:
        call = {"operation": "ListApps", "agent": agent, "role": role, "count": 1}
        page = operations.table({"digits": {"operations": ["ListApps", "ListSpaces"], "calls": [call]}})
        assert page.endswith(f"| ListApps | {who} |\n| ListSpaces | tests |\n")


@pytest.mark.slow
def test_the_documented_example_runs(tmp_path: Path) -> None:
    [example] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "embedded-cloud.md").read_text(), re.DOTALL)
    example = example.replace("out/tried", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", example], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.returncode) == (["ThrottlingException", "True"], 0), done.stderr


def test_every_control_and_fault_is_documented(cloud: EmbeddedCloud) -> None:
    page = (ROOT / "docs" / "embedded-cloud.md").read_text()
    with pytest.raises(RehearsalError) as refused:
        cloud.control("none")
    controls = re.findall(r"there are ([\w, -]+)", str(refused.value))[0].split(", ")
    named = [*controls, *cloud.control("faults")["faults"]]
    assert len(named) > 15 and [name for name in named if f"`{name}`" not in page] == []
