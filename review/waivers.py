"""What an application accepts of the findings of rules: where, why, until when, and whether it covers anything.

A reason may hold a last day: `no second zone yet, until 2027-01-31`. From the next day on the waiver is a finding.
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from review.cloud_assembly import Assembly, Resource, Stack
from review.governance.rule import Violation
from review.governance.values import maps
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
        """Whether the construct at `path` is the waiver's own or below it; one on the application covers all."""
        own = self.place.path
        return not own or f"{path}/Resource/".startswith(f"{own}/")  # as a resource's construct is often called


def waivers(assembly: Assembly) -> tuple[Waiver, ...]:
    """All of an assembly's, and those of the repository around it that are for its pipelines."""
    suppressed = {
        (str(found.get("acknowledgedId", "")), str(found.get("acknowledgedAt", ""))): str(found.get("reason", ""))
        for report in reports(assembly).values()
        for found in maps(report.get("suppressedViolations"))
    }
    told: dict[tuple[str, str], Waiver] = {}
    for stack in assembly.stacks.values():
        for each in _acknowledged(stack, assembly, suppressed.keys()):
            # A nested stack has its parent's metadata too: the waiver is that one's which has the resource.
            if (each.rule, each.place.path) not in told or each.place.logical_id:
                told[each.rule, each.place.path] = each
    # One on the application or a stage itself is in no stack's metadata.
    above = [
        Waiver("acknowledged", rule, reason, _place("", "", "", path), used=True)
        for (rule, path), reason in suppressed.items()
        if rule and (rule, path) not in told
    ]
    written = [each for stack in assembly.stacks.values() for each in _written(stack)]
    return (*told.values(), *above, *written, *_of_workloads(assembly.application))


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
    return {str(each.get("pluginName")): each for each in maps(assembly.validation.get("pluginReports"))}


def _acknowledged(stack: Stack, assembly: Assembly, suppressed: Container[tuple[str, str]]) -> Iterator[Waiver]:
    plugins = reports(assembly)
    at = {resource.path: resource for resource in stack.resources.values()}
    for path in stack.metadata:
        where = path.removeprefix("/")
        for rule, reason in acknowledgements(stack, path).items():
            pack, _, name = rule.partition("::")
            used = (rule, where) in suppressed if pack in plugins else None
            used = False if pack == "Annotation" and OF_PACKS.match(name) else used
            resource = at.get(where.removesuffix("/Resource"))
            yield Waiver("acknowledged", rule, reason, _at(stack, resource, where), used)


def acknowledgements(stack: Stack, path: str) -> dict[str, str]:
    """Rules and reasons that a construct's metadata holds."""
    held = [each.get("data") for each in maps(stack.metadata.get(path)) if each.get("type") == ACKNOWLEDGED]
    return {str(rule): str(why) for data in held if isinstance(data, dict) for rule, why in data.items()}


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
        for each in maps(nag.get("rules_to_suppress") if isinstance(nag, dict) else None):
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
    told = acknowledgements(stack, f"/{path}") | acknowledgements(stack, f"/{path}/Resource")
    checks = config.get("ignore_checks")
    for check in checks if isinstance(checks, list) else ():
        reason = config.get("reason") or told.get(f"CloudFormation-Validate::{check}", "")
        yield Waiver("cfn-lint", str(check), str(reason), _at(stack, resource))


def _of_workloads(application: Path) -> Iterator[Waiver]:
    """Exceptions from the compiler's rules, if the application has any."""
    for path in sorted(application.glob("workloads/*/workload.yaml")):
        yield from _exceptions(path, path.relative_to(application).as_posix())


def _exceptions(path: Path, shown: str) -> Iterator[Waiver]:
    try:
        given = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        return  # the compiler refuses it, and says why
    for each in maps(given.get("exceptions") if isinstance(given, dict) else None):
        until = f", until {each['until']}" if "until" in each else ""
        where = _place("", "", "", f"{shown}#{each.get('step', '')}", shown)
        yield Waiver("workload.yaml", str(each.get("rule")), f"{each.get('reason', '')}{until}", where)


def _at(stack: Stack, resource: Resource | None, path: str = "") -> Place:
    if resource is None:
        return _place(stack.name, "", "", path or stack.name)
    return _place(stack.name, resource.logical_id, resource.type, path or resource.path, resource.source)


def _place(stack: str, logical_id: str, kind: str, path: str, source: str = "") -> Place:
    return Place(stack=stack, logical_id=logical_id, type=kind, path=path, source=source)
