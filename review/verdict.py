"""Whether a change can be merged as it is: `block`, `look` or `fine`, and why.

GRADES is the whole of it; docs/review.md shows it as a table.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from review.model import Cost, Finding, Kind, Severity, Verdict

# From so much a month on, a dearer change is looked at; so is one that is dearer by such a share and is no trifle.
LOOK_USD, LOOK_SHARE, TRIFLE_USD = 100.0, 0.2, 10.0
NAMED = 3  # resources that a reason names
_GRAVEST = [Severity.HIGH, Severity.MEDIUM, Severity.LOW]


@dataclass(frozen=True)
class Grade:
    """`kind` of at least `severity` gives `verdict`; `rules`, if any, are the only ones of the kind that do."""

    verdict: Verdict
    kind: Kind
    severity: Severity
    rules: tuple[str, ...] = ()

    def takes(self, finding: Finding) -> bool:
        grave = _GRAVEST.index(finding.severity) <= _GRAVEST.index(self.severity)
        return finding.kind is self.kind and grave and (not self.rules or finding.rule in self.rules)


# What stays in the account (`orphaned`) or only may be replaced can be answered by a reader; what is gone cannot.
LOST = ("destroyed", "replaced", "moved")
GRADES = (
    Grade(Verdict.BLOCK, Kind.DESTRUCTIVE, Severity.HIGH, LOST),
    Grade(Verdict.BLOCK, Kind.COLLISION, Severity.LOW),
    Grade(Verdict.BLOCK, Kind.IAM_WIDENED, Severity.HIGH),
    Grade(Verdict.BLOCK, Kind.NETWORK_OPENED, Severity.HIGH),
    Grade(Verdict.BLOCK, Kind.SWITCH, Severity.HIGH),
    Grade(Verdict.BLOCK, Kind.RULE, Severity.HIGH),
    Grade(Verdict.LOOK, Kind.DESTRUCTIVE, Severity.LOW),
    Grade(Verdict.LOOK, Kind.IAM_WIDENED, Severity.LOW),
    Grade(Verdict.LOOK, Kind.NETWORK_OPENED, Severity.LOW),
    Grade(Verdict.LOOK, Kind.SWITCH, Severity.LOW),
    Grade(Verdict.LOOK, Kind.RULE, Severity.MEDIUM),
    Grade(Verdict.LOOK, Kind.WAIVER, Severity.LOW),
    Grade(Verdict.LOOK, Kind.IAM_NARROWED, Severity.MEDIUM),
)
# In the order in which a reader should know of them.
TOLD = {
    Kind.DESTRUCTIVE: "ends or replaces what holds data or serves",
    Kind.COLLISION: "makes names that are taken",
    Kind.IAM_WIDENED: "lets somebody do more",
    Kind.NETWORK_OPENED: "opens the network",
    Kind.SWITCH: "turns a safeguard down",
    Kind.RULE: "breaks rules that it did not break before",
    Kind.WAIVER: "waives rules, or its waivers are at fault",
    Kind.IAM_NARROWED: "lets somebody do less",
}
_GRADES = list(Verdict)


def grade(finding: Finding) -> Verdict:
    """What one finding alone would give."""
    return next((each.verdict for each in GRADES if each.takes(finding)), Verdict.FINE)


def gravest_first(findings: Iterable[Finding]) -> list[Finding]:
    """By verdict, kind and severity; then by place, so that the order says nothing about an engine."""
    kinds = list(TOLD)
    return sorted(
        findings,
        key=lambda each: (
            _GRADES.index(grade(each)),
            kinds.index(each.kind),
            _GRAVEST.index(each.severity),
            (each.place.stack, each.place.path, each.rule, each.message),
        ),
    )


def verdict(findings: Iterable[Finding], cost: Cost) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict with its reasons, the gravest first: none where it is `fine`."""
    reasons = list(_reasons(gravest_first(findings)))
    if dearer(cost):
        more = cost.after - cost.before
        reasons.append((Verdict.LOOK, f"costs {more:,.2f} USD a month more"))
    reasons.sort(key=lambda each: _GRADES.index(each[0]))
    return (reasons[0][0] if reasons else Verdict.FINE), tuple(reason for _, reason in reasons)


def dearer(cost: Cost) -> bool:
    more = cost.after - cost.before
    return more >= LOOK_USD or (more >= TRIFLE_USD and more >= LOOK_SHARE * cost.before)


def _reasons(findings: Iterable[Finding]) -> Iterator[tuple[Verdict, str]]:
    """One for each kind, with the verdict of its gravest finding, which names come first."""
    grouped: dict[Kind, tuple[Verdict, dict[str, None]]] = {}
    for finding in findings:
        if (given := grade(finding)) is not Verdict.FINE:
            grouped.setdefault(finding.kind, (given, {}))[1][finding.place.path] = None
    for kind, (given, paths) in grouped.items():
        yield given, f"{TOLD[kind]}: {_some(list(paths))}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"
