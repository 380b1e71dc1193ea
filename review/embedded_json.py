"""JSON that a template holds as a text, such as a pipeline's definition."""

import json
import re
from typing import Any


def read(text: str, reference: str) -> Any:
    """What the text says. A reference may stand where JSON has a number, a list or an object, and is read as a text.

    `reference` is the pattern of one, as whoever made the text writes them. Raises ValueError.
    """
    quoted = re.sub(rf'"(?:\\.|[^"\\])*"|{reference}', _quoted, text)
    try:
        return json.loads(quoted, strict=False)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _quoted(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else json.dumps(found[0])
