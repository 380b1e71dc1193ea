"""The comment's tables: what it costs, and what happens in each stack."""

from collections.abc import Iterator

from review.model import Change, CostLine, PropertyChange
from review.report.escaping import code, words
from review.report.room import Room
from review.report.sheet import DONE, Sheet, StackChanges, count, difference, signed

ABSENT = "(absent)"


def cost(sheet: Sheet, room: Room) -> Iterator[str]:
    priced = sheet.review.cost
    yield "\n### Cost\n"
    if not sheet.dearer and not sheet.unpriced:
        yield f"No resource changes its price: {priced.after:,.2f} USD a month as assumed."
        return
    yield "| USD a month | before | after | change |\n|---|--:|--:|--:|"
    yield _amounts("as assumed", priced.before, priced.after)
    yield _amounts("while nobody works", priced.idle_before, priced.idle_after)
    told = [f"{count(len(sheet.dearer), 'resource')} at another price", f"{len(sheet.unpriced):,} without a price"]
    yield f"\n<details><summary>{', '.join(told)}, what is assumed</summary>\n"
    if shown := room.shown("items", sheet.dearer, "lines of the cost"):
        yield "| resource | before | after | change | rests on |\n|---|--:|--:|--:|---|"
        yield from map(_cost_line, shown)
        yield ""
    for each in room.shown("items", sheet.unpriced, "resources without a price"):
        yield f"- No price: {code(each.place.path)} {code(each.place.type)}: {words(each.unpriced)}"
    for each in room.shown("items", priced.assumptions, "assumptions"):
        yield f"- Assumed: {words(each)}"
    yield f"- Prices: {words(priced.as_of)}\n\n</details>"


def _amounts(name: str, before: float, after: float) -> str:
    return f"| {name} | {before:,.2f} | {after:,.2f} | {signed(after - before)} |"


def _cost_line(each: CostLine) -> str:
    before, after = ("-" if amount is None else f"{amount:,.2f}" for amount in (each.before, each.after))
    rests = f"{'estimated; ' if each.estimated else ''}{each.assumption}"
    return f"| {code(each.place.path)} | {before} | {after} | {signed(difference(each))} | {words(rests, 200)} |"


def stacks(sheet: Sheet, room: Room) -> Iterator[str]:
    if not sheet.stacks:
        return
    yield "\n### Stacks\n"
    for stack in room.shown("stacks", sheet.stacks, "stacks"):
        yield from _stack(stack, room)


def _stack(stack: StackChanges, room: Room) -> Iterator[str]:
    title = f"<b>{words(stack.name, 160)}</b>: {stack.counts}"
    if not room.rows:
        room.left["rows of resources"] += len(stack.changes) + len(stack.code)
        yield f"<details><summary>{title}</summary></details>"
        return
    yield f"<details><summary>{title}</summary>\n"
    if shown := room.shown("rows", stack.changes, "rows of resources"):
        yield "| | resource | type | what changes |\n|---|---|---|---|"
        yield from (_row(change, room) for change in shown)
    if stack.code:
        named = ", ".join(code(each.place.path) for each in room.shown("rows", stack.code, "functions"))
        yield f"\nCode changed: {named}"
    yield "\n</details>\n"


def _row(change: Change, room: Room) -> str:
    state = "<br>holds state" if change.stateful else ""
    source = f"<br>{code(change.place.source)}" if change.place.source else ""
    moved = [f"was {code(change.moved_from)}"] if change.moved_from else []
    causes = [f"because {', '.join(map(code, change.causes[:5]))} is replaced"] if change.causes else []
    details = room.shown("properties", [*change.properties, *change.lines], "details of resources")
    shown = [words(each, 200) if isinstance(each, str) else _property(each) for each in details]
    left = len(change.properties) + len(change.lines) - len(shown)
    more = [f"and {left} more"] if left else []
    return (
        f"| {DONE[change.action]}{state} | {code(change.place.path)}{source} | {code(change.place.type, 100)}"
        f" | {'<br>'.join([*moved, *causes, *shown, *more])} |"
    )


def _property(each: PropertyChange) -> str:
    before, after = (ABSENT if value is None else code(value) or "(empty)" for value in (each.before, each.after))
    forces = f" ({words(each.replaces, 160)})" if each.replaces else ""
    return f"{code(each.name, 100)}: {before} to {after}{forces}"
