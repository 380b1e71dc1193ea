"""Which container images can run here, and as what."""

import sys
from dataclasses import dataclass
from pathlib import Path

CONTAINERS = Path(__file__).parent.parent / "containers"


@dataclass(frozen=True)
class Runner:
    """What an image's entry points are on this machine; empty where a job brings its own command."""

    train: tuple[str, ...] = ()
    serve: tuple[str, ...] = ()


_RUNNERS = {
    "kmeans": Runner(
        train=(sys.executable, str(CONTAINERS / "kmeans.py"), "train"),
        serve=(sys.executable, str(CONTAINERS / "kmeans.py"), "serve"),
    ),
    "sagemaker-scikit-learn": Runner(),
}


class NoRunnerError(Exception):
    """An image that has no counterpart on this machine."""


def runner(image_uri: str) -> Runner:
    """The runner of an image, by repository name. Raises NoRunnerError."""
    repository = image_uri.split("/")[-1].split(":")[0].split("@")[0]
    if repository not in _RUNNERS:
        raise NoRunnerError(f"no runner for image '{image_uri}': this cloud runs {', '.join(sorted(_RUNNERS))}")
    return _RUNNERS[repository]
