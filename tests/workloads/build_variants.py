"""Run by test_variants.py in .venv-sdk: builds definitions of the workload `tabular` under changed workload.yaml files.

Usage: build_variants.py FOLDER; for each FOLDER/<name>.yaml it writes <name>.json (definition and images), of those
with a monitor <name>.monitor, its definition, and last dropped.json: what the SDK's own tuner writes without the
compiler's additions.
"""

import json
import sys
from pathlib import Path

from workloads.compiler.environment import isolate

isolate()

from config.load import load_workload  # noqa: E402
from workloads.compiler import build, tuning  # noqa: E402

ROOT = Path(__file__).parents[2]

folder = Path(sys.argv[1])


def built(path: Path) -> tuple[dict, dict]:
    return build.build(ROOT / "workloads" / "tabular", load_workload(path))


for path in sorted(folder.glob("*.yaml")):
    path.with_suffix(".json").write_text(json.dumps(built(path)))
    if (workload := load_workload(path)).monitor:
        monitor = build.build_monitor(ROOT / "workloads" / "tabular", workload)
        path.with_suffix(".monitor").write_text(json.dumps(monitor))
tuning.dropped = lambda search: {}
(folder / "dropped.json").write_text(json.dumps(built(folder / "search.yaml")[0]))
