"""Ways to the rights of somebody else that a change opens: those that cloudsplaining lists, and SageMaker's own."""

from collections.abc import Iterator
from functools import cache

from review.iam.actions import actions
from review.iam.statements import Policy, Statement
from review.model import Finding, Kind, Place, Severity

# A role handed to what then runs somebody's code with it; cloudsplaining 0.9.1 has training, processing and notebooks.
_PASSED = (
    ("sagemaker:CreatePipeline", "sagemaker:StartPipelineExecution"),
    ("sagemaker:CreateModel", "sagemaker:CreateEndpoint"),
    ("sagemaker:CreateModel", "sagemaker:CreateTransformJob"),
    ("sagemaker:CreateHyperParameterTuningJob",),
    ("sagemaker:CreateAutoMLJobV2",),
    ("sagemaker:CreateUserProfile", "sagemaker:CreateApp"),
    ("states:CreateStateMachine", "states:StartExecution"),
    ("scheduler:CreateSchedule",),
)
_UPDATED = (("sagemaker:UpdatePipeline", "sagemaker:StartPipelineExecution"), ("sagemaker:CreatePresignedDomainUrl",))
_FEW = 2


def findings(base: Policy, head: Policy, where: Place, title: str) -> Iterator[Finding]:
    """The ways that are open in the head and were not in the base."""
    before, after = _reach(base), _reach(head)
    opened = [way for way in _ways() if way & ~after == 0 and way & ~before]
    # What a shorter way does already is not told again.
    least = {way for way in opened if not any(other != way and other & ~way == 0 for other in opened)}
    if not least:
        return
    passing = actions().mask(["iam:PassRole"])
    bounded = all(way & passing for way in least) and _is_bounded(head)
    named = sorted({", ".join(sorted(actions().of(way))) for way in least}, key=len)
    more = f"; and {len(named) - _FEW} more" if len(named) > _FEW else ""
    yield Finding(
        kind=Kind.IAM_WIDENED,
        severity=Severity.MEDIUM if bounded else Severity.HIGH,
        rule="iam-escalation",
        place=where,
        message=f"{title} can now come by the rights of others: {'; '.join(named[:_FEW])}{more}.",
        fix="Ask which role is meant; name it, and the service that it is passed to (iam:PassedToService).",
    )


@cache
def _ways() -> list[int]:
    # Read here: it takes a tenth of a second, and most reviews have no need of it.
    from cloudsplaining.shared.constants import PRIVILEGE_ESCALATION_METHODS

    ways = [*PRIVILEGE_ESCALATION_METHODS.values(), *(("iam:PassRole", *way) for way in _PASSED), *_UPDATED]
    for way in ways:
        for action in way:
            actions().learn(action)
    return [actions().mask(way) for way in ways]


def _reach(held: Policy) -> int:
    """Every action that is allowed on something, and not denied everywhere."""
    _ways()
    mask = 0
    for each in held.statements:
        mask |= each.mask() if each.allows else 0
    for each in held.statements:
        if not each.allows and not each.condition and not each.guard and each.resources.texts == ("*",):
            mask &= ~(each.mask() if not each.resources.inverted else 0)
    return mask


def _is_bounded(head: Policy) -> bool:
    """Whether each role that may be passed is named, and so is the service that gets it."""
    passing = actions().mask(["iam:PassRole"])
    return all(_names_all(each) for each in head.statements if each.allows and each.mask() & passing)


def _names_all(passing: Statement) -> bool:
    services = [
        c for c in passing.condition if c.key == "iam:passedtoservice" and not c.negative and not c.when_missing
    ]
    named = not passing.resources.inverted and not any("*" in text for text in passing.resources.texts)
    return named and bool(services) and not any("*" in value for each in services for value in each.values)
