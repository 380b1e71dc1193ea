"""The embedded cloud's process: ministack with the SageMaker service mounted, on loopback.

Run by `.venv-cloud`'s Python with GATEWAY_PORT, SLUICE_WORK and SLUICE_TOKEN set. Beside AWS's API it answers the
control API of `rehearsal.control`.
"""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import asyncio
import os
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app

from rehearsal import control, processes, seam
from rehearsal.bills import Bills
from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.endpoints import Endpoints
from rehearsal.sagemaker.jobs import Jobs
from rehearsal.sagemaker.mlflow_apps import MlflowApps
from rehearsal.sagemaker.pipelines import Pipelines
from rehearsal.sagemaker.regions import Region, Regions
from rehearsal.sagemaker.service import Service
from rehearsal.sagemaker.tuning import TuningJobs


def main() -> None:
    port, work, token = int(os.environ["GATEWAY_PORT"]), Path(os.environ["SLUICE_WORK"]), os.environ["SLUICE_TOKEN"]
    clock = Clock()
    home = os.environ["MINISTACK_REGION"]
    environment = processes.clean_environment(HOME=str(work), PYTHONUNBUFFERED="1", OMP_NUM_THREADS="1")
    cloud = seam.Cloud(os.environ["MINISTACK_ACCOUNT_ID"], home, port, clock)

    def region(name: str) -> Region:
        host = cloud if name == home else cloud.beside(name)
        service, place = Service(host, clock), work / name
        service.faults = cloud.faults
        jobs = Jobs(service, place, environment)
        TuningJobs(service)
        Pipelines(service)
        here = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_REGION": name}
        apps = MlflowApps(service, place, environment | here, host.session)
        return Region(service, jobs, Endpoints(service, place, environment), apps)

    regions = Regions(home, region)
    bills = Bills()
    seam.mount(regions, bills, clock, cloud)
    controls = control.controls(regions, bills, cloud, clock)

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith(control.PREFIX):
            await control.answer(controls, token, scope, receive, send)
        else:
            await app.app(scope, receive, send)

    config = Config()
    config.bind, config.keep_alive_timeout, config.loglevel = [f"127.0.0.1:{port}"], 75, "WARNING"
    asyncio.run(serve(application, config))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
