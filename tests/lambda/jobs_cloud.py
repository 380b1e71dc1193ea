"""The part of the in-memory cloud that jobs use: what they are, what starts and stops them, a table, and crashes."""
# ruff: noqa: N802, N803 - operations and their parameters are named as AWS names them

import importlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

base = importlib.import_module("tests.lambda.base")  # `lambda` is a keyword
in_memory = importlib.import_module("tests.lambda.cloud")
NOW, OURS, RefusalError = in_memory.NOW, in_memory.OURS, in_memory.RefusalError
ROLE = f"arn:aws:iam::{in_memory.ACCOUNT}:role/sluice-dev-training-digits"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
KMEANS = "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1"
_RESOURCES = {
    "TrainingJob": "training-job",
    "HyperParameterTuningJob": "hyper-parameter-tuning-job",
    "ProcessingJob": "processing-job",
    "TransformJob": "transform-job",
}
DETAIL_TYPES = {
    "TrainingJob": "SageMaker Training Job State Change",
    "HyperParameterTuningJob": "SageMaker HyperParameter Tuning Job State Change",
    "ProcessingJob": "SageMaker Processing Job State Change",
    "TransformJob": "SageMaker Transform Job State Change",
}


class CrashError(BaseException):
    """The function's process ended right after a call; nothing in it can catch this."""


def training(
    instance_type: str = "ml.m5.xlarge", count: int = 1, *, spot: bool = False, hours: int = 1
) -> dict[str, Any]:
    """The members of CreateTrainingJob that a training has, and a search's definition too."""
    stopping = {"MaxRuntimeInSeconds": hours * 3600} | ({"MaxWaitTimeInSeconds": hours * 7200} if spot else {})
    return {
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": "s3://artifacts/digits"},
        "ResourceConfig": {"InstanceType": instance_type, "InstanceCount": count, "VolumeSizeInGB": 10},
        "StoppingCondition": stopping,
        "EnableManagedSpotTraining": spot,
        "CheckpointConfig": {"S3Uri": "s3://artifacts/digits/checkpoints"},
        "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
    }


