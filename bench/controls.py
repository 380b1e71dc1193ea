"""The figures of the functions and of what the cost controls cost themselves."""

import tempfile
import zipfile
from pathlib import Path

import config.node  # noqa: F401
from bench.alone import imported
from bench.figure import ROOT, Figure
from config import control_prices, prices
from config.costs import Budget
from config.load import load
from sluice import archive, function

SAMPLES = 5
_LIMIT_USD = 5.0


def handlers() -> list[str]:
    """The verbs of all functions: the modules that have a handler."""
    return sorted(path.stem for path in function.CONTROLS.glob("*.py") if "\ndef handler(" in path.read_text("utf-8"))


def package() -> list[Figure]:
    """The package that is deployed, and how long each handler takes to import: without bytecode, as in Lambda."""
    with tempfile.TemporaryDirectory() as folder:
        target, unzipped = Path(folder) / "functions.zip", Path(folder) / "package"
        folders = {"": function.DEPENDENCIES, "controls/": function.CONTROLS}
        archive.write(target, folders, unwanted=function.UNWANTED)
        with zipfile.ZipFile(target) as source:
            source.extractall(unzipped)
        took = {verb: min(1000 * imported(unzipped, verb).seconds for _ in range(SAMPLES)) for verb in handlers()}
        megabytes = target.stat().st_size / 1e6
    slowest = max(took, key=lambda verb: took[verb])
    return [
        Figure(
            name="functions.max_import_ms",
            value=took[slowest],
            unit="ms",
            limit=400,
            # The best: whatever else the machine does can only add to it.
            against=f"{slowest}, of {len(took)} handlers; beyond boto3, bare interpreter, best of {SAMPLES}",
            samples=SAMPLES * len(took),
        ),
        Figure(
            name="functions.max_package_mb",
            value=megabytes,
            unit="MB",
            limit=5,
            against="the one package of all functions, zipped",
            samples=1,
        ),
    ]


def at_rest() -> list[Figure]:
    """The controls of the production sample with a budget, for 50 resources and 20 endpoints."""
    watched, platform = control_prices.Load(), load(ROOT / "config" / "production.yaml")
    costs = platform.costs.model_copy(update={"budget": Budget(usd_per_month=2000)})
    rows = control_prices.at_rest(platform.model_copy(update={"costs": costs}), watched)
    whole, tiered = control_prices.total_in_full(rows), prices.total(rows)
    counted, what = whole, "no free tier counted"
    if whole >= _LIMIT_USD:
        counted, what = (
            control_prices.with_free_dashboards(rows),
            f"no free tier but the dashboard's; {whole:.2f} without",
        )
    return [
        Figure(
            name="controls.usd_month_at_rest",
            value=counted,
            unit="USD/month",
            limit=_LIMIT_USD,
            against=f"{watched.resources} resources, {watched.endpoints} endpoints; {what}, {tiered:.2f} with all",
            samples=1,
        )
    ]
