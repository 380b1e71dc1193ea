"""The last step of a monitor: what a window showed becomes metrics, and is remembered for who answers drift.

Of SageMaker Model Monitor's jobs it hears when their violations are written, and tells them by the same metrics.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger

from controls import clients, emf, settings, windows
from controls.ledger import Ledger
from controls.windows import Window

logger = Logger(service="conclude")

TOPIC = "monitor"  # remembered by workload: the last window


@dataclass(frozen=True)
class Settings:
    """`monitors`: by workload, the `kinds` that are examined and the `critical` features."""

    platform: str
    ledger_table: str
    monitors: dict[str, dict[str, list[str]]]


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """State: examined | too-little | no-traffic | absent | uncaptured. Raises WindowError.

    `event` is that of a step: workload, end (of the window), now, served, as `controls.watch` has answered, and output,
    the URI of the window's folder where it is true; or EventBridge's of a file that SageMaker Model Monitor wrote.
    """
    config, s3 = settings.read(Settings, os.environ), clients.client("s3")
    if "detail" in event:
        now = datetime.fromisoformat(event["time"])
        workload, window = windows.native(s3, event["detail"], now, config.monitors)
    else:
        workload, now = event["workload"], datetime.fromisoformat(event["now"])
        window = _of_step(s3, event, config.monitors[workload])
    ledger = Ledger(clients.client("dynamodb"), config.ledger_table, now=now)
    before = ledger.recall(TOPIC, workload) or {}
    # Of SageMaker's own jobs each has windows of its own, whose results come in any order.
    late = "detail" not in event and window.end.isoformat() < before.get("end", "")
    kinds = known(window, before, config.monitors[workload]["kinds"])
    emf.emit(config.platform, values(window, before, kinds, late=late), now, workload=workload)
    if not late:
        ledger.remember(TOPIC, workload, **members(window, before, kinds, now))
    logger.info("concluded", workload=workload, state=window.state, causes=window.causes, faults=window.faults)
    return {"State": window.state}


def _of_step(s3: Any, event: dict[str, Any], monitor: dict[str, list[str]]) -> Window:
    end = datetime.fromisoformat(event["end"])
    match event["served"]:
        case "true":
            return windows.read(s3, event["output"], monitor["critical"])
        case "uncaptured":
            return windows.uncaptured(end, monitor["kinds"])
        case _:
            return windows.absent(end)


def known(window: Window, before: dict[str, Any], kinds: list[str]) -> dict[str, bool]:
    """Whether each kind has drifted: where this window cannot tell, as the one before said of the same model."""
    earlier = {} if is_another(window, before) else before.get("kinds", {})
    return {kind: window.kinds.get(kind, bool(earlier.get(kind))) for kind in kinds}


def is_another(window: Window, before: dict[str, Any]) -> bool:
    """Whether the model is not the one of `before`: nothing that is remembered is true of it."""
    return bool(before) and window.package_version not in (None, before["package_version"])


def values(window: Window, before: dict[str, Any], kinds: dict[str, bool], *, late: bool) -> dict[str, float]:
    """The metrics of a window. `Drifted` is what the alarm looks at: whether any of `kinds` has.

    A kind that was not judged has no metric, and its drift lasts; but of another model than before it begins with 0,
    unless it could not be examined. A `late` window, after which one was remembered already, is only counted.
    """
    if late:
        return {"Rows": window.figures["Rows"]}
    told, judged = dict(window.figures), {kind: window.kinds[kind] for kind in kinds if kind in window.kinds}
    if is_another(window, before):
        told = {"Faults": 0.0, **told}
        judged = {kind: False for kind in kinds if kind not in window.faults} | judged
    if judged:
        told["Drifted"] = float(any(kinds.values()))
    return told | {f"{kind.title().replace('-', '')}Drifted": float(drifted) for kind, drifted in judged.items()}


def members(window: Window, before: dict[str, Any], kinds: dict[str, bool], now: datetime) -> dict[str, Any]:
    """What is remembered of a window."""
    version = before.get("package_version", 0) if window.package_version is None else window.package_version
    unseen = window.state in ("too-little", "no-traffic") and not is_another(window, before)
    return {
        "window": {"start": window.start.isoformat(), "end": window.end.isoformat()},
        "end": window.end.isoformat(),
        "state": window.state,
        "causes": list(window.causes),
        "faults": before.get("faults", {}) if unseen else window.faults,
        "report": window.report,
        "package_version": version,
        "rows": int(window.figures.get("Rows", 0)),
        "kinds": kinds,
        "noted_at": now.isoformat(),
    }
