"""`sluice monitors`: whether models still fit what they are asked, and what is done where one does not."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.account import Account, CannotError, opened
from controls.ledger import Item
from controls.monitors.drift import Drift, State

WINDOW, DRIFT = "monitor", "drift"  # topics of the ledger; in both a workload is what is remembered
ALARMS = ("drift", "faults", "silent")  # of stacks/monitoring.py: `<platform>-<workload>-<kind>`
_STYLES = {"ALARM": "red", "OK": "green", State.OPEN: "red", State.EXPIRED: "red", State.WON: "green"}
_OF_KINDS = ("drifted", "last judged", "causes", "not examined")
_NONE = "-"

app = typer.Typer(no_args_is_help=True, help="The monitors of what models are asked.")


@app.callback()
def monitors() -> None:
    """The monitors of what models are asked."""


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """Of one workload: its last window, its last drift, and the state of each kind of its alarms.

    `silent`: that window is older than it may be.
    """

    workload: str
    window: Item | None
    silent: bool
    drift: Drift | None
    alarms: dict[str, str]


@app.command("status")
def status(
    workloads: Annotated[
        list[str] | None, typer.Argument(metavar="[WORKLOAD]...", help="Default: all.", show_default=False)
    ] = None,
    config: Annotated[str | None, typer.Option(help="Default: SLUICE_CONFIG or config/team.yaml.")] = None,
) -> None:
    """Show of each monitor the last window, what was found, its alarms, and what came of the last drift.

    Exit status: 0 shown; 2 could not.
    """
    with opened(config) as account:
        found = look(account, workloads or [])
        Console(highlight=False).print(table(account.platform.prefix, found))


def look(account: Account, wanted: list[str]) -> list[Monitor]:
    """Raises CannotError where a workload has no monitor, or none has."""
    there = account.platform.monitors
    if not there and any(workload.monitor for workload in account.platform.workloads.values()):
        raise CannotError("; ".join(account.platform.left_out))
    if not there:
        named = ", ".join(account.platform.workloads) or "none"
        told = f"no workload of the configuration has a monitor (workloads: {named}). Next: `monitor: {{}}` in the "
        told += "workload.yaml of one, as docs/monitoring.md tells, or another --config: config/monitored.yaml"
        raise CannotError(told)
    if unknown := [name for name in wanted if name not in there]:
        raise CannotError(f"{', '.join(unknown)} has no monitor. Next: sluice monitors status {' '.join(there)}")
    ledger = account.ledger()
    found = list[Monitor]()
    for name in wanted or there:
        drift, window = ledger.recall(DRIFT, name), ledger.recall(WINDOW, name)
        latest = account.now - timedelta(hours=there[name].silent_after_hours)
        found.append(
            Monitor(
                workload=name,
                window=window,
                silent=window is not None and datetime.fromisoformat(window["noted_at"]) < latest,
                drift=Drift.of(drift) if drift else None,
                alarms=_alarms(account, name),
            )
        )
    return found


def _alarms(account: Account, workload: str) -> dict[str, str]:
    """The state of each kind of alarm that the monitor has."""
    names = {f"{account.platform.prefix}-{workload}-{kind}": kind for kind in ALARMS}
    found = account.client("cloudwatch").describe_alarms(AlarmNames=list(names), AlarmTypes=["MetricAlarm"])
    return {names[each["AlarmName"]]: each["StateValue"] for each in found["MetricAlarms"]}


def table(prefix: str, found: list[Monitor]) -> Table:
    """A column for each monitor; what is not known of it is a dash."""
    made = Table(title=f"{prefix}: monitors, times in UTC", title_justify="left", show_lines=False)
    made.add_column("", no_wrap=True)
    for monitor in found:
        made.add_column(Text(monitor.workload), overflow="fold")
    _rows(made, [_of_window(monitor.window) for monitor in found])
    _rows(made, [{"alarms": _shown(monitor)} for monitor in found])
    _rows(made, [_of_drift(monitor.drift) for monitor in found])
    return made


def _rows(made: Table, told: list[dict[str, Text]]) -> None:
    """A row for each member, the same in all of `told`."""
    for name in told[0]:
        made.add_row(name, *(each[name] for each in told), end_section=name == list(told[0])[-1])


def _of_window(window: Item | None) -> dict[str, Text]:
    if window is None:
        none = dict.fromkeys(("state", "version", "rows", *_OF_KINDS, "report"), Text(_NONE))
        return {"window": Text("none yet"), **none}
    start, end = (_moment(window["window"][name]) for name in ("start", "end"))
    drifted = [kind for kind, is_so in window["kinds"].items() if is_so]
    judged = {kind: _moment(found["end"]) for kind, found in window["found"].items()}
    faults = [f"{name}: {why}" for name, why in window["faults"].items()]
    return {
        "window": Text(f"{start} to {end}"),
        "state": Text(window["state"], style="red" if window["state"] == "uncaptured" else ""),
        "version": Text(str(window["package_version"] or _NONE)),
        "rows": Text(str(window["rows"])),
        "drifted": Text(", ".join(drifted) or _NONE, style="red" if drifted else ""),
        "last judged": Text("\n".join(f"{kind} {judged.get(kind, 'never')}" for kind in window["kinds"])),
        "causes": Text("\n".join(window["causes"]) or _NONE),
        "not examined": Text("\n".join(faults) or _NONE, style="red" if faults else ""),
        "report": Text(window["report"] or _NONE),
    }


def _of_drift(drift: Drift | None) -> dict[str, Text]:
    if drift is None:
        return {
            "drift": Text("none yet"),
            **dict.fromkeys(("why", "cause", "runs", "last run", "came to"), Text(_NONE)),
        }
    return {
        "drift": Text(f"{drift.state} (found {_moment(drift.opened_at)})", style=_STYLES.get(drift.state, "")),
        "why": Text(drift.why or _NONE),
        "cause": Text(drift.cause),
        "runs": Text(str(drift.tries)),
        "last run": Text(drift.execution.rpartition("/")[2] or _NONE),
        "came to": Text(drift.last or _NONE),
    }


def _shown(monitor: Monitor) -> Text:
    if not monitor.alarms:
        return Text("none. Next: cdk deploy --all", style="red")
    return Text("\n").join(_alarm(kind, state, monitor) for kind, state in sorted(monitor.alarms.items()))


def _alarm(kind: str, state: str, monitor: Monitor) -> Text:
    """Silence is told as insufficient data, and so is that there was no window yet."""
    if (kind, state) == ("silent", "INSUFFICIENT_DATA") and (monitor.silent or monitor.window is None):
        return Text("silent: no window for too long" if monitor.silent else "silent: no window yet", style="red")
    return Text(f"{kind} {state}", style=_STYLES.get(state, ""))


def _moment(at: datetime | str) -> str:
    """To the minute, in UTC."""
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"
