"""The embedded cloud's process: ministack with the SageMaker service mounted, on loopback.

Run by `.venv-cloud`'s Python with GATEWAY_PORT, SLUICE_WORK and SLUICE_TOKEN set. Beside AWS's API it answers, to
requests that bear the token, below `/_rehearsal/`: `advance` (`{"seconds": N}`: moves the clock), `session`
(`{"role": ARN}`: credentials of a role that trusts SageMaker), `quota`
(`{"kind": "Endpoint", "limit": 3}`; null lifts it), `pace` (`{"seconds": 60}`: how long each passing state lasts),
`activity` (`{"app": ARN, "user": seconds since the epoch or null, "health": the same}`: when an app was last used and
last found healthy), `operations` (what is served), `stand-ins` and `inert` (what is recorded without effect).
"""

# pyright: reportMissingImports=false
# ministack lives in .venv-cloud only.
import asyncio
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app

from rehearsal import processes, seam
from rehearsal.sagemaker import studio
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

    answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "advance": lambda body: {"now": seam.advance(clock, float(body["seconds"]))},
        "session": lambda body: cloud.session(body["role"]),
        "quota": lambda body: {"quota": service.set_quota(body["kind"], body["limit"])},
        "pace": lambda body: {"pace": service.set_pace(float(body["seconds"]))},
        "activity": lambda body: {"activity": studio.set_activity(service, body["app"], body["user"], body["health"])},
        "operations": lambda body: {"operations": sorted(service.operations())},
        "stand-ins": lambda body: {"stand_ins": seam.STAND_INS},
        "inert": lambda body: {"inert": sorted(seam.INERT)},
    }

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/_rehearsal/"):
            await _control(scope, receive, send, answers)
        else:
            await app.app(scope, receive, send)

    config = Config()
    config.bind, config.keep_alive_timeout, config.loglevel = [f"127.0.0.1:{port}"], 75, "WARNING"
    asyncio.run(serve(application, config))  # type: ignore[arg-type]


async def _control(scope: dict[str, Any], receive: Any, send: Any, answers: Mapping[str, Callable[..., Any]]) -> None:
    body = json.loads((await receive()).get("body") or b"{}")
    answer = answers.get(scope["path"].removeprefix("/_rehearsal/"))
    bears_token = (b"x-sluice-token", os.environ["SLUICE_TOKEN"].encode()) in scope["headers"]
    status, told = 403 if not bears_token else 404, {"error": scope["path"]}
    if answer and bears_token:
        status, told = 200, await asyncio.to_thread(answer, body)
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})


if __name__ == "__main__":
    main()
