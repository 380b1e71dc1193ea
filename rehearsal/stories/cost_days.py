"""An evening that puts away what nobody uses, its morning, and the report that tells of it."""

import copy

import yaml

from rehearsal.embedded import RehearsalError
from rehearsal.stories.awkward.table import Made, rows, table
from rehearsal.stories.cost_story import CostStory

HALF_AN_HOUR = 1800
REPORTS = "costs/reports/"


class Days(CostStory):
    """Steps that need `reconfigure` before them."""

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
        self._days_made: list[Made] = []
        for what, region, row in rows(self.cloud.region, "evening"):
            if what == "component":
                self._settled(self._days_made)
            self._days_made.append(self._awkward.make(what, region, row))
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
            found = self._copies(each) if each.what == "component" else self._endpoint(each)
            if found:
                raise RehearsalError(f"{each.name} is not back as it was: {found}")
        back = {item["name"]: item["at"] for item in self._ledger() if item.get("outcome") == "restored"}
        if back.keys() != {each.name for each in wanted}:
            raise RehearsalError(f"restored, by the ledger: {back}")
        told = ", ".join(f"{name} at {at}" for name, at in back.items())
        return f"on the configuration, with the tags and copies that they had: {told}"

    def _endpoint(self, made: Made) -> str:
        """What differs from what it was."""
        told = self.until(
            lambda: self.sagemaker.describe_endpoint(EndpointName=made.name),
            lambda answer: answer["EndpointStatus"] != "Creating",  # its container takes its own time to start
            f"{made.name} to be back",
        )
        tags = self.sagemaker.list_tags(ResourceArn=made.arn)["Tags"]
        same = all(tag in tags for tag in self._awkward.tags(made.row))
        as_it_was = (told["EndpointStatus"], told["EndpointConfigName"], same) == ("InService", made.name, True)
        return "" if as_it_was else f"{told}, tags {tags}"

    def _copies(self, made: Made) -> str:
        """As `_endpoint`."""
        told = self.sagemaker.describe_inference_component(InferenceComponentName=made.name)["RuntimeConfig"]
        return "" if told["DesiredCopyCount"] == made.row["copies"] else str(told)

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
