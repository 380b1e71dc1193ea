"""What the search of `tabular` gains over its default hyperparameters, at several splits of its table.

Run in .venv-cloud, where the jobs' packages are: `python -m bench.gains TABLE DEFAULTS --splits 10 --output FILE`.
Everything is the workload's own: its scripts, its ranges, its choice by the validation rows alone; the search is the
rehearsal's, without the cloud around it. Each split searches anew, because what was chosen at one has seen rows that
another holds out.
"""

# pyright: reportMissingImports=false
# optuna and scikit-learn live in .venv-cloud only.
import argparse
import contextlib
import io
import json
import re
import sys
import tarfile
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from rehearsal.sagemaker.tuning_search import search

TABULAR = Path(__file__).parent.parent / "workloads" / "tabular"
FIRST_SEED = 1  # 0 is the split of the story


def main() -> None:
    """Writes [{"seed", "rows", "default", "tuned", "chosen"}]: the losses on the held-out rows of each split."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("defaults", type=json.loads, help="hyperparameters as JSON")
    parser.add_argument("--splits", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    sys.path.insert(0, str(TABULAR / "scripts"))
    steps = json.loads((TABULAR / "pipeline.json").read_text())["Steps"]
    job = next(step["Arguments"] for step in steps if step["Type"] == "Tuning")
    with tempfile.TemporaryDirectory() as folder:
        splits = [Split(Path(folder, str(FIRST_SEED + at)), options.table, job) for at in range(options.splits)]
        found = [split.measured(options.defaults) for split in splits]
    options.output.write_text(json.dumps(found, indent=1) + "\n")


class Split:
    """The table shared out by the seed that its folder is named by."""

    def __init__(self, folder: Path, table: Path, job: dict[str, Any]) -> None:
        self._folder, self._config = folder, job["HyperParameterTuningJobConfig"]
        training = job["TrainingJobDefinition"]
        [metric] = training["AlgorithmSpecification"]["MetricDefinitions"]
        self._pattern, self._target = metric["Regex"], training["StaticHyperParameters"]["target"]
        places = [f"--{name}={folder / name}" for name in ("train", "validation", "test", "baseline")]
        _run("preprocess", f"--input={table}", f"--target={self._target}", f"--seed={folder.name}", *places)

    def measured(self, defaults: dict[str, Any]) -> dict[str, Any]:
        limits, chooser = self._config["ResourceLimits"], search(self._config)
        tries: list[tuple[float, dict[str, Any]]] = []
        chosen: dict[int, dict[str, Any]] = {}
        at_once, most = limits["MaxParallelTrainingJobs"], limits["MaxNumberOfTrainingJobs"]
        for number in range(1, most + at_once + 1):  # as many under way as the search may have at a time
            if number > at_once:
                objective = self._trained({**defaults, **chosen[number - at_once]})
                chooser.learn(number - at_once, objective)
                tries.append((objective, chosen[number - at_once]))
            if number <= most:
                chosen[number] = chooser.suggest(number)
        best = min(tries, key=lambda each: each[0])[1]
        self._trained(defaults)
        default = self._held_out()
        self._trained({**defaults, **best})
        rows = len((self._folder / "test" / "test.csv").read_text().splitlines()) - 1
        return {
            "seed": int(self._folder.name),
            "rows": rows,
            "default": default,
            "tuned": self._held_out(),
            "chosen": best,
        }

    def _trained(self, hyperparameters: dict[str, Any]) -> float:
        """The objective on the validation rows, as a search finds it in the log: the last of all."""
        given = [f"--{name.replace('_', '-')}={value}" for name, value in hyperparameters.items()]
        places = [f"--{name}={self._folder / name}" for name in ("train", "validation", "model")]
        return float(re.findall(self._pattern, _run("train", f"--target={self._target}", *places, *given))[-1])

    def _held_out(self) -> float:
        """The log loss of the model that was trained last."""
        packed = self._folder / "model.tar.gz"
        with tarfile.open(packed, "w:gz") as archive:
            archive.add(self._folder / "model", ".")
        places = [f"--model={packed}", f"--test={self._folder / 'test'}", f"--output={self._folder}"]
        _run("evaluate", *places, "--metric=log_loss", "--direction=minimize")
        return json.loads((self._folder / "evaluation.json").read_text())["metrics"]["log_loss"]["value"]


def _run(script: str, *words: str) -> str:
    """What a script of the workload prints."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        import_module(script).main(list(words))
    return said.getvalue()


if __name__ == "__main__":
    main()
