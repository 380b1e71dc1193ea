"""The environment with PyTorch, which is too large to be everybody's: `make test-torch` makes it."""

from pathlib import Path

import pytest

PYTHON = Path(__file__).parents[2] / ".venv-torch" / "bin" / "python"
needs_torch = pytest.mark.skipif(
    not PYTHON.exists(), reason="PyTorch is not installed here: type `make test-torch`, which makes .venv-torch"
)
