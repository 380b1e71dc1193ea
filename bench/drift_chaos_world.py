"""A world of one model: its drift, its monitor, its pipeline, and what gets lost between them. It has its own time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from controls.retrain import Loop, Settings

START = datetime(2026, 11, 2, tzinfo=UTC)
TERMS = {"alarm": "drift", "acts": True, "approves": True, "cool_down_hours": 24, "most_a_week": 2, "expires_days": 30}
GROUP = "sluice-dev-tabular"


class KilledError(BaseException):
    """The function's process ended; nothing in it can catch this."""


@dataclass
class Run:
    began: datetime
    hours: int
    ends: str  # won | lost | failed
    mine: bool
    described: str = ""
    approval: str = "PendingManualApproval"


@dataclass
class World:
    """`ends` gives how long each run takes and how it ends; `breaks` what each call of the function meets.

    An alarm looks at the model of an hour ago: it is red while data drift away from the rows of the model in service.
    """

    ends: Iterator[tuple[int, str]]
    breaks: Iterator[str]
    now: datetime = START
    drifted: bool = False
    red: bool = False
    runs: dict[str, Run] = field(default_factory=dict[str, Run])
    tokens: dict[str, str] = field(default_factory=dict[str, str])
    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict[tuple[str, str], dict[str, Any]])
    opened: set[str] = field(default_factory=set[str])
    mail: list[datetime] = field(default_factory=list[datetime])
    meta: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(partition="aws", region_name="us-east-1"))
    untold: int = 0  # messages whose sending was not noted, so that they come again
    answered_at: datetime | None = None

    def hour(self, *, monitored: bool) -> None:
        """Time goes on: runs end, a winner that is approved is served, and the monitor looks, if it does."""
        self.now += timedelta(hours=1)
        if any(run.approval == "Approved" for run in self.runs.values() if run.mine and self._ended(run)):
            newest = max(run.began for run in self.runs.values() if run.approval == "Approved")
            if self.answered_at is None or newest > self.answered_at:
                self.answered_at, self.drifted = newest, False
        if monitored:
            self.red = self.drifted
            version = sum(run.approval == "Approved" for run in self.runs.values())
            self.items["monitor", "tabular"] = {"package_version": version + 1, "kinds": {"data-quality": self.red}}

    def look(self) -> None:
        """An event reaches the function; what it dies of or is refused is over by the next one."""
        config, sent = Settings("sluice-dev", "ledger", "topic", {"tabular": TERMS}), len(self.mail)
        try:
            Loop(lambda _: self, self, config, "tabular", TERMS, self.now).look()  # type: ignore[arg-type]
        except (KilledError, ClientError):
            noted = self.items.get(("drift", "tabular"), {"told": False})["told"]
            self.untold += 0 if noted else len(self.mail) - sent

    def begin(self, *, mine: bool, described: str = "") -> str:
        hours, ends = next(self.ends)
        arn = f"arn:pipeline/{GROUP}/execution/{len(self.runs)}"
        self.runs[arn] = Run(self.now, hours, ends, mine, described)
        return arn

    def executing(self) -> list[str]:
        return [arn for arn, run in self.runs.items() if not self._ended(run)]

    def _ended(self, run: Run) -> bool:
        return self.now >= run.began + timedelta(hours=run.hours)

    def _meet(self, effect: Callable[[], Any]) -> Any:
        """What a call meets: nothing, a refusal, or the end of the process before or after it has its effect."""
        match next(self.breaks):
            case "throttled":
                raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "Any")
            case "before":
                raise KilledError
            case "after":
                effect()
                raise KilledError
            case _:
                return effect()

    # The ledger, CloudWatch, SNS and SageMaker as the function calls them

    def recall(self, topic: str, about: str) -> dict[str, Any] | None:
        return self._meet(lambda: self.items.get((topic, about)))

    def revise(self, topic: str, about: str, revision: int, **members: Any) -> bool:
        def write() -> bool:
            if self.items.get((topic, about), {"revision": 0})["revision"] != revision:
                return False
            self.items[topic, about] = {"at": about, **members, "revision": revision + 1}
            self.opened.add(members["opened_at"])
            return True

        return self._meet(write)

    def enter(self, subject: str, **entry: Any) -> None:
        self._meet(lambda: self.items.update({(subject, entry["at"]): entry}))

    def describe_alarms(self, **_: Any) -> dict[str, Any]:
        state = {"StateValue": "ALARM" if self.red else "OK"}
        return self._meet(lambda: {"MetricAlarms": [state], "CompositeAlarms": []})

    def publish(self, **_: Any) -> None:
        self._meet(lambda: self.mail.append(self.now))

    def start_pipeline_execution(self, ClientRequestToken: str, **asked: Any) -> dict[str, str]:  # noqa: N803
        def start() -> dict[str, str]:
            if ClientRequestToken not in self.tokens:
                told = asked["PipelineExecutionDescription"]
                self.tokens[ClientRequestToken] = self.begin(mine=True, described=told)
            return {"PipelineExecutionArn": self.tokens[ClientRequestToken]}

        return self._meet(start)

    def describe_pipeline_execution(self, PipelineExecutionArn: str) -> dict[str, str]:  # noqa: N803
        run = self.runs[PipelineExecutionArn]
        ended = "Succeeded" if run.ends == "won" else "Failed"
        return self._meet(lambda: {"PipelineExecutionStatus": ended if self._ended(run) else "Executing"})

    def describe_model_package(self, ModelPackageName: str) -> dict[str, str]:  # noqa: N803
        approval = self.runs[ModelPackageName].approval
        return self._meet(lambda: {"ModelPackageArn": ModelPackageName, "ModelApprovalStatus": approval})

    def update_model_package(self, ModelPackageArn: str, ModelApprovalStatus: str, **_: Any) -> None:  # noqa: N803
        run = self.runs[ModelPackageArn]
        assert run.ends == "won" and self._ended(run), "only what has won may be approved"
        self._meet(lambda: setattr(run, "approval", ModelApprovalStatus))

    def get_paginator(self, operation: str) -> Any:
        return {"list_pipeline_executions": _Pages(self._runs), "list_pipeline_execution_steps": _Pages(self._steps)}[
            operation
        ]

    def _runs(self) -> dict[str, Any]:
        rows = [
            {
                "PipelineExecutionArn": arn,
                "PipelineExecutionDescription": run.described,
                "PipelineExecutionStatus": "Succeeded" if self._ended(run) else "Executing",
                "StartTime": run.began,
            }
            for arn, run in self.runs.items()
        ]
        return self._meet(lambda: {"PipelineExecutionSummaries": rows})

    def _steps(self, PipelineExecutionArn: str) -> dict[str, Any]:  # noqa: N803
        name = {"won": "Register", "lost": "NotBetter", "failed": "Train"}[self.runs[PipelineExecutionArn].ends]
        metadata = {"RegisterModel": {"Arn": PipelineExecutionArn}} if name == "Register" else {}
        return {"PipelineExecutionSteps": [{"StepName": name, "Metadata": metadata}]}


@dataclass
class _Pages:
    page: Callable[..., dict[str, Any]]

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        asked = {name: value for name, value in asked.items() if name not in ("PipelineName", "CreatedAfter")}
        yield self.page(**asked)
