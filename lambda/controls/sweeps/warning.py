"""The messages to owners: what will be ended, why, when, what that saves, and how to keep it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from controls.judgement.policy import Action, Verdict
from controls.resource import KEEP_TAG, Kind, Resource, Rule

Warning = tuple[Resource, Verdict]
Tell = Callable[[str, str], None]

_SUBJECT_LENGTH = 100  # SNS's limit
_A_MESSAGE = 100  # warnings; SNS takes 256 KB
_WORDS = {Action.STOP: "stopped", Action.DELETE: "deleted", Action.SCALE_TO_ZERO: "scaled to zero"}
_NOTEBOOKS = {Kind.APP, Kind.NOTEBOOK_INSTANCE}
# AWS documents for neither signal of use (an app's activity, Jupyter's log) that such a cell shows in it.
_UNSEEN = " A cell that runs for long while no browser is open may not be seen: keep it if one does."


def publisher(sns: Any, topic: str) -> Tell:
    return lambda subject, message: sns.publish(TopicArn=topic, Subject=subject, Message=message) and None


def messages(warnings: Sequence[Warning], platform: str) -> Iterator[tuple[str, str, Sequence[Warning]]]:
    """Subject, text and what it is about: one for each owner, or several where that would be too long."""
    by_owner = sorted(warnings, key=lambda each: (each[0].owner, each[0].arn))
    for owner, group in groupby(by_owner, key=lambda each: each[0].owner):
        whole = list(group)
        for first in range(0, len(whole), _A_MESSAGE):
            some = whole[first : first + _A_MESSAGE]
            subject = f"{platform}: {len(some)} of {owner or 'no known owner'} to be ended or looked at"
            lines = [f"To {owner or 'whoever uses these'}:", *(_line(*each) for each in some)]
            yield subject.encode("ascii", "replace").decode()[:_SUBJECT_LENGTH], "\n\n".join(lines), some


def _line(resource: Resource, verdict: Verdict) -> str:
    at_most = "at most " if resource.estimated else ""
    saving = f" That saves {at_most}{verdict.saving:.2f} USD a month." if verdict.saving else ""
    unseen = _UNSEEN if verdict.rule is Rule.IDLE and resource.kind in _NOTEBOOKS else ""
    what = f"{resource.kind} {resource.name} ({resource.region}): {verdict.evidence}.{unseen}"
    if verdict.effective_at is None:
        return f"{what} Nothing is done to it: look whether it is needed.{saving}"
    until = (verdict.effective_at + timedelta(days=7)).date()
    return (
        f"{what} It will be {_WORDS[verdict.ending]} after {verdict.effective_at:%Y-%m-%d %H:%M} UTC.{saving}\n"
        f"To keep it: sluice keep {resource.arn} --until {until} or tag it {KEEP_TAG}={until}"
    )
