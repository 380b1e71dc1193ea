"""The review: every engine's word on two assemblies, and the verdict."""

from collections.abc import Iterable
from datetime import date
from importlib.metadata import version

from review.cloud_assembly import Assembly
from review.cost import cost
from review.difference import difference
from review.model import Finding, Review, Side
from review.pairs import pairs
from review.rules import rules
from review.security import security
from review.verdict import gravest_first, verdict

# What an answer rests on besides the two assemblies.
_TOLD = ("sluice", "policy-sentry", "cloudformation-validate")


def review(
    base: Assembly,
    head: Assembly,
    *,
    sides: tuple[Side, Side],
    today: date,
    also: Iterable[Finding] = (),
    notes: Iterable[str] = (),
    validate: bool = True,
) -> Review:
    """`sides` say what base and head are called; waivers that ended before `today` no longer hold.

    `also` and `notes` are what else was found, and what of it was not looked at. `validate`: whether
    cloudformation-validate looks too, for half a second.
    """
    paired = pairs(base, head)
    differing = difference(base, head)
    ruled = rules(base, head, today, validate=validate)
    found = gravest_first((*also, *differing.findings, *security(paired), *ruled.findings))
    priced = cost(paired)
    given, reasons = verdict(found, priced)
    told = (*notes, *base.notes, *head.notes, *differing.notes, *ruled.notes)
    return Review(
        base=sides[0],
        head=sides[1],
        verdict=given,
        reasons=reasons,
        changes=differing.changes,
        findings=tuple(found),
        cost=priced,
        notes=tuple(dict.fromkeys(told)),
        versions={name: version(name) for name in _TOLD},
    )
