"""The first step of every run: refuses one too many, notes which data it reads, finds the model that it has to beat.

A step may be tried again, and then lists anew and writes the same objects again: what counts is what is there when the
next step reads it. What is uploaded between the two is read by the run and is not in its manifest.

A manifest is named by its content, which tells of no run: of runs over the same data, later ones are given the same
manifest, and their steps are asked for the same and may be reused. What a run repeats, its parameter Manifest says.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger

from controls import clients, dataset, running, settings
from controls.dataset import Dataset, Version
from controls.monitors.contest import Contest
from controls.registry import newest_approved

logger = Logger(service="begin")

NO_CHAMPION = "0"


class ChampionError(RuntimeError):
    """The approved model cannot be compared with."""


@dataclass(frozen=True)
class Settings:
    """Without `registry` there is no champion: CloudFormation has no model package groups in every region.

    By workload, `parallel_runs` is how many runs may go on at once, and `machines` the ARN of a state machine.
    """

    platform: str
    parallel_runs: dict[str, int]
    machines: dict[str, str]
    data_bucket: str
    artifact_bucket: str
    registry: bool


def handler(event: dict[str, str], context: object) -> dict[str, str]:
    """DataUri, ManifestUri, ChampionModel (that very manifest where there is none) and ChampionVersion (0).

    Of a workload with a monitor, whose event has a `source`, also RecentUri and ChampionTestUri: the manifest again
    where there are no such rows, because SageMaker takes no input that is empty.
    Raises TooManyRunsError, DatasetError, ChampionError.
    """
    config = settings.read(Settings, os.environ)
    running.refuse_surplus(
        _running(config, event["workload"]), event["execution"], config.parallel_runs[event["workload"]]
    )
    workload, folder = event["workload"], f"{event['workload']}/{event['execution']}/begin"
    data, s3 = Dataset(config.data_bucket, workload, event["path"]), clients.client("s3")
    versions, uri = choose(s3, data, event["manifest"], config.artifact_bucket, folder)
    noted = dataset.note(s3, data, versions, config.artifact_bucket)
    answer = {"DataUri": uri, "ManifestUri": noted, "ChampionModel": noted, "ChampionVersion": NO_CHAMPION}
    package = champion(clients.client("sagemaker"), f"{config.platform}-{workload}") if config.registry else None
    if package:
        version = str(package["ModelPackageVersion"])
        answer |= {"ChampionModel": model(package), "ChampionVersion": version}
    if "source" in event:
        answer |= {"RecentUri": noted, "ChampionTestUri": noted}
        answer |= rows(s3, Contest.of(event, config.artifact_bucket), package, folder) if package else {}
    logger.info("begun", repeats=event["manifest"], manifest=noted, read=uri, champion=answer["ChampionVersion"])
    return answer


def _running(config: Settings, workload: str) -> Iterator[running.Begun]:
    if machine := config.machines.get(workload):
        return running.machine_runs(clients.client("stepfunctions"), machine)
    return running.pipeline_runs(clients.client("sagemaker"), f"{config.platform}-{workload}")


def choose(s3: Any, data: Dataset, manifest: str, artifact_bucket: str, folder: str) -> tuple[list[Version], str]:
    """What is read, and where: the objects themselves, or a copy of the versions that `manifest` names.

    Versions that are still the current ones, with none beside them, are not copied: they are where they were.
    Raises DatasetError.
    """
    current, kept = dataset.listed(s3, data)
    if not manifest:
        return dataset.checked(data, current), data.uri
    wanted = dataset.recalled(s3, manifest, data, artifact_bucket)
    dataset.refuse_gone(data, wanted, kept)
    if wanted == current:
        return wanted, data.uri
    return wanted, dataset.copy(s3, data, wanted, artifact_bucket, f"{folder}/data")


def champion(sagemaker: Any, group: str) -> dict[str, Any] | None:
    """The newest approved version of `group`, described."""
    package = newest_approved(sagemaker, group)
    return sagemaker.describe_model_package(ModelPackageName=package.arn) if package else None


def model(package: dict[str, Any]) -> str:
    """Where the model of a package lies. Raises ChampionError."""
    containers = package.get("InferenceSpecification", {}).get("Containers", [])
    found = containers[0].get("ModelDataUrl") if containers else None
    if not found:
        name = f"version {package['ModelPackageVersion']} of {package['ModelPackageGroupName']}"
        raise ChampionError(f"{name} has no ModelDataUrl: reject it, or register it anew")
    return found


def rows(s3: Any, contest: Contest, package: dict[str, Any], folder: str) -> dict[str, str]:
    """Where the rows lie that the champion is met on, of those that there are."""
    recent = contest.recent(s3, package["CreationTime"], folder)
    found = {"RecentUri": recent, "ChampionTestUri": contest.test(s3, package)}
    return {name: uri for name, uri in found.items() if uri}
