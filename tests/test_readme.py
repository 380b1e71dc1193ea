"""What the README tells a reader to type exists, and CI types it too."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def blocks() -> list[list[str]]:
    return [block.strip().splitlines() for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)]


def test_the_quick_start_is_two_commands_and_ci_runs_them() -> None:
    assert blocks()[0] == ["make rehearse", "make test"]
    assert set(blocks()[0]) <= set((ROOT / ".ci" / "run").read_text().splitlines())


def test_every_make_target_in_the_readme_exists() -> None:
    named = set(re.findall(r"\bmake ([a-z-]+)", README))
    assert named and named <= TARGETS


def test_every_file_that_the_readme_links_or_names_exists() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_the_commands_for_an_account_of_ones_own_use_the_pinned_cdk() -> None:
    [account] = [block for block in blocks() if any("cdk deploy" in line or "bin/cdk deploy" in line for line in block)]
    assert all("node_modules/aws-cdk/bin/cdk" in line for line in account if "cdk " in line)
