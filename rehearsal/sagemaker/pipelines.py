"""Pipelines: the step graph of a definition, carried out under the pipeline's own role."""

import json
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.sagemaker import events
from rehearsal.sagemaker import pipeline_definition as definitions
from rehearsal.sagemaker.pipeline_definition import Step
from rehearsal.sagemaker.pipeline_steps import Cache, Steps, StoppedError
from rehearsal.sagemaker.pipeline_values import StepError, Values
from rehearsal.sagemaker.service import Service
from rehearsal.sagemaker.store import AwsError, Record


class Pipelines:
    """Checks definitions when they are stored and runs their executions, one thread each."""

    def __init__(self, service: Service) -> None:
        self._service, self._cache = service, Cache()
        service.checked["Pipeline"] = lambda record: definitions.check(record["PipelineDefinition"])
        service.updated["Pipeline"] = lambda record, request: definitions.check(
            request.get("PipelineDefinition", record["PipelineDefinition"])
        )
        service.checked["PipelineExecution"] = self._check_execution
        service.started["PipelineExecution"] = self._start
        service.stopped["PipelineExecution"] = self._stop

    def _check_execution(self, execution: Record) -> None:
        pipeline = self._service.store.find("Pipeline", **execution)
        execution["_Parameters"] = _parameters(pipeline, execution)
        # API_ParallelismConfiguration: the pipeline's "applies to all executions of the pipeline unless overridden".
        if "ParallelismConfiguration" in pipeline:
            execution.setdefault("ParallelismConfiguration", pipeline["ParallelismConfiguration"])

    def _start(self, execution: Record) -> None:
        pipeline = self._service.store.find("Pipeline", **execution)
        pipeline["LastRunTime"] = pipeline["LastExecutionTime"] = execution["CreationTime"]
        run = _Run(self._service, self._cache, pipeline, execution)
        run.announce("Executing", "Executing")
        threading.Thread(target=run.carry_out, name=execution["PipelineExecutionId"], daemon=True).start()

    def _stop(self, execution: Record) -> None:
        if execution["PipelineExecutionStatus"] == "Executing":
            self._service.move("PipelineExecution", execution, "Stopping")
            self._service.host.emit(*events.execution_change(execution, "Executing", "Stopping"))


def _parameters(pipeline: Record, execution: Record) -> dict[str, Any]:
    given = {p["Name"]: p["Value"] for p in execution.get("PipelineParameters", [])}
    return definitions.parameters(json.loads(pipeline["PipelineDefinition"]), given)


class _Run:
    """One execution."""

    def __init__(self, service: Service, cache: Cache, pipeline: Record, execution: Record) -> None:
        self._service, self._execution = service, execution
        self._top: list[Step] = json.loads(pipeline["PipelineDefinition"])["Steps"]
        by_name = {step["Name"]: step for step in definitions.every(self._top)}
        parameters, role = _parameters(pipeline, execution), pipeline["RoleArn"]
        self._values = Values(execution, by_name, parameters, service.clock, lambda: service.host.client("s3", role))
        self._steps = Steps(service, cache, pipeline, role, execution, self._values)
        self._skipped: set[str] = set()

    def carry_out(self) -> None:
        """Run the steps in the order of their needs, then settle the execution."""
        status, reason = "Failed", "InternalServerError: the cloud's own log says why"
        try:
            self._run_graph()
            status, reason = "Succeeded", None
        except (StepError, ClientError, BotoCoreError, AwsError) as error:
            reason = f"{type(error).__name__}: {error}"
        finally:
            with self._service.lock:  # a stop is accepted before this or not at all
                before = self._execution["PipelineExecutionStatus"]
                if before == "Stopping":
                    status, reason = "Stopped", None
                told = {"FailureReason": reason, "PipelineExecutionFailureReason": reason}
                self._service.move("PipelineExecution", self._execution, status, **told)
            self.announce(before, status)

    def announce(self, before: str, now: str) -> None:
        self._service.host.emit(*events.execution_change(self._execution, before, now))

    def _run_graph(self) -> None:
        waiting = {step["Name"]: step for step in self._top}
        # AWS, "Pipeline Structure and Execution": "By default, a pipeline performs all steps that are available to
        # run in parallel."
        everything = len(list(definitions.every(self._top)))
        limit = self._execution.get("ParallelismConfiguration", {}).get("MaxParallelExecutionSteps", everything)
        running: dict[Future[dict[str, Any]], Step] = {}
        with ThreadPoolExecutor(max_workers=max(1, min(limit, everything))) as pool:
            while True:
                self._skip(waiting)
                ended = set(self._values.results)
                ready = [name for name, step in waiting.items() if definitions.needs(step) <= ended]
                for name in ready[: limit - len(running)]:
                    step = waiting.pop(name)
                    running[pool.submit(self._step, step)] = step
                if not running and waiting:
                    raise StepError(f"steps {sorted(waiting)} wait for each other")
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    step = running.pop(future)
                    self._values.results[step["Name"]] = result = future.result()
                    waiting |= self._chosen(step, result)

    def _chosen(self, step: Step, result: dict[str, Any]) -> dict[str, Step]:
        """The steps of the branch that a condition takes; those of the other one will not run."""
        taken, other = definitions.branches(step)
        if result.get("Outcome") == "False":
            taken, other = other, taken
        self._skipped |= {inner["Name"] for inner in definitions.every(other)}
        return {inner["Name"]: inner for inner in taken}

    def _skip(self, waiting: dict[str, Step]) -> None:
        """Leave out what needs a step that will not run, and what needs that in turn.

        What is left out is not listed: API_PipelineExecutionStep has no status for it. That AWS leaves out what needs
        such a step, rather than failing, is not verified.
        """
        while True:
            names = [name for name, step in waiting.items() if definitions.needs(step) & self._skipped]
            if not names:
                return
            for name in names:
                self._skipped |= {inner["Name"] for inner in definitions.every([waiting.pop(name)])}

    def _step(self, step: Step) -> dict[str, Any]:
        if self._steps.stopping():
            raise StoppedError(f"step {step['Name']} was not started")
        entry: Record = {"StepName": step["Name"], "StepType": step["Type"], "Metadata": {}}
        entry |= {"StartTime": self._service.clock.now(), "StepStatus": "Executing", "AttemptCount": 1}
        entry |= {f"Step{name}": step[name] for name in ("DisplayName", "Description") if name in step}
        self._execution["Steps"].append(entry)
        self._announce_step(entry, "Starting")
        status, reason = "Failed", "InternalServerError: the cloud's own log says why"
        try:
            result = self._steps.carry_out(step, entry)
            status, reason = "Succeeded", None
            return result
        except StoppedError:
            status, reason = "Stopped", None
            raise
        except (StepError, ClientError, BotoCoreError, AwsError) as error:
            reason = str(error)
            raise StepError(f"step {step['Name']}: {error}") from error
        finally:
            entry.update(EndTime=self._service.clock.now(), StepStatus=status)
            entry.update({"FailureReason": reason} if reason else {})
            self._announce_step(entry, "Executing")

    def _announce_step(self, entry: Record, before: str) -> None:
        self._service.host.emit(*events.step_change(self._execution, entry, before))
