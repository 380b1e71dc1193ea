"""The floor of synth: the aws_cdk modules that the application imports, and one empty stack."""

import importlib
import re
from pathlib import Path

import config.node  # noqa: F401

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
