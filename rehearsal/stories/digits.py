"""The first story: handwritten digits from the data bucket to ten clusters, by the platform instead of by hand."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from rehearsal import operations
from rehearsal.embedded import ROOT, EmbeddedCloud, RehearsalError
from rehearsal.stories.deployed import Deployed

IMAGES = 100
LOWEST_PURITY = 0.6


class Story(Deployed):
    """Holds what one step hands to the next."""

    def __init__(self, cloud: EmbeddedCloud, out: Path) -> None:
        super().__init__(cloud, out)
        self._name = f"{self.platform.prefix}-digits"

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        return [
            ("start the embedded cloud", self.start),
            ("cdk bootstrap", self.bootstrap),
            ("cdk deploy --all; cdk diff finds nothing", self.deploy),
            ("put the digits into the data bucket", self.put_data),
            ("run the pipeline", self.train),
            ("approve the model: promotion makes the endpoint", self.promote),
            ("predict 100 digits", self.predict),
            ("sweep in observe mode", self.observe),
            ("sweep in enforce mode", self.enforce),
            ("cdk destroy --all", self.destroy),
        ]

    def put_data(self) -> str:
        self._s3 = self.cloud.client("s3")
        path = self.out / "digits.csv"
        python = ROOT / ".venv-cloud" / "bin" / "python"
        self.cloud.run([str(python), str(ROOT / "workloads" / "digits" / "data.py"), str(path)], self.log("data"))
        self._s3.upload_file(str(path), self.published("data-bucket"), "digits/digits.csv")
        with path.open() as lines:
            return f"{sum(1 for _ in lines)} images"

    def train(self) -> str:
        scientist = self.as_persona("data-scientist", "sagemaker")
        arn = scientist.start_pipeline_execution(PipelineName=self._name)["PipelineExecutionArn"]
        self._execution = arn.rsplit("/", 1)[-1]
        answer = self.until(
            lambda: self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn),
            lambda a: a["PipelineExecutionStatus"] != "Executing",
            "the pipeline execution to end",
        )
        if answer["PipelineExecutionStatus"] != "Succeeded":
            raise RehearsalError(
                f"the execution ended {answer['PipelineExecutionStatus']}: {answer.get('FailureReason')}"
            )
        steps = self.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")[
            "PipelineExecutionSteps"
        ]
        jobs = [
            step["Metadata"][kind]["Arn"]
            for kind in ("ProcessingJob", "TrainingJob")
            for step in steps
            if kind in step["Metadata"]
        ]
        self.check_tags(*jobs)
        training = jobs[-1]
        job = self.sagemaker.describe_training_job(TrainingJobName=training.rsplit("/", 1)[-1])
        self._check_training(job)
        names = " -> ".join(step["StepName"] for step in steps)
        return f"{names}; 2 instances, spot, k 10, trained {job['TrainingTimeInSeconds']} s; {len(jobs)} jobs tagged"

    def _check_training(self, job: dict[str, Any]) -> None:
        """What the story tells of its training job. Raises RehearsalError where that is not so."""
        found = (job["ResourceConfig"]["InstanceCount"], job["EnableManagedSpotTraining"], job["HyperParameters"]["k"])
        if found != (2, True, "10"):
            raise RehearsalError(f"instances, spot and k of {job['TrainingJobName']} are {found}, not 2, True and 10")
        streams = self.cloud.client("logs").describe_log_streams(
            logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=job["TrainingJobName"]
        )["logStreams"]
        hosts = sorted(stream["logStreamName"].rsplit("/", 1)[-1].rsplit("-", 1)[0] for stream in streams)
        if hosts != ["algo-1", "algo-2"]:
            raise RehearsalError(f"logs of {hosts}, not of two instances")
        key = f"digits/{self._execution}/evaluate/evaluation/evaluation.json"
        evaluation = json.loads(self._s3.get_object(Bucket=self.published("artifact-bucket"), Key=key)["Body"].read())
        if evaluation["metrics"]["purity"]["value"] < LOWEST_PURITY:
            raise RehearsalError(f"the evaluation step measured {evaluation}")

    def promote(self) -> str:
        packages = self.sagemaker.list_model_packages(ModelPackageGroupName=self._name)["ModelPackageSummaryList"]
        arn = packages[0]["ModelPackageArn"]
        self.as_persona("ml-engineer", "sagemaker").update_model_package(
            ModelPackageArn=arn, ModelApprovalStatus="Approved"
        )
        answer = self.until(
            self._endpoint, lambda e: e is not None and e["EndpointStatus"] in ("InService", "Failed"), "the endpoint"
        )
        if answer["EndpointStatus"] != "InService":
            raise RehearsalError(f"the endpoint ended {answer['EndpointStatus']}: {answer.get('FailureReason')}")
        config = self.sagemaker.describe_endpoint_config(EndpointConfigName=answer["EndpointConfigName"])
        model = self.sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
        self.check_tags(answer["EndpointArn"], config["EndpointConfigArn"], model["ModelArn"])
        version = arn.rsplit("/", 1)[-1]
        served = f"{self._name} is InService on {answer['EndpointConfigName']}, all tagged"
        return f"package version {version} approved; {served}"

    def predict(self) -> str:
        prefix = f"digits/{self._execution}/preprocess/test/"
        features, labels = (self._rows(f"{prefix}{name}.csv")[:IMAGES] for name in ("features", "labels"))
        runtime = self.as_persona("data-scientist", "sagemaker-runtime")
        clusters = []
        for row in features:
            answer = runtime.invoke_endpoint(EndpointName=self._name, ContentType="text/csv", Body=",".join(row))
            clusters.append(int(json.loads(answer["Body"].read())["predictions"][0]["closest_cluster"]))
        truth = [int(float(row[0])) for row in labels]
        purity = _purity(clusters, truth)
        self.pictures["digits"] = [
            {"cluster": c, "label": t, "pixels": [float(v) for v in row]}
            for c, t, row in zip(clusters, truth, features, strict=True)
        ]
        self.pictures["purity"] = purity
        found = f"purity {purity:.2f} of {len(truth)} images in {len(set(clusters))} clusters"
        if purity < LOWEST_PURITY:
            raise RehearsalError(f"{found}; at least {LOWEST_PURITY} is expected")
        return found

    def observe(self) -> str:
        self._pass_hours(self._idle_hours())
        before = self._endpoint()
        entry = self.until(self._verdict, lambda e: e is not None, "the sweep's record of the endpoint")
        if entry["outcome"]["S"] != "observed" or self._endpoint() != before:
            raise RehearsalError(f"observe mode changed something: {_words(entry)}; before {before}")
        self.pictures["sweep"] = [entry]
        return f"found {self._name}: {_words(entry)}; nothing changed"

    def enforce(self) -> str:
        settings = yaml.safe_load(self.config.read_text())
        settings["costs"]["sweep"]["idle"]["mode"] = "enforce"
        config, assembly = self.out / "enforce.yaml", self.out / "cdk.enforce.out"
        config.write_text(yaml.safe_dump(settings, sort_keys=False))
        costs = f"{self.platform.prefix}-costs"
        self.cdk(
            "deploy",
            costs,
            "--exclusively",
            "--require-approval",
            "never",
            "--output",
            str(assembly),
            log="enforce",
            SLUICE_CONFIG=str(config),
        )
        self.assembly = assembly
        sweep = self.platform.costs.sweep
        self._pass_hours(sweep.every_hours)
        warned = self._entry("warned")
        if self._endpoint() is None:
            raise RehearsalError(f"{self._name} was ended before its owner had time to answer: {_words(warned)}")
        self._pass_hours(sweep.grace_minutes // 60 + sweep.every_hours)
        self.until(self._endpoint, lambda e: e is None, "the endpoint to be deleted")
        done = self._entry("done")
        self.pictures["sweep"] += [warned, done]
        return f"its owner was warned; {self._name} is gone: {_words(done)}"

    def destroy(self) -> str:
        told = super().destroy()
        operations.record(self.cloud, "digits")
        return told

    def _rows(self, key: str) -> list[list[str]]:
        body = self._s3.get_object(Bucket=self.published("artifact-bucket"), Key=key)["Body"].read().decode()
        return list(csv.reader(io.StringIO(body)))

    def _endpoint(self) -> dict[str, Any] | None:
        names = {e["EndpointName"] for e in self.sagemaker.list_endpoints(NameContains=self._name)["Endpoints"]}
        if self._name not in names:
            return None
        return self.sagemaker.describe_endpoint(EndpointName=self._name) | {"ResponseMetadata": None}

    def _idle_hours(self) -> int:
        return max(self.platform.costs.sweep.idle.endpoints.model_dump().values()) // 60 + 1

    def _pass_hours(self, hours: int) -> None:
        self.cloud.control("advance", seconds=hours * 3600 + 60)

    def _entry(self, outcome: str) -> dict[str, Any]:
        """The newest ledger entry about our endpoint, once it has this outcome."""
        return self.until(
            self._verdict, lambda e: e is not None and e["outcome"]["S"] == outcome, f"the sweep's word: {outcome}"
        )

    def _verdict(self) -> dict[str, Any] | None:
        """The newest ledger entry about our endpoint."""
        items = self.cloud.client("dynamodb").scan(TableName=self.published("sweep-ledger"))["Items"]
        ours = [item for item in items if item["subject"]["S"].endswith(f":endpoint/{self._name}")]
        return max(ours, key=lambda item: item["at"]["S"], default=None)


def _purity(clusters: list[int], labels: list[int]) -> float:
    """The share of images that carry the commonest label of their cluster."""
    by_cluster: dict[int, Counter[int]] = {}
    for cluster, label in zip(clusters, labels, strict=True):
        by_cluster.setdefault(cluster, Counter())[label] += 1
    return sum(count.most_common(1)[0][1] for count in by_cluster.values()) / len(labels)


def _words(entry: dict[str, Any]) -> str:
    """A ledger entry in one line."""
    return " ".join(entry[name]["S"] for name in ("outcome", "action", "reason"))
