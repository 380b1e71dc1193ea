"""app.py as the CDK command line runs it: the same bytes wherever and by whomever, and nothing on a mistake."""

import filecmp
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.load import ROOT


def run_app(outdir: Path, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    given = {"CDK_OUTDIR": str(outdir), "CDK_CONTEXT_JSON": json.dumps(context), "CDK_VALIDATION": "false"}
    # The packages that jsii unpacks are the same for every home.
    cache = os.environ.get("JSII_RUNTIME_PACKAGE_CACHE_ROOT") or str(Path.home() / ".cache/aws/jsii/package-cache")
    unset = ("PYTHONDONTWRITEBYTECODE", "JSII_NODE", "SLUICE_CONFIG", "PYTHONPATH")
    inherited = {name: value for name, value in os.environ.items() if name not in unset}
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py")],
        cwd=cwd,
        env={**inherited, "JSII_RUNTIME_PACKAGE_CACHE_ROOT": cache, **given, **environment},
        capture_output=True,
        text=True,
    )


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_two_synths_are_byte_identical_also_elsewhere_by_another_user_and_without_node(tmp_path: Path) -> None:
    here, there, home = (tmp_path / name for name in ("here", "there", "home"))
    home.mkdir()
    other = {
        "HOME": str(home),
        "USER": "other",
        "LOGNAME": "other",
        "PATH": "/nowhere",
        "PYTHONHASHSEED": "7",
        "TZ": "Asia/Tokyo",
    }
    for result in (run_app(here), run_app(there, cwd=home, **other)):
        assert result.returncode == 0, result.stderr
        assert result.stdout == ""
        assert result.stderr.startswith("sluice-dev at rest")
    assert files(here) == files(there)
    assert any(name.endswith("sluice-dev-costs.template.json") for name in files(here))
    _, different, unread = filecmp.cmpfiles(here, there, files(here), shallow=False)
    assert not different
    assert not unread


def test_a_mistake_is_printed_ends_with_2_and_synthesizes_nothing(tmp_path: Path) -> None:
    team = (ROOT / "config" / "team.yaml").read_text("utf-8")
    bad = tmp_path / "bad.yaml"
    mistakes = {"environment: dev": "environment: test", "owner:": "ownr:", "emails: []": "emails: [a@b.org, a@b.org]"}
    for right, wrong in mistakes.items():
        team = team.replace(right, wrong)
    bad.write_text(team)
    result = run_app(tmp_path / "out", CDK_CONTEXT_JSON=json.dumps({"config": str(bad)}))
    assert result.returncode == 2
    assert result.stdout == ""
    lines = [line.removeprefix(f"{bad}:").split(" ")[:2] for line in result.stderr.splitlines()]
    assert lines == [["1:", "owner"], ["3:", "environment:"], ["6:", "ownr:"], ["9:", "alerts.emails[1]:"]]
    assert not files(tmp_path / "out")
