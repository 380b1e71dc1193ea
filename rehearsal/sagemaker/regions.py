"""SageMaker in several regions: what is made in one is not seen in another, as in AWS."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from rehearsal.sagemaker.endpoints import Endpoints
from rehearsal.sagemaker.jobs import Jobs
from rehearsal.sagemaker.mlflow_apps import MlflowApps
from rehearsal.sagemaker.service import Service


@dataclass(frozen=True)
class Region:
    """The service of one region and what works for it."""

    service: Service
    jobs: Jobs
    endpoints: Endpoints
    apps: MlflowApps


class Regions:
    """The region of the cloud's own stacks, `home`, from the beginning; each other once it is asked for.

    Counts of calls, quotas, the pace and whether jobs are paused hold for all of them.
    """

    def __init__(self, home: str, make: Callable[[str], Region]) -> None:
        self._make, self._lock, self._paused = make, threading.Lock(), False
        self.home = make(home)
        self._all = {home: self.home}

    def at(self, name: str) -> Region:
        with self._lock:
            if name not in self._all:
                found, home = self._make(name), self.home.service
                found.service.calls, found.service.quotas = home.calls, home.quotas
                found.service.pace_seconds = home.pace_seconds
                found.jobs.set_paused(self._paused)
                self._all[name] = found
            return self._all[name]

    def of(self, arn: str) -> Region:
        """The region that an ARN names. Raises ValueError for what is no ARN."""
        parts = arn.split(":")
        if len(parts) < 6 or not parts[3]:
            raise ValueError(f"'{arn}' is no ARN of a region")
        return self.at(parts[3])

    def all(self) -> list[Region]:
        with self._lock:
            return list(self._all.values())

    def set_pace(self, seconds: float) -> None:
        for region in self.all():
            region.service.set_pace(seconds)

    def set_paused(self, paused: bool) -> dict[str, object]:
        self._paused = paused
        waiting = [region.jobs.set_paused(paused)["waiting"] for region in self.all()]
        return {"paused": paused, "waiting": sum(waiting)}
