"""One running job: its record, the states that it goes through on the cloud's clock, and why it must end early."""

from pathlib import Path
from typing import Any

from rehearsal.sagemaker.kinds import BY_NOUN
from rehearsal.sagemaker.service import Service
from rehearsal.sagemaker.store import Record

CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."
)


class JobError(Exception):
    """Why a job failed, in the words of its FailureReason."""


class EndedError(Exception):
    """A job that must not go on: it is stopped, or out of time."""


class Run:
    """A job from its start to its end. `verdict` is the secondary status of a job that must end early."""

    def __init__(self, service: Service, noun: str, record: Record, folder: Path) -> None:
        self.service, self.noun, self.record, self.folder = service, noun, record, folder
        self.stem = BY_NOUN[noun].stem
        self.verdict: str | None = None
        self.verdict_at = 0.0
        self.outcome = "Completed"  # the secondary status of a job that ends well

    @property
    def name(self) -> str:
        return self.record[f"{self.stem}Name"]

    def client(self, service: str, role_arn: str) -> Any:
        return self.service.host.client(service, role_arn)

    def end(self, verdict: str) -> None:
        """Have the job end: Stopped, MaxRuntimeExceeded or MaxWaitTimeExceeded. The first verdict stands."""
        if verdict != "Stopped" and self.service.faults.overrun:
            return
        with self.service.lock:
            if not self.verdict and self.record[f"{self.stem}Status"] == "InProgress":
                self.verdict, self.verdict_at = verdict, self.service.clock.now()
                self.enter("Stopping", "Stopping the training job", status="Stopping")

    def check(self) -> None:
        """Raise EndedError once there is a verdict."""
        if self.verdict:
            raise EndedError(self.verdict)

    def enter(self, phase: str, message: str, *, status: str = "InProgress", announce: bool = True) -> None:
        """Go into a secondary status, which training jobs have, unless the job is about to end."""
        with self.service.lock:
            if self.verdict and status == "InProgress":
                return
            members = self._transition(phase, message) if self.noun == "TrainingJob" else {}
            if self.noun == "AutoMLJobV2":
                members = {"AutoMLJobSecondaryStatus": phase}
            self.record.update(members)
            if announce:
                self.service.move(self.noun, self.record, status)

    def finish(self, status: str, secondary: str, reason: str | None) -> None:
        """Go into the last state. Its transition begins and ends at once, as AWS shows it."""
        now, stem = self.service.clock.now(), self.noun.removesuffix("Job")
        if self.noun == "AutoMLJobV2":
            members = {"EndTime": now, "FailureReason": reason, "AutoMLJobSecondaryStatus": secondary}
            return self.service.move(self.noun, self.record, status, **members)
        members: dict[str, Any] = {f"{stem}EndTime": now, "FailureReason": reason}
        if self.noun == "TrainingJob":
            messages = {"Completed": "Training job completed", "Failed": "Training job failed"}
            members |= self._transition(secondary, messages.get(secondary, "Training job stopped"))
            last = members["SecondaryStatusTransitions"][-1]
            last["EndTime"] = last["StartTime"]
        return self.service.move(self.noun, self.record, status, **members)

    def _transition(self, phase: str, message: str) -> dict[str, Any]:
        now = self.service.clock.now()
        past = [dict(step) for step in self.record.get("SecondaryStatusTransitions", [])]
        if past:
            past[-1]["EndTime"] = now
        step = {"Status": phase, "StartTime": now, "StatusMessage": message}
        return {"SecondaryStatus": phase, "SecondaryStatusTransitions": [*past, step]}

    def require_capacity(self, instance_type: str) -> None:
        """Raises JobError when on-demand instances of the type do not come."""
        if instance_type in self.service.faults.no_capacity:
            raise JobError(CAPACITY)
