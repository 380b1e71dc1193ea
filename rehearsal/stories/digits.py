"""The first story: handwritten digits from the data bucket to ten clusters, by the platform instead of by hand."""

import csv
import io
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from config.load import load
from rehearsal import operations
from rehearsal.embedded import ROOT, EmbeddedCloud, RehearsalError, tail
from rehearsal.leftovers import OUTLIVING, Inventory

CONFIG = ROOT / "config" / "team.yaml"
IMAGES = 100
LOWEST_PURITY = 0.6
PATIENCE_SECONDS = 90


def region() -> str:
    """The region of the embedded default configuration."""
    return load(CONFIG).region


class Story:
    """Holds what one step hands to the next; `pictures` is what the report draws."""

    def __init__(self, cloud: EmbeddedCloud, out: Path) -> None:
        self._cloud, self._out = cloud, out
        self._platform = load(CONFIG)
        self._name = f"{self._platform.prefix}-digits"
        self._assembly = out / "cdk.out"
        self.stand_ins: list[str] = []
        self.pictures: dict[str, Any] = {}

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

    def start(self) -> str:
        self._cloud.start()
        self.stand_ins += self._cloud.control("stand-ins")["stand_ins"]
        self._sagemaker, self._s3 = self._cloud.client("sagemaker"), self._cloud.client("s3")
        self._formation = self._cloud.client("cloudformation")
        return f"127.0.0.1:{self._cloud.port}, IAM enforcement on"

    def bootstrap(self) -> str:
        self._cdk("synth", "--quiet", "--output", str(self._assembly), log="synth", SLUICE_CONFIG=str(CONFIG))
        self._cdk("bootstrap", "--app", str(self._assembly), log="bootstrap")
        self._before = Inventory(self._cloud).take()
        return "CDKToolkit stack complete"

    def deploy(self) -> str:
        self._cdk("deploy", "--all", "--require-approval", "never", "--app", str(self._assembly), log="deploy")
        self._cdk("diff", "--all", "--fail", "--app", str(self._assembly), log="diff")
        stacks = self._stacks()
        made = Inventory(self._cloud).take() - self._before
        self.pictures["made"] = sorted(made)
        return f"{len(stacks)} stacks, {len(made)} resources: {', '.join(sorted(stacks))}"

    def put_data(self) -> str:
        path = self._out / "digits.csv"
        python = ROOT / ".venv-cloud" / "bin" / "python"
        self._cloud.run([str(python), str(ROOT / "workloads" / "digits" / "data.py"), str(path)], self._log("data"))
        self._s3.upload_file(str(path), self._bucket("DataBucket"), "digits/digits.csv")
        with path.open() as lines:
            return f"{sum(1 for _ in lines)} images"

    def train(self) -> str:
        scientist = self._as("data-scientist", "sagemaker")
        arn = scientist.start_pipeline_execution(PipelineName=self._name)["PipelineExecutionArn"]
        self._execution = arn.rsplit("/", 1)[-1]
        answer = self._until(
            lambda: self._sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn),
            lambda a: a["PipelineExecutionStatus"] != "Executing",
            "the pipeline execution to end",
        )
        if answer["PipelineExecutionStatus"] != "Succeeded":
            raise RehearsalError(
                f"the execution ended {answer['PipelineExecutionStatus']}: {answer.get('FailureReason')}"
            )
        steps = self._sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")[
            "PipelineExecutionSteps"
        ]
        training = next(s["Metadata"]["TrainingJob"]["Arn"] for s in steps if "TrainingJob" in s["Metadata"])
        job = self._sagemaker.describe_training_job(TrainingJobName=training.rsplit("/", 1)[-1])
        self._check_training(job)
        names = " -> ".join(step["StepName"] for step in steps)
        return f"{names}; 2 instances, spot, k 10, trained {job['TrainingTimeInSeconds']} s"

    def _check_training(self, job: dict[str, Any]) -> None:
        """What the story tells of its training job. Raises RehearsalError where that is not so."""
        found = (job["ResourceConfig"]["InstanceCount"], job["EnableManagedSpotTraining"], job["HyperParameters"]["k"])
        if found != (2, True, "10"):
            raise RehearsalError(f"instances, spot and k of {job['TrainingJobName']} are {found}, not 2, True and 10")
        streams = self._cloud.client("logs").describe_log_streams(
            logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=job["TrainingJobName"]
        )["logStreams"]
        hosts = sorted(stream["logStreamName"].rsplit("/", 1)[-1].rsplit("-", 1)[0] for stream in streams)
        if hosts != ["algo-1", "algo-2"]:
            raise RehearsalError(f"logs of {hosts}, not of two instances")
        key = f"digits/{self._execution}/evaluate/evaluation/evaluation.json"
        evaluation = json.loads(self._s3.get_object(Bucket=self._bucket("ArtifactBucket"), Key=key)["Body"].read())
        if evaluation["clustering"]["purity"]["value"] < LOWEST_PURITY:
            raise RehearsalError(f"the evaluation step measured {evaluation}")

    def promote(self) -> str:
        packages = self._sagemaker.list_model_packages(ModelPackageGroupName=self._name)["ModelPackageSummaryList"]
        arn = packages[0]["ModelPackageArn"]
        self._as("ml-engineer", "sagemaker").update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
        answer = self._until(
            self._endpoint, lambda e: e is not None and e["EndpointStatus"] in ("InService", "Failed"), "the endpoint"
        )
        if answer["EndpointStatus"] != "InService":
            raise RehearsalError(f"the endpoint ended {answer['EndpointStatus']}: {answer.get('FailureReason')}")
        version = arn.rsplit("/", 1)[-1]
        return f"package version {version} approved; {self._name} is InService on {answer['EndpointConfigName']}"

    def predict(self) -> str:
        prefix = f"digits/{self._execution}/preprocess/test/"
        features, labels = (self._rows(f"{prefix}{name}.csv")[:IMAGES] for name in ("features", "labels"))
        runtime = self._as("data-scientist", "sagemaker-runtime")
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
        entry = self._until(self._verdict, lambda e: e is not None, "the sweep's record of the endpoint")
        if entry["outcome"]["S"] != "observed" or self._endpoint() != before:
            raise RehearsalError(f"observe mode changed something: {_words(entry)}; before {before}")
        self.pictures["sweep"] = [entry]
        return f"found {self._name}: {_words(entry)}; nothing changed"

    def enforce(self) -> str:
        settings = yaml.safe_load(CONFIG.read_text())
        settings["costs"]["sweep"]["mode"] = "enforce"
        config, assembly = self._out / "enforce.yaml", self._out / "cdk.enforce.out"
        config.write_text(yaml.safe_dump(settings, sort_keys=False))
        costs = f"{self._platform.prefix}-costs"
        self._cdk(
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
        self._assembly = assembly
        self._pass_hours(self._platform.costs.sweep.every_hours)
        self._until(self._endpoint, lambda e: e is None, "the endpoint to be deleted")
        entry = self._until(
            self._verdict, lambda e: e is not None and e["outcome"]["S"] == "done", "the sweep's record of the deletion"
        )
        self.pictures["sweep"].append(entry)
        return f"{self._name} is gone: {_words(entry)}"

    def destroy(self) -> str:
        inventory = Inventory(self._cloud)
        meant_to_stay = inventory.retained(self._stacks())
        self._cdk("destroy", "--all", "--force", "--app", str(self._assembly), log="destroy")
        operations.record(self._cloud, "digits")
        left = inventory.take() - self._before
        kept = {item for item in left if item in meant_to_stay or item.startswith(OUTLIVING)}
        self.pictures["kept"] = sorted(kept)
        if left - kept or self._stacks():
            raise RehearsalError(f"left behind: {', '.join([*sorted(left - kept), *self._stacks()])}")
        return f"nothing left but, by design: {', '.join(sorted(kept))}"

    def _as(self, persona: str, service: str) -> Any:
        """A client under the role that Studio gives the first user of a persona."""
        user = next(user.name for user in self._platform.studio.users if user.persona == persona)
        domain = self._sagemaker.list_domains()["Domains"][0]["DomainId"]
        profile = self._sagemaker.describe_user_profile(DomainId=domain, UserProfileName=user)
        return self._cloud.as_role(service, profile["UserSettings"]["ExecutionRole"], (domain, user))

    def _cdk(self, *arguments: str, log: str, **extra: str) -> None:
        self._cloud.cdk(*arguments, log=self._log(log), **extra)

    def _log(self, name: str) -> Path:
        return self._out / "logs" / f"{name}.log"

    def _stacks(self) -> list[str]:
        pages = self._formation.get_paginator("describe_stacks").paginate()
        return [s["StackName"] for page in pages for s in page["Stacks"] if s["StackName"] != "CDKToolkit"]

    def _ledger(self) -> str:
        rows = self._formation.describe_stack_resources(StackName=f"{self._platform.prefix}-costs")["StackResources"]
        return next(r["PhysicalResourceId"] for r in rows if r["ResourceType"] == "AWS::DynamoDB::Table")

    def _bucket(self, output: str) -> str:
        stack = self._formation.describe_stacks(StackName=f"{self._platform.prefix}-foundation")["Stacks"][0]
        return next(o["OutputValue"] for o in stack["Outputs"] if o["OutputKey"] == output)

    def _rows(self, key: str) -> list[list[str]]:
        body = self._s3.get_object(Bucket=self._bucket("ArtifactBucket"), Key=key)["Body"].read().decode()
        return list(csv.reader(io.StringIO(body)))

    def _endpoint(self) -> dict[str, Any] | None:
        names = {e["EndpointName"] for e in self._sagemaker.list_endpoints(NameContains=self._name)["Endpoints"]}
        if self._name not in names:
            return None
        return self._sagemaker.describe_endpoint(EndpointName=self._name) | {"ResponseMetadata": None}

    def _idle_hours(self) -> int:
        return self._platform.costs.sweep.endpoint_idle_minutes // 60 + 1

    def _pass_hours(self, hours: int) -> None:
        self._cloud.control("advance", seconds=hours * 3600 + 60)

    def _verdict(self) -> dict[str, Any] | None:
        """The newest ledger entry about our endpoint."""
        items = self._cloud.client("dynamodb").scan(TableName=self._ledger())["Items"]
        ours = [item for item in items if item["resource"]["S"].endswith(f":endpoint/{self._name}")]
        return max(ours, key=lambda item: item["at"]["S"], default=None)

    def _until(self, look: Callable[[], Any], enough: Callable[[Any], bool], what: str) -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not enough(seen := look()):
            if time.monotonic() > deadline:
                raise RehearsalError(
                    f"waited {PATIENCE_SECONDS} s for {what}; last seen: {seen}\n{tail(self._log('cloud'))}"
                )
            time.sleep(0.1)
        return seen


def _purity(clusters: list[int], labels: list[int]) -> float:
    """The share of images that carry the commonest label of their cluster."""
    by_cluster: dict[int, Counter[int]] = {}
    for cluster, label in zip(clusters, labels, strict=True):
        by_cluster.setdefault(cluster, Counter())[label] += 1
    return sum(count.most_common(1)[0][1] for count in by_cluster.values()) / len(labels)


def _words(entry: dict[str, Any]) -> str:
    """A ledger entry in one line."""
    return " ".join(entry[name]["S"] for name in ("outcome", "action", "reason"))
