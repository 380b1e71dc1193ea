"""What --base and --head may name, what is run for it, and that nothing of it is left behind."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from config.load import ROOT
from review.cloud_assembly import AssemblyError
from review.governance.settings import Settings
from review.rules import findings
from review.source import Opened, open_side, open_sides
from review.waiver_findings import settings_of
from tests.review.repositories import APP, commit, git, repository

PYTHON = sys.executable


def settings(app: str, **more: Any) -> str:
    return json.dumps({"app": app, **more})


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("environment") / ".venv"
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", folder], check=True)
    return folder


@pytest.fixture
def work(environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose commit names its topic `old` and whose working tree names it `new`, in a module that an
    editable install in its .venv brings."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    files = {
        "infra/app.py": APP,
        "infra/cdk.json": settings(".venv/bin/python app.py"),
        "src/naming.py": "NAME = 'old'",
        ".gitignore": ".venv\n__pycache__\n",
    }
    folder = repository(tmp_path / "work", files)
    shutil.copytree(environment, folder / "infra/.venv", symlinks=True)
    [site] = (folder / "infra/.venv").glob("lib/python3*/site-packages")
    (site / "work.pth").write_text(f"import os\n{folder / 'src'}\n")
    (folder / "src/naming.py").write_text("NAME = 'new'")
    return folder


def name_of(side: Opened) -> str:
    return side.assembly.stacks["S"].resources["T"].properties["TopicName"]


def alive(group: int) -> list[str]:
    """What runs in a group of processes; what has ended and nobody asked for is listed too, but does not run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it may end meanwhile
            name, _, rest = path.read_text().rpartition(") ")
            state, _, of = rest.split()[:3]
            if int(of) == group and state not in "ZX":
                found.append(name)
    return found


def left_behind(work: Path) -> list[str]:
    trees = git(work, "worktree", "list").splitlines()[1:]
    return [*trees, *(path.name for path in (work.parent / "tmp").iterdir())]


def test_the_base_runs_its_own_code_and_not_the_working_trees(work: Path) -> None:
    with open_sides("main", ".", work / "infra") as (base, head):
        assert (name_of(base), name_of(head)) == ("old", "new")
        sha = git(work, "rev-parse", "HEAD")
        assert (base.side.name, base.side.commit) == ("main", sha)
        assert (head.side.name, head.side.commit) == (".", f"{sha}-dirty")
        assert base.assembly.folder.exists()
    assert not left_behind(work)
    assert (work / "infra/.venv/bin/python").exists()
    assert not (work / "infra/cdk.out").exists()


@pytest.mark.parametrize("finder", ["MAPPING = {0!r}", "MAPPING: dict[str, str] = {0!r}"])
def test_an_install_by_setuptools_finder_is_led_to_the_commit_too(work: Path, finder: str) -> None:
    [site] = (work / "infra/.venv").glob("lib/python3*/site-packages")
    mapping = finder.format({"naming": str(work / "src" / "naming")})
    (site / "__editable___work_1_0_finder.py").write_text(
        f"{mapping}\nimport sys\ndef install(): sys.path.append({str(work / 'src')!r})\n"
    )
    (site / "work.pth").write_text("import __editable___work_1_0_finder as f; f.install()\n")
    with open_sides("main", ".", work / "infra") as (base, head):
        assert (name_of(base), name_of(head)) == ("old", "new")


