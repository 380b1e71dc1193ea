"""Tuning jobs: training jobs of the service's own making, until a criterion says that there are enough.

Sources: AWS, "Track and set completion criteria for your tuning job", "Define metrics and environment variables", "Stop
Training Jobs Early", and the API reference of CreateHyperParameterTuningJob. Not verified: that a criterion which ends
a tuning job early leaves it Completed, as MaxNumberOfTrainingJobs does; that a checkpoint's S3Uri is the same for all
jobs (no page says that the name of the job is added: it is handed on as given).
"""

import secrets
import threading
import time

from rehearsal.sagemaker import shapes, tuning_requests
from rehearsal.sagemaker.service import Service
from rehearsal.sagemaker.store import AwsError, Record
from rehearsal.sagemaker.tuning_results import Objective, ended
from rehearsal.sagemaker.tuning_search import Chosen, Grid, Sampled, combinations, search

NOUN = "HyperParameterTuningJob"
POLL_SECONDS = 0.05
# The first message is AWS's as reported (aws/amazon-sagemaker-examples#2436); the second and the numbers of jobs after
# which either is said, where there are fewer than five, are not verified.
ATTEMPTS = 5
NONE_SUCCEEDED = (
    "No training job succeeded after {} attempts. Please take a look at the training job failures to get more details."
)
NO_METRIC = (
    "No objective metrics found after running {} training jobs. Please ensure that the custom algorithm is emitting "
    "the objective metric as defined by the regular expression provided."
)


