"""What happens on the way from a red alarm to a run: three of the worlds of tests/lambda/test_retrain_chaos.py."""

import json
from concurrent.futures import ThreadPoolExecutor

from controls.monitors.drift import State
from rehearsal.embedded import RehearsalError
from rehearsal.stories.drift_loop import MOST_MINUTES, Loop


class Troubles(Loop):
    """Each has the alarm go off."""

    def told_thrice(self) -> None:
        """The event comes again, twice at the same time."""
        self._alarm("ALARM")
        detail = {"alarmName": f"{self._name}-drift", "state": {"value": "ALARM"}, "previousState": {"value": "OK"}}
        event = {"source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "detail": detail}
        event["time"] = f"{self._now():%Y-%m-%dT%H:%M:%SZ}"
        functions = self.cloud.client("lambda")
        asked = {"FunctionName": f"{self.platform.prefix}-retrain", "InvocationType": "Event"}
        for _ in range(2):
            functions.invoke(**asked, Payload=json.dumps(event).encode())

    def unheard(self) -> None:
        """The event is lost: nobody has heard of the alarm when it is red, and only time can tell."""
        events, before = self.cloud.client("events"), self._drift()
        [rule] = [
            rule["Name"]
            for page in events.get_paginator("list_rules").paginate()
            for rule in page["Rules"]
            if f"{self._name}-drift" in rule.get("EventPattern", "")
        ]
        events.disable_rule(Name=rule)
        try:
            self._alarm("ALARM")
            if self._settled() != before:
                raise RehearsalError(f"somebody heard of the alarm: {self._drift()}")
        finally:
            events.enable_rule(Name=rule)

    def throttled(self) -> None:
        """SageMaker refuses to start the run that is asked for, and who asks is killed: it is started once."""
        runs, opened = len(self._runs()), self._now()
        with ThreadPoolExecutor(1) as pool:
            with self.cloud.faults(throttle_rate=1.0, operations=["StartPipelineExecution"]):
                red = pool.submit(self._red_for_long)
                self.until(
                    self._drift,
                    lambda drift: drift is not None and drift.opened_at >= opened and drift.state is State.STARTING,
                    "a run to be asked for",
                )
                if len(self._runs()) != runs:
                    raise RehearsalError("a run was started although it was refused")
                killed = self.cloud.control("kill-function", name=f"{self.platform.prefix}-retrain")["killed"]
                if not killed:
                    raise RehearsalError("nobody was asking for a run any more")
            red.result()

    def _red_for_long(self) -> None:
        """Minutes pass until the cool-down is over and a run is asked for."""
        opened = self._now()
        self._alarm("ALARM")
        for _ in range(MOST_MINUTES // 5):
            found = self._drift()
            if found and found.opened_at >= opened and found.state is not State.OPEN:
                return
            self._advance(300)
