"""What other idle limits would bring: the avoidable share of Studio and endpoints, and how often people start again."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.money.month import swept
from bench.money.play import Played, foreseen, uncontrolled
from bench.money.world import END, Thing, World
from config.costs import BySize, Costs
from controls.judgement.choices import size_of
from controls.resource import Kind

MINUTES = (15, 30, 60, 120, 240, 480, 960, 1440)
_WEEK = 7 * 1440


class Group(NamedTuple):
    """Things that share one idle limit: `purpose` is studio or endpoints, `size` gpu, large or small."""

    purpose: str
    size: str

    @property
    def title(self) -> str:
        return f"{'Endpoints' if self.purpose == 'endpoints' else 'Studio'}, {self.size}"


@dataclass(frozen=True)
class Point:
    """At a limit of `minutes` for one group, with the defaults for all others."""

    minutes: int
    avoidable_share: float
    restarts_a_week: float


@dataclass(frozen=True)
class Curve:
    group: Group
    default: Point
    points: tuple[Point, ...]


@dataclass
class _Sum:
    usd: float = 0.0
    restarts: int = 0

    def add(self, played: Played) -> None:
        self.usd += played.usd()
        self.restarts += sum(0 <= minute < END for minute in played.restarts)


def curves(worlds: Sequence[World], costs: Costs) -> Iterator[Curve]:
    """One for each limit that something of `worlds` is under."""
    scale, usual = _Scale.of(worlds), _at(worlds, costs)
    at = {minutes: _at(worlds, _limited(costs, minutes)) for minutes in MINUTES}
    whole = _total(usual.values())
    for group, was in sorted(usual.items()):
        rest = _Sum(whole.usd - was.usd, whole.restarts - was.restarts)
        points = {minutes: scale.point(minutes, _total([rest, at[minutes][group]])) for minutes in MINUTES}
        default = scale.point(getattr(getattr(costs.sweep.idle, group.purpose), group.size), whole)
        yield Curve(group, default, tuple(points.values()))


def standing(worlds: Sequence[World], costs: Costs) -> Point:
    """With the limits of `costs` for every group; its `minutes` say nothing."""
    return _Scale.of(worlds).point(0, _total(_at(worlds, costs).values()))


class _Scale(NamedTuple):
    none: float
    oracle: float
    weeks: float

    @classmethod
    def of(cls, worlds: Sequence[World]) -> "_Scale":
        things = [thing for world in worlds for thing in world.things if _is_swept(thing)]
        none, oracle = (sum(play(thing).usd() for thing in things) for play in (uncontrolled, foreseen))
        return cls(none, oracle, len(worlds) * END / _WEEK)

    def point(self, minutes: int, total: _Sum) -> Point:
        share = (total.usd - self.oracle) / (self.none - self.oracle)
        return Point(minutes, share, total.restarts / self.weeks)


def _limited(costs: Costs, minutes: int) -> Costs:
    """Things do not touch each other, so one play with a single limit for all tells what it does to each group."""
    same = BySize(gpu=minutes, large=minutes, small=minutes)
    idle = costs.sweep.idle.model_copy(update={"studio": same, "endpoints": same})
    return costs.model_copy(update={"sweep": costs.sweep.model_copy(update={"idle": idle})})


def _at(worlds: Sequence[World], costs: Costs) -> dict[Group, _Sum]:
    sums: dict[Group, _Sum] = {}
    for seed, world in enumerate(worlds):
        for each in filter(lambda each: _is_swept(each.thing), swept(world, costs, seed)[0]):
            purpose = "endpoints" if each.thing.kind is Kind.ENDPOINT else "studio"
            sums.setdefault(Group(purpose, size_of(each.thing.instance_type)), _Sum()).add(each)
    return sums


def _is_swept(thing: Thing) -> bool:
    return thing.environment != "prod"


def _total(sums: Iterable[_Sum]) -> _Sum:
    sums = list(sums)
    return _Sum(sum(each.usd for each in sums), sum(each.restarts for each in sums))
