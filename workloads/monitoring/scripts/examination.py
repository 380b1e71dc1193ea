"""What each kind of monitor finds in the rows of a window: {kind: {..., drifted, causes}}."""

# pyright: reportMissingImports=false

import json
import pickle
import tarfile
import tempfile
import zlib
from pathlib import Path

import attribution
import captured
import drift
import numpy as np
import pandas as pd
import quality
from served import Served

_DAMAGED = (OSError, EOFError, tarfile.TarError, zlib.error, pickle.UnpicklingError)


class Examination:
    """Of one model. What cannot be examined is told in `faults`, {kind: why}, and does not keep the others from it."""

    def __init__(self, options, settings, data, reference, skipped):
        self._options, self._settings, self._data, self._skipped = options, settings, data, skipped
        self._reference, self._features = reference, [name for name in reference if name != data["target"]]
        self.faults = {}

    def of(self, recent, older):
        """(kinds, rows with their labels in the target's column or None).

        `recent` are the window's rows as a table, `older` captured rows that are old enough for labels to be there.
        """
        kinds, asking = {}, [kind for kind in self._settings["kinds"] if kind != "data-quality"]
        if "data-quality" in self._settings["kinds"]:
            kinds["data-quality"] = self._data_quality(recent)
        if not asking:
            return kinds, None
        with tempfile.TemporaryDirectory() as folder:
            try:
                if self._options.model is None:
                    raise KeyError("no model is given")
                served = Served(only(self._options.model, "model.tar.gz"), Path(folder))
                found, labelled = self._asking(served, asking, recent, older)
            # The archive is damaged, its code is not what models here bring, or it fails on these rows.
            except (*_DAMAGED, ImportError, SyntaxError, LookupError, AttributeError, TypeError, ValueError) as error:
                self.faults |= dict.fromkeys(asking, f"the model cannot be asked: {error}")
                return kinds, None
        return {**kinds, **found}, labelled

    def _asking(self, served, wanted, recent, older):
        kinds, labelled, known = {}, None, self._reference[self._features]
        if "attribution" in wanted:
            kinds["attribution"] = _caused(attribution.judged(served.answers, recent, known, seed=self._options.seed))
        if {"model-quality", "bias"} & set(wanted):
            labelled, share = self._labelled(served, older)
            enough = len(labelled) >= self._settings["minimum_rows"]
            common = {"labelled": len(labelled), "unlabelled_share": share}
            for name, judge in (("model-quality", self._model_quality), ("bias", self._bias)):
                if name in wanted:
                    told = judge(served, labelled) if enough else None
                    caused = _caused(told or {"drifted": False, "cause": ""})
                    kinds[name] = {**common, "enough": told is not None, **caused}
        return kinds, labelled

    def _data_quality(self, recent):
        found = drift.features(self._reference[self._features], recent, set(self._settings["critical"]))
        limits = {name: self._settings[name] for name in ("false_alarm_rate", "drift_share")}
        told, share, drifted, causes = drift.judged(found, **limits)
        if absent := sorted(set(self._settings["critical"]) - set(self._features)):
            self.faults["data-quality"] = f"the model has no feature {', '.join(absent)}"
        return {"drifted": drifted, "share": share, "features": told, "causes": causes}

    def _labelled(self, served, rows):
        """(rows with a known label, in the target's column; share of the rows without one)."""
        found = captured.labels(self._options.labels, {row[0] for row in rows}, self._skipped)
        chosen = [row for row in rows if row[0] in found]
        labelled = frame(chosen, self._reference[self._features])
        labelled[self._data["target"]] = [found[row[0]] for row in chosen]
        codes = served.codes(labelled[self._data["target"]])
        self._skipped["label of no known class"] += int(np.isnan(codes).sum())
        return labelled[~np.isnan(codes)], 1 - len(chosen) / len(rows) if rows else 0.0

    def _model_quality(self, served, labelled):
        truth = served.codes(labelled[self._data["target"]])
        truth = truth if served.problem == "regression" else truth.astype(int)
        answers = served.answers(labelled[self._features])
        # As training prints it, validation:auc, it is auc.
        usual = "rmse" if served.problem == "regression" else "auc"
        metric = (self._settings["metric"] or usual).rpartition(":")[2]
        if why := quality.tells(metric, truth, answers):
            self.faults["model-quality"] = why
            return None
        before = None
        if self._options.evaluation:
            told = json.loads(only(self._options.evaluation, "evaluation.json").read_text())
            before = told["metrics"].get(metric, {}).get("value")
        return quality.judged(metric, truth, answers, before, seed=self._options.seed)

    def _bias(self, served, labelled):
        segment, parts = self._settings["segment"], []
        if segment not in self._features or served.problem != "binary":
            told = f"the model has no feature {segment!r}" if segment not in self._features else "it needs two classes"
            self.faults["bias"] = told
            return None
        for rows in (self._reference, labelled):
            chosen = (served.answers(rows[self._features])[:, 1] >= 0.5).astype(int)
            named = rows[segment].astype(object).where(rows[segment].notna(), "missing").tolist()
            parts.append((named, served.codes(rows[self._data["target"]]), chosen))
        [trained, now] = parts
        before, _ = quality.gaps(*trained)
        return quality.bias(now[0], now[1], now[2], before, seed=self._options.seed)


def _caused(told):
    """With a list of causes in place of the one."""
    cause = told.pop("cause")
    return {**told, "causes": [cause] if told["drifted"] else []}


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
