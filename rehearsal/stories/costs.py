"""The story of what controls cost: a hundred resources in awkward states, three regions, and what becomes of each."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from rehearsal.embedded import EmbeddedCloud
from rehearsal.stories.awkward.clearing import Clearing
from rehearsal.stories.awkward.table import SCARCE, Made, rows, table
from rehearsal.stories.cost_commands import Commands
from rehearsal.stories.cost_days import Days
from rehearsal.stories.cost_money import Money
from rehearsal.stories.deployed import CONFIG

HOURS = 32  # eight sweeps; the first sees what nothing needs, the seventh warns of it, the eighth ends it
LATE = HOURS - 1


class Story(Days, Commands, Money):
    """Holds what one step hands to the next. `outcomes.json` in the report's folder has the whole table."""

    def __init__(self, cloud: EmbeddedCloud, out: Path) -> None:
        config = out / "costs.yaml"
        settings, told = yaml.safe_load(CONFIG.read_text()), table()
        targets = [{"region": region} for region in told["abroad"]["regions"]]
        settings["costs"] |= {"sweep": told["limits"], "targets": targets}
        config.write_text(yaml.safe_dump(settings, sort_keys=False))
        super().__init__(cloud, out, config=config)
        self._made: list[Made] = []

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        return [
            ("start the embedded cloud", self.start),
            ("cdk bootstrap", self.bootstrap),
            ("cdk deploy --all; cdk diff finds nothing", self.deploy),
            ("make a hundred resources in awkward states in three regions", self.make),
            ("32 hours and eight sweeps pass, while some are used", self.live),
            ("what became of each is what the table says", self.compare),
            ("take away what is left", self.clear),
            ("cdk deploy --all: other rules are enforced", self.reconfigure),
            ("in the evening what nobody uses is put away", self.evening),
            ("sluice costs, sweep, restore and keep, under a role that may", self.command),
            ("in the morning the endpoint is back", self.morning),
            ("the daily report tells of it", self.report),
            ("a training job that is too dear on demand is stopped", self.govern),
            ("a training job beyond the limits of jobs is stopped", self.limit),
            ("prices are read anew", self.reprice),
            ("a spot job without capacity goes on on demand, once", self.fall_back),
            ("take away what is left again", self.clear),
            ("the month's budget is spent: new compute is denied, what is unprotected ends", self.spend),
            ("a person thaws the platform", self.thaw),
            ("take away what is left at last", self.clear),
            ("cdk destroy --all", self.destroy),
        ]

    def make(self) -> str:
        self.cloud.control("faults", overrun=True, no_spot_capacity=[SCARCE])
        self._furnish()
        self._later: list[tuple[str, str, dict[str, Any]]] = []
        for what, region, row in rows(self.cloud.region):
            if row.get("late"):
                self._later.append((what, region, row))
                continue
            if what == "component":
                self._settled(self._made)
            if row.get("type") == "automl":  # these and what follows stay as they are when they are made
                self._running()
                self.cloud.control("jobs", paused=True)
            self._made.append(self._awkward.make(what, region, row))
        self._settled(self._made)
        places = {each.region for each in self._made}
        return f"{len(self._made)} made in {len(places)} regions, {len(self._later)} to come"

    def live(self) -> str:
        self._began = self._now()
        for hour in range(HOURS):
            if hour == LATE:
                self._made += [self._awkward.make(*each) for each in self._later]
                self._settled(self._made)
            self._looks.use(self._made, hour)
            self.cloud.control("advance", seconds=3600)
        swept = {item["at"] for item in self._ledger() if item.get("outcome") == "done"}
        return f"{HOURS} hours, {len(swept)} sweeps ended something: {', '.join(sorted(swept))}"

    def compare(self) -> str:
        try:
            return self._compared("table", self._made, self._began)
        finally:
            (self.out / "outcomes.json").write_text(json.dumps(self.pictures.get("outcomes", []), indent=1) + "\n")

    def clear(self) -> str:
        self.cloud.control("jobs", paused=False)
        self.cloud.control("faults", reset=True)
        return Clearing(self.cloud, self._awkward).clear()

    def _running(self) -> None:
        jobs = [each for each in self._made if each.row.get("type") in ("training", "processing")]

        def waiting() -> list[str]:
            return [each.name for each in jobs if not self._looks.has_started(each)]

        self.until(waiting, lambda names: not names, "the jobs to run")
