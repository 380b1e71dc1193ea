"""The review on a terminal: one screen for a change of a usual size."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from review.model import Change, Finding, Kind, Review, Severity, Verdict
from review.report.sheet import DONE, NAMES, Sheet, count, line, signed

COLOURS = {Verdict.BLOCK: "red", Verdict.LOOK: "yellow", Verdict.FINE: "green"}
_SEVERITIES = {Severity.HIGH: "bold red", Severity.MEDIUM: "yellow", Severity.LOW: "dim"}
MUST_LOOK, RULES, DEARER, CHANGES = 8, 5, 3, 8


def summary(review: Review, whole: str) -> Group:
    """What a reviewer needs first; `whole` tells where all of it is."""
    return Group(*_parts(Sheet(review), whole))


def _parts(sheet: Sheet, whole: str) -> Iterator[RenderableType]:
    review, colour = sheet.review, COLOURS[sheet.review.verdict]
    reasons = [f"It {line(reason, 200)}." for reason in review.reasons] or [f"{sheet.headline.capitalize()}."]
    title = Text(f" {review.verdict} ", f"bold {colour}")
    yield Panel(Text("\n".join(reasons)), title=title, title_align="left", border_style=colour)
    yield Text(f"{sheet.counts or 'no resource changes'}\n")
    if sheet.must_look:
        yield _findings("must look", sheet.must_look, MUST_LOOK)
    rules = [*sheet.of(Kind.RULE), *sheet.of(Kind.WAIVER), *sheet.of(Kind.IAM_NARROWED)]
    if rules:
        yield _findings("new findings, waivers, less permitted", rules, RULES)
    if review.changes:
        yield _changes([change for stack in sheet.stacks for change in stack.changes])
    yield _cost(sheet)
    if review.notes:
        yield Text(f"not looked at: {'; '.join(line(note, 160) for note in review.notes[:2])}", "yellow")
        if len(review.notes) > 2:
            yield Text(f"  and {len(review.notes) - 2} more", "yellow")
    yield Text(f"\n{line(whole)}", "dim")


def _findings(title: str, found: Sequence[Finding], most: int) -> Table:
    made = Table(box=None, title=f"{title} ({len(found):,})", title_justify="left", title_style="bold", pad_edge=False)
    made.show_header = False
    made.add_column(no_wrap=True)
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for each in found[:most]:
        what = each.rule if each.kind in (Kind.RULE, Kind.WAIVER) else NAMES[each.kind]
        place = Text(line(each.place.path, 120), "bold")
        if each.place.source:
            place.append(f"  {line(each.place.source, 80)}", "cyan not bold")
        place.append(f"\n{line(each.message, 240)}", "not bold")
        made.add_row(Text(each.severity, _SEVERITIES[each.severity]), Text(line(what, 30)), place)
    if len(found) > most:
        made.add_row("", "", Text(f"and {len(found) - most:,} more", "dim"))
    made.add_row("", "", "")
    return made


def _changes(changes: Sequence[Change]) -> Table:
    made = Table(box=None, title="changes", title_justify="left", title_style="bold", pad_edge=False, show_header=False)
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    made.add_column(overflow="fold")
    for each in changes[:CHANGES]:
        properties = ", ".join(line(name.name, 40) for name in each.properties[:3])
        more = f" and {len(each.properties) - 3} more" if len(each.properties) > 3 else ""
        made.add_row(DONE[each.action], Text(line(each.place.path, 100)), Text(f"{properties}{more}", "dim"))
    if len(changes) > CHANGES:
        made.add_row("", Text(f"and {len(changes) - CHANGES:,} more", "dim"))
    return made


def _cost(sheet: Sheet) -> Text:
    cost = sheet.review.cost
    told = Text("\ncost ", "bold")
    told.append(f"{cost.before:,.2f} to {cost.after:,.2f} USD a month ({signed(sheet.rise)})", "not bold")
    idle = signed(cost.idle_after - cost.idle_before)
    told.append(f"; while nobody works {cost.idle_after:,.2f} ({idle})", "not bold")
    for each in sheet.dearer[:DEARER]:
        amount = signed((each.after or 0) - (each.before or 0))
        told.append(f"\n  {amount:>10}  {line(each.place.path, 100)}", "not bold")
    if len(sheet.dearer) > DEARER:
        told.append(f"\n  and {len(sheet.dearer) - DEARER:,} more", "dim not bold")
    if sheet.unpriced:
        told.append(f"\n  {count(len(sheet.unpriced), 'resource')} without a price", "yellow not bold")
    return told
