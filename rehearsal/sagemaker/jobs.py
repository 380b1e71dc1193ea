"""Jobs: started on threads of their own, paused, stopped, ended; what they do is in training, processing, transform."""

import shutil
import tarfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.sagemaker import images, job_requests
from rehearsal.sagemaker.automl import search
from rehearsal.sagemaker.kinds import BY_NOUN
from rehearsal.sagemaker.processing import process
from rehearsal.sagemaker.run import EndedError, JobError, Run
from rehearsal.sagemaker.service import Service
from rehearsal.sagemaker.serving_container import ServingError
from rehearsal.sagemaker.store import AwsError, Record
from rehearsal.sagemaker.training import Training
from rehearsal.sagemaker.transform import transform

NOUNS = ("TrainingJob", "ProcessingJob", "TransformJob", "AutoMLJobV2")
REASON_LENGTH = 1024  # of FailureReason, by the model
# What a request, a role, a missing object or a broken archive brings about: the job fails and says so.
_FAULTS = (
    images.NoRunnerError,
    ServingError,
    FileNotFoundError,
    ClientError,
    BotoCoreError,
    Boto3Error,
    tarfile.TarError,
)


class Jobs:
    """Runs every job of the service; one thread a job."""

    def __init__(self, service: Service, work: Path, environment: Mapping[str, str]) -> None:
        self._service, self._work, self._environment = service, work, dict(environment)
        self._runs: dict[str, Run] = {}
        self._waiting: list[Run] = []
        self._paused = False
        for noun in NOUNS:
            service.checked[noun] = lambda record, noun=noun: job_requests.check(noun, record)
            service.started[noun] = lambda record, noun=noun: self._start(noun, record)
            service.stopped[noun] = lambda record, noun=noun: self._stop(noun, record)

    def set_paused(self, paused: bool) -> dict[str, Any]:
        """While paused, a job that is created stays as it is; afterwards all of them start, the oldest first."""
        with self._service.lock:
            self._paused = paused
            waiting, self._waiting = ([], self._waiting) if paused else (self._waiting, [])
            for run in waiting:
                self._launch(run)
            return {"paused": paused, "waiting": len(self._waiting)}

    def _start(self, noun: str, record: Record) -> None:
        stem = BY_NOUN[noun].stem
        run = Run(self._service, noun, record, self._work / noun / record[f"{stem}Name"])
        run.enter("Starting", "Starting the training job", announce=False)
        self._runs[record[f"{stem}Arn"]] = run
        if self._paused:
            self._waiting.append(run)
        else:
            self._launch(run)

    def _launch(self, run: Run) -> None:
        threading.Thread(target=self._supervise, args=(run,), name=run.name, daemon=True).start()

    def _stop(self, noun: str, record: Record) -> None:
        stem = BY_NOUN[noun].stem
        run, status = self._runs.get(record[f"{stem}Arn"]), record[f"{stem}Status"]
        if run is None or status not in ("InProgress", "Stopping"):  # awslabs/benchmark-ai#928 has AWS's words
            words = stem.removesuffix("Job").lower()
            raise AwsError(
                "ValidationException", f"The request was rejected because the {words} job is in status {status}."
            )
        run.end("Stopped")
        if run in self._waiting:
            self._waiting.remove(run)
            self._launch(run)

    def _supervise(self, run: Run) -> None:
        does: dict[str, Callable[[], None]] = {
            "TrainingJob": lambda: Training(run, self._environment).carry_out(),
            "ProcessingJob": lambda: process(run, self._environment),
            "TransformJob": lambda: transform(run, self._environment),
            "AutoMLJobV2": lambda: search(run, self._environment),
        }
        reason: str | None = "InternalServerError: the cloud's own log says why"
        try:
            run.check()
            does[run.noun]()
            reason = None
        except EndedError:
            reason = None
        except JobError as error:
            reason = str(error)
        except _FAULTS as error:
            reason = f"ClientError: {error}"
        except AwsError as error:
            reason = f"ClientError: {error.message}"
        finally:
            self._end(run, reason)

    def _end(self, run: Run, reason: str | None) -> None:
        shutil.rmtree(run.folder, ignore_errors=True)
        with self._service.lock:
            del self._runs[run.record[f"{run.stem}Arn"]]
            if run.verdict:
                run.finish("Stopped", run.verdict, None)
            elif reason:
                run.finish("Failed", "Failed", reason[:REASON_LENGTH])
            else:
                run.finish("Completed", run.outcome, None)
