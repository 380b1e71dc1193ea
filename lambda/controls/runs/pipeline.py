"""What there is to record of a pipeline execution: read from SageMaker and from the artifact bucket."""

from collections.abc import Iterator
from typing import Any

from controls import failure
from controls.runs.ended import Ended, Kept, Try, given, milliseconds
from controls.runs.results import Results

STATUSES = {"Succeeded": "FINISHED", "Failed": "FAILED", "Stopped": "KILLED"}
_JOB_STATUSES = {"Completed": "FINISHED", "Failed": "FAILED"}


class PipelineRun:
    """Reads one execution."""

    def __init__(self, sagemaker: Any, found: Results, execution: str) -> None:
        self._sagemaker, self._found, self._execution = sagemaker, found, execution
        self._kept = Kept()

    def read(self, workload: str) -> Ended | None:
        """None while the execution goes on: an event that came late, of one that was retried."""
        told = self._sagemaker.describe_pipeline_execution(PipelineExecutionArn=self._execution)
        if told["PipelineExecutionStatus"] not in STATUSES:
            return None
        steps = self._listed("list_pipeline_execution_steps", "PipelineExecutionSteps")
        jobs, tries = self._trained(steps)
        outputs = {name: value for step in steps for name, value in _answered(step).items()}
        self._kept.documents(self._found, [uri for step in steps for uri in self._outputs(step)])
        if manifest := outputs.get("ManifestUri"):
            self._kept.manifest(self._found, manifest)
        for job in jobs:
            self._kept.report(self._found, f"{_folder(job)}/output/output.tar.gz")
        return Ended(
            workload=workload,
            execution=self._execution,
            name=told.get("PipelineExecutionDisplayName") or self._execution.rsplit("/", 1)[-1],
            status=STATUSES[told["PipelineExecutionStatus"]],
            started=milliseconds(told["CreationTime"]),
            ended=milliseconds(told["LastModifiedTime"]),
            params={**self._parameters(), **_hyperparameters(jobs)},
            metrics={**_final(jobs), **self._kept.metrics},
            tags={**self._tags(told, steps, jobs, outputs), **self._kept.all_tags()},
            files=self._kept.files,
            tries=tries,
        )

    def _listed(self, operation: str, member: str) -> list[dict[str, Any]]:
        pages = self._sagemaker.get_paginator(operation).paginate(PipelineExecutionArn=self._execution)
        return [row for page in pages for row in page[member]]

    def _parameters(self) -> dict[str, str]:
        rows = self._listed("list_pipeline_parameters_for_execution", "PipelineParameters")
        return {row["Name"]: row["Value"] for row in rows if row.get("Value")}

    def _trained(self, steps: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[Try]]:
        """The training jobs whose model counts, of a tuning job the best; and the tries of all tuning jobs."""
        jobs, tries = [], []
        for step in steps:
            names = [_name(step, "TrainingJob")]
            if tuning := _name(step, "TuningJob"):
                told = self._sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=tuning)
                names.append(told.get("BestTrainingJob", {}).get("TrainingJobName"))
                tries += self._tries(tuning)
            jobs += [self._sagemaker.describe_training_job(TrainingJobName=name) for name in names if name]
        return jobs, tries

    def _tries(self, tuning: str) -> Iterator[Try]:
        pages = self._sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
            HyperParameterTuningJobName=tuning
        )
        for job in (job for page in pages for job in page["TrainingJobSummaries"]):
            objective = job.get("FinalHyperParameterTuningJobObjectiveMetric")
            started = job.get("TrainingStartTime", job["CreationTime"])
            yield Try(
                name=job["TrainingJobName"],
                status=_JOB_STATUSES.get(job["TrainingJobStatus"], "KILLED"),
                started=milliseconds(started),
                ended=milliseconds(job.get("TrainingEndTime", started)),
                params=job["TunedHyperParameters"],
                metrics={objective["MetricName"]: objective["Value"]} if objective else {},
                tags=given({"sluice.tuning-job": tuning, "sluice.failure": job.get("FailureReason")}),
            )

    def _outputs(self, step: dict[str, Any]) -> Iterator[str]:
        """Where a processing step wrote. The job says it: a step whose result was cached wrote in another execution."""
        if name := _name(step, "ProcessingJob"):
            told = self._sagemaker.describe_processing_job(ProcessingJobName=name)
            for output in told.get("ProcessingOutputConfig", {}).get("Outputs", []):
                yield output["S3Output"]["S3Uri"]

    def _tags(
        self, told: dict[str, Any], steps: list[dict[str, Any]], jobs: list[dict[str, Any]], outputs: dict[str, str]
    ) -> dict[str, str]:
        failed = [
            f"{step['StepName']}: {failure.reason(self._sagemaker, step) or ''}"
            for step in steps
            if step["StepStatus"] == "Failed"
        ]
        packages = [s["Metadata"]["RegisterModel"]["Arn"] for s in steps if "RegisterModel" in s.get("Metadata", {})]
        return given(
            {
                "sluice.status": told["PipelineExecutionStatus"],
                "sluice.failure": "; ".join(failed) or told.get("FailureReason"),
                "sluice.training-job": ", ".join(job["TrainingJobName"] for job in jobs),
                "sluice.model-package": packages[-1] if packages else None,
                "sluice.manifest": outputs.get("ManifestUri"),
                "sluice.champion-version": outputs.get("ChampionVersion"),
            }
        )


def _name(step: dict[str, Any], kind: str) -> str | None:
    arn = step.get("Metadata", {}).get(kind, {}).get("Arn", "")
    return arn.rsplit("/", 1)[-1] or None


def _answered(step: dict[str, Any]) -> dict[str, str]:
    """The output parameters of a Lambda step."""
    rows = step.get("Metadata", {}).get("Lambda", {}).get("OutputParameters", [])
    return {row["Name"]: row["Value"] for row in rows}


def _folder(job: dict[str, Any]) -> str:
    return f"{job['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{job['TrainingJobName']}"


def _hyperparameters(jobs: list[dict[str, Any]]) -> dict[str, str]:
    """Of several jobs each under its own number. Names that begin with _ or sagemaker_ are SageMaker's own."""
    return {
        f"{number}/{name}" if len(jobs) > 1 else name: value
        for number, job in enumerate(jobs, start=1)
        for name, value in job.get("HyperParameters", {}).items()
        if not name.startswith(("_", "sagemaker_"))
    }


def _final(jobs: list[dict[str, Any]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for number, job in enumerate(jobs, start=1):
        own = {metric["MetricName"]: metric["Value"] for metric in job.get("FinalMetricDataList", [])}
        for name in ("TrainingTimeInSeconds", "BillableTimeInSeconds"):
            if name in job:
                own[f"train/{'billable' if name.startswith('Billable') else 'training'}_seconds"] = job[name]
        found |= {f"{number}/{name}" if len(jobs) > 1 else name: value for name, value in own.items()}
    return found
