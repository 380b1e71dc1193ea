"""`make cloud-operations`: which SageMaker operations the platform and its clients call, as a table in the docs.

python -m rehearsal.operations, after a rehearsal and the client tests, each of which leaves a record of its calls.
"""

import json
import re
import sys
from collections import defaultdict
from typing import Any

from rehearsal.embedded import ROOT, EmbeddedCloud

RECORDS = ROOT / "out" / "calls"
TABLE = ROOT / "docs" / "cloud-operations.md"
_AGENTS = {"cloudformation": "stacks", "aws-cli": "AWS CLI", "sagemaker": "SageMaker SDK"}
_INTRODUCTION = """# What the embedded SageMaker does

`make cloud-operations` plays the story and the client tests, records every call and writes this table. Every other
operation is refused by its name. "tests" stands where only other stories and the project's tests call an operation.

| operation | called by |
|---|---|
"""


def record(cloud: EmbeddedCloud, name: str, before: list[dict[str, Any]] | None = None) -> None:
    """Keep what a cloud serves and what was called on it, apart from the calls that were counted `before`."""
    RECORDS.mkdir(parents=True, exist_ok=True)
    earlier = before or []
    calls = [call for call in cloud.control("calls")["calls"] if call not in earlier]
    told = {"calls": calls, "operations": cloud.control("operations")["operations"]}
    (RECORDS / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n")


def table(records: dict[str, dict[str, Any]]) -> str:
    """The Markdown page for records by name."""
    callers: defaultdict[str, set[str]] = defaultdict(set)
    for name, told in records.items():
        for operation in told["operations"]:
            callers[operation] |= set()
        for call in told["calls"]:
            callers[call["operation"]].add(_caller(name, call))
    rows = [f"| {name} | {', '.join(sorted(who)) or 'tests'} |\n" for name, who in sorted(callers.items())]
    return _INTRODUCTION + "".join(rows)


def _caller(name: str, call: dict[str, Any]) -> str:
    agent, role = call["agent"], call["role"]
    if agent in _AGENTS:
        return _AGENTS[agent]
    if not role:  # the SDK's resources call boto3 without adding their name
        return "SageMaker SDK" if name == "clients" else "story"
    function = re.search(r"-([A-Z][a-z]+)FunctionRole", role)
    if function:
        return f"{function[1].lower()} function"
    return "persona" if "-studio-" in role else "pipeline"


def main() -> int:
    paths = sorted(RECORDS.glob("*.json"))
    if not {"clients", "digits"} <= {path.stem for path in paths}:
        sys.stderr.write("records of the story and of the clients are missing: type `make cloud-operations`\n")
        return 2
    TABLE.write_text(table({path.stem: json.loads(path.read_text()) for path in paths}))
    sys.stdout.write(f"{TABLE.relative_to(ROOT)} written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
