"""The model that is served, asked again: what it answers to rows, as its own `inference.py` does in its process."""

# pyright: reportMissingImports=false

import json

import numpy as np
from apart import ModelError

PROBLEMS = ("binary", "multiclass", "regression")
MOST_ROWS, MOST_CHARACTERS = 2_000, 8_000_000  # of one question: neither process needs more memory for more rows
LARGEST = 1e150  # of a value: twenty thousand squares of it still have a sum
_ROUNDING = 1e-6  # by which a probability may miss 0 and 1


class Served:
    """`problem` is binary, multiclass or regression; `classes` are those of the model, in its order."""

    def __init__(self, apart, columns):
        """`apart` is the process of the model, `columns` are what it is asked with. Raises ModelError."""
        self._apart = apart
        told = apart.ask(json.dumps(list(columns)))
        self.problem, self.classes = (told.get(name) for name in ("problem", "classes"))
        if self.problem not in PROBLEMS:
            raise ModelError(f"its problem is none of {', '.join(PROBLEMS)}")
        if self.problem == "regression":
            return
        named = isinstance(self.classes, list) and all(isinstance(name, (str, int, float)) for name in self.classes)
        if not named or len(self.classes) < 2 or (self.problem == "binary" and len(self.classes) > 2):
            raise ModelError("its classes are no list of names or numbers, or not as many as its problem has")

    def answers(self, frame):
        """Of each row the probabilities of all classes (rows x classes), or its value (rows). Raises ModelError."""
        # A missing value is None to it, as in a request.
        rows = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
        regression = self.problem == "regression"
        found = [np.empty((0,) if regression else (0, len(self.classes)))]
        for part in _parts(rows):
            found.append(self._read(self._apart.ask(f"[{','.join(part)}]"), (len(part), *found[0].shape[1:])))
        return np.concatenate(found)

    def _read(self, told, shape):
        """An answer is only taken as numbers, of which there are as many as were asked for and which are of a size."""
        try:
            found = np.array(told, dtype=float)
        except (ValueError, TypeError, OverflowError) as error:
            raise ModelError("what it answers are no numbers") from error
        low, high = (-LARGEST, LARGEST) if self.problem == "regression" else (-_ROUNDING, 1 + _ROUNDING)
        if found.shape != shape or not ((found >= low) & (found <= high)).all():
            raise ModelError(f"it does not answer each row by {'a number' if len(shape) == 1 else 'probabilities'}")
        return found

    def codes(self, labels):
        """Labels as the places of their classes, or as numbers; NaN for what is none of them."""
        if self.problem == "regression":
            return np.array([_number(label) for label in labels], dtype=float)
        places = {_text(name): place for place, name in enumerate(self.classes)}
        return np.array([places.get(_text(label), np.nan) for label in labels], dtype=float)


def _parts(rows):
    """Yields rows as lists of JSON texts that make one question."""
    part, characters = [], 0
    for row in rows:
        text = json.dumps(row)
        if part and (len(part) == MOST_ROWS or characters + len(text) > MOST_CHARACTERS):
            yield part
            part, characters = [], 0
        part.append(text)
        characters += len(text)
    if part:
        yield part


def _number(value):
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return np.nan
    return number if abs(number) <= LARGEST else np.nan


def _text(value):
    """1, 1.0 and "1.0" are the same class."""
    number = _number(value)
    return str(value) if np.isnan(number) else f"{number:g}"
