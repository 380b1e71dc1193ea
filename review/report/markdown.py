"""The review as one comment on a pull request, in GitHub's Markdown, of at most so many characters."""

import re
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO

from review.model import Finding, Kind, Review, Severity, Side, Verdict
from review.report.escaping import code, words
from review.report.markdown_tables import cost, stacks
from review.report.room import Room, rooms
from review.report.sheet import NAMES, Sheet

MARKER = "<!-- sluice review -->"
"""The first line: by it the comment is found again and updated in place."""
COMMENT_CHARACTERS = 60_000
SUMMARY_CHARACTERS = 250_000
"""Of a job's summary, which may have 1 MiB: four bytes a character at most."""
SIGNS = {Verdict.BLOCK: "\U0001f534", Verdict.LOOK: "\U0001f7e1", Verdict.FINE: "\U0001f7e2"}
_ADDRESS = re.compile(r"https?://[\w.:/#-]+", re.ASCII)
_SIGNS = {Severity.HIGH: "\U0001f534", Severity.MEDIUM: "\U0001f7e0", Severity.LOW: "\u26aa"}


def comment(review: Review, most: int = COMMENT_CHARACTERS, whole: str = "review.html") -> str:
    """Where there are too many characters details go first, then stacks, the verdict never; `whole` has everything."""
    sheet = Sheet(review)
    for room in rooms():
        body = _within(_body(sheet, room, whole), most)
        if body and (text := _within([*_head(sheet, room, whole), body.rstrip()], most)):
            return text
    raise ValueError(f"no comment is as short as {most} characters")


def _within(lines: Iterable[str], most: int) -> str | None:
    """The lines as one text; None as soon as they are too long."""
    text = StringIO()
    for each in lines:
        if text.write(f"{each}\n") and text.tell() > most:
            return None
    return text.getvalue()


def _head(sheet: Sheet, room: Room, whole: str) -> Iterator[str]:
    review = sheet.review
    yield MARKER
    yield f"## {SIGNS[review.verdict]} Infrastructure review: {review.verdict}"
    yield f"\n**{review.verdict}**: {words(sheet.headline, 900)}."
    yield f"\n{sheet.counts or 'No resource changes'}."
    if room.left:
        left = ", ".join(f"{number:,} {noun}" for noun, number in room.left.items())
        yield f"\n> Too long for a comment. Left out: {left}. Everything is in {_linked(whole)}."


def _body(sheet: Sheet, room: Room, whole: str) -> Iterator[str]:
    yield from _findings("Must look", sheet.must_look, room)
    yield from cost(sheet, room)
    yield from _findings("New findings of rules", sheet.of(Kind.RULE), room)
    yield from _findings("Waivers", sheet.of(Kind.WAIVER), room)
    yield from _findings("May do less than before", sheet.of(Kind.IAM_NARROWED), room)
    yield from stacks(sheet, room)
    yield from _notes(sheet.review.notes, room)
    yield _footer(sheet.review, whole)


def _findings(title: str, found: Sequence[Finding], room: Room) -> Iterator[str]:
    if not found:
        return
    yield f"\n### {title} ({len(found):,})\n"
    shown = room.shown("items", found, f"under `{title}`")
    yield from (_finding(each) for each in shown)
    if len(shown) < len(found):
        yield f"- and {len(found) - len(shown):,} more"


def _finding(each: Finding) -> str:
    what = code(each.rule, 80) if each.kind in (Kind.RULE, Kind.WAIVER) else f"**{NAMES[each.kind]}**"
    where = f", {code(each.place.source)}" if each.place.source else ""
    fix = f" _Fix:_ {words(each.fix)}" if each.fix else ""
    return f"- {_SIGNS[each.severity]} {what} {code(each.place.path)}{where}: {words(each.message, 600)}{fix}"


def _notes(notes: Sequence[str], room: Room) -> Iterator[str]:
    if not notes:
        return
    yield f"\n<details><summary>Not looked at ({len(notes):,})</summary>\n"
    yield from (f"- {words(note)}" for note in room.shown("items", notes, "notes of what was not looked at"))
    yield "\n</details>"


def _footer(review: Review, whole: str) -> str:
    told = ", ".join(f"{words(name, 40)} {words(number, 40)}" for name, number in sorted(review.versions.items())[:10])
    return f"\n<sub>{_side(review.base)} to {_side(review.head)}. {told}. Whole report: {_linked(whole)}.</sub>"


def _linked(whole: str) -> str:
    return f"[the run]({whole})" if _ADDRESS.fullmatch(whole) else words(whole)


def _side(side: Side) -> str:
    return words(side.name, 80) + (f" (<code>{words(side.commit[:12])}</code>)" if side.commit else "")
