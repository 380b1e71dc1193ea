"""Pipelines: the step graph of a definition, carried out under the pipeline's own role."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.sagemaker.service import Service, identifier
from rehearsal.sagemaker.store import AwsError, Record

_JOBS = {"Training": "TrainingJob", "Processing": "ProcessingJob"}
SUPPORTED = (*_JOBS, "RegisterModel")
POLL_SECONDS = 0.1
_PART = re.compile(r"\.?([A-Za-z0-9_-]+)|\[['\"]?([^'\"\]]+)['\"]?\]")


class StepError(Exception):
    """Why a step, and with it the execution, failed."""


class Pipelines:
    """Checks definitions when they are stored and runs their executions, one thread each."""

    def __init__(self, service: Service) -> None:
        self._service = service
        service.checked["Pipeline"] = lambda record: _check(record["PipelineDefinition"])
        service.updated["Pipeline"] = lambda record, request: _check(
            request.get("PipelineDefinition", record["PipelineDefinition"])
        )
        service.started["PipelineExecution"] = self._start
        service.stopped["PipelineExecution"] = self._stop

    def _start(self, execution: Record) -> None:
        pipeline = self._service.store.find("Pipeline", **execution)
        definition = json.loads(pipeline["PipelineDefinition"])
        given = {p["Name"]: p["Value"] for p in execution.get("PipelineParameters", [])}
        declared = {p["Name"]: p for p in definition.get("Parameters", [])}
        unknown = sorted(set(given) - set(declared))
        if unknown:
            raise AwsError(
                "ValidationException", f"Pipeline parameters {unknown} are not declared; declared: {sorted(declared)}."
            )
        parameters = {name: given.get(name, p.get("DefaultValue")) for name, p in declared.items()}
        run = _Run(self._service, pipeline, execution, definition["Steps"], parameters)
        threading.Thread(target=run.carry_out, name=execution["PipelineExecutionId"], daemon=True).start()

    def _stop(self, execution: Record) -> None:
        if execution["PipelineExecutionStatus"] == "Executing":
            self._service.move("PipelineExecution", execution, "Stopping")


def _check(text: str) -> None:
    try:
        steps = json.loads(text)["Steps"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise AwsError("ValidationException", f"The pipeline definition cannot be read: {error!r}.") from error
    names = [step["Name"] for step in steps]
    for step in steps:
        if step["Type"] not in SUPPORTED:
            raise _not_emulated(step, f"type {step['Type']} (this cloud runs {', '.join(SUPPORTED)})")
        for member in ("CacheConfig", "RetryPolicies"):
            if step.get(member):
                raise _not_emulated(step, member)
        if "Std:JsonGet" in json.dumps(step):
            raise _not_emulated(step, "Std:JsonGet")
        missing = _needs(step) - set(names)
        if missing or names.count(step["Name"]) > 1:
            raise AwsError(
                "ValidationException", f"Step {step['Name']}: unknown steps {sorted(missing)} or a name given twice."
            )


def _not_emulated(step: dict[str, Any], what: str) -> AwsError:
    return AwsError("ValidationException", f"Step {step['Name']}: {what} is not emulated by this cloud.")


def _needs(step: dict[str, Any]) -> set[str]:
    """The names of the steps that must end before this one can start."""
    paths = [
        path.split(".")[1].split("[")[0] for path in _references(step.get("Arguments")) if path.startswith("Steps.")
    ]
    return {*paths, *step.get("DependsOn", [])}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if set(value) == {"Get"}:
            yield value["Get"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


class _Run:
    """One execution."""

    def __init__(
        self,
        service: Service,
        pipeline: Record,
        execution: Record,
        steps: list[dict[str, Any]],
        parameters: dict[str, Any],
    ) -> None:
        self._service, self._execution, self._steps, self._parameters = service, execution, steps, parameters
        self._pipeline, self._role = pipeline, pipeline["RoleArn"]
        self._results: dict[str, dict[str, Any]] = {}

    def carry_out(self) -> None:
        """Run the steps in the order of their needs, then settle the execution."""
        status, reason = "Failed", "InternalServerError: the cloud's own log says why"
        try:
            self._run_graph()
            status, reason = "Succeeded", None
        except (StepError, ClientError, BotoCoreError, AwsError) as error:
            reason = f"{type(error).__name__}: {error}"
        finally:
            if self._execution["PipelineExecutionStatus"] == "Stopping":
                status, reason = "Stopped", None
            self._service.move("PipelineExecution", self._execution, status, FailureReason=reason)

    def _run_graph(self) -> None:
        limit = self._execution.get("ParallelismConfiguration", {}).get("MaxParallelExecutionSteps", 4)
        waiting, running = {step["Name"]: step for step in self._steps}, {}
        with ThreadPoolExecutor(max_workers=limit) as pool:
            while waiting or running:
                ready = [name for name, step in waiting.items() if _needs(step) <= set(self._results)]
                for name in ready[: limit - len(running)]:
                    running[pool.submit(self._step, waiting.pop(name))] = name
                if not running:
                    raise StepError(f"steps {sorted(waiting)} wait for each other")
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    self._results[running.pop(future)] = future.result()

    def _step(self, step: dict[str, Any]) -> dict[str, Any]:
        now = self._service.clock.now
        entry = {
            "StepName": step["Name"],
            "StepType": step["Type"],
            "StartTime": now(),
            "StepStatus": "Executing",
            "Metadata": {},
        }
        self._execution["Steps"].append(entry)
        self._announce(entry)
        reason: str | None = "InternalServerError: the cloud's own log says why"
        try:
            run: Callable[..., dict[str, Any]] = self._register if step["Type"] == "RegisterModel" else self._job
            result, reason = run(step, entry), None
            return result
        except (StepError, ClientError, BotoCoreError) as error:
            reason = str(error)
            raise StepError(f"step {step['Name']}: {error}") from error
        finally:
            entry.update(
                EndTime=now(),
                StepStatus="Failed" if reason else "Succeeded",
                **({"FailureReason": reason} if reason else {}),
            )
            self._announce(entry)

    def _job(self, step: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
        noun, client = _JOBS[step["Type"]], self._service.host.client("sagemaker", self._role)
        name = f"pipelines-{self._execution['PipelineExecutionId']}-{step['Name']}-{identifier(10)}"
        request = {f"{noun}Name": name, **self._resolve(step["Arguments"])}
        call = "training_job" if noun == "TrainingJob" else "processing_job"
        arn = getattr(client, f"create_{call}")(**request)[f"{noun}Arn"]
        entry["Metadata"] = {noun: {"Arn": arn}}
        while True:
            answer = getattr(client, f"describe_{call}")(**{f"{noun}Name": name})
            status = answer[f"{noun}Status"]
            if status not in ("InProgress", "Stopping"):
                break
            if self._execution["PipelineExecutionStatus"] == "Stopping" and status == "InProgress":
                getattr(client, f"stop_{call}")(**{f"{noun}Name": name})
            time.sleep(POLL_SECONDS)
        if status != "Completed":
            raise StepError(f"{noun} {name} ended {status}: {answer.get('FailureReason', 'no reason given')}")
        return answer

    def _register(self, step: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
        client = self._service.host.client("sagemaker", self._role)
        arn = client.create_model_package(**self._resolve(step["Arguments"]))["ModelPackageArn"]
        entry["Metadata"] = {"RegisterModel": {"Arn": arn}}
        return {"ModelPackageArn": arn}

    def _resolve(self, value: Any) -> Any:
        """Replace references and functions of the definition by what they stand for."""
        if isinstance(value, list):
            return [self._resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Get"}:
            return self._get(value["Get"])
        if set(value) == {"Std:Join"}:
            join = value["Std:Join"]
            return join["On"].join(str(self._resolve(item)) for item in join["Values"])
        return {key: self._resolve(item) for key, item in value.items()}

    def _get(self, path: str) -> Any:
        head, _, rest = path.partition(".")
        if head == "Parameters":
            return self._parameters[rest]
        if head == "Execution":
            known = {
                "PipelineName": self._pipeline["PipelineName"],
                "PipelineArn": self._pipeline["PipelineArn"],
                "PipelineExecutionId": self._execution["PipelineExecutionId"],
                "PipelineExecutionArn": self._execution["PipelineExecutionArn"],
            }
            if rest in known:
                return known[rest]
            raise StepError(f"{path} is not emulated by this cloud; known: {', '.join(sorted(known))}")
        parts = [a or b for a, b in _PART.findall(rest)]
        found: Any = self._results[parts[0]]
        for part in parts[1:]:
            found = _member(found, part, path)
        return found

    def _announce(self, entry: dict[str, Any]) -> None:
        detail = {
            "pipelineArn": self._execution["PipelineArn"],
            "pipelineExecutionArn": self._execution["PipelineExecutionArn"],
            "stepName": entry["StepName"],
            "stepType": entry["StepType"],
            "currentStepStatus": entry["StepStatus"],
            "metadata": entry["Metadata"],
        }
        self._service.host.emit(
            "SageMaker Model Building Pipeline Execution Step Status Change", detail, [self._execution["PipelineArn"]]
        )


def _member(found: Any, part: str, path: str) -> Any:
    """One part of a property path: a member, an index, or the item of a list by its name."""
    if isinstance(found, dict) and part in found:
        return found[part]
    if isinstance(found, list):
        if part.isdigit() and int(part) < len(found):
            return found[int(part)]
        for item in found:
            if part in (item.get("OutputName"), item.get("InputName"), item.get("Name")):
                return item
    raise StepError(f"{path}: no '{part}' there")
