"""What rules say of the head that they did not say of the base: the pack's, cdk-nag's, cloudformation-validate's; and
the waivers that are new, or past their day."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from review.cloud_assembly import Assembly, Resource, Stack
from review.governance import check
from review.governance.settings import Settings
from review.governance.values import maps
from review.model import Finding, Kind, Place, Severity
from review.pairs import pairs
from review.validation import Validation
from review.waiver_findings import Names, of_packs, of_settings, of_waivers, settings_of
from review.waivers import PACK, Waived, applied, reports, waivers

# Told by others here: the pack is run anew, and the validator natively.
NOT_READ = {PACK, "CloudFormation-Validate"}


@dataclass(frozen=True)
class Told:
    """A finding, and what tells it from others of its side: the resource as the base has it, rule and property."""

    finding: Finding
    key: tuple[str, ...]


class Rules(NamedTuple):
    """`notes` say what was not looked at, and why."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


def findings(base: Assembly, head: Assembly, today: date) -> tuple[Finding, ...]:
    """What is new in the head, the gravest first."""
    return rules(base, head, today).findings


def rules(
    base: Assembly, head: Assembly, today: date, *, validate: bool = True, settings: Settings | None = None
) -> Rules:
    """`settings`: the pack's; without them those of the head, as `settings_of` finds them.

    `validate`: whether cloudformation-validate looks at templates that differ (250 MB in a process of its own).
    """
    changed = {name for name, stack in head.stacks.items() if validate and _differs(base.stacks.get(name), stack)}
    validation = Validation(side.stacks[name] for side in (base, head) for name in side.stacks if name in changed)
    notes = [] if validate else ["cloudformation-validate was left out."]
    if not any(reports(side).keys() - NOT_READ for side in (base, head)):
        notes.append("Neither side has a report of cdk-nag's: it did not run at the synth, or had nothing to say.")
    names = Names(pairs(base, head))
    settings = settings or settings_of(head, notes)
    held = {id(side): _waived(side, settings) for side in (base, head)}
    before, after = ([*_pack(held[id(side)]), *_nag(side), *_validated(validation, side)] for side in (base, head))
    new = [
        *_new(before, after, names),
        *of_waivers(held[id(base)].waivers, held[id(head)].waivers, today, names),
        *of_settings(base, settings),
        *of_packs(base, head),
    ]
    notes += validation.left_out
    grade = {Severity.HIGH: 0, Severity.MEDIUM: 1, Severity.LOW: 2}
    return Rules(tuple(sorted(new, key=lambda each: grade[each.severity])), tuple(dict.fromkeys(notes)))


def _waived(side: Assembly, settings: Settings) -> Waived:
    stacks = tuple(side.stacks.values())
    violations = [each for stack in stacks for each in check(stack, settings, stacks)]
    return applied(violations, waivers(side))


def _pack(side: Waived) -> Iterator[Told]:
    for each in side.violations:
        rule = each.rule
        finding = Finding(
            kind=Kind.RULE,
            severity=each.severity,
            rule=rule.id,
            place=_place(each.stack, each.resource),
            message=f"{rule.title}: {each.message}" if each.certain else f"{rule.title}? {each.message}",
            fix=rule.fix,
        )
        yield Told(finding, (rule.id, str(each.certain), each.path))


def _nag(side: Assembly) -> Iterator[Told]:
    """What other plugins found at synth, as their report has it."""
    at = {resource.path: (stack, resource) for stack in side.stacks.values() for resource in stack.resources.values()}
    for name in reports(side).keys() - NOT_READ:
        for violation in maps(reports(side)[name].get("violations")):
            for construct in maps(violation.get("violatingConstructs")):
                path = str(construct.get("constructPath", "")).removesuffix("/Resource")
                finding = _of_plugin(violation, _place(*at.get(path, (None, None)), path))
                where = construct.get("cloudFormationResource")
                paths = where.get("propertyPaths") if isinstance(where, dict) else ""
                yield Told(finding, (name, finding.rule, str(paths)))


def _of_plugin(violation: Mapping[str, Any], place: Place) -> Finding:
    return Finding(
        kind=Kind.RULE,
        severity=Severity.MEDIUM if violation.get("severity") in ("error", "fatal") else Severity.LOW,
        rule=str(violation.get("ruleName", "")),
        place=place,
        message=str(violation.get("description", "")),
        fix=str(violation.get("suggestedFix") or ""),
    )


def _validated(validation: Validation, side: Assembly) -> Iterator[Told]:
    for each in validation.diagnostics(side.stacks.values()):
        finding = Finding(
            kind=Kind.RULE,
            severity=each.severity,
            rule=each.rule,
            place=_place(each.stack, each.stack.resources.get(each.logical_id), each.logical_id),
            message=f"{each.path}: {each.message}" if each.path else each.message,
            fix=each.fix,
        )
        yield Told(finding, ("cloudformation-validate", each.rule, each.path))


def _new(before: Iterable[Told], after: Iterable[Told], names: Names) -> Iterator[Finding]:
    """More of a kind than there were. The place in a list is no part of the kind: lists are reordered."""
    there = Counter(
        _key(told, (told.finding.place.stack, told.finding.place.logical_id or told.finding.place.path))
        for told in before
    )
    for told in after:
        place = told.finding.place
        key = _key(told, names.key(place) if place.logical_id else (place.stack, names.path(place.path)))
        if there[key]:
            there[key] -= 1
        else:
            yield told.finding


def _key(told: Told, resource: tuple[str, str]) -> tuple[str, ...]:
    return (*resource, *(re.sub(r"\.\d+(?=\.|$)|/\d+(?=/|$)|\[\d+\]", ".*", part) for part in told.key))


def _differs(before: Stack | None, after: Stack) -> bool:
    return before is None or before.template != after.template or before.region != after.region


def _place(stack: Stack | None, resource: Resource | None, path: str = "") -> Place:
    if resource is None:
        return Place(stack=stack.name if stack else "", logical_id="", type="", path=path)
    return Place(
        stack=stack.name if stack else "",
        logical_id=resource.logical_id,
        type=resource.type,
        path=resource.path,
        source=resource.source,
    )
