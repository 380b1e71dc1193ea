"""The last step of a monitor: what a window showed becomes metrics, and is remembered for who answers drift.

Of SageMaker Model Monitor's jobs it hears when their violations are written, and tells them by the same metrics. Those
jobs end at about the same time, one for each kind: what is remembered of each is its own, and is written under the
condition that no other one wrote meanwhile.
"""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools import Logger

from controls import clients, emf, native_windows, settings, windows
from controls.ledger import Ledger
from controls.windows import Window

logger = Logger(service="conclude")

TOPIC = "monitor"  # remembered by workload: the last window, and what is known of each kind
# Each conclusion tells of all kinds. Of two in one period the alarm would take the higher: the last must be alone.
PERIOD = timedelta(minutes=5)
_ATTEMPTS = 10


class ContendedError(RuntimeError):
    """Others wrote each time: the event comes again."""


@dataclass(frozen=True)
class Settings:
    """`monitors`: by workload, the `kinds` that are examined and the `critical` features.

    Where SageMaker's own jobs examine, `minimum_rows` and `drift_share` as well.
    """

    platform: str
    ledger_table: str
    monitors: dict[str, dict[str, Any]]


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """State: examined | too-little | no-traffic | absent. Raises WindowError and ContendedError.

    `event` is that of a step: workload, end, now and output, the URI of a window's folder, empty where nothing is
    served; or EventBridge's of a file that SageMaker Model Monitor wrote.
    """
    config, s3 = settings.read(Settings, os.environ), clients.client("s3")
    if "detail" in event:
        now = datetime.fromisoformat(event["time"])
        workload, window = native_windows.read(s3, event["detail"], now, config.monitors)
    else:
        workload, now = event["workload"], datetime.fromisoformat(event["now"])
        end = datetime.fromisoformat(event["end"])
        window = windows.read(s3, event["output"], end) if event["output"] else windows.absent(end)
    ledger = Ledger(clients.client("dynamodb"), config.ledger_table, now=now)
    known = noted(ledger, workload, window, config.monitors[workload]["kinds"], now)
    emf.emit(
        config.platform,
        values(window, known["kinds"]),
        datetime.fromisoformat(known["told_at"]),
        workload=workload,
    )
    logger.info("concluded", workload=workload, state=window.state, causes=window.causes)
    return {"State": window.state}


def noted(ledger: Ledger, workload: str, window: Window, kinds: list[str], now: datetime) -> dict[str, Any]:
    """What is remembered with `window`. Raises ContendedError."""
    for _ in range(_ATTEMPTS):
        before = ledger.recall(TOPIC, workload) or {}
        after = members(window, before, kinds, now)
        if ledger.revise(TOPIC, workload, before.get("revision", 0), **after):
            return after
    raise ContendedError(f"what is remembered of {workload} is written by others each time")


def members(window: Window, before: dict[str, Any], kinds: list[str], now: datetime) -> dict[str, Any]:
    """What is remembered: the last window that counted its rows, and of each kind the last one that judged it.

    Causes and report are those of the kinds that have drifted. `told_at` is when the metrics say so.
    """
    end, counted = window.end.isoformat(), "Rows" in window.figures
    last = end >= before.get("end", "")
    found = judged(window, before if not last or _is_of_the_same_model(window, before) else {})
    drifted = {kind: kind in found and found[kind]["drifted"] for kind in kinds}
    red = [found[kind] for kind in kinds if drifted[kind]]
    if before and not (last and counted):
        told = {name: before[name] for name in ("window", "end", "state", "package_version", "rows")}
    else:
        told = {
            "window": {"start": window.start.isoformat(), "end": end},
            "end": end if counted else "",
            "state": window.state,
            "package_version": window.package_version or 0,
            "rows": int(window.figures.get("Rows", 0)),
        }
    alone = datetime.fromisoformat(before["told_at"]) + PERIOD if before else now
    return {
        **told,
        "found": found,
        "kinds": drifted,
        "causes": [cause for each in red for cause in each["causes"]],
        "report": red[0]["report"] if red else window.report if last else before["report"],
        "told_at": max(now, alone).isoformat(),
        "noted_at": now.isoformat(),
    }


def judged(window: Window, before: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What is known of each kind: as the last window said that could judge it."""
    found: dict[str, dict[str, Any]] = dict(before.get("found", {}))
    end = window.end.isoformat()
    for kind, drifted in window.kinds.items():
        if end >= found.get(kind, {}).get("end", ""):
            causes = [cause for cause in window.causes if cause.startswith(f"{kind}: ")]
            found[kind] = {"drifted": drifted, "end": end, "causes": causes, "report": window.report}
    return found


def _is_of_the_same_model(window: Window, before: dict[str, Any]) -> bool:
    """Of another model's drift nothing holds. SageMaker's own jobs do not say which version they saw."""
    same = window.package_version is None or before.get("package_version") == window.package_version
    return same and window.state != "absent"


def values(window: Window, kinds: dict[str, bool]) -> dict[str, float]:
    """The metrics of a window. Where too little was asked, nothing is said of drift: alarms stay as they are."""
    told = dict(window.figures)
    if window.state in ("examined", "absent"):
        told |= {f"{kind.title().replace('-', '')}Drifted": float(drifted) for kind, drifted in kinds.items()}
    return told
