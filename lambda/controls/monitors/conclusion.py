"""What is remembered of a monitor's windows, and told of them as metrics. Pure.

SageMaker's own jobs are one for each kind and end in any order, so of each kind the last window counts that judged it.
"""

from datetime import datetime, timedelta
from typing import Any

from controls.monitors.windows import DATA_QUALITY, Window

# Of two conclusions in one period the drift alarm would take the higher: each is alone in one, and the last one counts.
PERIOD = timedelta(minutes=5)
Item = dict[str, Any]


def members(window: Window, before: Item, monitor: Item, now: datetime) -> Item:
    """What is remembered: the last window, and of each kind the last that judged it.

    `monitor` is that of `controls.conclude.Settings`. Causes and report are those of the kinds that have drifted.
    `told_at` is when the metrics say so.
    """
    kinds: list[str] = monitor["kinds"]
    found = judged(window, before)
    awaited = _awaited(found, before, monitor, now) if window.native else {}
    overdue = _overdue(awaited, monitor, now)
    faults = {kind: why for kind, why in _faults(window, before, kinds).items() if kind not in awaited}
    drifted = {kind: kind in found and found[kind]["drifted"] for kind in kinds}
    red = [found[kind] for kind in kinds if drifted[kind]]
    alone = datetime.fromisoformat(before["told_at"]) + PERIOD if before else now
    return {
        **_of_all(window, before),
        "faults": faults | overdue,
        "awaited": awaited,
        "found": found,
        "kinds": drifted,
        "causes": [cause for each in red for cause in each["causes"]],
        "report": red[0]["report"] if red else window.report,
        "told_at": max(now, alone).isoformat(),
        "noted_at": now.isoformat(),
    }


def _of_all(window: Window, before: Item) -> Item:
    """Of which window and version everything is. Of SageMaker's own jobs only data quality's tells how many rows."""
    end, counted = window.end.isoformat(), "Rows" in window.figures
    if before and (not counted or end < before["end"]):
        return {name: before[name] for name in ("window", "end", "state", "package_version", "rows")}
    version = before.get("package_version", 0) if window.package_version is None else window.package_version
    return {
        "window": {"start": window.start.isoformat(), "end": end},
        "end": end if counted else "",
        "state": window.state,
        "package_version": version,
        "rows": int(window.figures.get("Rows", 0)),
    }


def judged(window: Window, before: Item) -> dict[str, Item]:
    """What is known of each kind: as the last window said that could judge it, of the same model."""
    found: dict[str, Item] = {} if is_another(window, before) else dict(before.get("found", {}))
    end = window.end.isoformat()
    for kind, drifted in window.kinds.items():
        if end >= found.get(kind, {}).get("end", ""):
            causes = [cause for cause in window.causes if cause.startswith(f"{kind}: ")]
            found[kind] = {"drifted": drifted, "end": end, "causes": causes, "report": window.report}
    return found


def _faults(window: Window, before: Item, kinds: list[str]) -> dict[str, str]:
    """By kind why it could not be examined. Of too few rows nothing new is known, but that the endpoint captures."""
    known = {kind: why for kind, why in before.get("faults", {}).items() if kind in kinds}
    if window.state in ("too-little", "no-traffic", "uncaptured") and not is_another(window, before):
        return known | window.faults
    others = {kind: why for kind, why in known.items() if window.native and kind != window.native}
    return others | window.faults


def _awaited(found: dict[str, Item], before: Item, monitor: Item, now: datetime) -> dict[str, str]:
    """By kind of SageMaker's own jobs since when its result is awaited: each has a schedule, which may die alone.

    One that has told nothing yet is awaited from when labels may be there. Data quality's silence has its own alarm.
    """
    first, since = (now + timedelta(hours=monitor["delay_hours"])).isoformat(), before.get("awaited", {})
    kinds = [kind for kind in monitor["kinds"] if kind != DATA_QUALITY]
    return {kind: max(found.get(kind, {}).get("end", ""), since.get(kind, first)) for kind in kinds}


def _overdue(awaited: dict[str, str], monitor: Item, now: datetime) -> dict[str, str]:
    """By kind that it is awaited for too long."""
    told = "its jobs have written nothing since {:%Y-%m-%d %H:%M} UTC: look at the executions of its schedule"
    moments = {kind: datetime.fromisoformat(since) for kind, since in awaited.items()}
    return {
        kind: told.format(since)
        for kind, since in moments.items()
        if now - since > timedelta(hours=monitor["overdue_hours"])
    }


def is_another(window: Window, before: Item) -> bool:
    """Whether the model is not the one of `before`: nothing that is remembered is true of it."""
    return bool(before) and window.package_version not in (None, before["package_version"])


def values(window: Window, before: Item, after: Item) -> dict[str, float]:
    """The metrics of a window. `Drifted` is what the alarm looks at: whether any kind has.

    A kind that was not judged has no metric, and its drift lasts; but of another model than before it begins with 0,
    unless it could not be examined.
    """
    kinds: dict[str, bool] = after["kinds"]
    told, of = dict(window.figures), {kind: drifted for kind, drifted in kinds.items() if kind in window.kinds}
    changed = is_another(window, before) or after["faults"] != before.get("faults", {})
    if changed or window.state == "examined":
        told.setdefault("Faults", float(len(after["faults"])))
    if is_another(window, before):
        of = {kind: False for kind in kinds if kind not in window.faults} | of
    if of:
        told["Drifted"] = float(any(kinds.values()))
    return told | {f"{kind.title().replace('-', '')}Drifted": float(drifted) for kind, drifted in of.items()}
