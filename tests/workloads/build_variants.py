"""Run by test_variants.py in .venv-sdk: builds definitions of the workload `tabular` under changed workload.yaml files.

Usage: build_variants.py FOLDER; for each FOLDER/<name>.yaml it writes <name>.json (definition and images), and last
dropped.json: what the SDK's own tuner writes without the compiler's additions. With the word `monitors` behind it, it
writes the definition of each one's monitor alone.
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


def monitors() -> None:
    for path in folder.glob("*.yaml"):
        made = build.build_monitor(ROOT / "workloads" / "tabular", load_workload(path))
        path.with_suffix(".json").write_text(json.dumps(made))


def pipelines() -> None:
    for path in sorted(folder.glob("*.yaml")):
        path.with_suffix(".json").write_text(json.dumps(built(path)))
    tuning.dropped = lambda search: {}
    (folder / "dropped.json").write_text(json.dumps(built(folder / "search.yaml")[0]))


monitors() if "monitors" in sys.argv else pipelines()
