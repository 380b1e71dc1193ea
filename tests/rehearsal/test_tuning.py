"""Tuning jobs over HTTP: which hyperparameters are tried, what the training jobs are, and which one is the best."""

import io
import itertools
import re
import zipfile
from typing import Any

import pytest

from rehearsal.embedded import EmbeddedCloud
from tests.rehearsal.jobbing import lines, until
from tests.rehearsal.searching import HEAD, PLANE, QUADRATIC, WHOLE, Searching, losses

CHOICES = {"CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b", "c"]}]}


@pytest.mark.slow
def test_bayesian_search_finds_a_better_point_than_its_first_random_ones(searching: Searching) -> None:
    searching.tune("bayesian", QUADRATIC, PLANE, 14, 1, Strategy="Bayesian", RandomSeed=7)
    told, found = searching.ended("bayesian"), losses(searching.jobs("bayesian"))
    assert told["HyperParameterTuningJobStatus"] == "Completed", told.get("FailureReason")
    assert len(found) == 14 and min(found[4:]) < min(found[:4])
    best = told["BestTrainingJob"]
    assert losses([best]) == [min(found)] and best["ObjectiveStatus"] == "Succeeded"
    searching.tune("again", QUADRATIC, PLANE, 6, 1, Strategy="Bayesian", RandomSeed=7)
    searching.ended("again")
    assert losses(searching.jobs("again")) == found[:6]


@pytest.mark.slow
def test_at_most_so_many_jobs_run_at_a_time(searching: Searching) -> None:
    searching.tune("parallel", "time.sleep(0.4); tell(given.count)", WHOLE, 10, 4)
    assert searching.ended("parallel")["TrainingJobStatusCounters"]["Completed"] == 10
    jobs = searching.jobs("parallel")
    moments = [(job["CreationTime"], 1) for job in jobs] + [(job["TrainingEndTime"], -1) for job in jobs]
    assert max(itertools.accumulate(change for _, change in sorted(moments))) == 4


