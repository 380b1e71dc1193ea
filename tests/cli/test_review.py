"""`sluice review` as it is typed: what it prints and writes, and how it ends."""

import ast
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bench.believable_change import assemblies, believable
from cli.main import app
from config.load import ROOT
from review import deployed as review_deployed
from review import request
from review.cloud_assembly import Assembly, stack_of
from review.model import Review, Verdict
from review.report.files import NAMES
from review.report.markdown import MARKER
from tests.review.test_deployed import ARN, Account

Typed = Callable[..., Result]


def synthesized(assembly: Assembly, folder: Path) -> Path:
    """The assembly as `cdk synth` would leave it in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    artifacts: dict[str, Any] = {}
    for name, stack in assembly.stacks.items():
        (folder / f"{name}.template.json").write_text(json.dumps(stack.template))
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": f"aws://unknown-account/{stack.region}",
            "properties": {"templateFile": f"{name}.template.json"},
            "displayName": name,
        }
    (folder / "manifest.json").write_text(json.dumps({"version": "48.0.0", "artifacts": artifacts}))
    return folder


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("sides")
    base, head = (
        synthesized(assembly, folder / name) for assembly, name in zip(assemblies(), ("base", "head"), strict=True)
    )
    return str(base), str(head)


@pytest.fixture(scope="module")
def made() -> Review:
    """The review of that change, made once: what is typed about it does not change it."""
    return believable()


@pytest.fixture
def known(made: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "of_sides", lambda *_: made)


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Types `sluice review ARGUMENTS` outside any host of pull requests; the files go to `tmp_path/out`."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_RUN_ID", "CI_JOB_URL"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, **environment: str) -> Result:
        told = ["review", "--out", str(tmp_path / "out"), *arguments]
        done = CliRunner().invoke(app, told, env={"COLUMNS": "120", "TERM": "dumb", **environment})
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done

    return run


@pytest.mark.slow
def test_the_change_is_shown_and_written_in_every_form(typed: Typed, sides: tuple[str, str], tmp_path: Path) -> None:
    done = typed("--base", sides[0], "--head", sides[1])
    assert done.exit_code == 0 and "block" in done.stdout and "features" in done.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(NAMES)
    review = Review.model_validate_json((tmp_path / "out" / "review.json").read_text("utf-8"))
    assert review.verdict is Verdict.BLOCK and (review.base.name, review.head.name) == sides
    assert "::" not in {line[:2] for line in done.stdout.splitlines()}


def test_a_change_against_itself_is_fine_and_empty(typed: Typed, sides: tuple[str, str], tmp_path: Path) -> None:
    done = typed("--base", sides[0], "--head", sides[0], "--fail-on", "look,finding,cost:+0.01USD")
    assert done.exit_code == 0 and "Nothing changes." in done.stdout
    review = Review.model_validate_json((tmp_path / "out" / "review.json").read_text("utf-8"))
    assert review.verdict is Verdict.FINE and not review.changes and not review.findings and not review.reasons


@pytest.mark.usefixtures("known")
def test_a_condition_that_holds_ends_with_one_and_is_named(typed: Typed) -> None:
    done = typed("--fail-on", "destructive,rule:none", "--fail-on", "cost:+10%")
    assert done.exit_code == 1 and "--fail-on: destructive, cost:+10%" in done.stderr
    assert typed("--fail-on", "").exit_code == 0 and typed("--fail-on", "cost:+1000000USD").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--fail-on", "finding:urgent"), "finding:urgent"),
        (("--base", "no-such-branch"), "no-such-branch"),
        (("--head", "/dev/null"), "/dev/null"),
    ],
)
def test_what_cannot_be_done_ends_with_two_and_says_what_is_at_fault(
    typed: Typed, sides: tuple[str, str], arguments: tuple[str, ...], told: str
) -> None:
    done = typed("--base", sides[0], "--head", sides[1], *arguments)
    assert done.exit_code == 2 and told in done.stderr and "Traceback" not in done.output
    assert not done.stdout


@pytest.mark.usefixtures("known")
def test_files_that_cannot_be_written_end_with_two(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file is in the way")
    done = typed()
    assert done.exit_code == 2 and str(tmp_path / "out") in done.stderr


def test_what_is_deployed_is_a_base_of_its_own(typed: Typed) -> None:
    done = typed("--base", "main", "--against", "deployed")
    assert done.exit_code == 2 and "leave --base out" in done.stderr
    done = typed("--analyzer")
    assert done.exit_code == 2 and "name --against deployed" in done.stderr


@pytest.mark.slow
def test_what_is_deployed_and_its_drift_are_reviewed(
    typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "x"}}
    head = Assembly(tmp_path, {"data": stack_of({"Resources": {"Mail": topic, "More": topic}}, "data", "eu-west-1")})
    account = Account()
    account.stack({"Resources": {"Mail": topic}})
    account.tells("cloudformation", "detect_stack_drift", {"StackDriftDetectionId": "1"})
    ended = {"StackId": ARN, "StackDriftDetectionId": "1", "DetectionStatus": "DETECTION_COMPLETE", "Timestamp": 0}
    account.tells("cloudformation", "describe_stack_drift_detection_status", ended)
    gone = {"StackId": ARN, "LogicalResourceId": "Mail", "ResourceType": topic["Type"], "Timestamp": 0}
    gone["StackResourceDriftStatus"] = "DELETED"
    account.tells("cloudformation", "describe_stack_resource_drifts", {"StackResourceDrifts": [gone]})
    monkeypatch.setattr(review_deployed, "clients", lambda: account)
    done = typed("--head", str(synthesized(head, tmp_path / "head")), "--against", "deployed", "--analyzer")
    account.nothing_left()
    assert done.exit_code == 0
    review = Review.model_validate_json((tmp_path / "out" / "review.json").read_text("utf-8"))
    assert review.base.name == "deployed in account 111122223333"
    assert [change.place.logical_id for change in review.changes] == ["More"]
    assert "drift-deleted" in {finding.rule for finding in review.findings}


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("form", "name"), [("markdown", "review.md"), ("json", "review.json"), ("sarif", "review.sarif")]
)
def test_a_format_is_what_its_file_holds_and_nothing_else(typed: Typed, tmp_path: Path, form: str, name: str) -> None:
    done = typed("--format", form, "--annotate")
    assert done.stdout == (tmp_path / "out" / name).read_text("utf-8")
    assert done.stderr.count("::error ") > 1


@pytest.mark.usefixtures("known")
def test_within_github_actions_there_are_annotations_a_summary_and_a_link_to_the_run(
    typed: Typed, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    run = {"GITHUB_SERVER_URL": "https://host.example", "GITHUB_REPOSITORY": "team/app", "GITHUB_RUN_ID": "7"}
    done = typed(GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary), **run)
    lines = done.stdout.splitlines()
    [stop] = [number for number, line in enumerate(lines) if line.startswith("::stop-commands::")]
    token = lines[stop].rpartition("::")[2]
    resumed = lines.index(f"::{token}::")
    commands = [number for number, line in enumerate(lines) if re.match(r"::(error|warning|notice) ", line)]
    assert stop == 0 and commands and min(commands) > resumed and len(token) == 32
    assert summary.read_text("utf-8").startswith(f"before\n{MARKER}\n")
    assert "(https://host.example/team/app/actions/runs/7)" in (tmp_path / "out" / "review.md").read_text("utf-8")


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=ada", "-c", "user.email=ada@team.example", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_without_a_base_it_is_the_commit_at_which_head_left_the_main_branch(
    typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, _ = assemblies()
    repository = tmp_path / "repository"
    synthesized(base, repository / "made")
    (repository / "cdk.json").write_text('{"app": "made"}')
    monkeypatch.chdir(repository)
    git(repository, "init", "--initial-branch=trunk")
    git(repository, "add", ".")
    git(repository, "commit", "-m", "base")
    done = typed()
    assert done.exit_code == 2 and "there is no main branch here" in done.stderr
    git(repository, "branch", "main")
    git(repository, "commit", "--allow-empty", "-m", "head")
    done = typed()
    assert done.exit_code == 0
    review = Review.model_validate_json((tmp_path / "out" / "review.json").read_text("utf-8"))
    assert review.base.name == "merge base with main" and review.head.name == "."
    assert len(review.base.commit) == 40 and not review.head.commit.startswith(review.base.commit)


def test_the_other_commands_start_without_what_a_review_needs() -> None:
    for path in (ROOT / "cli").glob("*.py"):
        at_start = ast.parse(path.read_text("utf-8")).body
        named = [node.module or "" for node in at_start if isinstance(node, ast.ImportFrom)]
        assert not [name for name in named if name.partition(".")[0] == "review"], path
