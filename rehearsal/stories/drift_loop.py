"""What the steps of the story of drift do and look at: traffic, labels, windows, and what comes of a drift."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from controls.ledger import Ledger
from controls.monitors.drift import Drift, State
from controls.watch import MARGIN
from rehearsal.embedded import RehearsalError
from rehearsal.stories import drift_world
from rehearsal.stories.drift_world import Row, World
from rehearsal.stories.project import Project

WORKLOAD = "tabular"
BATCH = 100  # rows in one request
FLUSH_SECONDS = 6  # until what was captured is written
ASKING_SECONDS = 120  # the longest that rows of one window are asked for
HOUR = timedelta(hours=1)
MOST_MINUTES = 80  # that a drift waits for its run: the cool-down, and a tick


class Loop(Project):
    """Steps that need a world, and a platform that is deployed."""

    _world: World

    @property
    def _name(self) -> str:
        return f"{self.platform.prefix}-{WORKLOAD}"

    @property
    def _ledger(self) -> Ledger:
        return Ledger(self.cloud.client("dynamodb"), self.published("sweep-ledger"), now=self._now())

    def _ask(self, rows: list[Row], *, labelled: bool = True) -> None:
        """Sends these to the endpoint, and what was right to the folder where labels come in."""
        left = (self._due() - MARGIN - self._now()).total_seconds()
        if left < ASKING_SECONDS:
            self._advance(left)  # so that no window ends meanwhile
        runtime = self.as_persona("data-scientist", "sagemaker-runtime")
        began, keys = f"{self._now():%d%H%M%S}", list[str]()
        for first in range(0, len(rows), BATCH):
            batch, named = rows[first : first + BATCH], f"{began}-{first}"
            body = drift_world.asked(batch, self._world.features)
            told = {"EndpointName": self._name, "ContentType": "text/csv", "Accept": "text/csv", "InferenceId": named}
            runtime.invoke_endpoint(**told, Body=body)
            keys += [f"{named}/{number}" for number in range(len(batch))]
        lines = [f"{key},{row[drift_world.TARGET]}" for key, row in zip(keys, rows, strict=True)]
        if labelled:
            self._put(f"labels/{began}.csv", "\n".join(["inference_id,label", *lines, ""]))

    def _put(self, key: str, text: str) -> None:
        bucket = self.published("data-bucket")
        self.cloud.client("s3").put_object(Bucket=bucket, Key=f"{WORKLOAD}/{key}", Body=text.encode())

    def _due(self) -> datetime:
        """The full hour at which what is asked now is examined; rows of the MARGIN before one wait for the next."""
        return (self._now() + MARGIN).replace(minute=0, second=0, microsecond=0) + HOUR

    def _window(self) -> dict[str, Any]:
        """What the window showed that has what was just asked."""
        due = self._due()
        self._advance(FLUSH_SECONDS)
        self._advance((due - self._now()).total_seconds() + 1)
        [run] = [run for run in self._runs("-monitor") if run["StartTime"] >= due - timedelta(seconds=1)]
        ended = self._ended(run["PipelineExecutionArn"])
        if ended["PipelineExecutionStatus"] != "Succeeded":
            raise RehearsalError(f"the monitor ended {ended['PipelineExecutionStatus']}: {ended.get('FailureReason')}")
        window = self._ledger.recall("monitor", WORKLOAD)
        if window is None or datetime.fromisoformat(window["end"]) != due - MARGIN:
            raise RehearsalError(f"of the window that ended at {due - MARGIN} nothing is remembered: {window}")
        return window

    def _alarm(self, wanted: str) -> None:
        """Until the drift alarm is in this state, in minutes of the cloud's clock."""
        cloudwatch = self.cloud.client("cloudwatch")
        for _ in range(6):
            self._advance(60)
            [alarm] = cloudwatch.describe_alarms(AlarmNames=[f"{self._name}-drift"])["MetricAlarms"]
            if alarm["StateValue"] == wanted:
                return
        raise RehearsalError(f"the drift alarm is not {wanted}: {self._ledger.recall('monitor', WORKLOAD)}")

    def _drift(self) -> Drift | None:
        item = self._ledger.recall("drift", WORKLOAD)
        return Drift.of(item) if item else None

    def _comes(self, state: State, after: datetime) -> Drift:
        """The record of the drift that was found after that moment, once it is in this state. Minutes pass."""
        for _ in range(MOST_MINUTES // 5):
            found = self._settled()
            if found and found.opened_at >= after:
                if found.state is state:
                    return found
                if found.last and state is State.WON:
                    raise RehearsalError(f"the run answered nothing: {found}")
            self._advance(300)
        raise RehearsalError(f"for {MOST_MINUTES} minutes no drift was {state}: {self._drift()}")

    def _settled(self) -> Drift | None:
        """The record, once the function that writes it has had the time to."""
        before = self._drift()
        deadline = time.monotonic() + 0.5
        while (found := self._drift()) == before and time.monotonic() < deadline:
            time.sleep(0.2)
        return found

    def _ended(self, arn: str) -> dict[str, Any]:
        return self.until(
            lambda: self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn),
            lambda run: run["PipelineExecutionStatus"] not in ("Executing", "Stopping"),
            f"{arn} to end",
        )

    def _runs(self, which: str = "") -> list[dict[str, Any]]:
        """The runs of the workload's pipeline, or of its `-monitor`, the newest first."""
        asked = {"PipelineName": f"{self._name}{which}"}
        pages = self.sagemaker.get_paginator("list_pipeline_executions").paginate(**asked)
        return [run for page in pages for run in page["PipelineExecutionSummaries"]]

    def _served(self) -> int:
        """The version that the endpoint answers with; 0 while it changes, or is not there."""
        found = self.sagemaker.list_endpoints(NameContains=self._name)["Endpoints"]
        if not found or found[0]["EndpointStatus"] != "InService":
            return 0
        config = self.sagemaker.describe_endpoint(EndpointName=self._name)["EndpointConfigName"]
        return int(config.removeprefix(f"{self._name}-v").split("-")[0])

    def _serves(self, version: int) -> None:
        self.until(self._served, lambda found: found == version, f"version {version} to be served")

    def _advance(self, seconds: float) -> None:
        self.cloud.control("advance", seconds=seconds)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.cloud.control("advance", seconds=0)["now"], UTC)
