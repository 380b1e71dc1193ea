"""Whether a spot job that lacked capacity goes on on demand. Pure."""

from dataclasses import dataclass
from typing import Any, Literal

from controls.governor.capacity import Lack
from controls.jobs.jobs import FALLBACK_TAG
from controls.resource import Kind, Resource

Decision = Literal["start", "refuse", "observe"]


@dataclass(frozen=True)
class Terms:
    """`by_default`: of jobs without the tag; `acts`: else it is only told of; no budget where `usd_per_month` is 0."""

    by_default: bool
    acts: bool
    usd_per_month: float = 0.0


def decide(
    resource: Resource,
    lack: Lack,
    terms: Terms,
    budget: dict[str, Any] | None,
    execution: str,
    *,
    open_usd: float = 0.0,
) -> tuple[Decision, str]:
    """What is done about a spot job that lacked capacity, and why. Pure. `execution` made the job, if any did.

    `open_usd`: what other jobs that go on on demand may still cost.
    """
    wanted = resource.tags.get(FALLBACK_TAG)
    if wanted is None and not terms.by_default:
        return "refuse", f"costs.spot.fallback is false, and the job has no tag {FALLBACK_TAG}: on-demand"
    if wanted not in (None, "on-demand"):
        return "refuse", f"{FALLBACK_TAG} is {wanted}; on-demand would have it go on, never does not"
    if resource.kind is Kind.TUNING_JOB and execution:
        return "refuse", f"no step of {execution} would take up the search: retry it, or let its trainings be on demand"
    if budget and budget.get("frozen_since"):
        return "refuse", "the month's budget is spent"
    used = sum((budget or {}).get(name, 0.0) for name in ("spent_usd", "in_progress_usd"))
    if terms.usd_per_month and used + open_usd + lack.most_usd > terms.usd_per_month:
        others = f", other fallbacks may cost {open_usd:.2f}" if open_usd else ""
        told = f"used {used:.2f} USD of {terms.usd_per_month:.2f} this month{others}, and it may cost "
        return "refuse", told + f"{lack.most_usd:.2f}"
    return ("start" if terms.acts else "observe"), f"{lack.reason}; at most {lack.most_usd:.2f} USD on demand"
