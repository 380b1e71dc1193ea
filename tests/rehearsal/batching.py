"""Batches, from a version that is approved to what its monitor remembers, in the embedded cloud."""

import json
import re
from datetime import UTC, datetime
from typing import Any

from config.schema import Platform
from controls import conclude, release, watch
from controls.ledger import Ledger
from rehearsal.embedded import ROOT, EmbeddedCloud
from rehearsal.stories import drift_world
from rehearsal.stories.drift_world import TARGET, Row
from tests.rehearsal.granted import Granted
from tests.rehearsal.jobbing import ENDED, SKLEARN, lines, until
from tests.workloads.tabling import Split, pack, succeed
from tests.workloads.test_monitor_definition import examine

DATA, ARTIFACTS, LEDGER, GROUP = "batches-data", "batches-artifacts", "batches-ledger", "batches-dev-tabular"
_SHOWN = re.search(r"## Batches.*?```python\n(.*?)```", (ROOT / "docs" / "monitoring.md").read_text(), re.DOTALL)
assert _SHOWN
EXAMPLE = _SHOWN[1]


class Batches:
    """A version that is approved, and what people and the platform then do."""

    def __init__(self, cloud: EmbeddedCloud, platform: Platform, granted: Granted, definition: Any, key: str) -> None:
        self.cloud, self.platform, self.granted, self.definition, self.key = cloud, platform, granted, definition, key
        self.s3, self.sagemaker = cloud.client("s3"), cloud.client("sagemaker")
        self.runs_as = granted.role("serving", "EndpointtabularRole")
        self.person = granted.role("studio", "datascientist")
        self.roles = {verb: granted.role("monitoring", f"{verb.title()}FunctionRole") for verb in ("watch", "conclude")}
        self.job_role = granted.role("monitoring", "MonitortabularJobRole")
        self.pipeline_role = granted.role("monitoring", "MonitortabularRole")

    def approve(self, split: Split) -> None:
        """Registers what a run makes of the split, and makes the model that promotion makes."""
        model, folder = split.folder / "model", split.folder / "evaluation"
        succeed(*split.training(model, "--iterations", "60"))
        archive = pack(model, split.folder / "model.tar.gz")
        succeed(*split.evaluation(archive, folder, "--metric", "validation:log_loss", "--direction", "minimize"))
        self.s3.upload_file(str(archive), ARTIFACTS, "tabular/e1/model.tar.gz")
        for path in [*(split.folder / "baseline").iterdir(), folder / "evaluation.json"]:
            self.s3.upload_file(str(path), ARTIFACTS, f"tabular/e1/{path.parent.name}/{path.name}")
        place = f"s3://{ARTIFACTS}/tabular/e1"
        container = {"Image": SKLEARN, "ModelDataUrl": f"{place}/model.tar.gz"}
        types = {"SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}
        self.sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
        package = self.sagemaker.create_model_package(
            ModelPackageGroupName=GROUP,
            InferenceSpecification={"Containers": [container], **types},
            ModelApprovalStatus="Approved",
            DriftCheckBaselines={
                "ModelDataQuality": {"Statistics": _source(f"{place}/baseline/statistics.json")},
                "ModelQuality": {"Statistics": _source(f"{place}/evaluation/evaluation.json")},
            },
        )["ModelPackageArn"]
        values = self.granted.definition("monitoring")
        hosting = release.Hosting(
            tags=self.platform.tags,
            workload="tabular",
            instance_type="ml.m5.large",
            instance_count=1,
            role_arn=self.runs_as,
            key_arn=self.key,
            subnet_ids=tuple(values["SubnetIds"].split('","')),
            security_group_ids=tuple(values["SecurityGroupIds"].split('","')),
        )
        self.sagemaker.create_model(**release.plan(GROUP, release.Package(arn=package, version=1), hosting).model)

    def run_example(self, batch: str, **changes: str) -> None:
        """As a data scientist, with the names that it leaves to the reader, and with further changes."""
        team = self.platform.tags["sluice:team"]
        filled = {"sluice-dev": self.platform.prefix, "2026-11-23": batch, "TEAM": team, "KEY-ARN": self.key}
        text = EXAMPLE
        for name, value in {**filled, "DATA-BUCKET": DATA, "ARTIFACT-BUCKET": ARTIFACTS, **changes}.items():
            assert name in text, name
            text = text.replace(name, value)
        with self.granted.acting(self.person):
            exec(compile(text, "docs/monitoring.md", "exec"), {})

    def ask(self, batch: str, rows: list[Row], features: list[str]) -> None:
        """Two files of rows, without header and target; and the labels that come for their answers."""
        half = len(rows) // 2
        for name, part in (("a.csv", rows[:half]), ("more/b.csv", rows[half:])):
            body = drift_world.asked(part, features).encode()
            self.s3.put_object(Bucket=DATA, Key=f"tabular/batch/{batch}/{name}", Body=body)
        self.run_example(batch)
        person, name = self.cloud.as_role("sagemaker", self.person), f"{GROUP}-{batch}"
        until(lambda: person.describe_transform_job(TransformJobName=name)["TransformJobStatus"] in ENDED)
        job = person.describe_transform_job(TransformJobName=name)
        assert job["TransformJobStatus"] == "Completed", job["FailureReason"]
        told = ["inference_id,label"]
        for name, part in (("a.csv", rows[:half]), ("more/b.csv", rows[half:])):
            answers = self._read(ARTIFACTS, f"tabular/batch/{batch}/{name}.out").splitlines()
            keys = [line.split(",")[-2].strip() for line in answers]
            told += [f"{key},{row[TARGET]}" for key, row in zip(keys, part, strict=True)]
        self.s3.put_object(Bucket=DATA, Key=f"tabular/labels/{batch}.csv", Body="\n".join(told).encode())

    def window(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the monitor finds in the hour that ends now: metrics.json, and what is remembered of it."""
        end = self._time(2)  # what was written in this very second is of the next window
        due = f"{end + watch.MARGIN:%Y-%m-%dT%H:%M:%SZ}"
        asked = {**self.definition["Steps"][0]["Arguments"], "due": due, "began": due}
        with self.granted.function("monitoring", "watch", self.roles["watch"]):
            told = watch.handler(asked, None)
        self._examine(told, f"pipelines-batches-{end:%H%M%S}")
        step = {"workload": "tabular", "end": told["End"], "now": due, "served": "true", "output": told["OutputUri"]}
        with self.granted.function("monitoring", "conclude", self.roles["conclude"]):
            conclude.handler(step, None)
        remembered = Ledger(self.cloud.client("dynamodb"), LEDGER, now=end).recall("monitor", "tabular")
        assert remembered
        key = told["OutputUri"].removeprefix(f"s3://{ARTIFACTS}/")
        return json.loads(self._read(ARTIFACTS, f"{key}/metrics.json")), remembered

    def pass_an_hour(self) -> None:
        self._time(3600)

    def _examine(self, told: dict[str, str], name: str) -> None:
        """The step's processing job, which the monitor's pipeline starts."""
        text = json.dumps(examine(self.definition))
        for placeholder, value in self.granted.definition("monitoring").items():
            text = text.replace(f"${{{placeholder}}}", value)
        request = json.loads(text, object_hook=lambda part: _answered(part, told))
        tags = [{"Key": key, "Value": value} for key, value in self.platform.tags.items()]
        tags.append({"Key": "sluice:workload", "Value": "tabular"})
        pipeline = self.cloud.as_role("sagemaker", self.pipeline_role)
        pipeline.create_processing_job(ProcessingJobName=name, Tags=tags, **request)
        asked = {"ProcessingJobName": name}
        until(lambda: pipeline.describe_processing_job(**asked)["ProcessingJobStatus"] in ENDED)
        job = pipeline.describe_processing_job(**asked)
        assert job["ProcessingJobStatus"] == "Completed", (job, lines(self.cloud, "ProcessingJob", name))

    def _time(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(self.cloud.control("advance", seconds=seconds)["now"], UTC).replace(microsecond=0)

    def _read(self, bucket: str, key: str) -> str:
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()


def _source(uri: str) -> dict[str, str]:
    return {"ContentType": "application/json", "S3Uri": uri}


def _answered(part: dict[str, Any], told: dict[str, str]) -> Any:
    """With what Watch answered in place of {"Get": "Steps.Watch.OutputParameters['...']"}."""
    return told[part["Get"].split("'")[1]] if [*part] == ["Get"] else part
