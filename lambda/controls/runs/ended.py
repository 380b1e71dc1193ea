"""What there is to record of a run that has ended, whatever ran it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from controls.runs import results
from controls.runs.results import LeftOutError, Results


@dataclass(frozen=True, kw_only=True)
class Try:
    """One training job of a tuning job, or one candidate of Autopilot. Times are milliseconds since the epoch."""

    name: str
    status: str
    started: int
    ended: int
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """One execution. `status` is MLflow's; `files` are to be kept with the run, by their path there."""

    workload: str
    execution: str
    name: str
    status: str
    started: int
    ended: int
    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]
    files: dict[str, bytes]
    tries: list[Try]

    @property
    def stamp(self) -> str:
        """Differs when an execution that had ended was retried and has ended again."""
        return f"{self.status} {self.ended}"


_READ = {"evaluation.json": results.evaluated, "metrics.json": results.examined}


@dataclass
class Kept:
    """Gathers files, and what had to be left out."""

    files: dict[str, bytes] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def documents(self, found: Results, places: Iterable[str]) -> None:
        """Everything below `places` that is recorded; an evaluation and what a monitor found give metrics as well."""
        for uri in (uri for place in places for uri in found.documents(place)):
            document = results.name(uri)
            try:
                self.files[document] = found.read(uri)
                if read := _READ.get(document):
                    metrics, tags = read(self.files[document])
                    self.metrics |= metrics
                    self.tags |= tags
            except LeftOutError as reason:
                self.left_out.append(str(reason))

    def manifest(self, found: Results, uri: str) -> None:
        """What the run's first step noted of its data."""
        try:
            self.files["begin/manifest.json"] = found.read(uri)
        except LeftOutError as reason:
            self.left_out.append(str(reason))

    def report(self, found: Results, archive: str) -> None:
        """The report that the hook in a training script has made, if there is one."""
        try:
            content = found.report(archive)
        except LeftOutError as reason:
            self.left_out.append(str(reason))
            return
        if content is not None:
            self.files[results.REPORT] = content

    def all_tags(self) -> dict[str, str]:
        return {**self.tags, **({"sluice.left-out": "; ".join(self.left_out)} if self.left_out else {})}


def milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)


def given(tags: dict[str, str | None]) -> dict[str, str]:
    """Those that have a value."""
    return {name: value for name, value in tags.items() if value}
