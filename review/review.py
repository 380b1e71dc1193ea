"""The review: every engine's word on two assemblies, and the verdict."""

from datetime import date
from importlib.metadata import version

from review.cloud_assembly import Assembly
from review.cost import cost
from review.difference import difference
from review.model import Review, Side
from review.pairs import pairs
from review.rules import findings
from review.security import security
from review.verdict import gravest_first, verdict

# What an answer rests on besides the two assemblies.
_TOLD = ("sluice", "policy-sentry", "cloudformation-validate")


def review(base: Assembly, head: Assembly, *, sides: tuple[Side, Side], today: date) -> Review:
    """`sides` say what base and head are called; waivers that ended before `today` no longer hold."""
    paired = pairs(base, head)
    differing = difference(base, head)
    found = gravest_first((*differing.findings, *security(paired), *findings(base, head, today)))
    priced = cost(paired)
    given, reasons = verdict(found, priced)
    return Review(
        base=sides[0],
        head=sides[1],
        verdict=given,
        reasons=reasons,
        changes=differing.changes,
        findings=tuple(found),
        cost=priced,
        notes=tuple(dict.fromkeys(differing.notes)),
        versions={name: version(name) for name in _TOLD},
    )
