"""The table of operations in the docs is the one that `make cloud-operations` would write."""

import re

from rehearsal import operations
from rehearsal.embedded import EmbeddedCloud


def test_the_docs_list_what_is_served_and_nothing_else(cloud: EmbeddedCloud) -> None:
    listed = re.findall(r"^\| (\w+) \|", operations.TABLE.read_text(), re.MULTILINE)[1:]
    served = {*cloud.control("operations")["operations"], "InvokeEndpoint"}
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
