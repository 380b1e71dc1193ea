"""A second opinion: Evidently's page of the same rows, where Evidently is installed. No alarm hears of it.

It runs as a process of its own: its import takes seconds and hundreds of MB, and what it cannot draw must not end the
job. The image of scikit-learn that jobs run in by default has no Evidently: docs/monitoring-statistics.md.
"""

# pyright: reportMissingImports=false

import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

NAME = "evidently.html"
MOST_ROWS, MOST_COLUMNS = 2_000, 60  # its page grows with both, and with 31 columns has 5.7 MB
LONGEST_SECONDS = 300


def write(folder, reference, recent):
    """Writes evidently.html into `folder`; False where there is no Evidently, or where it fails, which is printed."""
    if importlib.util.find_spec("evidently") is None:
        return False
    with tempfile.TemporaryDirectory() as place:
        for name, rows in (("reference", reference), ("recent", recent)):
            sample = rows.iloc[:, :MOST_COLUMNS].sample(min(MOST_ROWS, len(rows)), random_state=0)
            sample.to_pickle(Path(place, name))
        command = [sys.executable, sys.argv[0], "second", place, str(folder / NAME)]
        # Nothing is reported to its makers, and this process's end is not that of the job.
        told = {"DO_NOT_TRACK": "1", "SLUICE_ML": place, "SLUICE_COMMAND": ""}
        try:
            subprocess.run(
                command, env={**os.environ, **told}, check=True, capture_output=True, text=True, timeout=LONGEST_SECONDS
            )
        except subprocess.CalledProcessError as error:
            print(f"no {NAME}: {error.stderr[-500:]}")
            return False
        except subprocess.TimeoutExpired:
            print(f"no {NAME}: it took more than {LONGEST_SECONDS} s")
            return False
    return True


def main(argv=None):
    import pandas as pd
    from evidently import Report
    from evidently.presets import DataDriftPreset, DataSummaryPreset

    place, target = (argv or sys.argv[1:])[:2]
    reference, recent = (pd.read_pickle(Path(place, name)) for name in ("reference", "recent"))
    known = [name for name in reference if reference[name].notna().any() and recent[name].notna().any()]
    Report([DataDriftPreset(), DataSummaryPreset()]).run(recent[known], reference[known]).save_html(target)


if __name__ == "__main__":
    main()
