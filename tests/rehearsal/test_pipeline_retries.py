"""Retry policies of pipeline steps."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.embedded import EmbeddedCloud
from rehearsal.sagemaker import pipeline_definition, pipeline_steps
from tests.rehearsal.pipelining import Run, ended, listed, process, until

pytestmark = pytest.mark.slow


def test_a_retry_policy_repeats_what_it_names_and_nothing_else() -> None:
    throttled = ClientError({"Error": {"Code": "ThrottlingException"}}, "CreateTrainingJob")
    policy = {"ExceptionType": ["Step.THROTTLING"], "IntervalSeconds": 0, "MaxAttempts": 2}
    seen: list[int] = []

    def attempt(number: int, until: int = 3) -> dict[str, Any]:
        seen.append(number)
        if number < until:
            raise throttled
        return {"number": number}

    assert pipeline_steps.attempts([policy], attempt) == {"number": 3} and seen == [1, 2, 3]
    with pytest.raises(ClientError):
        pipeline_steps.attempts([policy], lambda number: attempt(number, 9))
    assert seen[3:] == [1, 2, 3]
    with pytest.raises(ClientError):
        pipeline_steps.attempts([{**policy, "ExceptionType": ["Step.SERVICE_FAULT"]}], lambda n: attempt(n, 9))
    assert seen[6:] == [1]


def test_an_error_of_the_script_is_not_retried(create: Callable[..., None], start: Run) -> None:
    policy = {"ExceptionType": list(pipeline_definition.EXCEPTIONS), "IntervalSeconds": 1, "MaxAttempts": 3}
    create("own-fault", [process("Broken", "raise SystemExit(3)", RetryPolicies=[policy])])
    execution, ran = start("own-fault")
    assert execution["PipelineExecutionStatus"] == "Failed" and ran["Broken"]["AttemptCount"] == 1


def test_a_step_waits_for_its_quota_as_its_retry_policy_says(cloud: EmbeddedCloud, create: Callable[..., None]) -> None:
    policy = {"ExceptionType": ["SageMaker.RESOURCE_LIMIT"], "IntervalSeconds": 1, "MaxAttempts": 30}
    create("limited", [process("Work", RetryPolicies=[policy]), process("After", DependsOn=["Work"])])
    sagemaker = cloud.client("sagemaker")
    cloud.control("quota", kind="ProcessingJob", limit=0)
    try:
        arn = sagemaker.start_pipeline_execution(PipelineName="limited")["PipelineExecutionArn"]
        until(lambda: listed(cloud, arn).get("Work", {}).get("AttemptCount", 0) >= 3)
        assert listed(cloud, arn)["Work"]["StepStatus"] == "Executing"
    finally:
        cloud.control("quota", kind="ProcessingJob", limit=None)
    execution, ran = ended(cloud, arn)
    assert execution["PipelineExecutionStatus"] == "Succeeded", execution.get("FailureReason")
    assert ran["Work"]["AttemptCount"] >= 3 and ran["After"]["AttemptCount"] == 1
    made = sagemaker.list_processing_jobs(NameContains=f"pipelines-{arn.rsplit('/', 1)[1]}-Work")
    assert len(made["ProcessingJobSummaries"]) == 1, "a refused attempt leaves no job"


def test_a_step_fails_when_its_attempts_are_used_up(cloud: EmbeddedCloud, create: Callable[..., None]) -> None:
    policy = {"ExceptionType": ["SageMaker.RESOURCE_LIMIT"], "IntervalSeconds": 1, "MaxAttempts": 2}
    create("never-free", [process("Work", RetryPolicies=[policy])])
    cloud.control("quota", kind="ProcessingJob", limit=0)
    try:
        sagemaker = cloud.client("sagemaker")
        execution, ran = ended(
            cloud, sagemaker.start_pipeline_execution(PipelineName="never-free")["PipelineExecutionArn"]
        )
    finally:
        cloud.control("quota", kind="ProcessingJob", limit=None)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert ran["Work"]["AttemptCount"] == 3 and "ResourceLimitExceeded" in ran["Work"]["FailureReason"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            ("InternalServerError: We encountered an internal error.  Please try again.",),
            "SageMaker.JOB_INTERNAL_ERROR",
        ),
        (("CapacityError: Unable to provision requested ML compute capacity.",), "SageMaker.CAPACITY_ERROR"),
        (("AlgorithmError: exit code 1",), ""),
        (("ResourceLimitExceeded", 400), "SageMaker.RESOURCE_LIMIT"),
        (("ThrottlingException", 400), "Step.THROTTLING"),
        (("InternalFailure", 500), "Step.SERVICE_FAULT"),
        (("ServiceUnavailable", 503), "Step.SERVICE_FAULT"),
        (("ValidationException", 400), ""),
    ],
)
def test_errors_are_of_the_exception_types_that_aws_names(error: tuple[Any, ...], expected: str) -> None:
    """AWS, "Retry Policy for Pipeline Steps": a job's FailureReason, or the code and HTTP status of a call."""
    if len(error) == 1:
        raised: Any = pipeline_steps.JobEndedError("ended", error[0])
    else:
        raised = ClientError(
            {"Error": {"Code": error[0]}, "ResponseMetadata": {"HTTPStatusCode": error[1]}},  # type: ignore[arg-type]
            "CreateProcessingJob",
        )
    assert pipeline_steps.exception_type(raised) == expected


def test_a_job_that_cannot_be_followed_is_stopped_and_not_made_again(
    cloud: EmbeddedCloud, create: Callable[..., None], start: Run, make_role: Any, role: str
) -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    blind = make_role("blindfold", [everything, {**everything, "Effect": "Deny", "Action": "sagemaker:Describe*"}])
    policy = {"ExceptionType": list(pipeline_definition.EXCEPTIONS), "IntervalSeconds": 1, "MaxAttempts": 3}
    create("unseen", [process("Work", "import time; time.sleep(300)", RetryPolicies=[policy])], role_arn=blind)
    execution, ran = start("unseen")
    assert execution["PipelineExecutionStatus"] == "Failed" and ran["Work"]["AttemptCount"] == 1
    assert "cannot be followed" in ran["Work"]["FailureReason"]
    sagemaker = cloud.client("sagemaker")
    name = ran["Work"]["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[1]
    until(lambda: sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"] == "Stopped")