class TuningJobs:
    """Runs every tuning job of the service; one thread each."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._running: dict[str, Tuning] = {}
        service.checked[NOUN] = tuning_requests.check
        service.started[NOUN] = self._start
        service.stopped[NOUN] = self._stop

    def _start(self, record: Record) -> None:
        tuning = self._running[record[f"{NOUN}Arn"]] = Tuning(self._service, record)
        threading.Thread(target=self._supervise, args=(tuning,), name=record[f"{NOUN}Name"], daemon=True).start()

    def _supervise(self, tuning: "Tuning") -> None:
        try:
            tuning.carry_out()
        finally:
            del self._running[tuning.arn]

    def _stop(self, record: Record) -> None:
        status = record[f"{NOUN}Status"]
        if (
            status != "InProgress"
        ):  # the code is what the SageMaker SDK expects (session.stop_tuning_job), not the words
            message = f"The request was rejected because the hyperparameter tuning job is in status {status}."
            raise AwsError("ValidationException", message)
        self._running[record[f"{NOUN}Arn"]].end("Stopped")


class Tuning:
    """One tuning job."""

    def __init__(self, service: Service, record: Record) -> None:
        self._service, self._record = service, record
        self._config: Record = record["HyperParameterTuningJobConfig"]
        self._limits, self._criteria = (
            self._config["ResourceLimits"],
            self._config.get("TuningJobCompletionCriteria", {}),
        )
        self._objective = Objective(self._config)
        # Of a grid AWS runs all there is.
        self._most: float = self._limits.get("MaxNumberOfTrainingJobs", combinations(self._config["ParameterRanges"]))
        self._jobs: list[Record] = []
        self._open: dict[int, Record] = {}  # of those the ones that run, by number
        self._over: list[Record] = []  # and those that have ended, in that order
        self._judged: dict[int, int] = {}  # how many values of a job's objective the median rule has seen
        self._verdict: tuple[str, str | None] | None = None

    @property
    def arn(self) -> str:
        return self._record[f"{NOUN}Arn"]

    def carry_out(self) -> None:
        """Launch and watch training jobs until all have ended."""
        self._verdict_later()
        status, reason = "Failed", "InternalServerError: the cloud's own log says why"
        try:
            chooser = search(self._config)
            while True:
                self._review(chooser)
                if self._done():
                    break
                self._launch(chooser)
                time.sleep(POLL_SECONDS)
            status, reason = self._verdict or ("Completed", None)
        finally:
            with self._service.lock:
                self._stop_jobs()
                end = {"HyperParameterTuningEndTime": self._service.clock.now(), "FailureReason": reason}
                self._service.move(NOUN, self._record, status, **end)

    def end(self, status: str, reason: str | None = None) -> None:
        """Have the tuning job end in this state once its training jobs are stopped. The first verdict stands."""
        with self._service.lock:
            if self._verdict or self._record[f"{NOUN}Status"] != "InProgress":
                return
            self._verdict = (status, reason)
            if status == "Stopped":
                self._service.move(NOUN, self._record, "Stopping")
            self._stop_jobs()

    def _verdict_later(self) -> None:
        if "MaxRuntimeInSeconds" in self._limits:
            self._service.clock.after(self._limits["MaxRuntimeInSeconds"], lambda: self.end("Completed"))

    def _done(self) -> bool:
        return not self._open and (self._verdict is not None or len(self._jobs) >= self._most)

    def _stop_jobs(self) -> None:
        for job in self._open.values():
            self._stop_job(job)

    def _stop_job(self, job: Record) -> None:
        if job["TrainingJobStatus"] == "InProgress":
            self._service.call("StopTrainingJob", {"TrainingJobName": job["TrainingJobName"]})

    def _launch(self, chooser: Grid | Sampled) -> None:
        while len(self._jobs) < self._most and len(self._open) < self._limits["MaxParallelTrainingJobs"]:
            number = len(self._jobs) + 1
            chosen = chooser.suggest(number)
            with self._service.lock:
                if self._verdict:
                    return
                try:
                    self._create(number, chosen)
                except AwsError as error:  # such as a quota; what AWS does then is not verified
                    self.end("Failed", f"{error.code}: {error.message}")
                    return

    def _create(self, number: int, chosen: Chosen) -> None:
        definition, metric = self._record["TrainingJobDefinition"], {"_tuning_objective_metric": self._objective.metric}
        members = shapes.input_members("CreateTrainingJob")
        request = {name: value for name, value in definition.items() if name in members}
        request["TrainingJobName"] = f"{self._record[f'{NOUN}Name']}-{number:03}-{secrets.token_hex(4)}"
        request["HyperParameters"] = definition.get("StaticHyperParameters", {}) | chosen | metric
        # API reference, AddTags: tags added later are those of the jobs launched after that.
        request["Tags"] = self._record.get("Tags", [])
        job = self._service.store.by_arn(self._service.call("CreateTrainingJob", request)["TrainingJobArn"])
        names = {"TuningJobName": self._record[f"{NOUN}Name"]}
        if "DefinitionName" in definition:
            names["TrainingJobDefinitionName"] = definition["DefinitionName"]
        job.update(TuningJobArn=self.arn, _Tuned={**names, "TunedHyperParameters": chosen})
        self._jobs.append(job)
        self._open[number] = job
        self._record.update(self._objective.progress(self._jobs))

    def _review(self, chooser: Grid | Sampled) -> None:
        """Learn from the jobs that have ended, and end those that are not worth going on."""
        with self._service.lock:
            new = {number: job for number, job in self._open.items() if ended(job)}
            for number, job in new.items():
                del self._open[number]
                self._over.append(job)
                self._judge()
            if new:
                self._record.update(self._objective.progress(self._jobs))
            if self._config.get("TrainingJobEarlyStoppingType") == "Auto":
                self._stop_early()
            began = self._record["CreationTime"]
            self._record["ConsumedResources"] = {"RuntimeInSeconds": int(self._service.clock.now() - began)}
        for number, job in new.items():
            chooser.learn(number, self._objective.final(job))

    def _stop_early(self) -> None:
        for number, job in self._open.items():
            values, done = self._objective.emitted(job), self._judged.get(number, 0)
            self._judged[number] = len(values)
            if self._objective.hopeless(values, done, self._over):
                self._stop_job(job)

    def _judge(self) -> None:
        """Whether what has ended so far says that it is enough."""
        values = [value for job in self._over if (value := self._objective.final(job)) is not None]
        count = self._objective.not_improving(values)
        self._record["TuningJobCompletionDetails"] = {"NumberOfTrainingJobsObjectiveNotImproving": count}
        if not values and len(self._over) >= min(ATTEMPTS, self._most):
            succeeded = any(job["TrainingJobStatus"] != "Failed" for job in self._over)
            self.end("Failed", (NO_METRIC if succeeded else NONE_SUCCEEDED).format(len(self._over)))
        target = self._criteria.get("TargetObjectiveMetricValue")
        if target is not None and values and not self._objective.better(target, values[-1]):
            self.end("Completed")
        patience = self._criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving")
        if patience is not None and count >= patience:
            self.end("Completed")
