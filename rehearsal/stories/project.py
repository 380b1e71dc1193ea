"""A team's own project: a copy of ours that a story changes."""

import shutil
from pathlib import Path

from rehearsal.embedded import ROOT
from rehearsal.stories.deployed import Deployed


def copied(out: Path) -> Path:
    """The folder of the copy: whatever decides what is deployed, but for the constructs."""
    project = out / "project"
    for name in ("config", "stacks", "workloads"):
        shutil.copytree(ROOT / name, project / name)
    shutil.copy(ROOT / "app.py", project)
    return project


class Project(Deployed):
    """Synthesizes the application of `project`."""

    project: Path

    def synthesize(self, config: Path, assembly: Path) -> None:
        app = f"{ROOT / '.venv' / 'bin' / 'python'} {self.project / 'app.py'}"
        log = f"synth-{assembly.name}"
        self.cdk("synth", "--quiet", "--app", app, "--output", str(assembly), log=log, SLUICE_CONFIG=str(config))
