"""`make bench`: measures the project's figures and keeps them in out/bench.json.

A figure that was not measured is absent, with its reason. `--only PREFIX` renews the figures of that prefix and keeps
the rest.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import contests, controls, drift, drift_chaos, governance, platform, review, scale, sweep, training
from bench.cloud import cloud
from bench.figure import ROOT, BenchError, Figure
from bench.money import figures as money

FIGURES: dict[tuple[str, ...], Callable[[], list[Figure]]] = {
    ("rehearse.seconds", "digits.purity"): platform.rehearsal,
    ("test.seconds",): platform.tests,
    ("setup.seconds",): platform.setup,
    ("synth.ratio_to_floor", "synth.ratio_three_workloads", "synth.seconds", "synth.peak_mb"): platform.synth,
    ("platform.usd_month_at_rest.minimal", "platform.usd_month_at_rest.production"): platform.at_rest,
    ("cloud.ready_seconds", "cloud.idle_mb", "cloud.operations"): cloud,
    ("cloud.create_7000_seconds", "cloud.list_page_ms"): scale.scale,
    ("cloud.pipeline_overhead_seconds",): scale.pipeline,
    ("guardrails.attempts", "guardrails.wrong"): governance.guardrails,
    ("iam.wildcards_with_resource_level",): governance.wildcards,
    ("config.random_valid_failed",): governance.random_valid,
    ("functions.max_import_ms", "functions.max_package_mb"): controls.package,
    ("controls.usd_month_at_rest",): controls.at_rest,
    ("compile.seconds",): training.compiling,
    ("tuning.seconds", "automl.auc"): training.story,
    ("tuning.gain_over_default", "tuning.gain_share_of_splits"): training.gains,
    ("sweep.calls_ratio", "sweep.peak_mb", "sweep.minutes"): sweep.sweeping,
    ("review.seconds", "review.seconds_3000", "review.peak_mb"): review.times,
    ("review.two_synths_seconds",): review.two_synths,
    ("review.corpus_wrong",): review.corpus,
    ("review.ratio_to_cdk_diff",): review.against_cdk,
    ("rules.seconds", "rules.count"): review.rules,
    ("drift.false_alarm_rate", "drift.power"): drift.rates,
    (
        *(f"drift.false_alarms_of_{name}" for name in ("quality", "bias", "attribution", "all_kinds")),
        *(f"drift.power_of_{name}" for name in ("quality", "bias", "attribution")),
    ): drift.kinds,
    ("drift.evidently_agreement",): drift.compared,
    ("monitor.peak_mb",): drift.peak,
    ("drift.injections_answered",): drift.story,
    ("drift.chaos_violations",): drift_chaos.violations,
    ("contest.drift_answered", "contest.luck"): contests.rates,
    ("spot_drill.lost_epochs", "spot_drill.half_written_loaded"): training.interruptions,
}
TARGET = ROOT / "out" / "bench.json"
NO_TRACES = "no traces are given: make bench TRACES=DIR, as docs/money.md says"


def main() -> int:
    """Exit status 0 when every figure measured now is within its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", metavar="PREFIX")
    parser.add_argument("--traces", type=Path, metavar="DIR", help=f"of the figures {', '.join(money.NAMES)}")
    given = parser.parse_args()
    prefix, figures = given.only, dict(FIGURES)
    if given.traces:
        figures[money.NAMES] = partial(money.money, given.traces)
    chosen = [measure for names, measure in figures.items() if any(name.startswith(prefix) for name in names)]
    console = Console()
    absent = [] if given.traces else [name for name in money.NAMES if name.startswith(prefix)]
    if absent:
        console.print(f"not measured: {', '.join(absent)}; {NO_TRACES}", markup=False, highlight=False)
    if not chosen and not absent:
        known = ", ".join(name for names in (*FIGURES, money.NAMES) for name in names)
        print(f"no figure starts with '{prefix}'; known: {known}", file=sys.stderr)  # noqa: T201
        return 2
    fresh: list[dict[str, object]] = []
    failed = 0
    for measure in chosen:
        try:
            with console.status(f"measuring {_name(measure)} ..."):
                found = [figure for figure in measure() if figure.name.startswith(prefix)]
        except BenchError as error:
            failed += 1
            console.print(f"{_name(measure)} could not be measured: {error}", markup=False)
            continue
        at = datetime.now(UTC).isoformat(timespec="seconds")
        fresh += [figure.row(_commit(), at) for figure in found]
        _keep(fresh)
    console.print(_table(fresh))
    return 1 if failed or not all(row["ok"] for row in fresh) else 0


def _name(measure: Callable[[], list[Figure]]) -> str:
    return measure.func.__name__ if isinstance(measure, partial) else measure.__name__


def _commit() -> str:
    """The commit that is measured; with changes that are not committed it says so."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _keep(fresh: list[dict[str, object]]) -> None:
    rows = {str(row["name"]): row for row in [*_kept(), *fresh]}
    TARGET.parent.mkdir(exist_ok=True)
    absent = {name: NO_TRACES for name in money.NAMES if name not in rows}
    TARGET.write_text(json.dumps({"figures": [rows[name] for name in sorted(rows)], "absent": absent}, indent=1) + "\n")


def _kept() -> list[dict[str, object]]:
    return json.loads(TARGET.read_text())["figures"] if TARGET.exists() else []


def _table(rows: list[dict[str, object]]) -> Table:
    table = Table("figure", "value", "unit", "limit", "", "against", title=str(TARGET.relative_to(ROOT)))
    for row in rows:
        mark = "[green]ok[/]" if row["ok"] else "[red]over[/]"
        table.add_row(
            str(row["name"]), f"{row['value']:g}", str(row["unit"]), str(row["limit"]), mark, str(row["against"])
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
