"""The figures of the platform, each measured by running what a user runs, in a process of its own."""

import json
import re
import statistics
import sys
import tempfile
from pathlib import Path

import yaml

from bench.figure import ROOT, Figure, timed
from config import prices
from config.load import load

SYNTH_SAMPLES = 5
WORKLOADS = ["digits", "tabular", "automl"]


def rehearsal() -> list[Figure]:
    """The README's first story, from an environment that is set up."""
    seconds, _ = timed([sys.executable, "-m", "rehearsal.runner"])
    steps = json.loads((ROOT / "out" / "rehearsal" / "report.json").read_text())["steps"]
    evidence = next(step["evidence"] for step in steps if step["name"].startswith("predict"))
    purity = float(re.search(r"purity ([0-9.]+)", evidence).group(1))  # type: ignore[union-attr]
    return [
        Figure(
            name="rehearse.seconds",
            value=seconds,
            unit="s",
            limit=150,
            against="whole command, after set-up",
            samples=1,
        ),
        Figure(
            name="digits.purity",
            value=purity,
            unit="share",
            limit=0.6,
            lowest=True,
            against="100 held-out digits",
            samples=100,
        ),
    ]


def tests() -> list[Figure]:
    """The part of the tests that a developer runs all the time."""
    seconds, _ = timed([sys.executable, "-m", "pytest", "-q", "-m", "not slow", "tests"])
    return [
        Figure(name="test.seconds", value=seconds, unit="s", limit=90, against="whole command, after set-up", samples=1)
    ]


def synth() -> list[Figure]:
    """The whole application against the floor, in turn, so that a slow machine slows both."""
    ours, three, floor, peaks = [], [], [], []
    context = json.dumps(json.loads((ROOT / "cdk.json").read_text())["context"])  # as the CDK command line hands it on
    with tempfile.TemporaryDirectory() as out:
        every = Path(out, "every.yaml")
        settings = yaml.safe_load((ROOT / "config" / "team.yaml").read_text())
        every.write_text(yaml.safe_dump(settings | {"workloads": WORKLOADS}))
        for sample in range(SYNTH_SAMPLES + 1):  # into an empty folder each time, as the first synth of a checkout
            both = {"CDK_CONTEXT_JSON": context, "CDK_OUTDIR": f"{out}/app{sample}"}
            seconds, peak = timed([sys.executable, "app.py"], **both)
            ours.append(seconds)
            peaks.append(peak)
            both["CDK_OUTDIR"] = f"{out}/three{sample}"
            three.append(timed([sys.executable, "app.py"], SLUICE_CONFIG=str(every), **both)[0])
            both["CDK_OUTDIR"] = f"{out}/floor{sample}"
            floor.append(timed([sys.executable, "-m", "bench.floor"], **both)[0])
    # The first pair warms the caches.
    ratios, of_three = ([a / b for a, b in zip(each[1:], floor[1:], strict=True)] for each in (ours, three))
    note = f"bench/floor.py, median of {SYNTH_SAMPLES} pairs; floor {statistics.median(floor[1:]):.2f} s"
    told = {"against": "python app.py into an empty folder", "samples": SYNTH_SAMPLES}
    return [
        Figure(
            name="synth.ratio_to_floor",
            value=statistics.median(ratios),
            unit="x",
            limit=2.0,
            against=note,
            samples=SYNTH_SAMPLES,
        ),
        Figure(
            name="synth.ratio_three_workloads",
            value=statistics.median(of_three),
            unit="x",
            against=f"{note}; config/team.yaml with {', '.join(WORKLOADS)}",
            samples=SYNTH_SAMPLES,
        ),
        Figure(name="synth.seconds", value=statistics.median(ours[1:]), unit="s", **told),
        Figure(name="synth.peak_mb", value=max(peaks), unit="MB", **told),
    ]


def setup() -> list[Figure]:
    """A fresh clone in an empty home, until the rehearsal and the tests can start. Uses the package registries."""
    with tempfile.TemporaryDirectory() as folder:
        clone, home = f"{folder}/clone", f"{folder}/home"
        Path(home).mkdir()
        timed(["git", "clone", "--quiet", str(ROOT), clone])
        seconds, _ = timed(["make", "-C", clone, "setup"], HOME=home)
    note = "make setup in a fresh clone, empty home"
    return [Figure(name="setup.seconds", value=seconds, unit="s", limit=240, against=note, samples=1)]


def at_rest() -> list[Figure]:
    """What a month costs in which nobody works; the least configuration may cost nothing but its key."""
    return [
        Figure(
            name=f"platform.usd_month_at_rest.{sample}",
            value=prices.total(prices.at_rest(load(ROOT / "config" / f"{sample}.yaml"))),
            unit="USD/month",
            limit=limit,
            against=f"config/{sample}.yaml, prices of config/prices.py ({prices.REGION})",
            samples=1,
        )
        for sample, limit in (("minimal", prices.KEY.usd), ("production", None))
    ]
