"""The entry point of the archive that a workload's jobs run: `python3 code.zip COMMAND ...`.

What ends a processing job is told in /opt/ml/output/message too, whose first KB SageMaker shows as ExitMessage: its
FailureReason says no more than that the logs do. Source: AWS, "Save and Access Metadata Information About Your
Processing Job". Of training jobs, toolkit/job.py tells the same in the file that they have for it.
"""

import importlib
import os
import sys
from pathlib import Path

from toolkit.job import Reason


def run(*commands):
    """Runs the module that is named as the command, one of `commands`, with the words after it.

    A search's training jobs cannot bring a command of their own: theirs is in SLUICE_COMMAND.
    """
    command, *words = os.environ.get("SLUICE_COMMAND", "").split() or sys.argv[1:] or [""]
    with Reason(_message()):
        if command not in commands:
            sys.exit(f"say which step to run: {' or '.join(commands)}, not {command!r}")
        importlib.import_module(command).main(words)


def _message():
    """Where this processing job tells why it ends; None where none runs."""
    folder = Path(os.environ.get("SLUICE_ML", "/opt/ml"))  # in the rehearsal another folder stands for it
    return folder / "output" / "message" if (folder / "config" / "processingjobconfig.json").is_file() else None
