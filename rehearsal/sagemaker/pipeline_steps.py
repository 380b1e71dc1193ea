"""Carrying out one step of a pipeline under the pipeline's own role: jobs, functions, retries, reuse of results."""

import contextlib
import json
import re
import time
from collections.abc import Callable
from typing import Any

import jmespath
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.sagemaker.pipeline_definition import JOBS, Step, duration_seconds
from rehearsal.sagemaker.pipeline_values import StepError, Values
from rehearsal.sagemaker.service import Service, identifier
from rehearsal.sagemaker.store import Record

# How often a job is looked at: often at first, for the sake of short ones.
FIRST_POLL_SECONDS, LONGEST_POLL_SECONDS = 0.02, 0.25
# A retry waits in real time, so no longer than this, whatever the policy's IntervalSeconds says.
LONGEST_WAIT_SECONDS = 0.5
# AWS, "Default cache key attributes by pipeline step type".
_CACHE_KEYS = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
    "Tuning": (
        "HyperParameterTuningJobConfig",
        *(
            f"TrainingJobDefinition.{name}"
            for name in (
                "AlgorithmSpecification",
                "HyperParameterRanges",
                "InputDataConfig",
                "StaticHyperParameters",
                "TuningObjective",
            )
        ),
        "TrainingJobDefinitions",
    ),
}
TOP_JOBS = 50  # SageMaker SDK, TuningStep.get_top_model_s3_uri: "stores up to 50 top performing training jobs"
_REASONS = {"InternalServerError": "SageMaker.JOB_INTERNAL_ERROR", "CapacityError": "SageMaker.CAPACITY_ERROR"}

Result = dict[str, Any]


class JobEndedError(StepError):
    """A job of a step that did not complete; `reason` is its FailureReason."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class StoppedError(StepError):
    """A step that ended because its execution is stopped."""


class Cache:
    """Results of the steps that succeeded with CacheConfig, by what AWS compares."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, str, Result, Record]] = {}

    def find(self, key: str, step: Step, now: float) -> tuple[str, Result, Record] | None:
        """(execution ARN, result, metadata) of the latest such step, unless it ended too long ago."""
        kept = self._kept.get(key)
        if kept and now - kept[0] <= duration_seconds(step["CacheConfig"].get("ExpireAfter")):
            return kept[1:]
        return None

    def keep(self, key: str, now: float, execution: str, result: Result, metadata: Record) -> None:
        self._kept[key] = (now, execution, result, metadata)


