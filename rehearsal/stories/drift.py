"""The story of drift: what is asked of a model changes four times, and each time a better model answers it."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from controls.monitors.drift import State
from rehearsal.embedded import ROOT, EmbeddedCloud, RehearsalError
from rehearsal.stories import drift_world
from rehearsal.stories.deployed import CONFIG
from rehearsal.stories.drift_loop import WORKLOAD, Loop
from rehearsal.stories.drift_troubles import Troubles
from rehearsal.stories.drift_workload import adapt
from rehearsal.stories.drift_world import CHANGES, Change, World
from rehearsal.stories.mail import Mailbox
from rehearsal.stories.project import copied

PYTHON = ROOT / ".venv-cloud" / "bin" / "python"
KEPT = 850  # rows of the table: the newest
QUIET, BUSY = 250, 1600  # rows that are asked for in a window


class Story(Troubles, Loop):
    """Holds what one step hands to the next. `measured.json` in the report's folder is for a bench."""

    def __init__(self, cloud: EmbeddedCloud, out: Path) -> None:
        config = out / "drift.yaml"
        config.write_text(yaml.safe_dump(yaml.safe_load(CONFIG.read_text()) | {"workloads": [WORKLOAD]}))
        self.project = copied(out)
        adapt(self.project / "workloads" / WORKLOAD, yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text()))
        super().__init__(cloud, out, config=config, root=self.project)
        self._answered: dict[str, dict[str, Any]] = {}

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        return [
            ("start the embedded cloud", self.start),
            ("cdk bootstrap", self.bootstrap),
            ("cdk deploy --all; cdk diff finds nothing", self.deploy),
            ("put a table into the data bucket, train, approve: the endpoint is there", self.serve),
            ("an hour without drift: the monitor is content", self.rest),
            *((f"{name}: found, answered once, served, content again", partial(self.answer, name)) for name in CHANGES),
            ("a drift whose challenger is no better: the champion stays", self.lose),
            ("sluice monitors status", self.status),
            ("cdk destroy --all", self.destroy),
        ]

    def serve(self) -> str:
        path = self.out / "cancer.csv"
        command = [str(PYTHON), str(ROOT / "workloads" / WORKLOAD / "data.py"), str(path), "--table", "cancer"]
        self.cloud.run(command, self.log("data"))
        self._world = World(path.read_text())
        self._table = self._world.rows(KEPT)
        self._put_table()
        self._mail = Mailbox(self.cloud, self.published("alert-topic-arn"))
        started = self.as_persona("data-scientist", "sagemaker").start_pipeline_execution(PipelineName=self._name)
        run = self._ended(started["PipelineExecutionArn"])
        if run["PipelineExecutionStatus"] != "Succeeded":
            raise RehearsalError(f"the run ended {run['PipelineExecutionStatus']}: {run.get('FailureReason')}")
        [package] = self.sagemaker.list_model_packages(ModelPackageGroupName=self._name)["ModelPackageSummaryList"]
        self.as_persona("ml-engineer", "sagemaker").update_model_package(
            ModelPackageArn=package["ModelPackageArn"], ModelApprovalStatus="Approved"
        )
        self._serves(1)
        return f"version 1 is served; {KEPT} rows of {len(self._world.features)} features"

    def rest(self) -> str:
        self.cloud.control("faults", events_twice=True)  # from now on whatever SageMaker tells
        return self._content(1)

    def answer(self, name: str) -> str:
        version, began, runs = self._served(), self._now(), len(self._runs())
        found = self._found(CHANGES[name], renewed=True)
        trouble = self._trouble(name)
        record = self._comes(State.RUNNING, began)
        self._ended(record.execution)
        won = self._comes(State.WON, began)
        self._serves(version + 1)
        self._check_once(runs)
        told = self._content(version + 1)
        self._answered[name] = {"causes": found["causes"], "report": found["report"], "execution": won.execution}
        self._measure()
        return f"{found['causes'][0]}; {trouble}; one run, {won.why}; version {version + 1} is served: {told}"

    def lose(self) -> str:
        version, began, runs = self._served(), self._now(), len(self._runs())
        found = self._found(drift_world.shifted, renewed=False)
        self._keep(found["report"])
        self._alarm("ALARM")
        record = self._comes(State.RUNNING, began)
        self._ended(record.execution)
        lost = self._comes(State.OPEN, began)
        self._check_once(runs)
        if self._served() != version or "which does not beat the margin" not in lost.last:
            raise RehearsalError(f"version {self._served()} is served, and the record says: {lost.last}")
        return f"{found['causes'][0]}; {lost.last}; {lost.why}; version {version} is still served"

    def status(self) -> str:
        """No monitor was taken for silent on the way, nor anything for what could not be examined."""
        for kind in ("faults", "silent"):
            asked = {"AlarmName": f"{self._name}-{kind}", "HistoryItemType": "StateUpdate"}
            items = self.cloud.client("cloudwatch").describe_alarm_history(**asked)["AlarmHistoryItems"]
            if [json.loads(item["HistoryData"])["newState"]["stateValue"] for item in items] != ["OK"]:
                raise RehearsalError(f"the alarm {kind} went off: {items}")
        log = self.log("status")
        command = [str(ROOT / ".venv" / "bin" / "python"), "-m", "cli.main", "monitors", "status"]
        self.cloud.run(command, log, SLUICE_CONFIG=str(self.config), COLUMNS="120")
        self.pictures["monitors"] = log.read_text()
        return log.read_text().splitlines()[0].strip()

    def destroy(self) -> str:
        self.cloud.control("faults", reset=True)
        self._mail.close()
        return super().destroy()

    def _content(self, version: int) -> str:
        """An hour in which the world does not change; the monitor examines it and finds nothing."""
        self._ask(self._world.rows(QUIET))
        window = self._window()
        if (window["state"], window["package_version"], window["causes"]) != ("examined", version, []):
            raise RehearsalError(f"the window shows {window}")
        self._alarm("OK")
        return f"{window['rows']} rows, no drift"

    def _found(self, change: Change, *, renewed: bool) -> dict[str, Any]:
        """The world changes, labels come, the table is renewed or not: what the next window showed."""
        self._world.changes.append(change)
        rows = self._world.rows(BUSY)
        self._ask(rows)
        if renewed:
            self._table = [*self._table, *rows[: KEPT - KEPT // 10]][-KEPT:]
            self._put_table()
        window = self._window()
        if window["state"] != "examined" or not window["causes"]:
            raise RehearsalError(f"the window after the change shows {window}")
        return window

    def _trouble(self, name: str) -> str:
        """The alarm goes off, and what happens on the way to who answers it."""
        told = {
            "a category that is new": ("the alarm was told three times", self.told_thrice),
            "missing values jump": ("the alarm was not heard, but seen", self.unheard),
            "labels flip": ("the start was throttled, and who asked for it killed", self.throttled),
        }
        words, happens = told.get(name, ("the alarm was told", partial(self._alarm, "ALARM")))
        happens()
        return words

    def _check_once(self, runs: int) -> None:
        if len(self._runs()) != runs + 1:
            raise RehearsalError(f"{len(self._runs()) - runs} runs were started, not 1")
        letters = [told for told, _ in self._mail.letters() if told.endswith(f"{WORKLOAD}: drift")]
        if len(letters) != 1:
            raise RehearsalError(f"of one drift {len(letters)} letters came, not 1")

    def _put_table(self) -> None:
        self._put(str(self.platform.workloads[WORKLOAD].data.path), drift_world.written(self._table))

    def _keep(self, report: str) -> None:
        """What the window showed, beside this story's report."""
        bucket, _, key = report.removeprefix("s3://").partition("/")
        self.cloud.client("s3").download_file(bucket, key, str(self.out / "window.html"))
        self.pictures["pages"] = {"window.html": "What the monitor saw of the last drift"}

    def _measure(self) -> None:
        measured = {"injections": len(CHANGES), "injections_answered": len(self._answered), "answers": self._answered}
        (self.out / "measured.json").write_text(json.dumps(measured, indent=1) + "\n")
