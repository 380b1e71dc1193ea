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
from controls.mlflow import Mlflow, MlflowError, Run

COULD_NOT = 2
DEFAULT_LAST = 10
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
    """Of the metric that the workload is judged by, the best value is marked with a star."""
    table = Table(title=f"{prefix}/{workload}: the last {len(found)} runs", title_justify="left")
    params = [name for name in _names(found, "params") if len({run.params.get(name) for run in found}) > 1]
    metrics = _names(found, "metrics")
    metrics.sort(key=lambda name: name != metric.name)
    for heading in ("run", "ended", "status", "version", *params):
        table.add_column(heading, overflow="fold")
    for name in metrics:
        table.add_column(name, justify="right", overflow="fold")
    values = [run.metrics[metric.name] for run in found if metric.name in run.metrics]
    best = (max if metric.direction == "maximize" else min)(values, default=None)
    for run in found:
        marked = {metric.name} if best is not None and run.metrics.get(metric.name) == best else set[str]()
        table.add_row(
            run.tags.get("mlflow.runName", run.id),
            datetime.fromtimestamp((run.ended or run.started) / 1000, UTC).strftime("%Y-%m-%d %H:%M"),
            Text(run.status, style=_STYLES.get(run.status, "")),
            run.tags.get("sluice.model-package", "").rsplit("/", 1)[-1] or "-",
            *(run.params.get(name, "-") for name in params),
            *(_shown(run.metrics.get(name), name in marked) for name in metrics),
        )
    return table


def _names(found: list[Run], kind: str) -> list[str]:
    return sorted({name for run in found for name in getattr(run, kind)})


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
