"""A world of one model: its drift, its monitor, its pipeline, and what gets lost between them. It has its own time."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from controls.monitors import news
from controls.retrain import TOPIC, ContendedError, Loop, Settings

START = datetime(2026, 11, 2, tzinfo=UTC)
TERMS = {"alarm": "drift", "acts": True, "approves": True, "cool_down_hours": 24, "most_a_week": 2, "settles_hours": 3}
GROUP = "sluice-dev-tabular"
FIRST = 1  # the version that is served in the beginning


class KilledError(BaseException):
    """The function's process ended; nothing in it can catch this."""


@dataclass
class Run:
    began: datetime
    hours: int
    ends: str  # won | lost | failed
    mine: bool
    champion: int
    version: int
    described: str = ""
    approval: str = "PendingManualApproval"


@dataclass
class World:
    """`ends` gives how long each run takes and how it ends; `breaks` what each call of the function meets.

    An alarm looks at the model of an hour ago: it is red while data drift away from the rows of the model in service.
    """

    ends: Iterator[tuple[int, str]]
    breaks: Iterator[str]
    expires_days: int
    now: datetime = START
    drifted: bool = False
    red: bool = False
    runs: dict[str, Run] = field(default_factory=dict[str, Run])
    tokens: dict[str, str] = field(default_factory=dict[str, str])
    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict[tuple[str, str], dict[str, Any]])
    opened: set[str] = field(default_factory=set[str])
    mail: list[datetime] = field(default_factory=list[datetime])
    meta: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(partition="aws", region_name="us-east-1"))
    unnoted: int = 0  # messages that were sent and not noted, so that they come again
    served: int = FIRST
    looking: list[bool] = field(default_factory=list[bool])  # looks at once: whether each has sent what is not noted

    def hour(self, *, monitored: bool) -> None:
        """Time goes on: runs end, a winner that is approved is served, and the monitor looks, if it does."""
        self.now += timedelta(hours=1)
        if self.newest > self.served:
            self.served, self.drifted = self.newest, False
        if monitored:
            self.red = self.drifted
            self.items["monitor", "tabular"] = {"package_version": self.served, "kinds": {"data-quality": self.red}}

    def look(self) -> None:
        """An event reaches the function; what it dies of or is refused is over by the next one."""
        terms = {**TERMS, "expires_days": self.expires_days}
        config = Settings("sluice-dev", "ledger", "topic", {"tabular": terms})
        self.looking.append(False)
        try:
            Loop(lambda _: self, self, config, "tabular", terms, self.now).look()  # type: ignore[arg-type]
        except (KilledError, ClientError, ContendedError):
            self.unnoted += self.looking[-1]
        self.looking.pop()

    def begin(self, *, mine: bool, described: str = "") -> str:
        hours, ends = next(self.ends)
        number = len(self.runs)
        arn = f"arn:pipeline/{GROUP}/execution/{number}"
        self.runs[arn] = Run(self.now, hours, ends, mine, self.newest, FIRST + 1 + number, described)
        return arn

    def decide_by_hand(self) -> None:
        """A person approves what waits for it."""
        for run in self.runs.values():
            if run.ends == "won" and self._ended(run):
                run.approval = "Approved"

    @property
    def newest(self) -> int:
        return max([FIRST, *(run.version for run in self.runs.values() if run.approval == "Approved")])

    @property
    def left(self) -> bool:
        """Whether a winner over today's champion awaits the machine that may approve it."""
        won = [run for run in self.runs.values() if run.mine and run.ends == "won" and self._ended(run)]
        return any(run.approval != "Approved" and run.champion == self.newest for run in won)

    def executing(self) -> list[str]:
        return [arn for arn, run in self.runs.items() if not self._ended(run)]

    def _ended(self, run: Run) -> bool:
        return self.now >= run.began + timedelta(hours=run.hours)

    def _meet(self, effect: Callable[[], Any]) -> Any:
        """What a call meets: nothing, a refusal, another look, or the end of the process before or after its effect."""
        match next(self.breaks):
            case "beside" if len(self.looking) == 1:
                self.look()
                return effect()
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
            if self.items.get((topic, about), {"revision": 0}).get("revision") != revision:
                return False
            self.items[topic, about] = {"at": about, **members, "revision": revision + 1}
            if topic == TOPIC:
                self.opened.add(members["opened_at"])
            return True

        return self._meet(write)

    def remember(self, topic: str, about: str, **members: Any) -> None:
        assert topic == news.TOPIC

        def note() -> None:
            self.items[topic, about], self.looking[-1] = members, False

        self._meet(note)

    def enter(self, subject: str, **entry: Any) -> None:
        self._meet(lambda: self.items.update({(subject, entry["at"]): entry}))

    def describe_alarms(self, **_: Any) -> dict[str, Any]:
        state = {"StateValue": "ALARM" if self.red else "OK"}
        return self._meet(lambda: {"MetricAlarms": [state]})

    def publish(self, **_: Any) -> None:
        def send() -> None:
            self.mail.append(self.now)
            self.looking[-1] = True

        self._meet(send)

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

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:  # noqa: N803
        run = self.runs[ModelPackageName]
        place = f"s3://artifacts/{ModelPackageName}/evaluation.json"
        told = {
            "ModelPackageArn": ModelPackageName,
            "ModelPackageVersion": run.version,
            "ModelApprovalStatus": run.approval,
            "ModelMetrics": {"ModelQuality": {"Statistics": {"S3Uri": place}}},
        }
        return self._meet(lambda: told)

    def get_object(self, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        champion = self.runs[Key.removesuffix("/evaluation.json")].champion
        told = {"proven": True, "champion": {"version": str(champion)}}
        return self._meet(lambda: {"Body": BytesIO(json.dumps(told).encode())})

    def update_model_package(self, ModelPackageArn: str, ModelApprovalStatus: str, **_: Any) -> None:  # noqa: N803
        run = self.runs[ModelPackageArn]
        assert run.ends == "won" and self._ended(run), "only what has won may be approved"
        assert run.champion == self.newest, "only over the champion that it was compared with"
        self._meet(lambda: setattr(run, "approval", ModelApprovalStatus))

    def get_paginator(self, operation: str) -> Any:
        pages = {
            "list_pipeline_executions": self._runs,
            "list_pipeline_execution_steps": self._steps,
            "list_model_packages": self._approved,
        }
        return _Pages(pages[operation])

    def _approved(self, ModelApprovalStatus: str, **_: str) -> dict[str, Any]:  # noqa: N803
        versions = [FIRST, *(run.version for run in self.runs.values() if run.approval == ModelApprovalStatus)]
        rows = [{"ModelPackageArn": "", "ModelPackageVersion": v, "ModelPackageStatus": "Completed"} for v in versions]
        return self._meet(lambda: {"ModelPackageSummaryList": rows})

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
