"""What nobody may go beyond: instance types by persona and purpose, run time, serverless size."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from config.instances import Hosting, Processing, StudioApp, Training
from config.section import Section
from config.workload import Workload

Persona = Literal["data-scientist", "ml-engineer", "viewer"]

# IAM takes 6,144 characters for a permissions boundary. This is what its own words leave to instance types and subnets.
ROOM_CHARACTERS = 700
_SUBNET_CHARACTERS = 27

# Families whose instances have a disk of their own, for which SageMaker takes no key: AWS, CreateTrainingJob.
_LOCAL_STORAGE = re.compile(r"ml\.(\w+d|\w+dn|g4ad|g5|g6|g6e|g7|g7e|p4de|p5|p5e|p5en|p6-\w+|trn1|trn1n|trn2)\..+")

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
    instance_types: InstanceTypes = InstanceTypes()
    max_run_seconds: Annotated[int, Field(ge=60, le=2_419_200)] = 86_400
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
        for part in ("process", "train"):
            seconds = settings.max_run_seconds if (settings := getattr(workload, part)) else 0
            if seconds > self.max_run_seconds:
                yield f"{part}.max_run_seconds", seconds, f"at most guardrails.max_run_seconds, {self.max_run_seconds}"
