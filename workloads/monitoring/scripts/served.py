"""The model that is served, asked again: what it answers to rows, as its own `inference.py` does."""

# pyright: reportMissingImports=false

import importlib.util
import sys
import tarfile
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

# Before 3.10.12 and 3.11.4 Python knows no filters.
SAFELY: dict = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
CODE = Path("code", "inference.py")


class Served:
    """`problem` is binary, multiclass or regression; `classes` are those of the model, in its order."""

    def __init__(self, archive, folder):
        """Raises KeyError where `archive` (model.tar.gz) brings no inference.py, or one without its functions."""
        with tarfile.open(archive) as packed:
            packed.extractall(folder, **SAFELY)
        if not (folder / CODE).is_file():
            raise KeyError(f"{archive} holds no {CODE}")
        spec = importlib.util.spec_from_file_location("served_inference", folder / CODE)
        if spec is None or spec.loader is None:
            raise KeyError(f"{CODE} is no module")
        self._code = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = self._code
        spec.loader.exec_module(self._code)
        self._model = self._code.model_fn(folder)
        self.classes, self.problem = self._model[1].get("classes"), self._model[1]["problem"]

    def answers(self, frame):
        """Of each row the probabilities of all classes (rows x classes), or its value (rows)."""
        # A missing value is None to it, as in a request.
        rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
        # Of few rows at a time threads wait for each other longer than they work.
        with threadpool_limits(1):
            told = self._code.predict_fn([dict(zip(frame.columns, row, strict=True)) for row in rows], self._model)
        if self.problem == "regression":
            return np.array([answer["value"] for answer in told])
        return np.array([[answer["probabilities"][str(name)] for name in self.classes] for answer in told])

    def codes(self, labels):
        """Labels as the places of their classes, or as numbers; NaN for what is none of them."""
        if self.problem == "regression":
            return np.array([_number(label) for label in labels], dtype=float)
        places = {_text(name): place for place, name in enumerate(self.classes)}
        return np.array([places.get(_text(label), np.nan) for label in labels], dtype=float)


def _number(value):
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan


def _text(value):
    """1, 1.0 and "1.0" are the same class."""
    number = _number(value)
    return str(value) if np.isnan(number) else f"{number:g}"
