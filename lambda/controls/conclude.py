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
    """State: examined | too-little | no-traffic | absent. Raises WindowError.

    `event` is that of a step: workload, end, now and output, the URI of a window's folder, empty where nothing is
    served; or EventBridge's of a file that SageMaker Model Monitor wrote.
    """
    config, s3 = settings.read(Settings, os.environ), clients.client("s3")
    if "detail" in event:
        now = datetime.fromisoformat(event["time"])
        workload, window = windows.native(s3, event["detail"], now, config.monitors)
    else:
        workload, now = event["workload"], datetime.fromisoformat(event["now"])
        end = datetime.fromisoformat(event["end"])
        window = windows.read(s3, event["output"], end) if event["output"] else windows.absent(end)
    ledger = Ledger(clients.client("dynamodb"), config.ledger_table, now=now)
    before = ledger.recall(TOPIC, workload) or {}
    kinds = known(window, before, config.monitors[workload]["kinds"])
    emf.emit(config.platform, values(window, kinds), now, workload=workload)
    if window.end.isoformat() >= before.get("end", ""):
        ledger.remember(TOPIC, workload, **members(window, kinds, now))
    logger.info("concluded", workload=workload, state=window.state, causes=window.causes)
    return {"State": window.state}


def known(window: Window, before: dict[str, Any], kinds: list[str]) -> dict[str, bool]:
    """Whether each kind has drifted: where this window cannot tell, as the one before said of the same model."""
    same = before.get("package_version") == window.package_version or window.package_version is None
    earlier = before.get("kinds", {}) if same and window.state != "absent" else {}
    return {kind: window.kinds.get(kind, bool(earlier.get(kind))) for kind in kinds}


def values(window: Window, kinds: dict[str, bool]) -> dict[str, float]:
    """The metrics of a window. Where too little was asked, nothing is said of drift: alarms stay as they are."""
    told = dict(window.figures)
    if window.state in ("examined", "absent"):
        told |= {f"{kind.title().replace('-', '')}Drifted": float(drifted) for kind, drifted in kinds.items()}
    return told


def members(window: Window, kinds: dict[str, bool], now: datetime) -> dict[str, Any]:
    """What is remembered of a window."""
    return {
        "window": {"start": window.start.isoformat(), "end": window.end.isoformat()},
        "end": window.end.isoformat(),
        "state": window.state,
        "causes": list(window.causes),
        "report": window.report,
        "package_version": window.package_version or 0,
        "rows": int(window.figures.get("Rows", 0)),
        "kinds": kinds,
        "noted_at": now.isoformat(),
    }
