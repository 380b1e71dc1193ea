"""What a team may set otherwise than the pack's defaults: allowed instances, limits, tags."""

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

FILE = "sluice-rules.yaml"

_CPU = tuple(f"ml.{family}" for family in ("t3", "c5", "c6i", "c7i", "m5", "m6i", "m7i", "r5", "r6i", "r7i"))
_GPU = ("ml.g4dn", "ml.g5", "ml.g6")
_SMALL = ("medium", "large", "xlarge", "2xlarge", "4xlarge")


class Allowed(BaseModel):
    """Instance types: each of these families in each of these sizes, and the types named one by one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    families: tuple[str, ...] = (*_CPU, *_GPU)
    sizes: tuple[str, ...] = _SMALL
    types: tuple[str, ...] = ()

    def holds(self, instance: object) -> bool:
        family, _, size = instance.rpartition(".") if isinstance(instance, str) else ("", "", "")
        return instance in self.types or (family in self.families and size in self.sizes)


class Settings(BaseModel):
    """The defaults suit an account without large models; a limit that is too low is a finding, not a failure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    studio: Allowed = Allowed(sizes=("medium", "large", "xlarge", "2xlarge"), types=("system",))
    notebook: Allowed = Allowed(sizes=("medium", "large", "xlarge", "2xlarge"))
    training: Allowed = Allowed(sizes=(*_SMALL, "8xlarge", "12xlarge"))
    processing: Allowed = Allowed()
    hosting: Allowed = Allowed(families=(*_CPU, *_GPU, "ml.inf2"))
    cluster: Allowed = Allowed(sizes=(*_SMALL, "8xlarge", "12xlarge"))
    instances: int = 8
    """At most, of one job, variant or cluster's group."""
    idle_minutes: int = 240
    runtime_hours: int = 24
    spot_wait_hours: int = 24
    tuning_jobs: int = 50
    tuning_parallel: int = 10
    volume_gb: int = 500
    serverless_concurrency: int = 50
    log_days: int = 3653
    notebook_platforms: tuple[str, ...] = ("notebook-al2-v3", "notebook-al2023-v1")
    tags: dict[str, tuple[str, ...]] = {
        "owner": ("owner", "contact"),
        "team": ("team", "group", "department"),
        "cost": ("cost-centre", "cost-center", "costcentre", "costcenter", "cost", "billing"),
    }
    """Of each, one key must be there: in any case, alone or after a prefix (`acme:owner`)."""
    switched_off: tuple[str, ...] = ()
    """Rules that a team has none of."""


class SettingsError(Exception):
    """A file of settings cannot be read: which one, and what is wrong in it."""


def load(path: Path) -> Settings:
    """What a file says, over the defaults. Raises SettingsError."""
    try:
        return Settings.model_validate(yaml.safe_load(path.read_text("utf-8")) or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        raise SettingsError(f"{path}: {error}") from None
