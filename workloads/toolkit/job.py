"""A script's arguments, written by a person or found where SageMaker puts them.

With `--job /opt/ml` the hyperparameters come from input/config/hyperparameters.json, each channel that the script has
an option for from input/data/<channel>, and model/, output/data/ and a folder in checkpoints/ are where it writes.
Source: AWS, "How Amazon SageMaker AI Runs Your Training Image". Arguments beside --job win over what is found there.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path

from toolkit import distributed


class Arguments(argparse.ArgumentParser):
    """argparse's parser, whose refusals also reach the file in which SageMaker looks for the reason."""

    def __init__(self, description):
        super().__init__(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        self.add_argument("--job", type=Path, metavar="DIR", help="take every argument from a training job's folder")

    def error(self, message):
        sys.exit(f"{self.prog}: {message} (--help tells the arguments)")

    def run(self, work, argv=None):
        """Parses, and calls `work` with the options; whatever ends it is told in DIR/output/failure too."""
        given = sys.argv[1:] if argv is None else argv
        finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        finder.add_argument("--job", type=Path)
        folder = finder.parse_known_args(given)[0].job
        with Reason(folder and folder / "output" / "failure"):
            work(self.parse_args((self._found(folder) if folder else []) + given))

    def _found(self, folder):
        options = {word for action in self._actions for word in action.option_strings}
        places = {path.name: path for path in (folder / "input" / "data").glob("*") if path.is_dir()}
        places.update(model=folder / "model", output=folder / "output" / "data")
        places["checkpoints"] = folder / "checkpoints" / _checkpoints_of(folder)
        words = [f"--{place}={path}" for place, path in places.items() if f"--{place}" in options]
        for parameter, value in read_hyperparameters(folder).items():
            words.append(f"--{parameter.replace('_', '-')}={value}")
        return words


def _checkpoints_of(folder):
    """A search's jobs share a place in S3, each under its name; elsewhere a retry, which has a new name, goes on."""
    name = os.environ.get("TRAINING_JOB_NAME", "job") if "SLUICE_COMMAND" in os.environ else "job"
    place = distributed.cluster(folder)
    return f"{name}-of-host-{place.rank}" if place.size > 1 else name


def positive(text):
    """The type of an argument that is a whole number of at least 1."""
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"it is {text}; at least 1 is needed")
    return int(text)


def read_hyperparameters(folder):
    """The job's own hyperparameters as texts; the SDK's and a tuner's are left out, and the SDK's quotes."""
    path = folder / "input" / "config" / "hyperparameters.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    own = {name: value for name, value in found.items() if not name.startswith(("_", "sagemaker_"))}
    return {name: json.loads(value) if value.startswith('"') else value for name, value in own.items()}


def tell(line, pattern=None):
    """Prints a line of the log; exits where `pattern`, by which the service looks for the metric, finds none in it.

    Else a run whose metric is never found would go on, and a search would throw away all that its jobs have trained.
    """
    print(line, flush=True)
    if pattern and not any(_is_number(match.group(1)) for match in re.finditer(pattern, line)):
        sys.exit(
            f"metric.pattern of workload.yaml, {pattern!r}, finds no number in what training prints: {line!r}. Change "
            "the pattern, so that its group finds the metric there, or what the script prints"
        )


def _is_number(text):
    try:
        float(text)
    except (TypeError, ValueError):
        return False
    return True


class Reason:
    """Writes what ends its block to a file, if there is one, of which SageMaker shows the beginning."""

    def __init__(self, path):
        self._path = path

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None or (kind is SystemExit and not isinstance(error.code, str)):
            return
        reason = str(error.code) if kind is SystemExit else f"{kind.__name__}: {error}"
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # SageMaker fails a job by itself whose message is not UTF-8.
            self._path.write_text(reason, encoding="utf-8", errors="replace")
