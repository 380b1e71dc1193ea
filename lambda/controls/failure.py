"""Why a step of a pipeline failed, in the words of who knows it."""

from typing import Any


def reason(sagemaker: Any, step: dict[str, Any]) -> str | None:
    """What the script of a processing job left as its ExitMessage, else the step's FailureReason.

    Of a processing job that one says "See job logs for more information", whatever has happened.
    """
    if job := step.get("Metadata", {}).get("ProcessingJob"):
        told = sagemaker.describe_processing_job(ProcessingJobName=job["Arn"].rpartition("/")[2])
        if message := told.get("ExitMessage"):
            return message
    return step.get("FailureReason")
