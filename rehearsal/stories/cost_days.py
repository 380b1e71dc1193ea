"""What else controls cost than the sweep of the table: evenings and mornings, spot, the daily report."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml
from boto3.dynamodb.types import TypeDeserializer

from rehearsal.embedded import RehearsalError
from rehearsal.stories.awkward.looks import Looks
from rehearsal.stories.awkward.making import Awkward
from rehearsal.stories.awkward.table import SCARCE, Made, rows, table
from rehearsal.stories.deployed import Deployed

HALF_AN_HOUR = 1800
ON_DEMAND_TAG = "sluice:on-demand"
REPORTS = "costs/reports/"


class CostDays(Deployed):
    """Steps that need no other of the story but `reconfigure` before them."""

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

    def reconfigure(self) -> str:
        settings = copy.deepcopy(yaml.safe_load(self.config.read_text()))
        settings["costs"] |= table()["days"]
        settings["costs"]["targets"] = []
        self.config, self.assembly = self.out / "days.yaml", self.out / "cdk.days.out"
        self.config.write_text(yaml.safe_dump(settings, sort_keys=False))
        self.synthesize(self.config, self.assembly)
        self.deploy_all("reconfigure")
        self._furnish()
        return "idle is only observed; off-hours, spot and fallback are enforced"

    def evening(self) -> str:
        self._advance_to(17, 30)
        self._days_made = [self._awkward.make(*each) for each in rows(self.cloud.region, "evening")]
        self._settled(self._days_made)
        began = self._now()
        for half_hour in range(8):
            self._looks.use(self._days_made, half_hour)
            self.cloud.control("advance", seconds=HALF_AN_HOUR)
        return self._compared("evening", self._days_made, began)

    def morning(self) -> str:
        self._advance_to(8, 30)
        wanted = [each for each in self._days_made if each.row.get("morning") == "back"]
        for each in wanted:
            told = self.until(
                lambda name=each.name: self.sagemaker.describe_endpoint(EndpointName=name),
                lambda answer: answer["EndpointStatus"] != "Creating",  # its container takes its own time to start
                f"{each.name} to be back",
            )
            tags = self.sagemaker.list_tags(ResourceArn=each.arn)["Tags"]
            same = all(tag in tags for tag in self._awkward.tags(each.row))
            if (told["EndpointStatus"], told["EndpointConfigName"], same) != ("InService", each.name, True):
                raise RehearsalError(f"{each.name} is not back as it was: {told}, tags {tags}")
        back = {item["name"]: item["at"] for item in self._ledger() if item.get("outcome") == "restored"}
        if back.keys() != {each.name for each in wanted}:
            raise RehearsalError(f"restored, by the ledger: {back}")
        told = ", ".join(f"{name} at {at}" for name, at in back.items())
        return f"on the configuration and with the tags that they had: {told}"

    def report(self) -> str:
        bucket, s3 = self.published("artifact-bucket"), self.cloud.client("s3")
        found = [row["Key"] for row in s3.list_objects_v2(Bucket=bucket, Prefix=REPORTS).get("Contents", [])]
        pages = sorted(key for key in found if key.endswith(".html"))
        if not pages:
            raise RehearsalError(f"no report below {REPORTS} of {bucket}, only {found}")
        text = s3.get_object(Bucket=bucket, Key=pages[-1])["Body"].read().decode()
        for words in ("serving", "off-hours"):  # what the evening did
            if words not in text:
                raise RehearsalError(f"{pages[-1]} does not tell of {words}")
        (self.out / "costs-report.html").write_text(text)
        self.pictures.setdefault("pages", {})["costs-report.html"] = "The daily report of costs"
        return f"{pages[-1]}, {len(text)} bytes, tells what the evening saved"

    def govern(self) -> str:
        def job(name: str, instance: str, **tags: str) -> Made:
            row = {"name": name, "type": "training", "instance": instance, "limit_hours": 4, "tags": tags}
            return self._awkward.make("job", self.cloud.region, row)

        dear, cheap = job("dear-on-demand", "ml.m5.4xlarge"), job("cheap-on-demand", "ml.m5.large")
        excused = job("dear-excused", "ml.m5.4xlarge", **{ON_DEMAND_TAG: "the last run before the paper is due"})
        self.until(lambda: self._looks.state(dear), lambda state: state == "Stopped", "the dear job to be stopped")
        left = {each.name: self._looks.state(each) for each in (cheap, excused)}
        if set(left.values()) != {"InProgress"}:
            raise RehearsalError(f"these should run on: {left}")
        entry = self._entered(dear.arn, "done")
        return f"{dear.name} was stopped: {entry['reason']}; cheap and excused ones run on"

    def fall_back(self) -> str:
        row = {"name": "no-capacity", "type": "spot", "limit_hours": 1}
        with self.cloud.faults(no_spot_capacity=[SCARCE], events_twice=True):
            job = self._awkward.make("job", self.cloud.region, row)
            self.cloud.control("advance", seconds=3700)
            self.until(lambda: self._looks.state(job), lambda state: state == "Stopped", "the spot job to give up")
            again = self.until(lambda: self._jobs(f"{job.name}-"), lambda found: len(found) == 1, "one fallback")[0]
            self.until(lambda: self._jobs(f"{job.name}-")[0]["TrainingJobStatus"], _has_ended, "it to end")
        told = self.sagemaker.describe_training_job(TrainingJobName=again["TrainingJobName"])
        starts = [item for item in self._ledger() if item.get("fallback_of") == job.name]
        if len(self._jobs(f"{job.name}-")) != 1 or len(starts) != 1 or told.get("EnableManagedSpotTraining"):
            raise RehearsalError(f"not once on demand: {again}, {starts}")
        return f"{job.name} waited in vain; {again['TrainingJobName']} ran once on demand, although events came twice"

    def _compared(self, what: str, made: list[Made], since: datetime) -> str:
        """What became of these since then, as the table says. Raises RehearsalError with what differs."""
        ledger = [item for item in self._ledger() if item["at"] >= since.isoformat() or item["subject"] == "warned"]
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

    def _entered(self, arn: str, outcome: str) -> dict[str, Any]:
        def look() -> list[dict[str, Any]]:
            return [item for item in self._ledger() if item["subject"] == arn and item.get("outcome") == outcome]

        return self.until(look, bool, f"the ledger to say {outcome} of {arn}")[-1]

    def _jobs(self, start: str) -> list[dict[str, Any]]:
        pages = self.sagemaker.get_paginator("list_training_jobs").paginate(NameContains=start)
        return [row for page in pages for row in page["TrainingJobSummaries"]]

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


def _has_ended(status: str) -> bool:
    return status in ("Completed", "Failed", "Stopped")


def _counted(rows: list[dict[str, str]]) -> list[tuple[str, int]]:
    found = [row["found"].split(" ")[0] if "zero" not in row["found"] else "at zero" for row in rows]
    return sorted(((what, found.count(what)) for what in set(found)), key=lambda pair: -pair[1])
