"""What an application accepts of the findings of rules: where, why, until when, and whether it covers anything.

A reason may hold a last day: `no second zone yet, until 2027-01-31`. From the next day on the waiver is a finding.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from review.cloud_assembly import Assembly, Resource, Stack
from review.governance.rule import Violation
from review.model import Place

PACK = "SLUICE"  # as CDK knows the governance pack
ACKNOWLEDGED = "aws:cdk:acknowledged-rules"
UNTIL = re.compile(r"\buntil (\d{4}-\d{2}-\d{2})\b")
# Packs whose rules are told from others by their names; CDK takes an id without a pack's prefix for an annotation's.
OF_PACKS = re.compile(r"(SLUICE|AwsSolutions|Serverless)-|(NIST\.800\.53\.R[45]|HIPAA\.Security|PCI\.DSS\.321)-")


@dataclass(frozen=True)
class Waiver:
    """`source` is how it is written. `used` is None where nothing tells whether it covers a finding."""

    source: str
    rule: str
    reason: str
    place: Place
    used: bool | None = None

    @property
    def until(self) -> date | None:
        """Its last day; None without one. Raises ValueError if the day does not exist."""
        found = UNTIL.search(self.reason)
        return date.fromisoformat(found[1]) if found else None

    def covers(self, path: str) -> bool:
        """Whether the construct at `path` is the waiver's own or below it."""
        return f"{path}/Resource/".startswith(f"{self.place.path}/")  # as a resource's construct is often called


def waivers(assembly: Assembly) -> tuple[Waiver, ...]:
    """All of an assembly's, and those of the repository around it that are for its pipelines."""
    suppressed = {
        (found.get("acknowledgedId"), found.get("acknowledgedAt")): str(found.get("reason", ""))
        for report in reports(assembly).values()
        for found in report.get("suppressedViolations", ())
    }
    told = [each for stack in assembly.stacks.values() for each in _acknowledged(stack, assembly, set(suppressed))]
    known = {(each.rule, each.place.path) for each in told}
    # One on the application or a stage itself is in no stack's metadata.
    above = [
        Waiver("acknowledged", str(rule), reason, _place("", "", "", str(path)), used=True)
        for (rule, path), reason in suppressed.items()
        if rule and (rule, path) not in known
    ]
    written = [each for stack in assembly.stacks.values() for each in _written(stack)]
    return (*told, *above, *written, *_of_workloads(assembly.folder))


class Waived(NamedTuple):
    """What no waiver covers, and all waivers, the pack's with whether they cover something."""

    violations: tuple[Violation, ...]
    waivers: tuple[Waiver, ...]


def applied(violations: Iterable[Violation], given: Iterable[Waiver]) -> Waived:
    of_pack, others = [], []
    for each in given:
        (of_pack if each.rule.removeprefix(f"{PACK}::").startswith("SLUICE-") else others).append(each)
    left, used = [], set[Waiver]()
    for violation in violations:
        names = {violation.rule.id, f"{PACK}::{violation.rule.id}"}
        covering = {each for each in of_pack if each.rule in names and each.covers(violation.resource.path)}
        used |= covering
        if not covering:
            left.append(violation)
    return Waived(tuple(left), (*(replace(each, used=each in used) for each in of_pack), *others))


def reports(assembly: Assembly) -> Mapping[str, Mapping[str, Any]]:
    """What each validation plugin said at synth, by its name."""
    found = assembly.validation.get("pluginReports", ())
    return {str(each.get("pluginName")): each for each in found if isinstance(each, dict)}


