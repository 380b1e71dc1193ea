"""The control API: what a rehearsal asks of the embedded cloud beside AWS's API, below `/_rehearsal/` on loopback.

A request bears the token; its body is a JSON object. Answers: 200 with what was asked; 400 with `error`, which names
each member that is wrong, its value and what is allowed; 403 without the token; 404 for a control that is not there.
"""

import asyncio
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rehearsal import seam
from rehearsal.bills import Bills
from rehearsal.checks import FLAG, OBJECTS, TEXT, TRUE, USER, Check, number, one_of, or_null, refuse
from rehearsal.sagemaker import native_monitors, studio
from rehearsal.sagemaker.clock import Clock
from rehearsal.sagemaker.faults import CHECKS
from rehearsal.sagemaker.kinds import BY_NOUN
from rehearsal.sagemaker.regions import Regions
from rehearsal.sagemaker.store import AwsError

PREFIX = "/_rehearsal/"
LONGEST_ADVANCE_SECONDS = 3650 * 86400  # ten years: far beyond, dates no longer have four digits

Body = dict[str, Any]


@dataclass(frozen=True)
class Control:
    """What a control does with a body that has these members."""

    act: Callable[[Body], Body]
    required: Mapping[str, Check] = field(default_factory=dict[str, Check])
    optional: Mapping[str, Check] = field(default_factory=dict[str, Check])


def controls(regions: Regions, bills: Bills, cloud: seam.Cloud, clock: Clock) -> dict[str, Control]:
    """Every control by name.

    `activity`: when an `app` (its ARN) was last used by its `user` and last found in `health`, in seconds since the
    epoch or null. `advance`: moves the clock; what falls due on the way is done when it answers. `bill` and
    `price-list`: what Cost Explorer and the Price List API tell from now on (`rehearsal.bills`). `calls`: who called
    what how often. `faults`: sets faults by name, or puts all back with `reset`; answers all. `jobs`: with `paused`,
    what is created does not start before it is false again. `kill-function`: ends the processes of a function's
    running invocations; answers how many. `operations`: what is served. `pace`: how many seconds each passing state
    lasts. `quota`: lets at most so many of a kind be; null lifts it. `session`: credentials of a role that trusts
    SageMaker, as Studio gives them to a `user` where one is named. `stand-ins` and `inert`: what is not as in AWS, and
    what is recorded without effect.
    """

    service = regions.home.service

    def set_faults(body: Body) -> Body:
        if body.get("reset"):
            service.faults.reset()
        service.faults.set(**{name: value for name, value in body.items() if name != "reset"})
        return {"faults": service.faults.state()}

    def set_quota(body: Body) -> Body:
        service.set_quota(body["kind"], body["limit"])
        return {"quota": body}

    def set_pace(body: Body) -> Body:
        regions.set_pace(float(body["seconds"]))
        return body

    return {
        "activity": Control(
            lambda body: {"activity": _set_activity(regions, body)},
            {"app": TEXT, "user": or_null(number(0)), "health": or_null(number(0))},
        ),
        "advance": Control(
            lambda body: {"now": clock.advance(float(body["seconds"]))},
            {"seconds": number(0, LONGEST_ADVANCE_SECONDS)},
        ),
        "bill": Control(lambda body: {"bill": bills.set_charges(body["charges"])}, {"charges": OBJECTS}),
        "calls": Control(lambda body: {"calls": service.calls.listed()}),
        "faults": Control(set_faults, optional={**CHECKS, "reset": TRUE}),
        "inert": Control(lambda body: {"inert": sorted([*seam.INERT, *native_monitors.listed()])}),
        "jobs": Control(lambda body: regions.set_paused(body["paused"]), {"paused": FLAG}),
        "kill-function": Control(lambda body: {"killed": seam.kill_function(body["name"])}, {"name": TEXT}),
        "operations": Control(lambda body: {"operations": sorted(service.operations())}),
        "pace": Control(set_pace, {"seconds": number(0, 86400)}),
        "price-list": Control(lambda body: {"price-list": bills.set_products(body["products"])}, {"products": OBJECTS}),
        "quota": Control(set_quota, {"kind": one_of(BY_NOUN), "limit": or_null(number(0, whole=True))}),
        "session": Control(
            lambda body: cloud.session(body["role"], tuple(body.get("user") or ()) or None),
            {"role": TEXT},
            {"user": USER},
        ),
        "stand-ins": Control(lambda body: {"stand_ins": seam.STAND_INS}),
    }


def _set_activity(regions: Regions, body: Body) -> None:
    studio.set_activity(regions.of(body["app"]).service, body["app"], body["user"], body["health"])


async def answer(known: Mapping[str, Control], token: str, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
    """Answer one request below `PREFIX`, as an ASGI application does."""
    raw = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        raw += message.get("body", b"")
        if not message.get("more_body"):
            break
    given = next((value for name, value in scope["headers"] if name == b"x-sluice-token"), b"")
    name = scope["path"].removeprefix(PREFIX)
    if not hmac.compare_digest(given, token.encode()):
        status, told = 403, {"error": "the x-sluice-token header does not bear this cloud's token"}
    elif name not in known:
        status, told = 404, {"error": f"there is no control '{name}'; there are {', '.join(sorted(known))}"}
    else:
        status, told = await asyncio.to_thread(_act, known[name], raw)
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})


def _act(control: Control, raw: bytes) -> tuple[int, Body]:
    try:
        body = json.loads(raw or b"{}")
        if not isinstance(body, dict):
            raise ValueError(f"the body is {type(body).__name__}, not a JSON object")
        refuse(body, control.required, control.optional)
        return 200, control.act(body)
    except AwsError as error:
        return 400, {"error": f"{error.code}: {error.message}"}
    except json.JSONDecodeError as error:
        return 400, {"error": f"the body is not JSON: {error}"}
    except ValueError as error:
        return 400, {"error": str(error)}
    except (KeyError, TypeError) as error:
        return 400, {"error": f"{type(error).__name__}: {error}"}
