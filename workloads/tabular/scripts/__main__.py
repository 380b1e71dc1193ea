"""Entry point of the archive that the jobs run: `python3 code.py COMMAND ...`.

A search's training jobs cannot bring a command of their own: theirs is in SLUICE_COMMAND.
"""

import importlib
import os
import sys

COMMANDS = ("preprocess", "preprocess_spark", "train", "evaluate")  # a workload on Spark brings preprocess_spark.py


def main() -> None:
    command, *words = os.environ.get("SLUICE_COMMAND", "").split() or sys.argv[1:] or [""]
    if command not in COMMANDS:
        sys.exit(f"say which step to run: {' or '.join(COMMANDS)}, not {command!r}")
    importlib.import_module(command).main(words)


if __name__ == "__main__":
    main()
