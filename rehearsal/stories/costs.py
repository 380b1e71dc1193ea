"""The story of what controls cost: a hundred resources in awkward states, three regions, and what becomes of each."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from boto3.dynamodb.types import TypeDeserializer

from rehearsal.embedded import EmbeddedCloud, RehearsalError
from rehearsal.stories import awkward
from rehearsal.stories.awkward import SCARCE, Awkward, Made
from rehearsal.stories.clearing import Clearing
from rehearsal.stories.deployed import CONFIG, Deployed
from rehearsal.stories.looks import Looks

HOURS = 32  # eight sweeps; the first sees what nothing needs, the seventh warns of it, the eighth ends it
LATE = HOURS - 1
ABROAD = ("eu-west-1", "us-west-2")


class Story(Deployed):
    """Holds what one step hands to the next. `outcomes.json` in the report's folder has the whole table."""

    def __init__(self, cloud: EmbeddedCloud, out: Path) -> None:
        config = out / "costs.yaml"
        settings = yaml.safe_load(CONFIG.read_text())
        settings["costs"] |= {"sweep": awkward.limits(), "targets": [{"region": region} for region in ABROAD]}
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
            ("cdk destroy --all", self.destroy),
        ]

    def make(self) -> str:
        self.cloud.control("faults", overrun=True, no_spot_capacity=[SCARCE])
        today = datetime.fromtimestamp(self.cloud.control("advance", seconds=0)["now"], UTC).date()
        dates = {"yesterday": str(today - timedelta(days=1)), "later": str(today + timedelta(days=30))}
        tags = {"sluice:platform": self.platform.prefix, "sluice:owner": "ada", "sluice:team": "research"}
        self._awkward = Awkward(self.cloud, tags, dates)
        self._looks = Looks(self.cloud, self._awkward)
        self._awkward.prepare()
        self._later: list[tuple[str, str, dict[str, Any]]] = []
        for what, region, row in awkward.rows(self.cloud.region):
            if row.get("late"):
                self._later.append((what, region, row))
                continue
            if what == "component":
                self._settled()
            if row.get("type") == "automl":  # these and what follows stay as they are when they are made
                self._running()
                self.cloud.control("jobs", paused=True)
            self._made.append(self._awkward.make(what, region, row))
        self._settled()
        places = {each.region for each in self._made}
        return f"{len(self._made)} made in {len(places)} regions, {len(self._later)} to come"

    def live(self) -> str:
        for hour in range(HOURS):
            if hour == LATE:
                self._made += [self._awkward.make(*each) for each in self._later]
                self._settled()
            self._looks.use(self._made, hour)
            self.cloud.control("advance", seconds=3600)
        swept = {item["at"] for item in self._ledger() if item.get("outcome") == "done"}
        return f"{HOURS} hours, {len(swept)} sweeps ended something: {', '.join(sorted(swept))}"

    def compare(self) -> str:
        ledger = self._ledger()
        done = {item["subject"]: item["rule"] for item in ledger if item.get("outcome") == "done"}
        warned = {item["at"]: item["rule"] for item in ledger if item["subject"] == "warned"}
        rows = [
            {
                "what": each.what,
                "name": each.name,
                "region": each.region,
                "expected": each.row["expected"],
                "found": self._looks.came_of(each, done, warned),
            }
            for each in self._made
        ]
        (self.out / "outcomes.json").write_text(json.dumps(rows, indent=1) + "\n")
        self.pictures["outcomes"] = rows
        wrong = [f"{r['what']} {r['name']} in {r['region']}: {r['found']}, not {r['expected']}" for r in rows]
        wrong = [text for text, r in zip(wrong, rows, strict=True) if r["found"] != r["expected"]]
        strangers = done.keys() - {each.arn for each in self._made}
        wrong += [f"{arn}: ended by {done[arn]}, and the table does not know it" for arn in sorted(strangers)]
        told = f"{len(rows)} resources: " + ", ".join(f"{n} {what}" for what, n in _counted(rows))
        if wrong:
            raise RehearsalError(f"{told}; {len(wrong)} not as the table says:\n" + "\n".join(wrong))
        return f"{told}, all as the table says"

    def clear(self) -> str:
        self.cloud.control("jobs", paused=False)
        self.cloud.control("faults", reset=True)
        return Clearing(self.cloud, self._awkward).clear(self._made)

    def _ledger(self) -> list[dict[str, Any]]:
        pages = self.cloud.client("dynamodb").get_paginator("scan").paginate(TableName=self.published("sweep-ledger"))
        read = TypeDeserializer().deserialize
        items = [{name: read(value) for name, value in item.items()} for page in pages for item in page["Items"]]
        return sorted(items, key=lambda item: item["at"])

    def _settled(self) -> None:
        """Until nothing that was made is on its way into a state."""
        self.cloud.control("advance", seconds=1)

        def passing() -> list[str]:
            states = {each.name: self._looks.state(each) for each in self._made if each.what != "job"}
            return [name for name, state in states.items() if state.endswith("ing") or state == "CREATING"]

        self.until(passing, lambda names: not names, "everything to be in service")

    def _running(self) -> None:
        jobs = [each for each in self._made if each.row.get("type") in ("training", "processing")]

        def waiting() -> list[str]:
            return [each.name for each in jobs if not self._looks.has_started(each)]

        self.until(waiting, lambda names: not names, "the jobs to run")


def _counted(rows: list[dict[str, str]]) -> list[tuple[str, int]]:
    found = [row["found"].split(" ")[0] if "zero" not in row["found"] else "at zero" for row in rows]
    return sorted(((what, found.count(what)) for what in set(found)), key=lambda pair: -pair[1])
