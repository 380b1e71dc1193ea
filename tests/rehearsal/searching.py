"""Tuning jobs over HTTP. Their scripts come as code in script mode, since the API of tuning knows no entrypoint."""

from typing import Any

from rehearsal.embedded import EmbeddedCloud
from tests.rehearsal.jobbing import ENDED, SKLEARN, packed, until

HEAD = """
import argparse, os, sys, time
parser = argparse.ArgumentParser()
for name in ('left', 'right', 'count'):
    parser.add_argument('--' + name, type=float, default=0.0)
parser.add_argument('--kind')
given = parser.parse_args()
def tell(value):
    print('loss=%r' % value, flush=True)
"""
QUADRATIC = "tell((given.left - 0.3) ** 2 + (given.right - 0.7) ** 2)"
PLANE = {"ContinuousParameterRanges": [{"Name": n, "MinValue": "0", "MaxValue": "1"} for n in ("left", "right")]}
WHOLE = {"IntegerParameterRanges": [{"Name": "count", "MinValue": "1", "MaxValue": "50"}]}


class Searching:
    """Makes tuning jobs in an embedded cloud; the bucket `jobs` is there."""

    def __init__(self, cloud: EmbeddedCloud, role: str) -> None:
        self.client, self._s3, self._role = cloud.client("sagemaker"), cloud.client("s3"), role
        self._s3.create_bucket(Bucket="jobs")

    def definition(self, name: str, script: str, **more: Any) -> dict[str, Any]:
        """A TrainingJobDefinition that runs the script, which knows `given.left` and tells a loss by `tell`."""
        self._s3.put_object(Bucket="jobs", Key=f"scripts/{name}.tar.gz", Body=packed(train=HEAD + script))
        code = {"sagemaker_program": "train.py", "sagemaker_submit_directory": f"s3://jobs/scripts/{name}.tar.gz"}
        return {
            "StaticHyperParameters": code | more.pop("static", {}),
            "AlgorithmSpecification": {
                "TrainingImage": SKLEARN,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(\\S+)"}],
            },
            "RoleArn": self._role,
            "OutputDataConfig": {"S3OutputPath": "s3://jobs/tuned"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
            **more,
        }

    def config(self, ranges: dict[str, Any], jobs: int | None, at_once: int, **more: Any) -> dict[str, Any]:
        """A HyperParameterTuningJobConfig that looks for the least loss."""
        limits: dict[str, Any] = {"MaxParallelTrainingJobs": at_once} | more.pop("limits", {})
        return {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ResourceLimits": limits | ({"MaxNumberOfTrainingJobs": jobs} if jobs else {}),
            "ParameterRanges": ranges,
            "RandomSeed": 1,
            **more,
        }

    def tune(
        self, name: str, script: str, ranges: dict[str, Any], jobs: int | None = 4, at_once: int = 2, **more: Any
    ) -> None:
        """Create a tuning job; `more` is of the config, but for `definition` and Tags."""
        tags, definition = more.pop("Tags", []), self.definition(name, script, **more.pop("definition", {}))
        self.client.create_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name,
            HyperParameterTuningJobConfig=self.config(ranges, jobs, at_once, **more),
            TrainingJobDefinition=definition,
            Tags=tags,
        )

    def told(self, name: str) -> dict[str, Any]:
        return self.client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)

    def ended(self, name: str) -> dict[str, Any]:
        """The answer once the tuning job has ended."""
        until(lambda: self.told(name)["HyperParameterTuningJobStatus"] in ENDED, lambda: self.told(name))
        return self.told(name)

    def jobs(self, name: str, **how: Any) -> list[dict[str, Any]]:
        answer = self.client.list_training_jobs_for_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name, **{"MaxResults": 100, **how}
        )
        return answer["TrainingJobSummaries"]


def losses(jobs: list[dict[str, Any]]) -> list[float]:
    """The final objectives, in the order of the list."""
    return [job["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for job in jobs]
