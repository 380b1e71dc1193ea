"""The one way in which compiled files are written."""

import json
from typing import Any


def canonical(document: Any) -> str:
    """JSON that is the same for the same document, with one value a line so that a diff shows what changed."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
