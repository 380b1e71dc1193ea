"""`sluice runs`: the last runs of a workload beside each other, read from the platform's MLflow App."""

from datetime import UTC, datetime
from typing import Annotated, Any

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.load import ConfigurationError, Platform, chosen, load
from config.workload import Metric
from controls.runs.mlflow import Mlflow, MlflowError, Run

COULD_NOT = 2
DEFAULT_LAST = 6
_STYLES = {"FINISHED": "green", "FAILED": "red", "KILLED": "yellow"}
_UP = ("Created", "Updating", "Updated", "UpdateFailed")


class CannotShowError(Exception):
    """Why there is nothing to compare; the message is what a person needs to know."""


def runs(
    workload: Annotated[str, typer.Argument(help="A workload of the configuration.")],
    last: Annotated[int, typer.Option(min=1, max=200, help="How many runs, newest first.")] = DEFAULT_LAST,
    config: Annotated[str | None, typer.Option(help="Default: SLUICE_CONFIG or config/team.yaml.")] = None,
) -> None:
    """Compare the last runs of WORKLOAD: when, how they ended, the parameters that differ, metrics, package version.

    Exit status: 0 shown; 2 nothing to show, or not permitted.
    """
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        platform = load(chosen(config))
        found = _found(platform, workload, last)
        Console().print(comparison(found, platform.workloads[workload].metric, platform.prefix, workload))
    except (ConfigurationError, CannotShowError, MlflowError, ClientError, BotoCoreError) as error:
        errors.print(_told(error), markup=False)
        raise typer.Exit(COULD_NOT) from error


def _found(platform: Platform, workload: str, last: int) -> list[Run]:
    if workload not in platform.workloads:
        raise CannotShowError(f"no workload {workload}; there are: {', '.join(platform.workloads) or 'none'}")
    if not platform.has_experiments:
        told = next((each for each in platform.left_out if "MLflow" in each), "The configuration says experiments: off")
        raise CannotShowError(f"{platform.prefix} has no MLflow App. {told}")
    session = boto3.Session(region_name=platform.region)
    mlflow = Mlflow(_app(session.client("sagemaker"), platform.prefix), session.get_credentials())
    experiment = mlflow.experiment(f"{platform.prefix}/{workload}")
    found = list(mlflow.runs(experiment, {"sluice.workload": workload}, last)) if experiment else []
    if not found:
        raise CannotShowError(f"no run of {workload} has ended yet; runs are recorded when they end")
    return found


def _app(sagemaker: Any, name: str) -> str:
    pages = sagemaker.get_paginator("list_mlflow_apps").paginate()
    apps = [app for page in pages for app in page["Summaries"] if app["Name"] == name]
    for app in apps:
        if app["Status"] in _UP:
            return app["Arn"]
    state = f"is {apps[0]['Status']}" if apps else "does not exist: deploy the platform first"
    raise CannotShowError(f"the MLflow App {name} {state}")


def comparison(found: list[Run], metric: Metric, prefix: str, workload: str) -> Table:
    """A column for each run, the newest first. Of the metric that the workload is judged by, the best has a star."""
    count = f"the last {len(found)} runs" if len(found) > 1 else "the only run"
    table = Table(title=f"{prefix}/{workload}: {count}", title_justify="left")
    table.add_column("", no_wrap=True)
    for run in found:
        table.add_column(run.tags.get("mlflow.runName", run.id), overflow="fold")
    ends = [datetime.fromtimestamp((run.ended or run.started) / 1000, UTC) for run in found]
    table.add_row("ended", *(f"{end:%Y-%m-%d %H:%M}" for end in ends))
    table.add_row("status", *(Text(run.status, style=_STYLES.get(run.status, "")) for run in found))
    versions = [run.tags.get("sluice.model-package", "").rsplit("/", 1)[-1] or "-" for run in found]
    table.add_row("version", *versions, end_section=True)
    metrics = sorted({name for run in found for name in run.metrics}, key=lambda name: (name != metric.name, name))
    values = [run.metrics[metric.name] for run in found if metric.name in run.metrics]
    best = (max if metric.direction == "maximize" else min)(values, default=None)
    for name in metrics:
        shown = (_shown(run.metrics.get(name), name == metric.name and run.metrics.get(name) == best) for run in found)
        table.add_row(name, *shown, end_section=name == metrics[-1])
    for name in _differing(found):
        table.add_row(name, *(_short(run.params.get(name)) for run in found))
    return table


def _differing(found: list[Run]) -> list[str]:
    """The parameters that are not the same in all runs that have them; of a single run all."""
    given: dict[str, list[str]] = {}
    for run in found:
        for name, value in run.params.items():
            given.setdefault(name, []).append(value)
    return sorted(name for name, values in given.items() if len(set(values)) > 1 or len(values) == 1)


def _short(value: str | None) -> str:
    try:
        return f"{float(value or '-'):.6g}"
    except ValueError:
        return value or "-"


def _shown(value: float | None, best: bool) -> Text:
    if value is None:
        return Text("-")
    return Text(f"{value:.6g}{' *' if best else ''}", style="bold" if best else "")


def _told(error: Exception) -> str:
    if isinstance(error, MlflowError) and error.status == 403:
        return f"not permitted: sagemaker:CallMlflowAppApi on the platform's app is needed ({error})"
    if isinstance(error, ClientError) and "AccessDenied" in error.response["Error"]["Code"]:
        return f"not permitted: sagemaker:ListMlflowApps is needed ({error})"
    return str(error)
