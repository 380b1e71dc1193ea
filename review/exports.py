"""What stacks ask and give: parameters, conditions and mappings, and exports that another stack still imports."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from review.cascade import export_name, imported, outputs
from review.cloud_assembly import Assembly, Stack
from review.model import Finding, Kind, Place, Severity
from review.nesting import nested_stacks
from review.references import Import, references
from review.shown import MASK, readable, shown
from review.values import ABSENT, plain

Export = tuple[str, str]


def refused_exports(base: Assembly, head: Assembly, replaced: set[tuple[str, str]]) -> Iterator[Finding]:
    """Exports that go, or whose value changes, while a stack imports them: CloudFormation refuses the deployment.

    `replaced`: the resources (stack, logical ID) whose values change.
    """
    given = {name: found for name, stack in base.stacks.items() if name in head.stacks and (found := _exports(stack))}
    if not given:
        return
    importers = {"base": _importers(base), "head": _importers(head)}
    for name, exports in given.items():
        new = head.stacks[name]
        exported = _exports(new)
        for export, (output, value) in exports.items():
            before, after = (importers[side].get(export, []) for side in ("base", "head"))
            if not before:
                continue
            if export not in exported:
                yield _refused(new, output, export, before, after, "is removed")
            elif plain(exported[export][1]) != plain(value):
                yield _refused(new, output, export, before, after, "gets another value")
            elif any((name, found.name) in replaced for found in references(value) if not isinstance(found, Import)):
                yield _refused(new, output, export, before, after, "gets the value of a replaced resource")


def _refused(stack: Stack, output: str, export: Export, before: list[str], after: list[str], what: str) -> Finding:
    """Grave where an importer stays; where it goes, the order of the deployment decides."""
    stays = [name for name in before if name in after]
    place = Place(stack=stack.name, logical_id=output, type="Output", path=output)
    users = ", ".join(sorted(set(before)))
    return Finding(
        kind=Kind.COLLISION,
        severity=Severity.HIGH if stays else Severity.MEDIUM,
        rule="export-in-use",
        place=place,
        message=f"Export {readable(export[1])} {what} while {users} imports it: CloudFormation refuses to update"
        f" {stack.name}.",
        fix="Deploy in two steps: first the importing stacks without the import, with this export kept as it is"
        " (`Stack.export_value`), then this one."
        if stays
        else f"Deploy {users} first (`cdk deploy --exclusively`), or keep the export for one deployment"
        " (`Stack.export_value`).",
    )


def _exports(stack: Stack) -> dict[Export, tuple[str, Any]]:
    found = ((export_name(output, stack), name, output) for name, output in outputs(stack).items())
    return {export: (name, output.get("Value")) for export, name, output in found if export}


def _importers(assembly: Assembly) -> dict[Export, list[str]]:
    found: dict[Export, list[str]] = {}
    for stack in assembly.stacks.values():
        if "Fn::ImportValue" not in json.dumps(stack.template, default=str):
            continue
        values = [resource.properties for resource in stack.resources.values()]
        values += [output.get("Value") for output in outputs(stack).values()]
        for value in values:
            for reference in references(value):
                if isinstance(reference, Import):
                    for export in imported(reference.export, stack):
                        if stack.name not in found.setdefault(export, []):
                            found[export].append(stack.name)
    return found


def notes(base: Assembly, head: Assembly) -> Iterator[str]:
    """A line for each stack that comes or goes, and for each parameter, output, condition and mapping that changes."""
    nested = {child for _, child in nested_stacks(base)}
    for name in sorted(base.stacks.keys() | head.stacks.keys()):
        old, new = base.stacks.get(name), head.stacks.get(name)
        if old is None or new is None:
            yield _whole(name, old, new, name in nested)
            continue
        if old.region != new.region:
            yield f"{name}: region {old.region or 'of who deploys'} → {new.region or 'of who deploys'}, another stack"
        for section, noun in _SECTIONS.items():
            yield from _section(name, noun, old.template.get(section), new.template.get(section))


_SECTIONS = {
    "Parameters": "parameter",
    "Conditions": "condition",
    "Mappings": "mapping",
    "Outputs": "output",
    "Transform": "transform",
}


def _whole(name: str, old: Stack | None, new: Stack | None, nested: bool) -> str:
    if new:
        return f"{name}: a new stack of {len(new.resources)} resources"
    assert old
    if nested:
        return f"{name}: the stack goes, with {len(old.resources)} resources"
    return (
        f"{name}: the stack leaves the application; a deployment leaves its {len(old.resources)} resources in the"
        f" account, and only `cdk destroy` of the old version removes them"
    )


def _section(stack: str, noun: str, before: Any, after: Any) -> Iterator[str]:
    if before == after:
        return
    old, new = (side if isinstance(side, Mapping) else {} if side is None else {"": side} for side in (before, after))
    for name in sorted(old.keys() | new.keys(), key=str):
        one, other = plain(old.get(name)), plain(new.get(name))
        if one != other and not (noun == "parameter" and name == "BootstrapVersion"):
            yield f"{stack}: {noun} {name} {_words(noun, str(name), one, other)}".replace("  ", " ")


def _words(noun: str, name: str, before: Any, after: Any) -> str:
    if before is ABSENT or after is ABSENT:
        return "added" if before is ABSENT else "removed"
    if noun == "parameter" and isinstance(before, dict) and isinstance(after, dict):
        hidden = "true" in (before.get("NoEcho"), after.get("NoEcho"))
        changed = [key for key in sorted(before.keys() | after.keys()) if before.get(key) != after.get(key)]
        old, new = (
            ", ".join(
                f"{key} {MASK if hidden and key == 'Default' else shown(side.get(key, ABSENT), name)}"
                for key in changed
            )
            for side in (before, after)
        )
        kept = "; a stack that exists keeps its old value unless told" if "Default" in changed else ""
        return f"{old} → {new}{kept}"
    value = [
        side.get("Value", side) if noun == "output" and isinstance(side, dict) else side for side in (before, after)
    ]
    return f"{shown(value[0], name)} → {shown(value[1], name)}"
