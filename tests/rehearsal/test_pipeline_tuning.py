"""The Tuning step of a pipeline over HTTP: what later steps read of it, its cache, its failure, its stop."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from rehearsal.embedded import EmbeddedCloud
from tests.rehearsal.jobbing import lines
from tests.rehearsal.pipelining import Run, ended, listed, process, until
from tests.rehearsal.searching import Searching

KINDS = {"CategoricalParameterRanges": [{"Name": "kind", "Values": ["1", "3", "2"]}]}
SAVE = "open(os.environ['SM_MODEL_DIR'] + '/kind', 'w').write(given.kind); tell(float(given.kind))"
READ = "import sys, tarfile; print('best', tarfile.open(sys.argv[1] + '/model.tar.gz').extractfile('kind').read())"
MODEL = "/opt/ml/processing/model"


@pytest.fixture
def tune(searching: Searching) -> Callable[..., dict[str, Any]]:
    """Makes a Tuning step that looks for the greatest kind."""

    def make(name: str, script: str = SAVE, **more: Any) -> dict[str, Any]:
        objective = {"Type": "Maximize", "MetricName": "loss"}
        config = searching.config(KINDS, None, 2, Strategy="Grid", HyperParameterTuningJobObjective=objective)
        definition = searching.definition(name, script)
        arguments = {"HyperParameterTuningJobConfig": config, "TrainingJobDefinition": definition}
        return {"Name": "Find-the-best", "Type": "Tuning", "Arguments": arguments, **more}

    return make


def reading(name: str, job: str) -> dict[str, Any]:
    """A step that prints what is in the model of a job."""
    values = ["s3:/", "jobs", "tuned", {"Get": f"Steps.Find-the-best.{job}"}, "output/model.tar.gz"]
    uri = {"Std:Join": {"On": "/", "Values": values}}  # as the SageMaker SDK's get_top_model_s3_uri writes it
    source = {"S3Uri": uri, "LocalPath": MODEL, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    step = process(name, READ, Arguments={"ProcessingInputs": [{"InputName": "model", "S3Input": source}]})
    step["Arguments"]["AppSpecification"]["ContainerArguments"] = [MODEL]
    return step


def test_the_best_model_is_handed_to_the_next_step(
    cloud: EmbeddedCloud, create: Callable[..., None], start: Run, tune: Callable[..., dict[str, Any]]
) -> None:
    steps = [
        tune("handing"),
        reading("Best", "BestTrainingJob.TrainingJobName"),
        reading("Third", "TrainingJobSummaries[2].TrainingJobName"),
    ]
    create("handing", steps)
    execution, ran = start("handing")
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution.get("FailureReason")
    arn = ran["Find-the-best"]["Metadata"]["TuningJob"]["Arn"]
    number = execution["PipelineExecutionArn"].rsplit("/", 1)[-1]
    assert re.fullmatch(rf".*:hyper-parameter-tuning-job/{number}-Find-the-[a-z0-9]{{10}}", arn)
    for name, kind in (("Best", 3), ("Third", 1)):
        job = ran[name]["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[-1]
        assert f"best b'{kind}'" in lines(cloud, "ProcessingJob", job)


def test_a_tuning_is_reused_until_what_aws_compares_changes(
    create: Callable[..., None], start: Run, tune: Callable[..., dict[str, Any]]
) -> None:
    step = tune("reused", CacheConfig={"Enabled": True, "ExpireAfter": "30d"})
    definition = step["Arguments"]["TrainingJobDefinition"]
    definition["StaticHyperParameters"]["left"] = {"Get": "Parameters.Left"}
    definition["StoppingCondition"] = {"MaxRuntimeInSeconds": {"Get": "Parameters.Seconds"}}
    defaults = {"Left": ("String", "1"), "Seconds": ("Integer", 600)}
    create("reused", [step], [{"Name": n, "Type": t, "DefaultValue": value} for n, (t, value) in defaults.items()])
    first = start("reused")[1]["Find-the-best"]
    hits = [
        "CacheHitResult" in start("reused", PipelineParameters=[{"Name": n, "Value": value}])[1]["Find-the-best"]
        for n, value in (("Seconds", "900"), ("Left", "2"))
    ]
    assert first["StepStatus"] == "Succeeded" and hits == [True, False]


def test_a_tuning_that_fails_fails_its_step_with_its_reason(
    create: Callable[..., None], start: Run, tune: Callable[..., dict[str, Any]]
) -> None:
    create("failed-tuning", [tune("failed-tuning", "print('nothing')")])
    execution, ran = start("failed-tuning")
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert "No objective metrics found after running 3 training jobs." in ran["Find-the-best"]["FailureReason"]


def test_an_execution_that_is_stopped_stops_its_tuning_job(
    cloud: EmbeddedCloud, searching: Searching, create: Callable[..., None], tune: Callable[..., dict[str, Any]]
) -> None:
    create("stopped-tuning", [tune("stopped-tuning", "time.sleep(300)")])
    arn = searching.client.start_pipeline_execution(PipelineName="stopped-tuning")["PipelineExecutionArn"]
    job = until(lambda: listed(cloud, arn).get("Find-the-best", {}).get("Metadata", {}).get("TuningJob"))["Arn"]
    name = job.rsplit("/", 1)[-1]
    until(lambda: len(searching.jobs(name)) == 2)
    searching.client.stop_pipeline_execution(PipelineExecutionArn=arn)
    assert ended(cloud, arn)[0]["PipelineExecutionStatus"] == "Stopped"
    assert searching.told(name)["HyperParameterTuningJobStatus"] == "Stopped"
    assert {row["TrainingJobStatus"] for row in searching.jobs(name)} == {"Stopped"}
