"""What ends a tuning job, and its training jobs: criteria, stops, failures, refusals."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.embedded import EmbeddedCloud
from tests.rehearsal.jobbing import until
from tests.rehearsal.searching import PLANE, WHOLE, Searching, losses

pytestmark = pytest.mark.slow

FIRST = "number = int(os.environ['TRAINING_JOB_NAME'].split('-')[-2])\n"
SLEEP = "time.sleep(300)\n"


def test_a_job_that_does_worse_than_the_median_is_stopped_early(searching: Searching) -> None:
    script = FIRST + "for epoch in range(3): tell(0.5 if number < 3 else 9.0)\nif number == 3: time.sleep(300)"
    searching.tune("early", script, PLANE, 4, 1, TrainingJobEarlyStoppingType="Auto")
    told = searching.ended("early")
    assert told["HyperParameterTuningJobStatus"] == "Completed", told.get("FailureReason")
    states = [(job["TrainingJobStatus"], job["ObjectiveStatus"]) for job in searching.jobs("early")]
    assert states[:3] == [("Completed", "Succeeded"), ("Completed", "Succeeded"), ("Stopped", "Succeeded")]
    assert losses(searching.jobs("early"))[2] == 9.0 and losses([told["BestTrainingJob"]]) == [0.5]
    assert told["TrainingJobStatusCounters"]["Stopped"] >= 1


def test_without_early_stopping_a_bad_job_goes_on(searching: Searching) -> None:
    searching.tune("patient", FIRST + "tell(float(number)); time.sleep(1.0); tell(float(number))", PLANE, 2, 1)
    assert searching.ended("patient")["TrainingJobStatusCounters"]["Completed"] == 2


def test_a_stop_ends_the_jobs_that_run_and_keeps_the_best(searching: Searching) -> None:
    searching.tune("stopped", FIRST + "tell(1.0)\nif number > 1: time.sleep(300)", PLANE, 9, 3)
    until(lambda: searching.told("stopped")["TrainingJobStatusCounters"]["Completed"] == 1)
    until(lambda: searching.told("stopped")["TrainingJobStatusCounters"]["InProgress"] == 3)
    name = {"HyperParameterTuningJobName": "stopped"}
    searching.client.stop_hyper_parameter_tuning_job(**name)
    assert searching.told("stopped")["HyperParameterTuningJobStatus"] in ("Stopping", "Stopped")
    told = searching.ended("stopped")
    assert (told["HyperParameterTuningJobStatus"], "FailureReason" in told) == ("Stopped", False)
    assert [job["TrainingJobStatus"] for job in searching.jobs("stopped")] == ["Completed", *["Stopped"] * 3]
    assert "-001-" in told["BestTrainingJob"]["TrainingJobName"]
    assert told["HyperParameterTuningEndTime"] >= told["CreationTime"]
    with pytest.raises(ClientError, match=r"ValidationException.*in status Stopped"):
        searching.client.stop_hyper_parameter_tuning_job(**name)


def test_five_jobs_without_the_metric_fail_the_tuning_job(searching: Searching) -> None:
    searching.tune("mute", "print('nothing to tell')", PLANE, 8, 1)
    told = searching.ended("mute")
    assert told["HyperParameterTuningJobStatus"] == "Failed" and "BestTrainingJob" not in told
    assert told["FailureReason"].startswith("No objective metrics found after running 5 training jobs.")
    assert told["ObjectiveStatusCounters"] == {"Succeeded": 0, "Pending": 0, "Failed": 5}


def test_jobs_that_all_fail_fail_the_tuning_job(searching: Searching) -> None:
    searching.tune("broken", "sys.exit(3)", PLANE, 2, 2)
    told = searching.ended("broken")
    assert told["HyperParameterTuningJobStatus"] == "Failed"
    assert told["FailureReason"].startswith("No training job succeeded after 2 attempts.")


def test_a_value_that_is_no_number_is_none(searching: Searching) -> None:
    searching.tune("nan", FIRST + "tell(float('nan') if number == 1 else 2.0)", PLANE, 2, 1)
    assert searching.ended("nan")["ObjectiveStatusCounters"] == {"Succeeded": 1, "Pending": 0, "Failed": 1}
    assert losses([searching.told("nan")["BestTrainingJob"]]) == [2.0]


def test_a_target_that_is_reached_completes_the_tuning_job(searching: Searching) -> None:
    criteria = {"TargetObjectiveMetricValue": 2.0}
    script = FIRST + "if number > 3: time.sleep(300)\ntell(5.0 - number)"
    searching.tune("target", script, PLANE, 9, 2, TuningJobCompletionCriteria=criteria)
    told = searching.ended("target")
    assert (told["HyperParameterTuningJobStatus"], "FailureReason" in told) == ("Completed", False)
    assert losses([told["BestTrainingJob"]]) == [2.0] and len(searching.jobs("target")) < 9


def test_jobs_that_do_not_improve_complete_the_tuning_job(searching: Searching) -> None:
    criteria = {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}
    searching.tune("plateau", FIRST + "tell([9.0, 5.0, 4.99, 5.5, 4.98][min(number, 5) - 1])", PLANE, 9, 1,
                   TuningJobCompletionCriteria=criteria)  # fmt: skip
    told = searching.ended("plateau")
    assert told["HyperParameterTuningJobStatus"] == "Completed" and len(searching.jobs("plateau")) == 5
    assert told["TuningJobCompletionDetails"]["NumberOfTrainingJobsObjectiveNotImproving"] == 3
    assert losses([told["BestTrainingJob"]]) == [4.98]


def test_a_tuning_job_out_of_time_on_the_clouds_clock_stops_its_jobs(
    cloud: EmbeddedCloud, searching: Searching
) -> None:
    script = FIRST + "tell(1.0)\nif number > 1: time.sleep(300)"
    searching.tune("late", script, PLANE, 4, 1, limits={"MaxRuntimeInSeconds": 600})
    until(lambda: searching.told("late")["TrainingJobStatusCounters"] | {"InProgress": 1} == COUNTED)
    cloud.control("advance", seconds=601)
    told = searching.ended("late")
    assert told["HyperParameterTuningJobStatus"] == "Completed"
    assert [job["TrainingJobStatus"] for job in searching.jobs("late")] == ["Completed", "Stopped"]
    assert told["ConsumedResources"]["RuntimeInSeconds"] >= 600


COUNTED = {"Completed": 1, "InProgress": 1, "RetryableError": 0, "NonRetryableError": 0, "Stopped": 0}


def test_a_quota_that_is_used_up_fails_the_tuning_job(cloud: EmbeddedCloud, searching: Searching) -> None:
    cloud.control("quota", kind="TrainingJob", limit=0)
    try:
        searching.tune("crowded", "tell(1.0)", PLANE, 2, 1)
        assert searching.ended("crowded")["FailureReason"].startswith("ResourceLimitExceeded: ")
    finally:
        cloud.control("quota", kind="TrainingJob", limit=None)


def continuous(low: str, high: str, **more: str) -> dict[str, Any]:
    return {"ContinuousParameterRanges": [{"Name": "left", "MinValue": low, "MaxValue": high, **more}]}


@pytest.mark.parametrize(
    ("ranges", "more", "words"),
    [
        (continuous("1", "0"), {}, "MinValue 1 of hyperparameter left must be less than its MaxValue 0"),
        (continuous("1", "1"), {}, "must be less than its MaxValue 1"),
        (continuous("nan", "1"), {}, "must be less than its MaxValue 1"),
        (continuous("few", "1"), {}, "MinValue few or MaxValue 1 of hyperparameter left is not a number"),
        (continuous("0", "1", ScalingType="Logarithmic"), {}, "ScalingType Logarithmic needs values greater than 0"),
        (continuous("0", "1", ScalingType="ReverseLogarithmic"), {}, "needs a continuous range within 0 <= x < 1"),
        ({"IntegerParameterRanges": [{"Name": "count", "MinValue": "1.5", "MaxValue": "3"}]}, {}, "not a whole number"),
        ({"IntegerParameterRanges": [{"Name": "count", "MinValue": "1", "MaxValue": "3"}]}, {},
         r"ranges \[3.0\] must be equal or greater than the value of MaxNumberOfJobs, \[4\]"),
        ({"CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "a"]}]}, {}, "a value more than once: a, a"),
        ({**PLANE, "CategoricalParameterRanges": [{"Name": "left", "Values": ["1"]}]}, {}, "more than one range"),
        ({}, {}, "has no range"),
        (PLANE, {"definition": {"static": {"left": "1"}}}, "Hyperparameter left is both static and tuned"),
        (PLANE, {"at_once": 5}, "MaxParallelTrainingJobs 5 must not be greater than MaxNumberOfTrainingJobs 4"),
        (PLANE, {"Strategy": "Grid"}, "Grid takes CategoricalParameterRanges only"),
        ({"CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}]}, {"Strategy": "Grid"},
         "MaxNumberOfTrainingJobs 4 must be 2, the number of combinations, or left out"),
        (PLANE, {"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "f1"}},
         "A metric is required for this hyperparameter tuning job objective"),
        (PLANE, {"definition": {"EnableManagedSpotTraining": True}}, "Invalid MaxWaitTimeInSeconds"),
        (PLANE, {"Strategy": "Hyperband"}, "Strategy as asked for is not emulated by this cloud"),
    ],
)  # fmt: skip
def test_what_cannot_be_searched_is_refused_at_creation_with_what_is_wrong(
    searching: Searching, ranges: dict[str, Any], more: dict[str, Any], words: str
) -> None:
    with pytest.raises(ClientError, match=words) as refused:
        searching.tune("refused", "tell(1.0)", ranges, 4, **more)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(ClientError, match="ResourceNotFound"):
        searching.told("refused")


def test_who_may_not_pass_the_role_or_tag_makes_no_tuning_job(
    searching: Searching, make_role: Any, assume: Any, role: str
) -> None:
    create = {"Effect": "Allow", "Action": "sagemaker:CreateHyperParameterTuningJob", "Resource": "*"}
    passes = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role}
    request = {
        "HyperParameterTuningJobName": "denied",
        "HyperParameterTuningJobConfig": searching.config(WHOLE, 2, 1),
        "TrainingJobDefinition": searching.definition("denied", "tell(1.0)"),
    }
    tagged = {**request, "Tags": [{"Key": "team", "Value": "blue"}]}
    for name, statements, asked in (("passes", [passes], request), ("creates", [create], request),
                                    ("untagged", [create, passes], tagged)):  # fmt: skip
        with pytest.raises(ClientError, match="AccessDenied"):
            assume(make_role(f"tuning-{name}", statements)).create_hyper_parameter_tuning_job(**asked)
    assume(make_role("tuning-both", [create, passes])).create_hyper_parameter_tuning_job(**request)
    assert searching.ended("denied")["HyperParameterTuningJobStatus"] == "Completed"
