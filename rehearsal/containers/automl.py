"""A stand-in for SageMaker Autopilot on a table: a small search for a model by scikit-learn.

Not AutoGluon, and not Autopilot's tuning: a few families of scikit-learn, each scored by cross-validation. Reads
SLUICE_ML/request.json and the channels under input/; writes analysis.json, then for each candidate a folder of
candidates/ with begun.json when it begins, result.json when it has ended, and model/. What is wrong with the data it
says in output/failure.
"""

# pyright: reportMissingImports=false
# scikit-learn and what it needs live in .venv-cloud only.
import json
import os
import signal
import sys
from functools import partial
from pathlib import Path

if __package__ is None or __package__ == "":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
import automl_table
import joblib
from automl_candidates import MINIMIZED, chosen, metrics, out_of_fold, plan
from automl_table import BadDataError

from rehearsal.processes import die_with

ML = Path(os.environ["SLUICE_ML"])
INFERENCE = Path(__file__).with_name("automl_inference.py")


def main():
    request = json.loads((ML / "request.json").read_text())
    try:
        table = automl_table.read(ML / "input", request["target"], request.get("problem"))
        objective = chosen(request.get("objective"), table.problem)
    except BadDataError as error:
        (ML / "output" / "failure").write_text(str(error))
        sys.exit(str(error))
    told = {"problem": table.problem, "objective": objective, "minimize": objective in MINIMIZED}
    candidates = plan(request["mode"], request["candidates"], table.problem)
    _write(ML / "analysis.json", {**told, "candidates": len(candidates)})
    print(f"{table.problem}: {len(table.features)} rows, columns {', '.join(table.features.columns)}", flush=True)
    print(
        f"left out as text or as identifiers: {', '.join(table.left_out) or 'none'}; objective {objective}", flush=True
    )
    for number, candidate in enumerate(candidates, start=1):
        work = partial(_try, candidate, number, table, request.get("fraction"), objective)
        _apart(work, number, candidate.algorithm)


def _apart(work, number, algorithm):
    """In a process of its own, which the cloud ends when the candidate's time is over; it never outlives this one."""
    parent = os.getpid()
    folder = ML / "candidates" / f"{number:03d}"
    (folder / "model" / "code").mkdir(parents=True)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            die_with(parent, signal.SIGKILL)
            work()
            status = 0
        finally:
            sys.stdout.flush()
            os._exit(status)
    _write(folder / "begun.json", {"pid": child, "algorithm": algorithm})
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if not (folder / "result.json").exists():
        _write(folder / "result.json", {"error": f"the candidate's process ended with {status}"})


def _try(candidate, number, table, fraction, objective):
    folder = ML / "candidates" / f"{number:03d}"
    model = candidate.model(table)
    try:
        found = metrics(table, *out_of_fold(model, table, fraction))
        model.fit(table.features, table.target)
    except ValueError as error:  # what scikit-learn makes of data that it cannot use
        _write(folder / "result.json", {"error": str(error)})
        return
    joblib.dump(model, folder / "model" / "model.joblib")
    kept = {"columns": table.columns, "features": list(table.features.columns), "numbers": table.numbers}
    _write(folder / "model" / "features.json", {**kept, "problem": table.problem})
    (folder / "model" / "code" / "inference.py").write_text(INFERENCE.read_text())
    _write(folder / "result.json", {"metrics": found})
    print(f"candidate {number} {candidate.algorithm}: {objective}={found[objective]:.4f}", flush=True)


def _write(path, content):
    """Whole or not at all: the cloud reads it meanwhile."""
    made = path.with_name(f".{path.name}")
    made.write_text(json.dumps(content))
    made.replace(path)


if __name__ == "__main__":
    main()
