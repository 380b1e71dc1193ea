"""What nobody may go beyond: instance types by persona and purpose, run time, serverless size, how much of it all."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from config.instances import Hosting, Processing, StudioApp, Training
from config.section import Positive, Section
from config.workload import Workload

Persona = Literal["data-scientist", "ml-engineer", "viewer"]

# IAM takes 6,144 characters for a permissions boundary. This is what its own words leave to instance types and subnets.
ROOM_CHARACTERS = 700
_SUBNET_CHARACTERS = 27

# Families whose instances have a disk of their own, for which SageMaker takes no key: AWS, CreateTrainingJob.
_LOCAL_STORAGE = re.compile(r"ml\.(\w+d|\w+dn|g4ad|g5|g6|g6e|g7|g7e|p4de|p5|p5e|p5en|p6-\w+|trn1|trn1n|trn2)\..+")

# Field of workload.yaml -> the limit that holds for it.
_LIMITS = {
    "process.max_run_seconds": "max_run_seconds",
    "train.max_run_seconds": "max_run_seconds",
    "algorithm.candidate_seconds": "max_run_seconds",
    "process.instance_count": "max_instances",
    "train.instance_count": "max_instances",
    "serve.instance_count": "max_instances",
    "process.volume_gb": "max_volume_gb",
    "train.volume_gb": "max_volume_gb",
    "tuning.max_jobs": "max_tuning_jobs",
    "tuning.parallel_jobs": "max_parallel_jobs",
    "tuning.max_run_seconds": "max_search_seconds",
    "algorithm.search_seconds": "max_search_seconds",
    "algorithm.candidates": "max_candidates",
}

_SMALL = ("ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge", "ml.c5.xlarge", "ml.c5.2xlarge")


class StudioTypes(Section):
    """What each persona's apps may run on; a viewer runs none."""

    data_scientist: tuple[StudioApp, ...] = Field(default=("ml.t3.medium", "ml.t3.large", "ml.m5.large"), strict=False)
    ml_engineer: tuple[StudioApp, ...] = Field(
        default=("ml.t3.medium", "ml.t3.large", "ml.m5.large", "ml.m5.xlarge"), strict=False
    )

    def of(self, persona: Persona) -> tuple[str, ...]:
        return {"data-scientist": self.data_scientist, "ml-engineer": self.ml_engineer, "viewer": ()}[persona]


class InstanceTypes(Section):
    """What each purpose may run on, whoever asks for it."""

    studio: StudioTypes = StudioTypes()
    training: tuple[Training, ...] = Field(default=_SMALL, min_length=1, strict=False)
    processing: tuple[Processing, ...] = Field(default=_SMALL, min_length=1, strict=False)
    hosting: tuple[Hosting, ...] = Field(default=("ml.m5.large", "ml.m5.xlarge"), min_length=1, strict=False)

    def with_local_storage(self) -> list[str]:
        """Those whose volumes take no key."""
        return sorted({n for n in (*self.training, *self.processing, *self.hosting) if _LOCAL_STORAGE.match(n)})

    def characters(self) -> int:
        """How many characters of the boundary these lists take."""
        named = (*self.training, *self.processing, *self.hosting, *self.with_local_storage())
        return sum(len(name) + 3 for name in named)


class Guardrails(Section):
    """IAM has keys for types, run time and serverless size; the other limits are held against workloads only."""

    instance_types: InstanceTypes = InstanceTypes()
    max_run_seconds: Annotated[int, Field(ge=60, le=2_419_200)] = 86_400
    max_instances: Positive = 8  # of one job or endpoint
    max_volume_gb: Positive = 500  # of one instance
    max_tuning_jobs: Positive = 50
    max_parallel_jobs: Positive = 10
    max_candidates: Positive = 50  # of Autopilot
    max_search_seconds: Annotated[int, Field(ge=60)] = 86_400  # of a tuning that says how long, and of Autopilot
    serverless_max_concurrency: Annotated[int, Field(ge=1, le=200)] = 20
    serverless_memory_mb: Literal[1024, 2048, 3072, 4096, 5120, 6144] = 4096

    def too_long(self, subnets: int) -> str | None:
        """Why the lists do not fit into the boundary beside so many subnets, if they do not."""
        room, taken = ROOM_CHARACTERS - subnets * _SUBNET_CHARACTERS, self.instance_types.characters()
        if taken <= room:
            return None
        return f"must take at most {room} characters beside {subnets} subnets, not {taken}: name fewer instance types"

    def breaches(self, workload: Workload) -> Iterator[tuple[str, object, str]]:
        """What a workload asks for and these guardrails deny when it runs: field, value, what is allowed."""
        types = self.instance_types
        for part, allowed in (("process", types.processing), ("train", types.training), ("serve", types.hosting)):
            settings = getattr(workload, part)
            if settings and settings.instance_type not in allowed:
                told = f"one of guardrails.instance_types, {', '.join(allowed)}"
                yield f"{part}.instance_type", settings.instance_type, told
        for field, limit, value in limited(workload):
            if value > (most := getattr(self, limit)):
                yield field, value, f"at most guardrails.{limit}, {most}"


def limited(workload: Workload) -> Iterator[tuple[str, str, int]]:
    """What a workload asks for that has a limit: field, name of the limit and value."""
    for field, limit in _LIMITS.items():
        section, _, name = field.partition(".")
        if (value := getattr(getattr(workload, section), name, None)) is not None:
            yield field, limit, value
