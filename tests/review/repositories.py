"""Small git repositories with an application that needs no CDK."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

# What a CDK application does, as far as a review can tell: an assembly with a topic named as `naming` says.
APP = """
import json, os, pathlib, sys
import naming
out = pathlib.Path(os.environ["CDK_OUTDIR"])
out.mkdir()
context = json.loads(os.environ["CDK_CONTEXT_JSON"])
if "CONTEXT_OVERFLOW_LOCATION_ENV" in os.environ:
    context = json.loads(pathlib.Path(os.environ["CONTEXT_OVERFLOW_LOCATION_ENV"]).read_text())
stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "t.json"}}
(out / "manifest.json").write_text(json.dumps({"version": "55.0.0", "artifacts": {"S": stack}}))
topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": naming.NAME, "Context": context}}
(out / "t.json").write_text(json.dumps({"Resources": {"T": topic}}))
"""


def git(folder: Path, *arguments: str) -> str:
    who = dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "x")
    who |= dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "x@y.z")
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env={**os.environ, **who}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def repository(folder: Path, files: Mapping[str, str]) -> Path:
    """A repository with one commit of the files."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder, files)
    return folder


def commit(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")