@pytest.mark.slow
def test_python_path_of_the_caller_is_led_to_the_commit_too(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [site] = (work / "infra/.venv").glob("lib/python3*/site-packages")
    (site / "work.pth").unlink()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/elsewhere", str(work / "src")]))
    with open_sides("main", ".", work / "infra") as (base, head):
        assert (name_of(base), name_of(head)) == ("old", "new")


def test_packages_of_a_node_workspace_are_the_commits(work: Path) -> None:
    commit(work, {"infra/pkg/name.txt": "old", "infra/.gitignore": "node_modules\nbuild\n", "infra/build.gradle": ""})
    modules = work / "infra/node_modules"
    (modules / "other").mkdir(parents=True)
    (modules / "other/name.txt").write_text("other")
    (modules / "@scope").mkdir()
    (modules / "@scope/pkg").symlink_to("../../pkg")
    (work / "infra/build").mkdir()  # with a build file beside it, it may hold what the head was compiled to
    (work / "infra/pkg/name.txt").write_text("new")
    shown = "cat node_modules/@scope/pkg/name.txt node_modules/other/name.txt; ls -d build; exit 1"
    commit(work, {"infra/cdk.json": settings(shown)})
    git(work, "checkout", "--quiet", "HEAD~1")
    git(work, "checkout", "--quiet", "main")
    (work / "infra/pkg/name.txt").write_text("newer")
    with pytest.raises(AssemblyError, match=r"newother|oldother") as raised, open_side("main", work / "infra"):
        pass
    assert "newother" in str(raised.value)
    assert "cannot access 'build'" in str(raised.value)


def test_the_command_sees_what_the_cdk_command_line_gives(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere")
    given = {"a": 1, "b": 1}
    own = settings(".venv/bin/python app.py", build="touch built", context=given, versionReporting=False)
    (work / "infra/cdk.json").write_text(own)
    (work / "infra/cdk.context.json").write_text('{"b": 2}')
    with open_side(".", work / "infra") as head:
        context = head.assembly.stacks["S"].resources["T"].properties["Context"]
    assert context.items() >= {"a": 1, "b": 2, "aws:cdk:enable-path-metadata": True}.items()
    assert "aws:cdk:version-reporting" not in context
    assert (work / "infra/built").exists()


@pytest.mark.slow
def test_a_context_longer_than_a_variable_goes_by_a_file(work: Path) -> None:
    (work / "infra/cdk.context.json").write_text(json.dumps({"zones": "z" * 300_000}))
    with open_side(".", work / "infra") as head:
        assert len(head.assembly.stacks["S"].resources["T"].properties["Context"]["zones"]) == 300_000


def test_a_folder_is_read_where_it_is_and_an_app_that_is_a_folder_too(work: Path) -> None:
    subprocess.run(
        [".venv/bin/python", "app.py"],
        cwd=work / "infra",
        env={"CDK_OUTDIR": "cdk.out", "CDK_CONTEXT_JSON": "{}"},
        check=True,
    )
    (work / "infra/cdk.json").write_text(settings("cdk.out"))
    for text in ("cdk.out", "."):
        with open_side(text, work / "infra") as side:
            assert name_of(side) == "new"
            assert side.assembly.folder == work / "infra/cdk.out"
    assert (work / "infra/cdk.out/manifest.json").exists()


@pytest.mark.slow
def test_what_the_application_is_told_beside_its_code_is_that_of_each_side(work: Path) -> None:
    exception = "exceptions: [{rule: spot, step: Train, reason: no quota, until: 2027-01-31}]"
    for name, text in {"workloads/w/workload.yaml": exception, "sluice-rules.yaml": "instances: 3"}.items():
        (work / "infra" / name).parent.mkdir(parents=True, exist_ok=True)
        (work / "infra" / name).write_text(text)
    with open_sides("main", ".", work / "infra") as (base, head):
        told = findings(base.assembly, head.assembly, date(2026, 11, 27))
        assert [settings_of(side.assembly).instances for side in (base, head)] == [Settings().instances, 3]
    [new] = [each for each in told if each.rule == "waiver-new"]
    assert new.place.path == "workloads/w/workload.yaml#Train" and "no quota" in new.message


def test_a_base_of_other_packages_or_with_submodules_is_noted(work: Path) -> None:
    commit(work, {"requirements.txt": "aws-cdk-lib==2.1", ".gitmodules": ""})
    (work / "requirements.txt").write_text("aws-cdk-lib==2.2")
    with open_side("main", work / "infra") as base:
        packages, submodules = base.notes
    assert packages == "main was synthesized with the working tree's packages, though requirements.txt differ"
    assert submodules == "main was synthesized without its submodules, which are not checked out for a review"


ERRORS: list[tuple[str, Any, str]] = [
    ("nothing", None, "nothing is neither a commit, branch or tag that is here, nor a folder"),
    ("--help", None, "--help is neither a commit"),
    ("/nowhere/cdk.out", None, "/nowhere/cdk.out is not there: write it with `cdk synth --output /nowhere/cdk.out`"),
    ("../src", None, "../src is no commit, branch or tag, and holds neither the manifest.json"),
    ("main", {"infra/cdk.json": None}, "main has no infra/cdk.json: go to the folder of the CDK application"),
    (".", {"infra/cdk.json": None}, "has no cdk.json: go to the folder of the CDK application, or name a cdk.out"),
    (".", {"infra/cdk.json": "{"}, "cdk.json is no JSON"),
    (".", {"infra/cdk.json": settings("")}, "names no app: say there how it is run"),
    (".", {"infra/cdk.json": settings("echo one; echo two >&2; exit 3")}, "ended with 3:\n  one\n  two"),
    (".", {"infra/cdk.json": settings("no-such-program")}, "ended with 127:"),
    (".", {"infra/cdk.json": settings("true")}, "wrote no cloud assembly into CDK_OUTDIR: does it call app.synth()"),
    (".", {"infra/cdk.json": settings("true", build="false")}, "ended with 1:"),
    ("main", {"infra/cdk.json": settings("echo broken; false")}, "ended with 1:\n  broken"),
]


@pytest.mark.parametrize(("text", "files", "said"), ERRORS)
def test_what_cannot_be_had_is_an_error_that_says_what_to_do(
    work: Path, text: str, files: dict[str, str | None] | None, said: str
) -> None:
    for name, content in (files or {}).items():
        (work / name).unlink()
        if content is not None:
            (work / name).write_text(content)
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--allow-empty", "--message", "y")
    with pytest.raises(AssemblyError) as raised, open_side(text, work / "infra"):
        pass
    assert said in str(raised.value)
    assert not left_behind(work)


def test_outside_a_repository_a_name_is_no_ref(tmp_path: Path) -> None:
    with pytest.raises(AssemblyError, match="is in no git repository"), open_side("main", tmp_path):
        pass


@pytest.mark.parametrize(
    "sign", [signal.SIGTERM, *(pytest.param(each, marks=pytest.mark.slow) for each in (signal.SIGINT, signal.SIGHUP))]
)
def test_a_review_that_is_ended_leaves_nothing_behind(work: Path, sign: signal.Signals) -> None:
    slow = settings("echo $$ > ../pid; sleep 60 & sleep 60")
    commit(work, {"infra/cdk.json": slow})
    script = "from review.source import open_side\nwith open_side('main'): pass"
    started = subprocess.Popen(
        [PYTHON, "-c", script], cwd=work / "infra", env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE
    )
    written: list[Path] = []
    deadline = time.monotonic() + 30
    while not written and time.monotonic() < deadline:
        time.sleep(0.02)
        written = [path for path in (work.parent / "tmp").glob("*/0/tree/pid") if path.read_text().strip()]
    group = int(written[0].read_text())
    started.send_signal(sign)
    started.communicate(timeout=30)
    assert started.returncode != 0
    assert not left_behind(work)
    assert not alive(group)


def test_an_error_within_the_block_leaves_nothing_behind(work: Path) -> None:
    with pytest.raises(KeyError), open_side("main", work / "infra"):
        raise KeyError
    assert not left_behind(work)


@pytest.mark.slow
def test_every_resource_of_our_application_knows_its_line() -> None:
    with open_sides("HEAD", ".", ROOT) as (base, head):
        assert not base.assembly.notes
        names = {report["pluginName"] for report in head.assembly.validation["pluginReports"]}
        assert names >= {"AwsSolutions", "NIST.800.53.R5"}
        for side in (base, head):
            for stack in side.assembly.stacks.values():
                for resource in stack.resources.values():
                    file, _, line = resource.source.rpartition(":")
                    assert (ROOT / file).is_file(), resource
                    assert int(line) > 0


REAL = """
from aws_cdk import App, NestedStack, Stack, Stage, aws_lambda as functions, aws_s3 as s3

def filled(stack):
    s3.Bucket(stack, "B")
    s3.Bucket(NestedStack(stack, "Net"), "N")
    functions.Function(
        stack, "F", runtime=functions.Runtime.PYTHON_3_13, handler="x.y", code=functions.Code.from_inline("x")
    )

app = App()
filled(Stack(app, "One"))
filled(Stack(Stage(Stage(app, "Prod"), "Eu"), "Two"))
app.synth()
"""


@pytest.mark.slow
def test_what_cdk_itself_writes_of_stages_nested_stacks_and_lines(tmp_path: Path) -> None:
    files = {"app.py": REAL, "cdk.json": settings(f"{PYTHON} app.py", versionReporting=False)}
    with open_side(".", repository(tmp_path / "real", files)) as side:
        assert side.assembly.notes == ()
        stacks = side.assembly.stacks
        assert set(stacks) == {"One", "One/Net", "Prod/Eu/Two", "Prod/Eu/Two/Net"}
        assert stacks["Prod/Eu/Two"].deployed_as == "Prod-Eu-Two"
        lines = {each.path: each.source for each in stacks["Prod/Eu/Two"].resources.values()}
        assert lines["Prod/Eu/Two/B"] == "app.py:5"
        assert lines["Prod/Eu/Two/F"] == lines["Prod/Eu/Two/F/ServiceRole"] == "app.py:7"
        [bucket] = stacks["Prod/Eu/Two/Net"].resources.values()
        assert (bucket.path, bucket.source) == ("Prod/Eu/Two/Net/N", "app.py:6")


@pytest.mark.slow
def test_our_templates_are_those_of_the_cdk_command_line(tmp_path: Path) -> None:
    cdk = ROOT / "node_modules/aws-cdk/bin/cdk"
    node = ROOT / ".venv/node/bin/node"
    subprocess.run(
        [node, cdk, "synth", "--quiet", "--output", tmp_path / "cdk.out"],
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path), "CDK_VALIDATION": "false"},
        check=True,
        capture_output=True,
    )
    with open_side(str(tmp_path / "cdk.out")) as cli, open_side(".", ROOT) as ours:
        assert {name: stack.template for name, stack in ours.assembly.stacks.items()} == {
            name: stack.template for name, stack in cli.assembly.stacks.items()
        }


def test_a_review_imports_what_is_slow_where_it_needs_it() -> None:
    modules = "review.source, review.deployed, review.drift, review.new_access"
    shown = f"import sys, {modules}; print({{'boto3', 'botocore', 'aws_cdk', 'yaml', 'cfnlint'}} & sys.modules.keys())"
    done = subprocess.run([PYTHON, "-c", shown], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
