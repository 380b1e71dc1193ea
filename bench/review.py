"""The figures of the review: whole processes of `sluice review` on synthesized applications, and of the rules."""

import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from bench.figure import ROOT, BenchError, Figure, timed

SAMPLES = 5
STACKS, RESOURCES = 30, 100
CHANGED = 10  # every tenth resource, each of another kind
CDK = [str(ROOT / ".venv" / "node" / "bin" / "node"), str(ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk")]
STACK = "sluice-dev-costs"


def times() -> list[Figure]:
    """A change of our whole application, and one of an application of 3,000 resources."""
    with tempfile.TemporaryDirectory() as folder, _application(Path(folder)) as (base, head):
        own, peaks = _timed(folder, base, head)
        large_base, large_head = (large(Path(folder, f"large-{side}"), side) for side in ("base", "head"))
        large_seconds, large_peaks = _timed(folder, large_base, large_head)
    told = f"sluice review of two cdk.out, whole process, median of {SAMPLES}"
    return [
        Figure(
            name="review.seconds",
            value=statistics.median(own),
            unit="s",
            limit=2.5,
            against=f"{told}; config/team.yaml against the same with three workloads",
            samples=SAMPLES,
        ),
        Figure(
            name="review.seconds_3000",
            value=statistics.median(large_seconds),
            unit="s",
            limit=6,
            against=f"{told}; {STACKS} stacks, {STACKS * RESOURCES} resources, a tenth of them changed",
            samples=SAMPLES,
        ),
        Figure(
            name="review.peak_mb",
            value=max(peaks + large_peaks),
            unit="MB",
            limit=300,
            against="the largest process of both",
            samples=2 * SAMPLES,
        ),
    ]


def two_synths() -> list[Figure]:
    """A working tree against its own last commit, each synthesized."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "cli.main", "review", "--base", "HEAD", "--head", ".", "--out", folder]
        seconds = [timed(command)[0] for _ in range(SAMPLES)]
    return [
        Figure(
            name="review.two_synths_seconds",
            value=statistics.median(seconds),
            unit="s",
            limit=10,
            against=f"sluice review --base HEAD --head ., whole process, median of {SAMPLES}",
            samples=SAMPLES,
        )
    ]


def corpus() -> list[Figure]:
    """How many pairs of tests/review/corpus are reviewed otherwise than expected, either way round."""
    from bench.review_corpus import cases
    from bench.review_wrong import wrong

    failing = [case.title for case in cases() if wrong(case)]
    return [
        Figure(
            name="review.corpus_wrong",
            value=len(failing),
            unit="pairs",
            limit=0,
            against="tests/review/corpus, each pair there and back" + "".join(f"; {title}" for title in failing[:5]),
            samples=len(cases()),
        )
    ]


def against_cdk() -> list[Figure]:
    """The review of one stack and `cdk diff` of it, in turn, so that a slow machine slows both."""
    ratios, theirs = [], []
    with tempfile.TemporaryDirectory() as folder, _application(Path(folder)) as (base, head):
        sides = [alone(side, Path(folder, f"alone-{side.name}")) for side in (base, head)]
        template = str(sides[0] / f"{STACK}.template.json")
        command = [*CDK, "diff", "--app", str(sides[1]), "--exclusively", "--template", template, STACK]
        for _ in range(SAMPLES + 1):
            seconds = timed(_command(folder, *sides))[0]
            theirs.append(timed(command, HOME=folder, CI="true")[0])
            ratios.append(seconds / theirs[-1])
    return [
        Figure(
            name="review.ratio_to_cdk_diff",
            value=statistics.median(ratios[1:]),  # the first pair warms the caches
            unit="x",
            limit=1,
            against=f"cdk diff --template of {STACK}, {statistics.median(theirs[1:]):.2f} s, median of {SAMPLES} pairs",
            samples=SAMPLES,
        )
    ]


def _command(out: str, base: Path, head: Path) -> list[str]:
    return [sys.executable, "-m", "cli.main", "review", "--base", str(base), "--head", str(head), "--out", f"{out}/out"]


def _timed(out: str, base: Path, head: Path) -> tuple[list[float], list[float]]:
    """Seconds and peak memory of each process but the first, which warms the caches."""
    measured = [timed(_command(out, base, head)) for _ in range(SAMPLES + 1)][1:]
    return [seconds for seconds, _ in measured], [peak for _, peak in measured]


@contextmanager
def _application(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Our application with one workload, and with three of them."""
    settings = yaml.safe_load((ROOT / "config" / "team.yaml").read_text("utf-8"))
    every = folder / "every.yaml"
    every.write_text(yaml.safe_dump(settings | {"workloads": ["digits", "tabular", "automl"]}), "utf-8")
    # As the CDK command line hands it on, with the paths of constructs.
    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"] | {"aws:cdk:enable-path-metadata": True}
    sides = {"base": ROOT / "config" / "team.yaml", "head": every}
    for side, config in sides.items():
        both = {"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(folder / side)}
        timed([sys.executable, "app.py"], SLUICE_CONFIG=str(config), **both)
    yield folder / "base", folder / "head"


def alone(assembly: Path, folder: Path) -> Path:
    """The assembly with one of its stacks only."""
    folder.mkdir()
    manifest = json.loads((assembly / "manifest.json").read_text("utf-8"))
    manifest["artifacts"] = {
        name: {**artifact, "dependencies": [one for one in artifact.get("dependencies", ()) if one.startswith(STACK)]}
        for name, artifact in manifest["artifacts"].items()
        if name.startswith(STACK) or artifact["type"] == "cdk:tree"
    }
    if not any(name == STACK for name in manifest["artifacts"]):
        raise BenchError(f"{assembly} holds no stack {STACK}")
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    for path in assembly.iterdir():
        if path.name.startswith(STACK) or path.name == "tree.json":
            (folder / path.name).symlink_to(path)
    return folder


def large(folder: Path, side: str) -> Path:
    """An assembly of STACKS stacks with RESOURCES resources each; in the head every tenth differs."""
    folder.mkdir()
    artifacts = {}
    for number in range(STACKS):
        name = f"Team{number:02}"
        resources = {
            f"R{n:03}": _resource(n, name, side == "head" and n % CHANGED == n // CHANGED) for n in range(RESOURCES)
        }
        (folder / f"{name}.template.json").write_text(json.dumps({"Resources": resources}), "utf-8")
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/us-east-1",
            "properties": {"templateFile": f"{name}.template.json"},
            "displayName": name,
        }
    (folder / "manifest.json").write_text(json.dumps({"version": "55.0.0", "artifacts": artifacts}), "utf-8")
    return folder


def _resource(number: int, stack: str, changed: bool) -> dict[str, Any]:
    """Of the kinds that an application has most of, in turn."""
    after = "-2" if changed else ""
    actions = ["s3:GetObject", "s3:List*", "logs:PutLogEvents"] + (["s3:PutObject"] if changed else [])
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": f"arn:aws:s3:::{stack.lower()}-{number}/*"}],
    }
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": f"lambda{after}.amazonaws.com"}}
        ],
    }
    role, variant = {"Fn::GetAtt": [f"R{number // 5 * 5:03}", "Arn"]}, {"InitialInstanceCount": 1, "VariantName": "a"}
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("AWS::IAM::Role", {"AssumeRolePolicyDocument": trust, "Description": f"of {stack}{after}"}),
        (
            "AWS::IAM::Policy",
            {"PolicyName": "p", "PolicyDocument": document, "Roles": [{"Ref": f"R{number // 5 * 5:03}"}]},
        ),
        (
            "AWS::Lambda::Function",
            {"Runtime": "python3.13", "Handler": "a.b", "Role": role, "Code": {"S3Bucket": "b", "S3Key": f"k{after}"}},
        ),
        (
            "AWS::SageMaker::EndpointConfig",
            {"ProductionVariants": [{**variant, "ModelName": "m", "InstanceType": f"ml.m5.{'2' * changed}xlarge"}]},
        ),
        ("AWS::S3::Bucket", {"BucketName": f"{stack.lower()}-{number}{after}"}),
    ]
    kind, properties = kinds[number % len(kinds)]
    return {"Type": kind, "Properties": properties, "Metadata": {"aws:cdk:path": f"{stack}/R{number}/Resource"}}


def rules() -> list[Figure]:
    """The governance pack on our whole application, in a process of its own."""
    from review.governance import RULES

    with tempfile.TemporaryDirectory() as folder, _application(Path(folder)) as (base, _):
        measured = [timed([sys.executable, "-c", _CHECK, str(base)])[0] for _ in range(SAMPLES + 1)][1:]
    note = f"every rule on every stack of config/team.yaml, whole process, median of {SAMPLES}"
    return [
        Figure(
            name="rules.seconds", value=statistics.median(measured), unit="s", limit=1, against=note, samples=SAMPLES
        ),
        Figure(
            name="rules.count",
            value=len(RULES),
            unit="rules",
            limit=40,
            lowest=True,
            against="rules of the governance pack, review/governance",
            samples=1,
        ),
    ]


_CHECK = """
import sys
from pathlib import Path
from review.cloud_assembly import read
from review.governance import check
print(sum(1 for stack in read(Path(sys.argv[1])).stacks.values() for _ in check(stack)))
"""
