"""What one resource changes by itself: a draft, to which the cascade and the moves add."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from review import definitions
from review.asset_changes import is_asset_change
from review.cloud_assembly import nested_name
from review.conditions import Surroundings, marked
from review.model import Action, PropertyChange
from review.nesting import NESTED
from review.pairs import Pair
from review.replacement import Force, forcing
from review.shown import is_secret, shown, shown_leaf
from review.stateful import SNAPSHOT_BY_DEFAULT
from review.values import ABSENT, Leaf, beside, leaves, plain

# What follows a resource beside its properties and is more than order and notes.
_ATTRIBUTES = ("DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy", "CreationPolicy", "Condition")
# CDK's word to itself of which constructs an application uses.
_NOTE = "AWS::CDK::Metadata"
# So many places of one property are named; of more, the property alone.
_PLACES = 4
# Made anew with each version of their code, and nothing else of them changes.
CODE = ("AWS::Lambda::LayerVersion",)
KEPT = ("Retain", "RetainExceptOnCreate")


@dataclass(eq=False)
class Draft:
    pair: Pair
    action: Action
    properties: list[PropertyChange] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    causes: dict[str, None] = field(default_factory=dict)
    """Direct ones, then the origins."""
    lines: list[str] = field(default_factory=list)
    code_only: bool = False
    moved_from: str = ""
    type_changed: bool = False
    left: bool = False
    """Whether its whole stack leaves the application: a deployment does not delete it, and all that it has stays."""
    kept: bool = False
    """Of a moved one: whether the old one stays in the account."""

    @property
    def kind(self) -> str:
        resource = self.pair.after or self.pair.before
        assert resource
        return resource.type

    def force(self, force: Force) -> bool:
        """Whether it is now replaced more surely than before."""
        wanted = {Force.NONE: Action.UPDATE, Force.MAY: Action.MAY_REPLACE, Force.WILL: Action.REPLACE}[force]
        order = (Action.UPDATE, Action.MAY_REPLACE, Action.REPLACE)
        if self.action not in order or order.index(wanted) <= order.index(self.action):
            return False
        self.action, self.code_only = wanted, False
        return True


def drafted(pair: Pair, around: Surroundings) -> Draft | None:
    """None where nothing changes but notes, order, and where a nested stack's template lies."""
    before, after = pair.before, pair.after
    if any(side and side.type == _NOTE for side in (before, after)):
        return None
    if not before:
        return Draft(pair, Action.ADD)
    if not after:
        assert pair.stack_before
        left = pair.stack_after is None and pair.stack_before.name not in around.nested
        return Draft(pair, Action.ORPHAN if left else removal(pair), left=left)
    if before.type != after.type:
        change = PropertyChange(name="Type", before=before.type, after=after.type, replaces="CloudFormation refuses it")
        return Draft(pair, Action.REPLACE, [change], type_changed=True)
    draft = Draft(pair, Action.UPDATE)
    assert pair.stack_before and pair.stack_after
    changed = around.changed.get(pair.stack_after.name, frozenset())
    mappings = [stack.template.get("Mappings") for stack in (pair.stack_before, pair.stack_after)]
    if before.properties != after.properties or changed or mappings[0] != mappings[1]:
        old, new = plain(before.properties, mappings[0]), plain(after.properties, mappings[1])
        is_read = after.type == NESTED and nested_name(pair.stack_after.name, after) in around.nested
        _compare_properties(draft, marked(old, changed) if changed else old, new, is_read)
    if before.attributes != after.attributes:
        _compare_attributes(draft, before.attributes, after.attributes)
    condition = after.attributes.get("Condition")
    if isinstance(condition, str) and condition in changed and condition == before.attributes.get("Condition"):
        why = "the condition, which is another one, decides whether it exists"
        draft.properties.append(PropertyChange(name="Condition", before=condition, after=condition, replaces=why))
        draft.force(Force.MAY)
    return draft if draft.properties or draft.lines else None


