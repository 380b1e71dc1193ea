"""Everything that costs money, or that nothing needs any more, as it is now."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from controls.inventory.again import again
from controls.inventory.jobs import jobs
from controls.inventory.mlflow import mlflow
from controls.inventory.orphans import orphans
from controls.inventory.place import Memory, Place
from controls.inventory.serving import Serving
from controls.inventory.studio import studio
from controls.judgement.choices import Policy
from controls.pricing.prices import Prices
from controls.resource import JOBS, Kind, Resource

__all__ = ["Inventory", "Memory"]


class Inventory:
    """Reads only, and yields nothing but what is ours: what else there is, is listed and not looked at, except for
    what it may use of ours. `client` makes the client of a service in the account and region that are read.
    """

    def __init__(
        self,
        client: Callable[[str], Any],
        *,
        region: str,
        policy: Policy,
        prices: Prices,
        now: datetime,
        memory: Memory | None = None,
    ) -> None:
        memory = memory or Memory()
        self._place = Place(client, region=region, policy=policy, prices=prices, memory=memory, now=now)

    def everything(self) -> Iterator[Resource]:
        """With use, warnings and since when nothing needs it: what `decide` takes."""
        place, running = self._place, False
        for found in jobs(place):
            running = True
            yield found
        yield from studio(place)
        yield from mlflow(place, jobs_run=running or bool(JOBS & place.troubles.keys()))
        yield from orphans(place, Serving(place))

    def billed(self) -> Iterator[Resource]:
        """What costs by the hour now, at fewer calls: nothing is asked about its use, or about what lies about."""
        place, serving = self._place, Serving(self._place)
        serving.read(ours=True)
        families = (jobs(place), studio(place, use=False), mlflow(place, jobs_run=False), serving.resources(use=False))
        yield from (found for family in families for found in family if found.usd_per_hour > 0)

    def again(self, resource: Resource) -> Resource | None:
        """The resource as it is this moment; None when it is gone."""
        return again(self._place, resource)

    @property
    def troubles(self) -> dict[Kind, list[str]]:
        """What could not be read, by kind, once all is read: nothing may be concluded from the absence of such."""
        return self._place.troubles

    @property
    def since(self) -> dict[str, datetime]:
        """What the next sweep must remember of this one, by ARN; see `Memory`."""
        return self._place.since
