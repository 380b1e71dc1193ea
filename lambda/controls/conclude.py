"""The last step of a monitor: what a window showed becomes metrics, and is remembered for who answers drift.

Of SageMaker Model Monitor's jobs it hears when their violations are written, and tells them by the same metrics. Those
jobs end at about the same time, one for each kind: what is remembered of each is its own, and is written under the
condition that no other one wrote meanwhile.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger

from controls import clients, emf, settings
from controls.ledger import Ledger
from controls.monitors import native_windows, windows
from controls.monitors.conclusion import members, values
from controls.monitors.windows import Window

logger = Logger(service="conclude")

TOPIC = "monitor"  # remembered by workload: the last window, and what is known of each kind
_ATTEMPTS = 10


class ContendedError(RuntimeError):
    """Others wrote each time: the event comes again."""


@dataclass(frozen=True)
class Settings:
    """`monitors`: by workload, the `kinds` that are examined and the `critical` features.

    Where SageMaker's own jobs examine, `minimum_rows` and `drift_share` as well; `delay_hours`, how late labels may
    come, and `overdue_hours`, for how long a kind may tell nothing.
    """

    platform: str
    ledger_table: str
    monitors: dict[str, dict[str, Any]]


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """State: examined | too-little | no-traffic | absent | uncaptured. Raises WindowError and ContendedError.

    `event` is that of a step: workload, end (of the window), now, served, as `controls.watch` has answered, and output,
    the URI of the window's folder where it is true; or EventBridge's of a file that SageMaker Model Monitor wrote.
    """
    config, s3 = settings.read(Settings, os.environ), clients.client("s3")
    if "detail" in event:
        now = datetime.fromisoformat(event["time"])
        workload, window = native_windows.read(s3, event["detail"], now, config.monitors)
    else:
        workload, now = event["workload"], datetime.fromisoformat(event["now"])
        window = _of_step(s3, event, config.monitors[workload])
    ledger = Ledger(clients.client("dynamodb"), config.ledger_table, now=now)
    told, at = noted(ledger, workload, window, config.monitors[workload], now)
    emf.emit(config.platform, told, at, workload=workload)
    logger.info("concluded", workload=workload, state=window.state, causes=window.causes, faults=window.faults)
    return {"State": window.state}


def _of_step(s3: Any, event: dict[str, Any], monitor: dict[str, Any]) -> Window:
    end = datetime.fromisoformat(event["end"])
    match event["served"]:
        case "true":
            return windows.read(s3, event["output"], monitor["critical"])
        case "uncaptured":
            return windows.uncaptured(end, monitor["kinds"])
        case _:
            return windows.absent(end)


def noted(
    ledger: Ledger, workload: str, window: Window, monitor: dict[str, Any], now: datetime
) -> tuple[dict[str, float], datetime]:
    """Remembers `window`; what its metrics are, and of when. Raises ContendedError.

    Of a late one, after which another one was remembered already, only the rows are told.
    """
    for _ in range(_ATTEMPTS):
        before = ledger.recall(TOPIC, workload) or {}
        if not window.native and window.end.isoformat() < before.get("end", ""):
            return {"Rows": window.figures["Rows"]}, now
        after = members(window, before, monitor, now)
        if ledger.revise(TOPIC, workload, before.get("revision", 0), **after):
            return values(window, before, after), datetime.fromisoformat(after["told_at"])
    raise ContendedError(f"what is remembered of {workload} is written by others each time")
