"""What a replaced resource does to those that refer to it: in its stack, in nested ones and through exports."""

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from review.cloud_assembly import Assembly, Stack, nested_name
from review.drafts import Draft, place_name, texts
from review.model import Action, PropertyChange
from review.names import fixed_name, references_of
from review.nesting import NESTED, Key, nested_stacks
from review.pairs import Pair
from review.references import Import, Reference, references
from review.replacement import Force, forcing, schema
from review.shown import shown
from review.values import ABSENT, CLOSE, OPEN, plain


class Referer(NamedTuple):
    """Who refers: a resource of a stack, or its output where `output` is set."""

    stack: str
    name: str
    attribute: str
    path: tuple[str, ...]
    output: bool = False


class Event(NamedTuple):
    """A value that changes: of a resource's attribute, all of them if None, or of a parameter."""

    key: Key
    attribute: str | None
    force: Force
    causes: tuple[str, ...]
    code_only: bool = False


class Graph:
    """Who refers to whom in the head."""

    def __init__(self, head: Assembly) -> None:
        self.stacks = head.stacks
        self.referers: dict[Key, list[Referer]] = defaultdict(list)
        self.importers: dict[tuple[str, str], list[Referer]] = defaultdict(list)
        self.child = dict(nested_stacks(head))
        self.parent = {child: key for key, child in self.child.items()}
        for stack in head.stacks.values():
            for resource in stack.resources.values():
                self._add(stack, resource.logical_id, resource.properties, False)
            for name, output in outputs(stack).items():
                self._add(stack, name, output.get("Value"), True)

    def _add(self, stack: Stack, name: str, value: Any, output: bool) -> None:
        for found in references(value):
            if isinstance(found, Reference):
                referer = Referer(stack.name, name, found.attribute, found.path, output)
                self.referers[stack.name, found.name].append(referer)
            elif isinstance(found, Import) and not output:
                for export in imported(found.export, stack):
                    self.importers[export].append(Referer(stack.name, name, "", found.path))

    def beyond(self, stack: str, output: str) -> Iterator[Referer]:
        """Who takes an output, apart from its own stack."""
        found = outputs(self.stacks[stack]).get(output, {})
        if stack in self.parent:
            wanted = f"Outputs.{output}"
            yield from (each for each in self.referers[self.parent[stack]] if each.attribute == wanted)
        yield from self.importers[self.stacks[stack].deployed_as or stack, f"output:{output}"]
        if (name := export_name(found, self.stacks[stack])) is not None:
            yield from self.importers[name]


def cascade(drafts: dict[Key, Draft], base: Assembly, head: Assembly) -> None:
    """Adds to `drafts` what follows from those in it. A resource made anew or moved is nobody's consequence."""
    events = deque(event for draft in drafts.values() for event in _own_events(draft, head))
    changed_outputs = list(_changed_outputs(base, head))
    if not events and not changed_outputs:
        return
    graph = Graph(head)
    for stack, output in changed_outputs:
        for referer in graph.beyond(stack, output):
            events += _hit(referer, Force.WILL, (f"output {output} of {stack}",), drafts, base, head, graph)
    seen: set[tuple[Key, str | None, Force, bool]] = set()
    while events:
        event = events.popleft()
        if (event.key, event.attribute, event.force, event.code_only) in seen:
            continue
        seen.add((event.key, event.attribute, event.force, event.code_only))
        for referer in graph.referers[event.key]:
            if event.attribute in (None, referer.attribute) and not _stays(event, referer, drafts):
                takers = graph.beyond(referer.stack, referer.name) if referer.output else [referer]
                for taker in takers:
                    events += _hit(taker, event.force, event.causes, drafts, base, head, graph, event.code_only)


def _own_events(draft: Draft, head: Assembly) -> Iterator[Event]:
    place = draft.pair.place
    key = (place.stack, place.logical_id)
    if draft.action in (Action.REPLACE, Action.MAY_REPLACE):
        force = Force.WILL if draft.action is Action.REPLACE else Force.MAY
        yield Event(key, None, force, (place.logical_id,), draft.code_only)
    if draft.kind == NESTED and draft.action is Action.UPDATE and draft.pair.after:
        child = nested_name(place.stack, draft.pair.after)
        for parameter in sorted(
            {leaf.path[1] for leaf in draft.leaves if leaf.path[0] == "Parameters" and len(leaf.path) > 1}
        ):
            yield Event((child, parameter), "", Force.WILL, (f"parameter {parameter}",))


