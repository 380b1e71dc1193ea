"""What there is to record of a state machine around Autopilot: from its event and from what it left in S3."""

import json
from collections.abc import Iterator
from typing import Any

from controls.runs import results
from controls.runs.ended import Ended, Kept, Try, given
from controls.runs.results import Results

STATUSES = {"SUCCEEDED": "FINISHED", "FAILED": "FAILED", "TIMED_OUT": "FAILED", "ABORTED": "KILLED"}


def read(detail: dict[str, Any], workload: str, found: Results, bucket: str) -> Ended:
    """`detail` is that of Step Functions' event. Of a run that ended before its leaderboard no tries are known, nor
    which data it read.
    """
    kept = Kept()
    kept.documents(found, [f"s3://{bucket}/{workload}/{detail['name']}"])
    started, ended = detail["startDate"], detail["stopDate"]
    board = _board(kept)
    if manifest := board.get("manifest"):
        kept.manifest(found, str(manifest))
    tries = list(_tries(board, started, ended))
    best = tries[0] if tries else None
    return Ended(
        workload=workload,
        execution=detail["executionArn"],
        name=detail["name"],
        status=STATUSES[detail["status"]],
        started=started,
        ended=ended,
        params={**_scalars(detail.get("input")), **(best.params if best else {})},
        metrics={**(best.metrics if best else {}), **kept.metrics},
        tags={
            **given(
                {
                    "sluice.status": detail["status"],
                    "sluice.failure": ": ".join(filter(None, (detail.get("error"), detail.get("cause")))),
                    "sluice.automl-job": board.get("job"),
                    "sluice.manifest": board.get("manifest"),
                    "sluice.model-package": _scalars(detail.get("output")).get("ModelPackageArn"),
                }
            ),
            **kept.all_tags(),
        },
        files=kept.files,
        tries=tries,
    )


def _board(kept: Kept) -> dict[str, Any]:
    try:
        board = json.loads(kept.files.get("leaderboard.json", b"{}"))
        board["candidates"] = [dict(candidate) for candidate in board.get("candidates", [])]
    except (ValueError, TypeError, AttributeError) as error:
        kept.left_out.append(f"leaderboard.json is not of the shape that is agreed: {error!r}")
        return {}
    return board


def _tries(board: dict[str, Any], started: int, ended: int) -> Iterator[Try]:
    """The best first, as the leaderboard has them."""
    for candidate in board.get("candidates", []):
        objective = results.numbers({str(board.get("objective") or "objective"): candidate.get("objective")})
        yield Try(
            name=str(candidate.get("name", "candidate")),
            status="FINISHED",
            started=started,
            ended=ended,
            params={"algorithm": str(candidate.get("algorithm", ""))},
            metrics={**results.numbers(candidate.get("metrics") or {}), **objective},
            tags=given({"sluice.model": candidate.get("model")}),
        )


def _scalars(text: str | None) -> dict[str, str]:
    """The members of a JSON object that are texts or numbers; an event leaves out what is too long for it."""
    try:
        told = json.loads(text or "{}")
    except ValueError:
        return {}
    return {n: str(v) for n, v in told.items() if isinstance(v, str | int | float)} if isinstance(told, dict) else {}
