"""`--fail-on`: the conditions under which a review ends with exit status 1."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from review.model import Kind, Review, Severity, Verdict

ALLOWED = (
    "block, look (the verdict, or a graver one)",
    f"{', '.join(Kind)} (each alone, or with a severity: {Kind.RULE}:high)",
    "rule:ID (a rule's own ID: rule:iam-escalation)",
    "cost:+100USD, cost:+10% (more in a month)",
)
_SEVERITIES = list(Severity)  # the gravest first
_COST = re.compile(r"\+(\d+(?:\.\d+)?)(USD|%)")


class FailOnError(Exception):
    """Terms that are none, all of them, and what is allowed."""


@dataclass(frozen=True)
class Condition:
    """One of the three is set: what was found, the verdict, or the rise in cost (in USD or in percent)."""

    term: str
    kind: Kind | None = None
    severity: Severity = Severity.LOW
    rule: str = ""
    verdict: Verdict | None = None
    rise: float | None = None
    percent: bool = False

    def holds(self, review: Review) -> bool:
        if self.verdict:
            return review.verdict in (self.verdict, Verdict.BLOCK)
        if self.rise is not None:
            return self._dearer(review.cost.before, review.cost.after)
        return any(
            (finding.rule == self.rule if self.rule else finding.kind is self.kind)
            and _SEVERITIES.index(finding.severity) <= _SEVERITIES.index(self.severity)
            for finding in review.findings
        )

    def _dearer(self, before: float, after: float) -> bool:
        """By percent, anything is more than nothing."""
        assert self.rise is not None
        limit = before * self.rise / 100 if self.percent else self.rise
        return after > before and after - before >= limit


def parse(terms: Iterable[str]) -> tuple[Condition, ...]:
    """`terms` may hold several each, with commas between. Raises FailOnError."""
    words = [word.strip() for term in terms for word in term.split(",") if word.strip()]
    found = {word: _condition(word) for word in words}
    if wrong := [word for word, condition in found.items() if condition is None]:
        named = ", ".join(repr(word) for word in wrong)
        allowed = "\n".join(f"  {each}" for each in ALLOWED)
        raise FailOnError(f"--fail-on: {named} is no condition. Allowed, with commas between:\n{allowed}")
    return tuple(condition for condition in found.values() if condition)


def _condition(term: str) -> Condition | None:
    name, colon, detail = term.partition(":")
    match name, bool(colon):
        case (("block" | "look"), False):
            return Condition(term, verdict=Verdict(name))
        case "rule", True:
            return Condition(term, rule=detail) if detail else None
        case "cost", True:
            if rise := _COST.fullmatch(detail):
                return Condition(term, rise=float(rise[1]), percent=rise[2] == "%")
            return None
    if name in list(Kind) and (not colon or detail in list(Severity)):
        return Condition(term, kind=Kind(name), severity=Severity(detail) if colon else Severity.LOW)
    return None
