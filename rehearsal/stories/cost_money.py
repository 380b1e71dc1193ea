"""What spends too much: jobs on demand, spot without capacity, and a month beyond its budget."""

import json
from typing import Any

import yaml

from controls.ledger import Ledger
from controls.pricing import price_list, price_table
from controls.spending.freeze import Freeze, thaw
from rehearsal import attempts
from rehearsal.embedded import ROOT, RehearsalError
from rehearsal.stories.awkward.table import SCARCE, Made, rows, table
from rehearsal.stories.cost_story import CostStory

ON_DEMAND_TAG = "sluice:on-demand"


class Money(CostStory):
    """Steps that need other rules than the table's, as `Days.reconfigure` sets them; `spend` begins anew."""

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

    def limit(self) -> str:
        hours = self.platform.guardrails.max_run_seconds // 3600
        rows = {"limit-kept": hours, "limit-broken": hours + 1}
        jobs = [
            self._awkward.make("job", self.cloud.region, {"name": name, "type": "training", "limit_hours": limit})
            for name, limit in rows.items()
        ]
        kept, broken = jobs
        self.until(lambda: self._looks.state(broken), lambda state: state == "Stopped", "the job to be stopped")
        if self._looks.state(kept) != "InProgress":
            raise RehearsalError(f"{kept.name} keeps to the limit, and is {self._looks.state(kept)}")
        entry = self._entered(broken.arn, "done")
        return f"{broken.name} was stopped: {entry['reason']}; one of {hours} hours runs on"

    def reprice(self) -> str:
        """A price goes up by a cent; a second answer, in which it is a hundred times as high, changes nothing."""
        told = [self._reprices(usd) for usd in (0.125, 12.5)]
        bucket = self.published("artifact-bucket")
        text = self.cloud.client("s3").get_object(Bucket=bucket, Key=price_table.PLACE)["Body"].read().decode()
        if told[0] or "was taken to cost" not in told[1] or "ml.m5.large,0.125," not in text:
            raise RehearsalError(f"told {told}; the table is now\n{text}")
        return f"ml.m5.large costs 0.125 USD an hour; of 12.5 it says {told[1]}"

    def _reprices(self, usd: float) -> str:
        """What the function refuses the price with, or nothing."""
        dimension = {"unit": "Hrs", "pricePerUnit": {"USD": str(usd)}, "beginRange": "0", "endRange": "Inf"}
        attributes = {"usagetype": "USE1-Host:ml.m5.large", "regionCode": self.cloud.region}
        terms = {"OnDemand": {"sku": {"priceDimensions": {"rate": dimension}}}}
        entry: dict[str, Any] = {"serviceCode": "AmazonSageMaker", "terms": terms}
        entry["product"] = {"productFamily": price_list.FAMILY, "attributes": attributes}
        self.cloud.control("price-list", products=[entry])
        event = json.dumps({"time": self._now().isoformat()}).encode()
        answer = self.cloud.client("lambda").invoke(FunctionName=f"{self.platform.prefix}-reprice", Payload=event)
        return json.load(answer["Payload"])["errorMessage"] if "FunctionError" in answer else ""

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

    def spend(self) -> str:
        settings = yaml.safe_load(self.config.read_text())
        settings["costs"]["budget"] = table()["budget"]["settings"]
        self.config, self.assembly = self.out / "budget.yaml", self.out / "cdk.budget.out"
        self.config.write_text(yaml.safe_dump(settings, sort_keys=False))
        self.synthesize(self.config, self.assembly)
        self.deploy_all("budget")
        self._furnish()
        self.cloud.control("jobs", paused=True)  # whether a job may start is asked here, not what it does
        allowed = self._tries("before")
        began = self._now()
        made = [self._awkward.make(*each) for each in rows(self.cloud.region, "budget")]
        self._settled(made)
        self.cloud.control("advance", seconds=4 * 3600)
        month = next(i for i in self._ledger() if (i["subject"], i["at"]) == ("budget", f"{began:%Y-%m}"))
        frozen = self._tries("frozen")
        self.cloud.control("advance", seconds=3 * 3600)
        told = self._compared("budget", made, began)
        if not month["frozen_since"] or (allowed, frozen) != (attempts.DONE, attempts.DENIED):
            raise RehearsalError(f"a scientist's job: {allowed}, then {frozen}; the month: {month}")
        limit = settings["costs"]["budget"]["usd_per_month"]
        return f"{limit} USD were spent at {month['frozen_since']}; a scientist's new job is denied; {told}"

    def thaw(self) -> str:
        ledger = Ledger(self.cloud.client("dynamodb"), self.published("sweep-ledger"), now=self._now())
        identity = self.cloud.client("sts").get_caller_identity()["Arn"]
        # What `sluice thaw` calls, at the cloud's time, which is days ahead of this machine's.
        frozen = Freeze.of(self.cloud.client("iam"), self.platform.prefix, identity)
        names = thaw(ledger, frozen, by="grace", now=self._now())
        self.cloud.control("advance", seconds=3600)  # the meter has run, and has left it so
        found = self._tries("thawed")
        if not names or frozen.attached() or found != attempts.DONE:
            raise RehearsalError(f"thawed {names}, still frozen {frozen.attached()}, a scientist's job: {found}")
        return f"{len(names)} roles may start compute again, and a scientist's job does"

    def _tries(self, name: str) -> str:
        """What comes of a data scientist's training job that keeps to every guardrail."""
        domain = self.sagemaker.describe_domain(DomainId=self._awkward.domains["us"]["DomainId"])
        images = json.loads((ROOT / "workloads" / "digits" / "images.json").read_text())
        values = {
            "prefix": self.platform.prefix,
            "number": name,
            "team": self.platform.tags["sluice:team"],
            "experiments": self.role_of("studio", "Experiments"),
            "image": images["KmeansImage"][self.cloud.region],
            "artifacts": self.published("artifact-bucket"),
            "key": domain["KmsKeyId"],
            "subnet": domain["SubnetIds"][0],
            "group": domain["DefaultUserSettings"]["SecurityGroups"][0],
        }
        scientist, request = self.as_persona("data-scientist", "sagemaker"), attempts.valid("CreateTrainingJob", values)
        return attempts.outcome(scientist, "CreateTrainingJob", request)

    def _entered(self, arn: str, outcome: str) -> dict[str, Any]:
        def look() -> list[dict[str, Any]]:
            return [item for item in self._ledger() if item["subject"] == arn and item.get("outcome") == outcome]

        return self.until(look, bool, f"the ledger to say {outcome} of {arn}")[-1]

    def _jobs(self, start: str) -> list[dict[str, Any]]:
        pages = self.sagemaker.get_paginator("list_training_jobs").paginate(NameContains=start)
        return [row for page in pages for row in page["TrainingJobSummaries"]]


def _has_ended(status: str) -> bool:
    return status in ("Completed", "Failed", "Stopped")
