"""What the days of the cost story share: its resources, the ledger, and the comparison with the table."""

from datetime import UTC, datetime, timedelta
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from rehearsal.embedded import RehearsalError
from rehearsal.stories.awkward.looks import Looks
from rehearsal.stories.awkward.making import Awkward
from rehearsal.stories.awkward.table import Made
from rehearsal.stories.deployed import Deployed


class CostStory(Deployed):
    """Everything that steps of the cost story need of each other."""

    _awkward: Awkward
    _looks: Looks

    def _furnish(self) -> None:
        """What the story's resources need is there; nothing of theirs is yet."""
        today = self._now().date()
        dates = {"yesterday": str(today - timedelta(days=1)), "later": str(today + timedelta(days=30))}
        tags = {"sluice:platform": self.platform.prefix, "sluice:owner": "ada", "sluice:team": "research"}
        self._awkward = Awkward(self.cloud, tags, dates)
        self._looks = Looks(self.cloud, self._awkward)
        self._awkward.prepare()

    def _compared(self, what: str, made: list[Made], since: datetime) -> str:
        """What became of these since then, as the table says. Raises RehearsalError with what differs."""
        ledger = self._ledger()
        entries = [item for item in ledger if item["subject"].startswith("arn:") and item["at"] >= since.isoformat()]
        done = {item["subject"]: item["rule"] for item in entries if item["outcome"] == "done"}
        warned = {item["at"]: item["rule"] for item in ledger if item["subject"] == "warned"}
        rows = [
            {
                "what": each.what,
                "name": each.name,
                "region": each.region,
                "expected": each.row["expected"],
                "found": self._looks.came_of(each, done, warned),
            }
            for each in made
        ]
        self.pictures.setdefault("outcomes", []).extend(rows)
        wrong = [
            f"{r['what']} {r['name']} in {r['region']}: {r['found']}, not {r['expected']}"
            for r in rows
            if r["found"] != r["expected"]
        ]
        strangers = done.keys() - {each.arn for each in made}
        wrong += [f"{arn}: ended by {done[arn]}, and the table does not know it" for arn in sorted(strangers)]
        told = f"{what}: {len(rows)} resources, " + ", ".join(f"{n} {word}" for word, n in _counted(rows))
        if wrong:
            raise RehearsalError(f"{told}; {len(wrong)} not as the table says:\n" + "\n".join(wrong))
        return f"{told}, all as the table says"

    def _ledger(self) -> list[dict[str, Any]]:
        pages = self.cloud.client("dynamodb").get_paginator("scan").paginate(TableName=self.published("sweep-ledger"))
        read = TypeDeserializer().deserialize
        items = [{name: read(value) for name, value in item.items()} for page in pages for item in page["Items"]]
        return sorted(items, key=lambda item: item["at"])

    def _settled(self, made: list[Made]) -> None:
        """Until nothing of these is on its way into a state."""
        self.cloud.control("advance", seconds=1)

        def passing() -> list[str]:
            states = {each.name: self._looks.state(each) for each in made if each.what != "job"}
            return [name for name, state in states.items() if state.endswith("ing") or state == "CREATING"]

        self.until(passing, lambda names: not names, "everything to be in service")

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.cloud.control("advance", seconds=0)["now"], UTC)

    def _advance_to(self, hour: int, minute: int) -> None:
        """To the next such time of day, UTC."""
        now = self._now()
        then = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        then += timedelta(days=int(then <= now))
        self.cloud.control("advance", seconds=(then - now).total_seconds())


def _counted(rows: list[dict[str, str]]) -> list[tuple[str, int]]:
    found = [row["found"].split(" ")[0] if "zero" not in row["found"] else "at zero" for row in rows]
    return sorted(((what, found.count(what)) for what in set(found)), key=lambda pair: -pair[1])