def _acknowledged(stack: Stack, assembly: Assembly, suppressed: set[tuple[Any, Any]]) -> Iterator[Waiver]:
    plugins = reports(assembly)
    at = {resource.path: resource for resource in stack.resources.values()}
    for path, entries in stack.metadata.items():
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and entry.get("type") == ACKNOWLEDGED:
                for rule, reason in dict(entry.get("data", {})).items():
                    where = path.removeprefix("/")
                    pack, _, name = rule.partition("::")
                    used = (rule, where) in suppressed if pack in plugins else None
                    used = False if pack == "Annotation" and OF_PACKS.match(name) else used
                    resource = at.get(where.removesuffix("/Resource"))
                    yield Waiver("acknowledged", rule, str(reason), _at(stack, resource, where), used)


def _written(stack: Stack) -> Iterator[Waiver]:
    """Those in the template: the pack's own, cfn-lint's, and cdk-nag's as its second version wrote them."""
    yield from _lint(stack, None, stack.template.get("Metadata"))
    for resource in stack.resources.values():
        metadata = resource.attributes.get("Metadata")
        if not isinstance(metadata, dict):
            continue
        for rule, reason in own(metadata).items():
            yield Waiver("Sluice", rule, reason, _at(stack, resource))
        yield from _lint(stack, resource, metadata)
        nag = metadata.get("cdk_nag")
        for each in nag.get("rules_to_suppress", ()) if isinstance(nag, dict) else ():
            if isinstance(each, dict):
                yield Waiver("cdk-nag 2", str(each.get("id")), str(each.get("reason", "")), _at(stack, resource))


def own(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The pack's waivers in a resource's metadata, with their reasons: `{"Sluice": {"waivers": {RULE: REASON}}}`."""
    sluice = metadata.get("Sluice")
    given = sluice.get("waivers") if isinstance(sluice, dict) else None
    return {str(rule): str(reason or "") for rule, reason in given.items()} if isinstance(given, dict) else {}


def _lint(stack: Stack, resource: Resource | None, metadata: Any) -> Iterator[Waiver]:
    """cfn-lint has no place for a reason: it is the acknowledgement's of the same check, or `reason` beside it."""
    lint = metadata.get("cfn-lint") if isinstance(metadata, dict) else None
    config = lint.get("config") if isinstance(lint, dict) else None
    if not isinstance(config, dict):
        return
    path = resource.path if resource else ""
    entries = [each for where in (f"/{path}", f"/{path}/Resource") for each in stack.metadata.get(where, ())]
    told = {rule: why for each in entries if each.get("type") == ACKNOWLEDGED for rule, why in each["data"].items()}
    for check in config.get("ignore_checks", ()):
        reason = config.get("reason") or told.get(f"CloudFormation-Validate::{check}", "")
        yield Waiver("cfn-lint", str(check), str(reason), _at(stack, resource))


def _of_workloads(folder: Path) -> Iterator[Waiver]:
    """Exceptions from the compiler's rules, in the repository that the assembly was synthesized in, if it has any."""
    for root in (folder, folder.parent):
        for path in sorted(root.glob("workloads/*/workload.yaml")):
            yield from _exceptions(path, path.relative_to(root).as_posix())
        if (root / "cdk.json").exists():
            return


def _exceptions(path: Path, shown: str) -> Iterator[Waiver]:
    try:
        given = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        return  # the compiler refuses it, and says why
    for each in given.get("exceptions", ()) if isinstance(given, dict) else ():
        if isinstance(each, dict):
            where = f"{shown}#{each.get('step', '')}"
            reason = (
                f"{each.get('reason', '')}, until {each['until']}" if "until" in each else str(each.get("reason", ""))
            )
            yield Waiver("workload.yaml", str(each.get("rule")), reason, _place("", "", "", where, shown))


def _at(stack: Stack, resource: Resource | None, path: str = "") -> Place:
    if resource is None:
        return _place(stack.name, "", "", path or stack.name)
    return _place(stack.name, resource.logical_id, resource.type, path or resource.path, resource.source)


def _place(stack: str, logical_id: str, kind: str, path: str, source: str = "") -> Place:
    return Place(stack=stack, logical_id=logical_id, type=kind, path=path, source=source)