class Steps:
    """Carries out the steps of one execution."""

    def __init__(
        self, service: Service, cache: Cache, pipeline: Record, role: str, execution: Record, values: Values
    ) -> None:
        self._service, self._cache, self._values = service, cache, values
        self._pipeline, self._role, self._execution = pipeline, role, execution
        self._run: dict[str, Callable[[Step, Record, Record], Result]] = {
            **dict.fromkeys(JOBS, self._job),
            "Model": self._model,
            "RegisterModel": self._register,
            "Lambda": self._invoke,
            "Condition": self._decide,
            "Fail": self._fail,
        }

    def carry_out(self, step: Step, entry: Record) -> Result:
        """The step's properties; `entry`, its row in the list of steps, gets the metadata. Raises StepError."""
        arguments = {} if step["Type"] == "Condition" else self._values.resolve(step.get("Arguments", {}))
        if not step.get("CacheConfig", {}).get("Enabled"):
            return self._with_retries(step, entry, arguments)
        chosen = {path: jmespath.search(path, arguments) for path in _CACHE_KEYS.get(step["Type"], arguments)}
        function = self._values.resolve(step.get("FunctionArn"))
        identity = (self._pipeline["PipelineArn"], self._pipeline["CreationTime"], step["Name"], step["Type"])
        key = json.dumps([*identity, function, chosen], sort_keys=True)
        found = self._cache.find(key, step, self._service.clock.now())
        if found:
            source, result, metadata = found
            entry.update(Metadata=metadata, CacheHitResult={"SourcePipelineExecutionArn": source})
            return result
        result = self._with_retries(step, entry, arguments)
        arn = self._execution["PipelineExecutionArn"]
        self._cache.keep(key, self._service.clock.now(), arn, result, entry["Metadata"])
        return result

    def _with_retries(self, step: Step, entry: Record, arguments: Record) -> Result:
        def attempt(number: int) -> Result:
            entry["AttemptCount"] = number
            return self._run[step["Type"]](step, entry, arguments)

        return attempts(step.get("RetryPolicies", []), attempt)

    def _client(self, service: str) -> Any:
        return self._service.host.client(service, self._role)

    def stopping(self) -> bool:
        return self._execution["PipelineExecutionStatus"] == "Stopping"

    def _job(self, step: Step, entry: Record, arguments: Record) -> Result:
        noun, client, name = JOBS[step["Type"]], self._client("sagemaker"), self._name(step)
        create = getattr(client, xform_name(f"Create{noun}"))
        arn = create(**{f"{noun}Name": name, **arguments})[f"{noun}Arn"]
        entry["Metadata"] = {"TuningJob" if step["Type"] == "Tuning" else noun: {"Arn": arn}}
        try:
            answer = self._ended(client, noun, name)
        except (ClientError, BotoCoreError) as error:  # who cannot follow the job does not leave it behind
            with contextlib.suppress(ClientError, BotoCoreError):
                self._stop(client, noun, name)
            raise StepError(f"{noun} {name} cannot be followed: {error}") from error
        status = answer[f"{noun}Status"]
        if status == "Stopped" and self.stopping():
            raise StoppedError(f"{noun} {name} was stopped")
        if status != "Completed":
            reason = answer.get("FailureReason", "no reason given")
            raise JobEndedError(f"{noun} {name} ended {status}: {reason}", reason)
        return answer | (self._top_jobs(client, name, answer) if step["Type"] == "Tuning" else {})

    def _top_jobs(self, client: Any, name: str, tuning: Result) -> Result:
        """TrainingJobSummaries, the best first: a Tuning step has the properties of this list too."""
        maximizes = tuning["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["Type"] == "Maximize"
        return client.list_training_jobs_for_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name,
            MaxResults=TOP_JOBS,
            SortBy="FinalObjectiveMetricValue",
            SortOrder="Descending" if maximizes else "Ascending",
        )

    def _ended(self, client: Any, noun: str, name: str) -> Result:
        """What is told of a job once it has ended; it is stopped when the execution is."""
        seconds = FIRST_POLL_SECONDS
        while True:
            answer = getattr(client, xform_name(f"Describe{noun}"))(**{f"{noun}Name": name})
            if answer[f"{noun}Status"] not in ("InProgress", "Stopping"):
                return answer
            if self.stopping() and answer[f"{noun}Status"] == "InProgress":
                self._stop(client, noun, name)
            time.sleep(seconds)
            seconds = min(seconds * 1.5, LONGEST_POLL_SECONDS)

    def _stop(self, client: Any, noun: str, name: str) -> None:
        try:
            getattr(client, xform_name(f"Stop{noun}"))(**{f"{noun}Name": name})
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":  # it has ended meanwhile
                raise

    def _name(self, step: Step) -> str:
        """The name of what a step makes: `pipelines-<execution>-<step>-<random>`, cut to SageMaker's 63 characters.

        A tuning job's name has 32 at most; AWS's are like bqbpzw5k3d15-hptuning-U0H0Wl6oKU, as seen in public code.
        """
        own = re.sub(r"[^A-Za-z0-9]+", "-", step["Name"])
        if step["Type"] == "Tuning":
            return f"{self._execution['PipelineExecutionId']}-{own[:8].strip('-')}-{identifier(10)}"
        own = own[:28].strip("-")
        return f"pipelines-{self._execution['PipelineExecutionId']}-{own}-{identifier(10)}"

    def _model(self, step: Step, entry: Record, arguments: Record) -> Result:
        client, name = self._client("sagemaker"), self._name(step)
        entry["Metadata"] = {"Model": {"Arn": client.create_model(ModelName=name, **arguments)["ModelArn"]}}
        return client.describe_model(ModelName=name)

    def _register(self, step: Step, entry: Record, arguments: Record) -> Result:
        arn = self._client("sagemaker").create_model_package(**arguments)["ModelPackageArn"]
        entry["Metadata"] = {"RegisterModel": {"Arn": arn}}
        return {"ModelPackageArn": arn}

    def _invoke(self, step: Step, entry: Record, arguments: Record) -> Result:
        arn = self._values.resolve(step["FunctionArn"])
        entry["Metadata"] = {"Lambda": {"Arn": arn}}
        answer = self._client("lambda").invoke(FunctionName=arn, Payload=json.dumps(arguments).encode())
        text = answer["Payload"].read().decode()
        if "FunctionError" in answer:
            raise StepError(f"function {arn} failed: {text}")
        wanted, told = [output["OutputName"] for output in step.get("OutputParameters", [])], json.loads(text or "null")
        missing = [name for name in wanted if not isinstance(told, dict) or name not in told]
        if missing:
            raise StepError(f"function {arn} answered without the output parameters {missing}")
        outputs = {name: told[name] for name in wanted}
        entry["Metadata"]["Lambda"]["OutputParameters"] = [{"Name": n, "Value": str(v)} for n, v in outputs.items()]
        return {"OutputParameters": outputs}

    def _decide(self, step: Step, entry: Record, arguments: Record) -> Result:
        outcome = all(self._values.holds(condition) for condition in step["Arguments"]["Conditions"])
        entry["Metadata"] = {"Condition": {"Outcome": str(outcome)}}
        return {"Outcome": str(outcome)}

    def _fail(self, step: Step, entry: Record, arguments: Record) -> Result:
        entry["Metadata"] = {"Fail": {"ErrorMessage": str(arguments["ErrorMessage"])}}
        raise StepError(str(arguments["ErrorMessage"]))


def attempts(policies: list[dict[str, Any]], attempt: Callable[[int], Result]) -> Result:
    """The first result of an attempt, retried as the first policy that names its error says."""
    used: dict[int, int] = {}
    number = 1
    while True:
        try:
            return attempt(number)
        except (ClientError, JobEndedError) as error:
            kind = exception_type(error)
            index = next((i for i, policy in enumerate(policies) if kind in policy["ExceptionType"]), None)
            if index is None or used.get(index, 0) >= policies[index].get("MaxAttempts", 5):
                raise
        retries, policy = used.get(index, 0), policies[index]
        seconds = policy.get("IntervalSeconds", 1) * policy.get("BackoffRate", 2.0) ** retries
        time.sleep(min(seconds, LONGEST_WAIT_SECONDS))
        used[index], number = retries + 1, number + 1


def exception_type(error: ClientError | JobEndedError) -> str:
    """The exception type of AWS's retry policies that an error is; empty if it is none of them."""
    if isinstance(error, JobEndedError):
        return _REASONS.get(error.reason.split(":")[0], "")
    code = error.response.get("Error", {}).get("Code", "")
    if code == "ResourceLimitExceeded":
        return "SageMaker.RESOURCE_LIMIT"
    if "Throttl" in code or code == "TooManyRequestsException":
        return "Step.THROTTLING"
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return "Step.SERVICE_FAULT" if status >= 500 else ""