def test_the_training_jobs_are_like_any_other_and_say_what_launched_them(
    cloud: EmbeddedCloud, searching: Searching, role: str, bus: Any
) -> None:
    url = bus.listen("tuned", "hyper-parameter-tuning-job/launches")
    spot = {
        "EnableManagedSpotTraining": True,
        "CheckpointConfig": {"S3Uri": "s3://jobs/checkpoints/launches"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
        "static": {"right": "0.5"},
        "DefinitionName": "only",
    }
    ranges = {"ContinuousParameterRanges": [{"Name": "left", "MinValue": "0.25", "MaxValue": "0.75"}]}
    tags = [{"Key": "team", "Value": "blue"}]
    searching.tune("launches", "tell(1.0); print('said'); tell(5.0)", ranges, 2, definition=spot, Tags=tags)
    told = searching.ended("launches")
    first, second = searching.jobs("launches")
    assert re.fullmatch("launches-001-[0-9a-f]{8}", first["TrainingJobName"])
    assert re.fullmatch("launches-002-[0-9a-f]{8}", second["TrainingJobName"])
    job = searching.client.describe_training_job(TrainingJobName=first["TrainingJobName"])
    assert job["TuningJobArn"] == told["HyperParameterTuningJobArn"] and job["RoleArn"] == role
    chosen = job["HyperParameters"]["left"]
    assert 0.25 <= float(chosen) <= 0.75 and first["TunedHyperParameters"] == {"left": chosen}
    assert job["HyperParameters"]["right"] == "0.5" and job["HyperParameters"]["_tuning_objective_metric"] == "loss"
    assert job["EnableManagedSpotTraining"] and job["CheckpointConfig"] == spot["CheckpointConfig"]
    assert searching.client.list_tags(ResourceArn=job["TrainingJobArn"])["Tags"] == tags
    listed = searching.client.list_training_jobs(NameContains="launches-0")["TrainingJobSummaries"]
    assert {row["TrainingJobName"] for row in listed} == {first["TrainingJobName"], second["TrainingJobName"]}
    assert "said" in lines(cloud, "TrainingJob", first["TrainingJobName"])
    assert losses([first]) == [5.0], "the last value that was emitted is the final one"
    assert (first["TuningJobName"], first["TrainingJobDefinitionName"]) == ("launches", "only")
    found = cloud.client("cloudwatch").list_metrics(
        Namespace="/aws/sagemaker/TrainingJobs",
        Dimensions=[{"Name": "TrainingJobName", "Value": first["TrainingJobName"]}],
    )
    assert [metric["MetricName"] for metric in found["Metrics"]] == ["loss"]
    began, *_, over = bus.received(url, 2)
    assert began["detail-type"] == over["detail-type"] == "SageMaker HyperParameter Tuning Job State Change"
    assert [e["detail"]["HyperParameterTuningJobStatus"] for e in (began, over)] == ["InProgress", "Completed"]
    assert over["detail"]["TrainingJobStatusCounters"]["Completed"] == 2 and over["detail"]["Tags"] == {"team": "blue"}


def test_code_may_come_by_a_channel_as_an_archive_that_python_runs(cloud: EmbeddedCloud, searching: Searching) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("__main__.py", HEAD + "tell(given.count)")
    cloud.client("s3").put_object(Bucket="jobs", Key="zipped/code.py", Body=code.getvalue())
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://jobs/zipped/code.py"}}
    own = {"sagemaker_program": "code.py", "sagemaker_submit_directory": "/opt/ml/input/data/code"}
    channel = {"ChannelName": "code", "DataSource": source}
    searching.tune("zipped", "", WHOLE, 2, 2, definition={"static": own, "InputDataConfig": [channel]})
    assert searching.ended("zipped")["HyperParameterTuningJobStatus"] == "Completed", searching.jobs("zipped")


def test_a_grid_is_run_whole_and_each_combination_once(searching: Searching) -> None:
    ranges = {
        "CategoricalParameterRanges": [*CHOICES["CategoricalParameterRanges"], {"Name": "left", "Values": ["1", "2"]}]
    }
    searching.tune("grid", "tell(given.left)", ranges, None, 3, Strategy="Grid")
    assert searching.ended("grid")["HyperParameterTuningJobStatus"] == "Completed"
    tried = [
        (job["TunedHyperParameters"]["kind"], job["TunedHyperParameters"]["left"]) for job in searching.jobs("grid")
    ]
    assert sorted(tried) == sorted(itertools.product("abc", "12"))


def test_a_small_space_is_searched_without_repeating(searching: Searching) -> None:
    for strategy in ("Random", "Bayesian"):
        searching.tune(f"small-{strategy}", "tell(1.0)", CHOICES, 3, 1, Strategy=strategy)
        searching.ended(f"small-{strategy}")
        tried = [job["TunedHyperParameters"]["kind"] for job in searching.jobs(f"small-{strategy}")]
        assert sorted(tried) == ["a", "b", "c"]


def test_each_scale_walks_its_range_as_aws_says(cloud: EmbeddedCloud, searching: Searching) -> None:
    scales = {"linear": "Linear", "log": "Logarithmic", "auto": "Auto", "reverse": "ReverseLogarithmic"}
    numbers = {"linear": ("0", "1"), "log": ("1e-6", "1"), "auto": ("1e-6", "1"), "reverse": ("0", "0.999999")}
    ranges = {
        "ContinuousParameterRanges": [
            {"Name": name, "MinValue": numbers[name][0], "MaxValue": numbers[name][1], "ScalingType": scale}
            for name, scale in scales.items()
        ],
        "IntegerParameterRanges": [{"Name": "whole", "MinValue": "1", "MaxValue": "1000000"}],
    }
    cloud.control("jobs", paused=True)  # what is tried is told of jobs that have not started
    try:
        searching.tune("scales", "pass", ranges, 60, 60)
        until(lambda: len(searching.jobs("scales")) == 60)
        tried = [job["TunedHyperParameters"] for job in searching.jobs("scales")]
        searching.client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="scales")
    finally:
        cloud.control("jobs", paused=False)
    middle = {name: sorted(float(each[name]) for each in tried)[30] for name in tried[0]}
    assert 0.3 < middle["linear"] < 0.7
    assert 1e-4 < middle["log"] < 1e-2 and 1e-4 < middle["auto"] < 1e-2
    assert 1e-4 < 1 - middle["reverse"] < 1e-2
    assert 1e2 < middle["whole"] < 1e4 and all(each["whole"].isdigit() for each in tried)
    assert searching.ended("scales")["HyperParameterTuningJobStatus"] == "Stopped"


def test_the_list_of_training_jobs_is_sorted_filtered_and_cut_as_asked(searching: Searching) -> None:
    script = "sys.exit(3) if '-002-' in os.environ['TRAINING_JOB_NAME'] else tell(given.count)"
    searching.tune("listed", script, WHOLE, 6, 3)
    told = searching.ended("listed")
    assert told["TrainingJobStatusCounters"] == {
        "Completed": 5, "InProgress": 0, "RetryableError": 0, "NonRetryableError": 1, "Stopped": 0,
    }  # fmt: skip
    assert told["ObjectiveStatusCounters"] == {"Succeeded": 5, "Pending": 0, "Failed": 1}
    names = [job["TrainingJobName"] for job in searching.jobs("listed")]
    assert names == sorted(names) and len(names) == 6
    ranked = searching.jobs("listed", SortBy="FinalObjectiveMetricValue", SortOrder="Descending")
    assert losses(ranked) == sorted(losses(ranked), reverse=True) and len(ranked) == 5
    assert told["BestTrainingJob"]["TrainingJobName"] == ranked[-1]["TrainingJobName"]
    [failed] = searching.jobs("listed", StatusEquals="Failed")
    assert (failed["ObjectiveStatus"], failed["TrainingJobName"]) == ("Failed", names[1])
    assert [job["TrainingJobStatus"] for job in searching.jobs("listed", SortBy="Status")][-1] == "Failed"
    page = {"HyperParameterTuningJobName": "listed", "MaxResults": 4}
    first = searching.client.list_training_jobs_for_hyper_parameter_tuning_job(**page)
    rest = searching.client.list_training_jobs_for_hyper_parameter_tuning_job(**page, NextToken=first["NextToken"])
    pages = [*first["TrainingJobSummaries"], *rest["TrainingJobSummaries"]]
    assert [job["TrainingJobName"] for job in pages] == names and "NextToken" not in rest