def _hit(
    taker: Referer,
    force: Force,
    causes: tuple[str, ...],
    drafts: dict[Key, Draft],
    base: Assembly,
    head: Assembly,
    graph: Graph,
    code_only: bool = False,
) -> list[Event]:
    """Marks one that takes a changed value, and tells what follows from that."""
    key = (taker.stack, taker.name)
    if key in graph.child and taker.path[:1] == ("Parameters",) and len(taker.path) > 1:
        # The nested stack itself is updated as well, which says nothing that its resources do not.
        return [Event((graph.child[key], taker.path[1]), "", force, causes, code_only)]
    draft = drafts.get(key) or _untouched(taker, base, head, code_only)
    if draft is None or draft.action not in (Action.UPDATE, Action.MAY_REPLACE, Action.REPLACE):
        return []
    drafts[key] = draft
    known, why = forcing(draft.kind, taker.path)
    effect = min(known, force)
    stronger = draft.force(effect)
    draft.causes.update(dict.fromkeys(causes))
    draft.code_only = draft.code_only and code_only
    _note(draft, taker, effect, why, causes[0], force)
    if not stronger:
        return []
    return [Event(key, None, effect, (taker.name, *(cause for cause in causes if cause != taker.name)))]


def _untouched(taker: Referer, base: Assembly, head: Assembly, code_only: bool) -> Draft | None:
    old, new = base.stacks.get(taker.stack), head.stacks[taker.stack]
    before = old.resources.get(taker.name) if old else None
    if before is None:
        return None
    return Draft(Pair(old, new, before, new.resources[taker.name]), Action.UPDATE, code_only=code_only)


def _note(draft: Draft, taker: Referer, effect: Force, why: str, cause: str, force: Force) -> None:
    name = place_name(taker.path)
    assert draft.pair.after
    value = draft.pair.after.properties
    for part in taker.path:
        value = value.get(part, ABSENT) if isinstance(value, Mapping) else ABSENT
    text = shown(plain(value)) if value is not ABSENT else f"a value of {cause}"
    happens = "is replaced" if force is Force.WILL else "may be replaced"
    said = f"{why}: {cause} {happens}" if effect else ""
    for position, change in enumerate(draft.properties):
        if change.name == name or change.name == taker.path[0]:
            if effect and not change.replaces:
                draft.properties[position] = change.model_copy(update={"replaces": said})
            return
    draft.properties.append(PropertyChange(name=name, before=text, after=f"{text} (of the new {cause})", replaces=said))


def _stays(event: Event, referer: Referer, drafts: Mapping[Key, Draft]) -> bool:
    """Whether the value is the same after a replacement, as a fixed name is, and what is made of it alone."""
    draft = drafts.get(event.key)
    if event.attribute is not None or draft is None or draft.type_changed:
        return False
    pair = draft.pair
    if not (pair.before and pair.after and pair.stack_before and pair.stack_after):
        return False
    old, new = fixed_name(pair.before, pair.stack_before), fixed_name(pair.after, pair.stack_after)
    if not old or not new or old.text != new.text:
        return False
    if referer.attribute == new.property:
        return True
    identifiers = [pointer.rpartition("/")[2] for pointer in schema(draft.kind).get("primaryIdentifier", ())]
    return identifiers == [new.property] and referer.attribute in ("", "Arn")


def caused_by_moves(drafts: Mapping[Key, Draft]) -> None:
    """Names the moved resource in those whose reference follows it to its new logical ID."""
    new = {key: draft for key, draft in drafts.items() if draft.action is Action.MOVE}
    for (stack, _), draft in drafts.items() if new else ():
        for leaf in draft.leaves:
            for reference in (name for text in texts(leaf) for name in references_of(text)):
                if (stack, reference.partition(".")[0]) in new:
                    draft.causes[reference.partition(".")[0]] = None


def outputs(stack: Stack) -> dict[str, Mapping[str, Any]]:
    found = stack.template.get("Outputs")
    entries = found.items() if isinstance(found, Mapping) else ()
    return {str(name): output for name, output in entries if isinstance(output, Mapping)}


def export_name(output: Mapping[str, Any], stack: Stack) -> tuple[str, str] | None:
    """Its region and name, with the stack's own name in it; None for an output that is not exported."""
    export = output.get("Export")
    name = plain(export.get("Name")) if isinstance(export, Mapping) else ABSENT
    if not isinstance(name, str):
        return None
    return where(stack), name.replace(f"{OPEN}AWS::StackName{CLOSE}", stack.deployed_as or stack.name)


def imported(argument: Any, stack: Stack) -> Iterator[tuple[str, str]]:
    """The export that an Fn::ImportValue names, or the output that an Fn::GetStackOutput does."""
    if isinstance(argument, Mapping) and "OutputName" in argument:
        yield str(argument.get("StackName")), f"output:{argument['OutputName']}"
        return
    name = plain(argument)
    if isinstance(name, str):
        yield where(stack), name


def where(stack: Stack) -> str:
    return f"{stack.account}/{stack.region}"


def _changed_outputs(base: Assembly, head: Assembly) -> Iterator[tuple[str, str]]:
    for name, stack in head.stacks.items():
        if not (old := base.stacks.get(name)):
            continue
        before = outputs(old)
        for output, found in outputs(stack).items():
            if output in before and plain(before[output].get("Value")) != plain(found.get("Value")):
                yield name, output
