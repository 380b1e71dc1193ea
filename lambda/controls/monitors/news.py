"""What people are told of a drift: one message, whoever looks at it at the same time."""

from datetime import datetime, timedelta
from typing import Any

from controls import console
from controls.ledger import Ledger
from controls.monitors.drift import CLOSED, Drift, State, Terms

TOPIC = "drift-told"  # remembered by workload and time of opening
_SENDING = timedelta(minutes=10)  # longer than `retrain` may run
_SUBJECT_CHARACTERS = 100
_THEN = {
    State.RUNNING: "A run is started.",
    State.STARTING: "A run has been asked for and was refused; it is asked for again.",
}


class News:
    """`sns` is the client of the topic; `now` that of the look."""

    def __init__(self, sns: Any, ledger: Ledger, platform: str, topic_arn: str, terms: Terms, now: datetime) -> None:
        self._sns, self._ledger, self._platform, self._topic_arn = sns, ledger, platform, topic_arn
        self._terms, self._now = terms, now

    def tell_once(self, drift: Drift) -> bool:
        """Whether it is told now: not while another look tells it. What breaks off before it is noted is sent again."""
        about = f"{drift.workload} {drift.opened_at.isoformat()}"
        noted = self._ledger.recall(TOPIC, about)
        if noted and (noted["sent"] or self._now - datetime.fromisoformat(noted["begun"]) < _SENDING):
            return bool(noted["sent"])
        revision, begun = noted["revision"] if noted else 0, self._now.isoformat()
        if not self._ledger.revise(TOPIC, about, revision, begun=begun, sent=False):
            return False
        self._tell(drift)
        self._ledger.remember(TOPIC, about, begun=begun, sent=True)
        return True

    def _tell(self, drift: Drift) -> None:
        idle = "It is over" if drift.state in CLOSED else "No run is started yet"
        person = "registered, and awaits your approval"
        winner = f"approved; where no champion could be measured, {person}" if self._terms.approves else person
        place = (self._sns.meta.partition, self._sns.meta.region_name)
        lines = [
            f"workload: {drift.workload}",
            f"cause: {drift.cause}",
            f"report: {console.stored(drift.report, *place) if drift.report else 'none'}",
            "",
            _THEN.get(drift.state, f"{idle}: {drift.why}."),
            f"If the new model is better it is {winner}. How it goes on: sluice monitors status",
        ]
        subject = f"[{self._platform}] {drift.workload}: drift"[:_SUBJECT_CHARACTERS]
        self._sns.publish(TopicArn=self._topic_arn, Subject=subject, Message="\n".join(lines))
