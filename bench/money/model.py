"""What the traces do not tell: how people use Studio and endpoints, and how spot capacity comes and goes.

This is the one table of it. An assumption says so; no figure of the bench may be quoted without it.
"""

from dataclasses import dataclass, field, fields
from typing import Any

ASSUMED = "assumed; no public trace tells"


def _told(value: Any, unit: str, why: str) -> Any:
    return field(default=value, metadata={"unit": unit, "why": why})


@dataclass(frozen=True, kw_only=True)
class Model:
    """Shares are of 1, times are minutes; a mean is that of an exponential distribution."""

    # People
    jobs_per_person_day: float = _told(2.0, "jobs", f"makes the team as large as its trace of jobs; {ASSUMED}")
    attendance: float = _told(0.85, "share of working days", "leave, illness, meetings: some 15 % of working days")
    weekend_work: float = _told(0.05, "share of days off", ASSUMED)
    begins: tuple[int, int] = _told((510, 600), "minute of the day", "work begins between 8:30 and 10:00")
    ends: tuple[int, int] = _told((990, 1110), "minute of the day", "and ends between 16:30 and 18:30")
    lunch: tuple[int, int] = _told((45, 75), "minutes", "around noon")
    burst: float = _told(25.0, "minutes, mean", "in use at a stretch: cells that run and what is typed between")
    shortest: int = _told(15, "minutes", "the least of a stretch, as who pauses for less is still at work")
    pause: float = _told(
        20.0, "minutes, mean", "until the next stretch; use of notebooks is sporadic: arXiv 2503.20591"
    )
    night_cell: float = _told(
        0.1, "share of evenings", f"a cell is left to run on after the person has gone; {ASSUMED}"
    )
    night_cell_length: tuple[int, int] = _told((60, 360), "minutes", ASSUMED)
    # Studio
    notebook_instances: float = _told(0.25, "share of people", f"the others use apps of Studio; {ASSUMED}")
    types: tuple[tuple[str, float], ...] = _told(
        (("ml.t3.medium", 0.5), ("ml.m5.xlarge", 0.35), ("ml.m5.4xlarge", 0.15)),
        "share of people",
        "ml.t3.medium is what Studio offers first; the rest assumed",
    )
    gpu_people: float = _told(0.5, "share of people", f"who besides have an app on ml.g5.xlarge; {ASSUMED}")
    gpu_days: float = _told(0.3, "share of their days", ASSUMED)
    tidy: float = _told(0.2, "share of evenings and of tries", f"people shut down what they used themselves; {ASSUMED}")
    open_kernel: float = _told(
        0.7, "share of evenings", "closing a tab leaves its kernel running (JupyterLab's manual)"
    )
    never_opened: float = _told(0.1, "apps a person", f"started and never opened, on ml.m5.xlarge; {ASSUMED}")
    app_start: int = _told(3, "minutes", "from asking for an app or a notebook instance to its first cell; assumed")
    # Endpoints
    dev_endpoints: float = _told(0.2, "a person", f"on ml.m5.xlarge and ml.g5.xlarge in turn; {ASSUMED}")
    dev_days: float = _told(0.6, "share of working days", f"on which one is called at all; {ASSUMED}")
    dev_burst: float = _told(10.0, "minutes, mean", f"of calls at a stretch; {ASSUMED}")
    dev_pause: float = _told(45.0, "minutes, mean", f"between them; {ASSUMED}")
    tries: float = _told(0.5, "a person and month", f"endpoints made to try a model; {ASSUMED}")
    try_length: tuple[int, int] = _told((30, 120), "minutes", ASSUMED)
    tried_again: float = _told(0.3, "share of tries", f"as long once more; {ASSUMED}")
    again_within: int = _told(5, "days", ASSUMED)
    prod_endpoints: float = _told(0.1, "a person", "ml.g5.xlarge, called without end; the same in every world")
    endpoint_start: int = _told(6, "minutes", "from CreateEndpoint to InService: some minutes, as AWS says; assumed")
    # Training
    small_gpu: float = _told(0.5, "share of jobs on one GPU", f"ml.g4dn.xlarge, the others ml.g5.xlarge; {ASSUMED}")
    around: float = _told(
        0.1, "share of jobs", f"started on demand by hand, not by a compiled pipeline, which has spot; {ASSUMED}"
    )
    exempted: float = _told(
        0.05, "share of jobs", f"their owners keep them on demand by a tag, with a reason; {ASSUMED}"
    )
    governed_after: int = _told(3, "minutes", "until the governor has stopped one, billed on demand")
    bands: tuple[float, ...] = _told(
        (0.05, 0.1, 0.15, 0.2, 0.3),
        "interruptions of an instance in a day",
        "the advisor's bands at their upper end, and as if of a day where it says a month, which is harsher",
    )
    checkpoint: float = _told(30.0, "minutes", "an interruption costs up to so much work again")
    no_capacity: float = _told(0.05, "share of starts", f"spot capacity does not come within `patience`; {ASSUMED}")
    capacity: float = _told(10.0, "minutes, mean", f"until it comes where it does; {ASSUMED}")
    patience: int = _told(60, "minutes", "MaxWaitTime less MaxRuntime, as in workloads/tabular")
    longest_run: int = _told(
        28 * 1440, "minutes", "the longest that SageMaker lets a training job run; longer ones end"
    )


def rows() -> list[tuple[str, str, str, str]]:
    """Name, value, unit and reason of each parameter."""
    return [(each.name, _shown(each.default), each.metadata["unit"], each.metadata["why"]) for each in fields(Model)]


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value)) if not _is_pair(value) else f"{value[0]} {value[1]:g}"
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _is_pair(value: tuple[Any, ...]) -> bool:
    return len(value) == 2 and isinstance(value[0], str)
