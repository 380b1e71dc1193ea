"""What each kind of monitor finds in the rows of a window: {kind: {..., drifted, causes}}."""

# pyright: reportMissingImports=false

import json

import attribution
import bias
import captured
import drift
import numpy as np
import quality
from apart import Apart, ModelError
from served import Served
from tables import compared, frame, named, only


class Examination:
    """Of one model. What cannot be examined is told in `faults`, {kind: why}, and does not keep the others from it.

    `reference` and `tested` are rows that the model was trained and tested with; the latter may be None. The kinds
    share the rate of false alarms, so that it is that of the window.
    """

    def __init__(self, options, settings, data, reference, tested, skipped):
        self._options, self._settings, self._data, self._skipped = options, settings, data, skipped
        self._reference, self._features = reference, [name for name in reference if name != data["target"]]
        self._tested, self.faults = tested, {}
        self._labels, self._evaluation = {}, '{"metrics": {}}'
        self._chance = {"rate": settings["false_alarm_rate"] / len(settings["kinds"]), "seed": options.seed}

    def of(self, recent, older):
        """(kinds, rows with their labels in the target's column or None).

        `recent` are the window's rows as a table, `older` captured rows that are old enough for labels to be there.
        """
        kinds, asking = {}, [kind for kind in self._settings["kinds"] if kind != "data-quality"]
        if "data-quality" in self._settings["kinds"]:
            kinds["data-quality"] = self._data_quality(recent)
        if not asking:
            return kinds, None
        try:
            if self._options.model is None:
                raise ModelError("no model is given")
            archive = only(self._options.model, "model.tar.gz")
            # Read before the model runs, which has the same disk.
            self._labels = captured.labels(self._options.labels, {row[0] for row in older}, self._skipped)
            if self._options.evaluation:
                self._evaluation = only(self._options.evaluation, "evaluation.json").read_text()
            with Apart(archive) as apart:
                found, labelled = self._asking(Served(apart, self._features), asking, recent, older)
        # There is none, it fails, or evaluation.json is not what it should be.
        except (ModelError, OSError, LookupError, AttributeError, TypeError, ValueError) as error:
            self.faults |= dict.fromkeys(asking, f"the model cannot be asked: {error}")
            return kinds, None
        return {**kinds, **found}, labelled

    def _asking(self, served, wanted, recent, older):
        kinds, labelled, known = {}, None, self._reference[self._features]
        if "attribution" in wanted:
            kinds["attribution"] = _caused(attribution.judged(served.answers, recent, known, **self._chance))
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
        before, now = compared(self._reference[self._features]), compared(recent)
        found = drift.features(before, now, set(self._settings["critical"]))
        limits = {"false_alarm_rate": self._chance["rate"], "drift_share": self._settings["drift_share"]}
        told, share, drifted, causes = drift.judged(found, **limits)
        if absent := sorted(set(self._settings["critical"]) - set(self._features)):
            self.faults["data-quality"] = f"the model has no feature {', '.join(absent)}"
        return {"drifted": drifted, "share": share, "features": told, "causes": causes}

    def _labelled(self, served, rows):
        """(rows with a known label, in the target's column; share of the rows without one)."""
        chosen = [row for row in rows if row[0] in self._labels]
        labelled = frame(chosen, self._reference[self._features])
        labelled[self._data["target"]] = [self._labels[row[0]] for row in chosen]
        codes = served.codes(labelled[self._data["target"]])
        self._skipped["label of no known class"] += int(np.isnan(codes).sum())
        return labelled[~np.isnan(codes)], 1 - len(chosen) / len(rows) if rows else 0.0

    def _model_quality(self, served, labelled):
        truth, answers = self._answered(served, labelled)
        # As training prints it, validation:auc, it is auc.
        usual = "rmse" if served.problem == "regression" else "auc"
        metric = (self._settings["metric"] or usual).rpartition(":")[2]
        if why := quality.tells(metric, truth, answers):
            self.faults["model-quality"] = why
            return None
        if self._tested is not None:
            tested = self._answered(served, self._tested)
            if not quality.tells(metric, *tested):
                return quality.judged(metric, truth, answers, tested, **self._chance)
        known = json.loads(self._evaluation)["metrics"].get(metric, {})
        before = (known.get("value"), known.get("standard_deviation") or 0.0)
        return quality.judged_by(metric, truth, answers, *before, seed=self._options.seed)

    def _bias(self, served, labelled):
        segment = self._settings["segment"]
        if segment not in self._features or served.problem != "binary":
            told = f"the model has no feature {segment!r}" if segment not in self._features else "it needs two classes"
            self.faults["bias"] = told
            return None
        # Of a model that is older than tested.csv is, by the rows that it has learned from.
        rows = self._reference if self._tested is None else self._tested
        if len(bias.known(named(rows[segment]))) < 2:
            told = f"of the rows that the model was tested with, no two values of {segment!r} have {bias.FEWEST}"
            self.faults["bias"] = told
            return None
        return bias.judged(self._chosen(served, labelled), self._chosen(served, rows), **self._chance)

    def _answered(self, served, rows):
        """(truth, answers) of rows; those with a label that the model does not know have been left out."""
        truth = served.codes(rows[self._data["target"]])
        truth = truth if served.problem == "regression" else truth.astype(int)
        return truth, served.answers(rows[self._features])

    def _chosen(self, served, rows):
        """(value of the segment, truth, choice) of each row; the second class is the chosen one."""
        truth, answers = self._answered(served, rows)
        return named(rows[self._settings["segment"]]), truth, answers[:, 1] >= 0.5


def _caused(told):
    """With a list of causes in place of the one."""
    cause = told.pop("cause")
    return {**told, "causes": [cause] if told["drifted"] else []}
