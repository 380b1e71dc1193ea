"""The workflows: what they may do, and that what they type exists and does what it should."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from cli.main import app
from config.load import ROOT
from review.report.files import NAMES
from review.report.markdown import COMMENT_CHARACTERS, MARKER

FOLDER = ROOT / ".github" / "workflows"
ACTION = re.compile(r"uses: (\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$")
PULL = [{"number": 6, "head": {"sha": "0ld"}}, {"number": 7, "head": {"sha": "abc"}}]
COMMENTS = [
    {"id": 1, "user": {"login": "mallory"}, "body": f"{MARKER}\nmine"},
    {"id": 2, "user": {"login": "github-actions[bot]"}, "body": f"about {MARKER}"},
    {"id": 3, "user": {"login": "github-actions[bot]"}, "body": f"{MARKER}\nold"},
]
# Answers as `gh api` does: what is fetched goes through the filter of --jq, here the two that the workflow has.
GH = """
import json, os, pathlib, sys
told = sys.argv[1:]
calls = pathlib.Path(os.environ["CALLS"])
calls.write_text(calls.read_text() + json.dumps(told) + "\\n")
answers = json.loads(pathlib.Path(os.environ["ANSWERS"]).read_text())
if "--jq" in told:
    query = told[told.index("--jq") + 1]
    if "map(select(.head.sha" in query:
        print(*[pull["number"] for pull in answers["pulls"] if f'.head.sha == "{pull["head"]["sha"]}"' in query][:1])
    else:
        assert '.user.login == "github-actions[bot]"' in query and "startswith" in query
        marker = query.partition('startswith("')[2].partition('")')[0]
        for each in answers["comments"]:
            if each["user"]["login"] == "github-actions[bot]" and each["body"].startswith(marker):
                print(each["id"])
"""


def workflow(name: str) -> dict[Any, Any]:
    return yaml.safe_load((FOLDER / name).read_text())


def triggers(name: str) -> Any:
    return workflow(name)[True]  # YAML 1.1 reads `on` so


def test_no_other_workflow_is_there_and_each_action_is_pinned_by_its_commit() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {"review.yml", "review-comment.yml"}
    for path in FOLDER.iterdir():
        used = [line.strip().removeprefix("- ") for line in path.read_text().splitlines() if "uses:" in line]
        assert used and all(map(ACTION.fullmatch, used)), used


def test_what_runs_the_pull_requests_code_may_read_and_knows_no_secret() -> None:
    made, text = workflow("review.yml"), (FOLDER / "review.yml").read_text()
    assert list(triggers("review.yml")) == ["pull_request"]
    assert made["permissions"] == {"contents": "read"} and "secrets." not in text and "github.token" not in text
    [job] = made["jobs"].values()
    assert (
        "permissions" not in job and job["timeout-minutes"] and job["steps"][0]["with"]["persist-credentials"] is False
    )
    assert made["concurrency"]["cancel-in-progress"] is True


def test_what_may_write_takes_nothing_of_the_pull_request_but_a_text() -> None:
    made, text = workflow("review-comment.yml"), (FOLDER / "review-comment.yml").read_text()
    assert triggers("review-comment.yml") == {"workflow_run": {"workflows": ["review"], "types": ["completed"]}}
    assert made["permissions"] == {} and "actions/checkout" not in text
    [job] = made["jobs"].values()
    assert job["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert workflow("review.yml")["name"] in triggers("review-comment.yml")["workflow_run"]["workflows"]
    assert f"-gt {COMMENT_CHARACTERS} " in text and f"marker='{MARKER}'" in text and f"review/{NAMES[0]}" in text


@pytest.mark.parametrize("name", ["review.yml", "review-comment.yml"])
def test_no_shell_line_holds_an_expression(name: str) -> None:
    """GitHub puts an expression into the script before the shell reads it: a branch's name would be run."""
    for job in workflow(name)["jobs"].values():
        assert not [step["run"] for step in job["steps"] if "${{" in step.get("run", "")]


def test_every_line_of_the_review_is_understood_by_make_and_by_the_command() -> None:
    [job] = workflow("review.yml")["jobs"].values()
    make, review = [shlex.split(step["run"]) for step in job["steps"] if "run" in step]
    assert make[0] == "make" and re.search(rf"^{make[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert review[:2] == [".venv/bin/sluice", "review"]
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    told = group.make_context("sluice", review[1:])
    _, command, arguments = group.resolve_command(told, review[1:])
    assert command
    context = command.make_context("review", arguments, parent=told)
    [upload] = [step for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
    assert context.params["out"] == Path(upload["with"]["path"])


def run_comment(tmp_path: Path, text: str, pulls: list[Any], comments: list[Any]) -> tuple[int, list[list[str]]]:
    """The exit status of the step that comments, and what it had `gh` do."""
    [job] = workflow("review-comment.yml")["jobs"].values()
    [step] = [step for step in job["steps"] if "run" in step]
    (tmp_path / "review").mkdir()
    (tmp_path / "review" / "review.md").write_text(text, "utf-8")
    (tmp_path / "answers").write_text(json.dumps({"pulls": pulls, "comments": comments}))
    (tmp_path / "calls").write_text("")
    (tmp_path / "gh.py").write_text(GH)
    (tmp_path / "gh").write_text(f'#!/bin/sh\nexec {sys.executable} {tmp_path / "gh.py"} "$@"\n')
    (tmp_path / "gh").chmod(0o755)
    given = {"REPOSITORY": "team/app", "HEAD_SHA": "abc", "HEAD": "mallory:$(touch pwned)", "GH_TOKEN": "x"}
    assert set(given) == set(step["env"])
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": "calls", "ANSWERS": "answers", **given}
    done = subprocess.run(["bash", "-c", step["run"]], cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert not (tmp_path / "pwned").exists()
    return done.returncode, [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]


def test_the_first_review_is_a_comment_of_the_pull_request_with_this_very_head(tmp_path: Path) -> None:
    status, calls = run_comment(tmp_path, f"{MARKER}\nnew", PULL, COMMENTS[:2])
    assert status == 0 and "repos/team/app/issues/7/comments" in calls[-1]
    assert calls[-1][calls[-1].index("--method") + 1] == "POST" and calls[-1][-1] == "body=@review/review.md"


def test_the_next_one_takes_its_place(tmp_path: Path) -> None:
    status, calls = run_comment(tmp_path, f"{MARKER}\nnew", PULL, COMMENTS)
    assert status == 0 and "repos/team/app/issues/comments/3" in calls[-1]
    assert calls[-1][calls[-1].index("--method") + 1] == "PATCH"


@pytest.mark.parametrize(
    ("text", "pulls", "status"),
    [("no review", PULL, 1), (f"{MARKER}\n{'x' * COMMENT_CHARACTERS}", PULL, 1), (f"{MARKER}\nnew", PULL[:1], 0)],
)
def test_what_is_no_review_or_came_too_late_is_not_posted(
    tmp_path: Path, text: str, pulls: list[Any], status: int
) -> None:
    ended, calls = run_comment(tmp_path, text, pulls, COMMENTS)
    assert ended == status and not any("--method" in call and "GET" not in call for call in calls)


def test_a_comment_of_the_longest_that_is_allowed_is_posted_whatever_its_letters(tmp_path: Path) -> None:
    text = MARKER + "\n" + "\N{ROCKET}" * (COMMENT_CHARACTERS - len(MARKER) - 1)
    assert run_comment(tmp_path, text, PULL, COMMENTS)[0] == 0
