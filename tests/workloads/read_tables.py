"""Reads each table that stdin names with toolkit.table and prints what came of it, as JSON by name.

Parquet is written first where columns are given.
Runs in .venv-cloud, in one process for all, with `workloads/tabular/scripts` on the path.
"""

# pyright: reportMissingImports=false

import json
import sys
import warnings
from typing import Any

import pandas as pd
from toolkit.table import TableError, manifest, problem_of, read_table

warnings.simplefilter("error")


def outcome(path: str, target: str, form: str) -> dict[str, Any]:
    try:
        frame = read_table(path, target, form)
    except TableError as error:
        return {"refused": str(error)}
    rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    return {
        "columns": list(frame.columns),
        "rows": rows[:20],
        "problem": problem_of(frame[target]),
        "manifest": manifest(path, frame, target, form),
    }


if __name__ == "__main__":
    cases = json.load(sys.stdin)
    for case in cases:
        if columns := case.get("columns"):
            pd.DataFrame(columns).convert_dtypes().to_parquet(case["path"])
    told = {case["name"]: outcome(case["path"], case["target"], case["format"]) for case in cases}
    print(json.dumps(told))  # noqa: T201
