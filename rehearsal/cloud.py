"""The embedded cloud's process: ministack with the SageMaker service mounted, on loopback.

Run by `.venv-cloud`'s Python with GATEWAY_PORT and SLUICE_WORK set. Beside AWS's API it answers two paths:
`POST /_rehearsal/advance` with `{"seconds": N}` and `GET /_rehearsal/stand-ins`.
"""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import asyncio
import json
import os
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app

from rehearsal import processes, seam
from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.endpoints import Endpoints
from rehearsal.sagemaker.jobs import Jobs
from rehearsal.sagemaker.pipelines import Pipelines
from rehearsal.sagemaker.service import Service


def main() -> None:
    port, work = int(os.environ["GATEWAY_PORT"]), Path(os.environ["SLUICE_WORK"])
    clock = Clock()
    cloud = seam.Cloud(os.environ["MINISTACK_ACCOUNT_ID"], os.environ["MINISTACK_REGION"], port, clock)
    service = Service(cloud, clock)
    environment = processes.clean_environment(HOME=str(work), PYTHONUNBUFFERED="1", OMP_NUM_THREADS="1")
    Jobs(service, work, environment)
    Pipelines(service)
    endpoints = Endpoints(service, work, environment)
    seam.mount(service, endpoints, clock)

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/_rehearsal/"):
            await _control(scope, receive, send, clock)
        else:
            await app.app(scope, receive, send)

    config = Config()
    config.bind, config.keep_alive_timeout, config.loglevel = [f"127.0.0.1:{port}"], 75, "WARNING"
    asyncio.run(serve(application, config))  # type: ignore[arg-type]


async def _control(scope: dict[str, Any], receive: Any, send: Any, clock: Clock) -> None:
    body = (await receive()).get("body", b"")
    status, answer = 404, {"error": f"no such control: {scope['path']}"}
    if scope["path"] == "/_rehearsal/advance" and scope["method"] == "POST":
        await asyncio.to_thread(seam.advance, clock, float(json.loads(body)["seconds"]))
        status, answer = 200, {"now": clock.now()}
    elif scope["path"] == "/_rehearsal/stand-ins":
        status, answer = 200, {"stand_ins": seam.STAND_INS}
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


if __name__ == "__main__":
    main()
