"""The model that a search has to beat: that of the hyperparameters which workload.yaml gives, on the same rows."""

import json
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from config.workload import Script, Workload
from rehearsal.embedded import ROOT

PYTHON = ROOT / ".venv-cloud" / "bin" / "python"
SCRIPTS = ROOT / "workloads" / "tabular" / "scripts"


def loss(workload: Workload, split: Path, run: Callable[[list[str]], object]) -> float:
    """Its log loss on `split`/test.csv, trained and measured by the scripts of `tabular`, which `run` runs."""
    assert isinstance(workload.algorithm, Script)
    given = [f"--{name.replace('_', '-')}={value}" for name, value in workload.algorithm.hyperparameters.items()]
    with tempfile.TemporaryDirectory() as folder:
        model, packed = f"{folder}/model", f"{folder}/model.tar.gz"
        places = [f"--train={split}/train.csv", f"--validation={split}/validation.csv", f"--model={model}"]
        run([str(PYTHON), f"{SCRIPTS}/train.py", f"--target={workload.data.target}", *places, *given])
        with tarfile.open(packed, "w:gz") as archive:
            archive.add(model, ".")
        places = [f"--model={packed}", f"--test={split}/test.csv", f"--output={folder}"]
        run([str(PYTHON), f"{SCRIPTS}/evaluate.py", *places, "--metric=log_loss", "--direction=minimize"])
        return json.loads(Path(folder, "evaluation.json").read_text())["metrics"]["log_loss"]["value"]
