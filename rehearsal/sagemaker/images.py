"""Which container images can run here, and as what."""

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

CONTAINERS = Path(__file__).parent.parent / "containers"
_SCRIPT_SERVER = (sys.executable, str(CONTAINERS / "script_server.py"))


@dataclass(frozen=True, kw_only=True)
class Runner:
    """What an image's entry points are on this machine; empty where a job brings its own command."""

    stand_in: str  # what runs instead of the image, for the log and the answer
    train: tuple[str, ...] = ()
    serve: tuple[str, ...] = ()
    script_mode: bool = False  # `sagemaker_program` is trained with
    needs: str = ""  # a package that must be importable


_RUNNERS = {
    "kmeans": Runner(
        stand_in="scikit-learn's KMeans stands in for the built-in K-means",
        train=(sys.executable, str(CONTAINERS / "kmeans.py"), "train"),
        serve=(sys.executable, str(CONTAINERS / "kmeans.py"), "serve"),
    ),
    "sagemaker-scikit-learn": Runner(
        stand_in="this machine's Python and scikit-learn stand in for the image",
        serve=_SCRIPT_SERVER,
        script_mode=True,
    ),
    "sagemaker-xgboost": Runner(
        stand_in="this machine's Python and XGBoost stand in for the image",
        serve=_SCRIPT_SERVER,
        script_mode=True,
        needs="xgboost",
    ),
}


class NoRunnerError(Exception):
    """An image that has no counterpart on this machine."""


def runner(image_uri: str) -> Runner:
    """The runner of an image, by repository name. Raises NoRunnerError."""
    repository = image_uri.split("/")[-1].split(":")[0].split("@")[0]
    if repository not in _RUNNERS:
        raise NoRunnerError(f"no runner for image '{image_uri}': this cloud runs {', '.join(sorted(_RUNNERS))}")
    found = _RUNNERS[repository]
    if found.needs and importlib.util.find_spec(found.needs) is None:
        raise NoRunnerError(f"no runner for image '{image_uri}': the package {found.needs} is not installed here")
    return found
