"""Captured rows and a model's own as tables of the same columns and kinds."""

# pyright: reportMissingImports=false

import numpy as np
import pandas as pd
from toolkit.asked import MISSING

COMPARED_CHARACTERS = 500  # of a text, the first


def read(path, data):
    """Rows of the table that the model was made of, or None: of an older model there may be none."""
    if not path.exists():
        return None
    texts = {name: object for name, kind in data["columns"].items() if kind == "text"}
    told = {"dtype": texts, "na_values": list(MISSING), "keep_default_na": False}
    return pd.read_csv(path, **told)[list(data["columns"])]


def compared(frame):
    """Rows with as much of their texts as is compared with others; what a model is asked is not cut."""
    texts = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    return frame.assign(**{name: frame[name].map(_begin) for name in texts})


def _begin(value):
    return value[:COMPARED_CHARACTERS] if isinstance(value, str) else value


def named(values):
    """Values as texts, as they are compared: 1 and 1.0 are the same."""
    numeric = pd.api.types.is_numeric_dtype(values)
    texts = values.map("{:.15g}".format) if numeric else values.map(_begin).astype(str)
    return texts.where(values.notna(), "missing").to_numpy(dtype=str)


def frame(rows, like):
    """Captured rows as a table with the columns and kinds of `like`; what is no number there is missing."""
    found = pd.DataFrame([row[2] for row in rows], columns=list(like), dtype=object)
    for name in like:
        if pd.api.types.is_numeric_dtype(like[name]):
            found[name] = pd.to_numeric(found[name], errors="coerce").astype(float).replace([np.inf, -np.inf], np.nan)
        else:
            found[name] = found[name].map(_text)
    return found


def _text(value):
    """JSON's 3.0 is the 3 of a CSV."""
    if value is None:
        return np.nan
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def only(path, name):
    """The file, the file `name` of a folder, or its one file: SageMaker puts each input into a folder of its own.

    Raises FileNotFoundError.
    """
    if path.is_file():
        return path
    files = sorted(each for each in path.rglob("*") if each.is_file())
    named = [each for each in files if each.name == name]
    if not named and len(files) != 1:
        raise FileNotFoundError(f"{path} holds no {name}")
    return (named or files)[0]
