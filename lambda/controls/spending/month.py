"""What a month has cost so far, as the ledger remembers it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Self

from controls.ledger import Item

NOT_NAMED = "not named"  # DynamoDB takes no empty name
DAY = timedelta(days=1)

Group = tuple[str, str, str, str, str]  # region, kind, team, owner, workload
Rates = Mapping[Group, float]


@dataclass(frozen=True, kw_only=True)
class Month:
    """Everything until `read_until` is in `spent_usd`, of which `reconciled_usd` is what AWS's bill had more.

    `running`: USD an hour at that time. `reached`: when each level in percent of `limit_usd` was, and `told` those
    that people know of. `frozen_since`: empty unless it is frozen. `revision`: how often it was written.
    """

    name: str
    read_until: datetime
    revision: int = 0
    spent_usd: float = 0.0
    jobs_usd: float = 0.0
    in_progress_usd: float = 0.0
    reconciled_usd: float = 0.0
    reconciled_on: str = ""
    by_team: Mapping[str, float] = field(default_factory=dict[str, float])
    by_owner: Mapping[str, float] = field(default_factory=dict[str, float])
    by_workload: Mapping[str, float] = field(default_factory=dict[str, float])
    by_day: Mapping[str, float] = field(default_factory=dict[str, float])
    running: Rates = field(default_factory=dict[Group, float])
    reached: Mapping[str, str] = field(default_factory=dict[str, str])
    told: tuple[str, ...] = ()
    limit_usd: float = 0.0
    frozen_since: str = ""
    thawed_by: str = ""
    thawed_at: str = ""

    @classmethod
    def of(cls, item: Item) -> Self:
        """As `item` remembers it."""
        known = {each.name: item[each.name] for each in fields(cls) if each.name in item}
        running = {tuple(group): usd for *group, usd in known.pop("running", ())}
        until = datetime.fromisoformat(known.pop("read_until"))
        known["told"] = tuple(known.get("told", ()))
        return cls(**known, running=running, read_until=until, name=item["at"])

    @property
    def members(self) -> Item:
        """What the ledger keeps of it."""
        kept = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("name", "revision")}
        kept |= {"read_until": self.read_until.isoformat(), "usd_per_hour": self.usd_per_hour}
        return kept | {"told": list(self.told), "running": [[*group, usd] for group, usd in self.running.items()]}

    @property
    def usd_per_hour(self) -> float:
        return sum(self.running.values())

    @property
    def used_usd(self) -> float:
        """With what jobs in progress have used, which is known exactly when they have ended."""
        return self.spent_usd + self.in_progress_usd

    @property
    def begins(self) -> datetime:
        return datetime.fromisoformat(f"{self.name}-01T00:00:00+00:00")

    @property
    def ends(self) -> datetime:
        return (self.begins + 31 * DAY).replace(day=1)

    def after(self) -> "Month":
        """The next one, in which everything runs on."""
        return Month(name=f"{self.ends:%Y-%m}", read_until=self.ends, running=self.running)

    def until_day(self, day: str) -> float:
        """What was metered on the days before `day`."""
        return sum(usd for each, usd in self.by_day.items() if each < day)

    def plus(self, usd: float, day: str, *, team: str = "", owner: str = "", workload: str = "") -> "Month":
        return replace(
            self,
            spent_usd=self.spent_usd + usd,
            by_team=_added(self.by_team, team, usd),
            by_owner=_added(self.by_owner, owner, usd),
            by_workload=_added(self.by_workload, workload, usd),
            by_day=_added(self.by_day, day, usd),
        )


def _added(sums: Mapping[str, float], name: str, usd: float) -> dict[str, float]:
    name = name or NOT_NAMED
    return {**sums, name: sums.get(name, 0.0) + usd}