class Cloud(in_memory.Cloud):
    """`answers` holds by noun and name what Describe tells. After its call number `crash_after` the function dies."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[tuple[str, str], dict[str, Any]] = {}
        self.crash_after: int | None = None
        self.intruder: tuple[int, Callable[[], object]] | None = None

    def intrude(self, calls: int, intruder: Callable[[], object]) -> None:
        """After so many calls from now, and before the next one, do something else."""
        self.intruder = len(self.calls) + calls, intruder

    def reset(self) -> None:
        """As new, for the next of many examples."""
        self.__init__()

    def job(self, name: str, noun: str = "TrainingJob", *, tags: dict[str, str] = OURS, **answer: Any) -> str:
        """A job that has begun; its ARN."""
        arn = in_memory.arn(f"{_RESOURCES[noun]}/{name}")
        common = {f"{noun}Name": name, f"{noun}Arn": arn, f"{noun}Status": "InProgress", "CreationTime": NOW}
        self.answers[noun, name] = {**common, "LastModifiedTime": NOW, **answer}
        self.tags[arn] = dict(tags)
        return arn

    def lacking(self, name: str, *, tags: dict[str, str] = OURS, **answer: Any) -> str:
        """A spot job that waited for capacity until it was stopped."""
        ended = {"TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxWaitTimeExceeded", **ENDING}
        return self.job(name, tags=tags, **{**training(spot=True), **ended, **answer})

    def search(self, *, finished: int, lacking: int, tags: dict[str, str] = OURS, **answer: Any) -> None:
        """A spot search of eight trainings; those that are neither finished nor lacking were never made."""
        limits = {"MaxNumberOfTrainingJobs": 8, "MaxParallelTrainingJobs": 6}
        asked = {
            "HyperParameterTuningJobConfig": {"Strategy": "Bayesian", "ResourceLimits": limits},
            "TrainingJobDefinition": training(spot=True),
            "HyperParameterTuningJobStatus": "Completed",
        }
        arn = self.job("search", "HyperParameterTuningJob", tags=tags, **asked | answer)
        for number in range(finished):
            self.job(f"search-{number}", TuningJobArn=arn, **training(spot=True), TrainingJobStatus="Completed")
        for number in range(lacking):
            self.lacking(f"search-{finished + number}", TuningJobArn=arn)

    def event(self, name: str, noun: str = "TrainingJob", *, minutes: int = 0) -> dict[str, Any]:
        arn = in_memory.arn(f"{_RESOURCES[noun]}/{name}")
        return {
            "detail-type": DETAIL_TYPES[noun],
            "time": (NOW + timedelta(minutes=minutes)).isoformat(),
            "region": in_memory.REGION,
            "detail": {f"{noun}Name": name, f"{noun}Arn": arn},
        }

    def created(self) -> list[str]:
        """The calls that made something, or tried to."""
        return [call.operation for call in self.calls if call.operation.startswith("Create")]

    def subjects(self) -> list[str]:
        return [message["Subject"].removeprefix("[sluice-dev] ") for message in self.mail]

    def entries(self) -> list[dict[str, Any]]:
        return [item for (subject, _), item in sorted(self.ledger.items()) if subject.startswith("arn:")]

    def remember_budget(self, **members: Any) -> None:
        """Of this month, as the meter writes it."""
        self.ledger["budget", f"{NOW:%Y-%m}"] = {"subject": "budget", "at": f"{NOW:%Y-%m}", **members}

    def answer(self, model: Any, context: dict[str, Any], **more: Any) -> tuple[Any, dict[str, Any]]:
        if self.intruder and self.intruder[0] == len(self.calls):
            _, intruder = self.intruder
            self.intruder = None
            intruder()
        answered = super().answer(model, context, **more)
        if self.crash_after == len(self.calls):
            raise CrashError
        return answered

    # The API

    def _described(self, noun: str, name: str) -> dict[str, Any]:
        if (noun, name) not in self.answers:
            raise RefusalError("Requested resource not found.")
        return dict(self.answers[noun, name])

    def DescribeTrainingJob(self, TrainingJobName: str) -> dict[str, Any]:
        return self._described("TrainingJob", TrainingJobName)

    def DescribeHyperParameterTuningJob(self, HyperParameterTuningJobName: str) -> dict[str, Any]:
        return self._described("HyperParameterTuningJob", HyperParameterTuningJobName)

    def DescribeProcessingJob(self, ProcessingJobName: str) -> dict[str, Any]:
        return self._described("ProcessingJob", ProcessingJobName)

    def DescribeTransformJob(self, TransformJobName: str) -> dict[str, Any]:
        return self._described("TransformJob", TransformJobName)

    def _stopped(self, noun: str, name: str) -> None:
        status = self._described(noun, name)[f"{noun}Status"]
        if status != "InProgress":
            raise RefusalError(f"The request was rejected because the training job is in status {status}.")
        self.answers[noun, name][f"{noun}Status"] = "Stopping"

    def StopTrainingJob(self, TrainingJobName: str) -> None:
        self._stopped("TrainingJob", TrainingJobName)

    def StopHyperParameterTuningJob(self, HyperParameterTuningJobName: str) -> None:
        self._stopped("HyperParameterTuningJob", HyperParameterTuningJobName)

    def StopProcessingJob(self, ProcessingJobName: str) -> None:
        self._stopped("ProcessingJob", ProcessingJobName)

    def StopTransformJob(self, TransformJobName: str) -> None:
        self._stopped("TransformJob", TransformJobName)

    def CreateTrainingJob(self, TrainingJobName: str, Tags: list[dict[str, str]], **asked: Any) -> dict[str, Any]:
        algorithm, stopping = asked["AlgorithmSpecification"], asked["StoppingCondition"]
        if algorithm["TrainingImage"] == KMEANS and "MetricDefinitions" in algorithm:
            raise RefusalError("You can't override the metric definitions for Amazon SageMaker algorithms.")
        if "MaxWaitTimeInSeconds" in stopping and not asked["EnableManagedSpotTraining"]:
            raise RefusalError("Invalid MaxWaitTimeInSeconds.")
        return {"TrainingJobArn": self._created("TrainingJob", TrainingJobName, Tags, asked)}

    def CreateHyperParameterTuningJob(
        self, HyperParameterTuningJobName: str, Tags: list[dict[str, str]], **asked: Any
    ) -> dict[str, Any]:
        arn = self._created("HyperParameterTuningJob", HyperParameterTuningJobName, Tags, asked)
        return {"HyperParameterTuningJobArn": arn}

    def _created(self, noun: str, name: str, tags: list[dict[str, str]], asked: dict[str, Any]) -> str:
        if (noun, name) in self.answers:
            raise RefusalError(f"A job with this name already exists ({name})", "ResourceInUse")
        return self.job(name, noun, tags={tag["Key"]: tag["Value"] for tag in tags}, **asked)

    def _listed(self, noun: str, since: datetime, **page: Any) -> dict[str, Any]:
        rows = [a for (n, _), a in self.answers.items() if n == noun and a["LastModifiedTime"] > since]
        return base.page(f"{noun}Summaries", rows, **page)

    def ListTrainingJobs(self, LastModifiedTimeAfter: datetime, **page: Any) -> dict[str, Any]:
        return self._listed("TrainingJob", LastModifiedTimeAfter, **page)

    def ListProcessingJobs(self, LastModifiedTimeAfter: datetime, **page: Any) -> dict[str, Any]:
        return self._listed("ProcessingJob", LastModifiedTimeAfter, **page)

    def ListTransformJobs(self, LastModifiedTimeAfter: datetime, **page: Any) -> dict[str, Any]:
        return self._listed("TransformJob", LastModifiedTimeAfter, **page)

    def ListTrainingJobsForHyperParameterTuningJob(
        self, HyperParameterTuningJobName: str, **page: Any
    ) -> dict[str, Any]:
        arn = in_memory.arn(f"hyper-parameter-tuning-job/{HyperParameterTuningJobName}")
        rows = [answer for answer in self.answers.values() if answer.get("TuningJobArn") == arn]
        return base.page("TrainingJobSummaries", rows, **page)


ENDING = {
    "TrainingStartTime": NOW,
    "TrainingEndTime": NOW + timedelta(hours=2, minutes=7),
    "TrainingTimeInSeconds": 3600,
    "BillableTimeInSeconds": 900,
}
