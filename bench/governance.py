"""The figures of roles and configurations."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings

import config.node  # noqa: F401
from bench.configurations import valid
from bench.figure import ROOT, BenchError, Figure
from config.load import ConfigurationError, load

# Before anything imports aws_cdk.
os.environ.setdefault("CDK_VALIDATION", "false")
EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "10"))


def wildcards() -> list[Figure]:
    """The wildcards of every sample configuration's roles on actions that could name their resources."""
    from review.policies import roles, unexplained
    from review.policies import wildcards as held
    from review.synthesis import synthesize

    without, total = 0, 0
    samples = sorted((ROOT / "config").glob("*.yaml"))
    with tempfile.TemporaryDirectory() as folder:
        for path in samples:
            assembly = synthesize(load(path), Path(folder, path.stem))
            accepted = assembly.accepted()
            for role in roles(assembly.templates):
                without += len(unexplained(role, accepted))
                total += sum(1 for _ in held(role))
    note = f"without a reason beside them, of {total} action and pattern pairs in {len(samples)} sample configurations"
    return [
        Figure(
            name="iam.wildcards_with_resource_level",
            value=without,
            unit="wildcards",
            limit=0,
            against=note,
            samples=len(samples),
        )
    ]


def guardrails() -> list[Figure]:
    """How many attempts the story of that name makes under the deployed roles, and how many come out otherwise."""
    told = ROOT / "out" / "rehearsal-guardrails" / "attempts.json"
    told.unlink(missing_ok=True)
    command = [sys.executable, "-m", "rehearsal.runner", "--story", "guardrails"]
    played = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if not told.exists():
        raise BenchError(f"the story ended before its attempts:\n{played.stdout[-3000:]}")
    rows = json.loads(told.read_text())
    against = "rehearsal/attempts.yaml on the embedded cloud, IAM enforced"
    wrong = sum(row["found"] != row["expected"] for row in rows)
    count = {"unit": "attempts", "against": against, "samples": len(rows)}
    return [
        Figure(name="guardrails.attempts", value=len(rows), limit=60, lowest=True, **count),
        Figure(name="guardrails.wrong", value=wrong, limit=0, **count),
    ]


def random_valid() -> list[Figure]:
    """How many of `HYPOTHESIS_EXAMPLES` random valid configurations fail in any way that `wrong` looks for."""
    failed: list[list[str]] = []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(valid())
    def count(raw: dict[str, Any]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            if found := list(wrong(raw, Path(folder))):
                failed.append(found)

    count()
    return [
        Figure(
            name="config.random_valid_failed",
            value=len(failed),
            unit="configurations",
            limit=0,
            against="load, two synths, cdk-nag's two packs, cloudformation-validate, policies",
            samples=EXAMPLES,
            profile="default" if EXAMPLES <= 10 else "nightly",
        )
    ]


def wrong(raw: dict[str, Any], folder: Path) -> Iterator[str]:
    """What is wrong with the platform of a team file that says `raw` and should be valid."""
    from review.policies import forbidden, risks, roles, unexplained
    from review.synthesis import synthesize

    file = folder / "team.yaml"
    file.write_text(yaml.safe_dump(raw, sort_keys=False), "utf-8")
    try:
        platform = load(file)
    except ConfigurationError as error:
        yield f"refused: {error}"
        return
    first, second = (synthesize(platform, folder / name) for name in ("first", "second"))
    if first.templates != second.templates:
        yield "two synths differ"
    yield from (f"{rule} at {path}" for rule, path in first.findings())
    yield from first.invalid()
    accepted = first.accepted()
    for role in roles(first.templates):
        for found in (unexplained(role, accepted), forbidden(role), risks(role)):
            if found:
                yield f"{role.path}: {found}"
