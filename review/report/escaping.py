"""Foreign words in a Markdown comment: shown as they are, and never obeyed.

A name may hold Markdown, HTML, a table's bar, or what a host makes a link of: a mention would call somebody, an issue's
number would write into that issue.
"""

import re

from review.report.sheet import line

# A code span shows all of one line as it stands, in a table too, but for what ends the span or the cell.
_SPAN = re.compile(r"[^`|]+")
_MARKUP = re.compile(r"[!-/:-@\[-`{-~]")  # ASCII punctuation: an entity instead of it is text wherever it stands
_HARMLESS = frozenset(".,-/:;()='\"%+?!{}^")  # in the midst of a line
# Hosts look for these in the finished page, where an entity is no obstacle; what cannot be seen parts them.
_CALLS = re.compile(r"(?<=[@#!%~$&])(?=[\w\"])|(?<=\bGH)(?=-\d)|(?<=\bwww)(?=\.)|(?<=:)(?=//)", re.IGNORECASE)
_PARTED = "\u200b"


def code(text: str, most: int = 160) -> str:
    """As code."""
    shown = line(text, most)
    if not shown or _SPAN.fullmatch(shown):
        return f"`{shown}`" if shown else ""
    return f"<code>{_MARKUP.sub(lambda found: f'&#{ord(found[0])};', shown)}</code>"


def words(text: str, most: int = 400) -> str:
    """As text, after something else on its line; also where Markdown is not read, as within `<summary>`."""
    return _MARKUP.sub(_entity, _CALLS.sub(_PARTED, line(text, most)))


def _entity(found: re.Match[str]) -> str:
    return found[0] if found[0] in _HARMLESS else f"&#{ord(found[0])};"