def policy(attributes: Mapping[str, Any], name: str, kind: str) -> str:
    """A resource's DeletionPolicy or UpdateReplacePolicy, with CloudFormation's default."""
    default = "Snapshot" if kind in SNAPSHOT_BY_DEFAULT and name == "DeletionPolicy" else "Delete"
    return str(attributes.get(name, default))


def removal(pair: Pair) -> Action:
    """What happens to a resource that its stack no longer has: the deployed template's policy tells."""
    assert pair.before
    kept = policy(pair.before.attributes, "DeletionPolicy", pair.before.type) in KEPT
    return Action.ORPHAN if kept else Action.DESTROY


def _compare_properties(draft: Draft, old: Any, new: Any, is_read: bool) -> None:
    """`is_read`: whether it is a nested stack whose resources are compared themselves."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        old, new = {"Properties": old}, {"Properties": new}
    changed: list[Leaf] = []
    for name in dict.fromkeys([*new, *old]):
        one, other = old.get(name, ABSENT), new.get(name, ABSENT)
        if one == other or (name == "TemplateURL" and is_read):
            continue
        called = beside(name, new, old)
        found = list(leaves(one, other, (name,), called))
        changed += found
        _add(draft, name, one, other, found, called if is_secret(called) else name)
    draft.leaves = changed
    if (
        changed
        and (draft.action is Action.UPDATE or draft.kind in CODE)
        and all(is_asset_change(leaf) for leaf in changed)
    ):
        draft.code_only = draft.kind != NESTED


def _add(draft: Draft, name: str, before: Any, after: Any, found: list[Leaf], called: str) -> None:
    forced = [(leaf, *forced_by(draft.kind, leaf)) for leaf in found]
    strongest = max((force for _, force, _ in forced), default=Force.NONE)
    draft.force(strongest)
    lines = definitions.lines(draft.kind, name, before, after)
    draft.lines += lines or ()
    if lines is None and len(found) <= _PLACES:
        draft.properties += [change_of(leaf, why) for leaf, _, why in forced]
        return
    why = next((why for _, force, why in forced if force is strongest), "")
    old, new = (
        None if side is ABSENT else definitions.summary(draft.kind, name, side) or shown(side, called)
        for side in (before, after)
    )
    if lines is None and old == new:
        # What differs lies beyond what is shown.
        draft.properties += [change_of(leaf, why) for leaf, _, why in forced[:_PLACES]]
        draft.lines.append(f"{name}: {len(found) - _PLACES} more places differ")
        return
    draft.properties.append(PropertyChange(name=name, before=old, after=new, replaces=why))


def change_of(leaf: Leaf, why: str = "") -> PropertyChange:
    before, after = shown_leaf(leaf)
    return PropertyChange(name=place_name(leaf.path, leaf.called), before=before, after=after, replaces=why)


def place_name(path: tuple[str, ...], called: str = "") -> str:
    """`ProductionVariants[].ModelName`, `Tags[owner].Value`"""
    text = ".".join(path).replace(".*", "[]")
    before, bracket, after = text.rpartition("[]")
    return f"{before}[{shown(called)}]{after}" if called and bracket and "." not in after[1:] else text


def forced_by(kind: str, leaf: Leaf) -> tuple[Force, str]:
    force, why = forcing(kind, leaf.path, leaf.opaque)
    if force is Force.WILL and not leaf.certain:
        return Force.MAY, f"{why}, in some outcomes of a condition"
    return force, why


def _compare_attributes(draft: Draft, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    for name in _ATTRIBUTES:
        old, new = (plain(side.get(name)) for side in (before, after))
        if old != new:
            shows = (None if side is ABSENT else shown(side) for side in (old, new))
            draft.properties.append(PropertyChange(name=name, before=next(shows), after=next(shows)))
            draft.code_only = False


def texts(leaf: Leaf) -> Iterator[str]:
    """All texts of what a place has in the head."""
    stack = [leaf.after]
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            stack += value.values()
        elif isinstance(value, list):
            stack += value
