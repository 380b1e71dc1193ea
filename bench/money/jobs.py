"""Training jobs: drawn from the traces, and what each costs on demand, on spot and with foresight."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from bench.money.model import Model
from bench.money.traces import REGION, TraceError, Traces
from bench.money.world import DAY, Job
from controls.pricing.prices import Prices


def drawn(traces: Traces, model: Model, seed: int, prices: Prices) -> Iterator[Job]:
    """Raises TraceError where the spot advisor lacks a type that is used.

    Each job draws by itself, and what it works before what befalls it, so another model changes only what it says.
    """
    for number, arrival in enumerate(traces.arrivals):
        random = Random(f"job {seed} {number}")
        instance_type, count = _cluster(arrival.gpus, model, random)
        ec2 = instance_type.removeprefix("ml.")
        if ec2 not in traces.spot:
            raise TraceError(f"spot_advisor.{REGION}.Linux of the spot advisor's table lacks {ec2}")
        minutes = min(random.choice(traces.run_seconds) / 60, model.longest_run)
        around, exempted = random.random() < model.around, random.random() < model.exempted
        breaks = tuple(_breaks(model.bands[traces.spot[ec2].band] * count / DAY, minutes, model, random))
        yield Job(
            name=f"job-{number}",
            minutes=minutes,
            instance_type=instance_type,
            count=count,
            usd_per_hour=count * prices.rate(REGION, "Training", instance_type).usd_per_hour,
            saving=traces.spot[ec2].saving,
            around=around,
            exempted=exempted,
            waits=tuple(_wait(model, random) for _ in range(len(breaks) + 1)),
            breaks=breaks,
        )


def _cluster(gpus: int, model: Model, random: Random) -> tuple[str, int]:
    """The fewest g5 instances with so many GPUs; of the two types with a single one either."""
    small = random.random() < model.small_gpu
    if gpus == 1:
        return ("ml.g4dn.xlarge" if small else "ml.g5.xlarge"), 1
    return ("ml.g5.12xlarge", 1) if gpus <= 4 else ("ml.g5.48xlarge", -(-gpus // 8))


def _breaks(rate: float, minutes: float, model: Model, random: Random) -> Iterator[tuple[float, float]]:
    at, todo = 0.0, minutes
    while (after := random.expovariate(rate)) < todo - at:
        at += after
        lost = min(random.uniform(0, model.checkpoint), after)
        todo += lost
        yield at, lost


def _wait(model: Model, random: Random) -> float | None:
    if random.random() < model.no_capacity:
        return None
    wait = random.expovariate(1 / model.capacity)
    return wait if wait <= model.patience else None


@dataclass(frozen=True)
class Run:
    """How a job went: minutes billed on demand and on spot, and minutes that it waited for spot capacity."""

    on_demand: float = 0.0
    spot: float = 0.0
    waited: float = 0.0

    def usd(self, job: Job) -> float:
        return (self.on_demand + self.spot * (1 - job.saving)) * job.usd_per_hour / 60


def on_demand(job: Job) -> Run:
    return Run(on_demand=job.minutes)


def on_spot(job: Job, model: Model) -> Run:
    """From start to start; once capacity does not come in time, the rest on demand, from the last checkpoint."""
    at, todo, waited = 0.0, job.minutes, 0.0
    for wait, interruption in zip(job.waits, (*job.breaks, None), strict=True):
        waited += model.patience if wait is None else wait
        if wait is None or waited > model.patience:
            return Run(todo - at, at, min(waited, model.patience))
        if interruption:
            at = interruption[0]
            todo += interruption[1]
    return Run(spot=todo, waited=waited)


def governed(job: Job, model: Model, stopped: bool) -> Run:
    """Under Sluice: on spot if the governor would have `stopped` it; who did not know is stopped, and comes again."""
    early = min(float(model.governed_after), job.minutes) if job.around else 0.0
    if not stopped or early == job.minutes:
        return on_demand(job)
    run = on_spot(job, model)
    return Run(run.on_demand + early, run.spot, run.waited)


def foreseen(job: Job, model: Model) -> Run:
    """The cheaper of the two, with every interruption and every wait known."""
    return min(on_demand(job), on_spot(job, model), key=lambda run: run.usd(job))
