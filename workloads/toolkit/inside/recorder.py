"""Records what happens inside a training and answers what the rules find in it."""

import json
import math
import os
from pathlib import Path

from toolkit.inside import rules
from toolkit.inside.history import LIMIT, History, write_whole
from toolkit.inside.report import page
from toolkit.inside.statistics import describe

RESPONSES = ("log", "alert", "stop")


class StopTrainingError(Exception):
    """A rule that is answered with `stop` has fired; the message says which, when, on what values and what to do."""


class Inside:
    """A training's record. Steps are whole numbers that grow: epochs, boosting rounds or batches.

    `output_folder` is what the job uploads when it ends (`/opt/ml/output/data`): `inside/` there gets history.jsonl,
    report.html and summary.json. With `checkpoint_folder` the history is kept there while training, and alerts too,
    both of which SageMaker copies to S3 as they come; a restarted job goes on with that history.
    `watch` says what to do about a symptom (all are logged by default), `thresholds` what makes one:
    `{"overfitting": {"patience": 20}}`, see `rules`. Of several processes only one records.
    """

    def __init__(self, output_folder, checkpoint_folder=None, watch=None, thresholds=None, job=None, limit=LIMIT):
        self.output = Path(output_folder) / "inside"
        self.checkpoints = Path(checkpoint_folder) if checkpoint_folder else None
        self.watch = dict.fromkeys(rules.RULES, "log") if watch is None else dict(watch)
        self.thresholds = rules.thresholds(thresholds or {})
        self.job = job or os.environ.get("TRAINING_JOB_NAME", "local")
        rules.known(self.watch)
        wrong = {symptom: response for symptom, response in self.watch.items() if response not in RESPONSES}
        if wrong:
            raise ValueError(f"watch: {wrong}; a response is one of {', '.join(RESPONSES)}")
        if limit < 2 * rules.LONGEST:
            raise ValueError(f"limit is {limit}; the rules need at least {2 * rules.LONGEST} records to look at")
        self.history = History((self.checkpoints or Path(output_folder)) / "inside" / "history.jsonl", limit)
        self._latest = None

    def due(self, step):
        """Whether `record` keeps this step: gradients of other steps need not be computed."""
        return self.history.due(step)

    def labels(self, y):
        """The labels of the training rows, once: class imbalance is judged by them."""
        self.history.about["labels"] = rules.count_labels(y)
        self.history.write()
        self._judge(step=0, symptoms=["class_imbalance"])

    def gradients_are(self, what):
        """What the recorded gradients are, in a few words for the report."""
        if self.history.about.get("gradients_are") != what:
            self.history.about["gradients_are"] = what
            self.history.write()

    def record(self, step, losses=None, gradients=None, weights=None, dead=None):
        """Keeps the statistics of a step and applies the rules. Raises StopTrainingError.

        `losses`: numbers by name, of which rules know `train` and `validation`. `gradients`, `weights`: arrays by
        layer. `dead`: by layer the share of units (0 to 1) that were inactive. True when the step was kept.
        """
        losses = {name: float(value) for name, value in (losses or {}).items()}
        self._latest = (step, losses)
        if not self.due(step):
            return False
        self.history.add(
            {
                "step": int(step),
                "losses": losses,
                "gradients": {layer: describe(array) for layer, array in (gradients or {}).items()},
                "weights": {layer: describe(array) for layer, array in (weights or {}).items()},
                "dead": {layer: float(share) for layer, share in (dead or {}).items()},
            }
        )
        self._judge(step=int(step), symptoms=[symptom for symptom in rules.RULES if symptom != "class_imbalance"])
        return True

    def report(self):
        """Writes history.jsonl, report.html and summary.json, and returns the path of the report."""
        records, about = self.history.records, {"job": self.job, "watch": self.watch, **self.history.about}
        step, losses = self._latest or ((records[-1]["step"], records[-1]["losses"]) if records else (0, {}))
        final = {name: value if math.isfinite(value) else None for name, value in losses.items()}
        summary = {"job": self.job, "steps": step, "records": len(records), "losses": final, "fired": about["fired"]}
        write_whole(self.output / "summary.json", json.dumps(summary, indent=1) + "\n")
        write_whole(self.output / "report.html", page(about, records))
        if self.history.path.is_file():
            write_whole(self.output / "history.jsonl", self.history.path.read_text())
        return self.output / "report.html"

    def _judge(self, step, symptoms):
        for symptom in symptoms:
            if symptom not in self.watch:
                continue
            found = rules.RULES[symptom](self.history.about, self.history.records, **self.thresholds[symptom])
            if found:
                self._answer(symptom, step, *found)

    def _answer(self, symptom, step, message, values):
        response, fired = self.watch[symptom], self.history.about["fired"]
        message = f"{symptom.replace('_', ' ')} at step {step}: {message}"
        if symptom not in [one["symptom"] for one in fired]:
            said = {"symptom": symptom, "step": step, "message": message, "values": values}
            fired.append({**said, "job": self.job, "response": response, "next": rules.NEXT[symptom]})
            print(f"inside: {message}. {rules.NEXT[symptom]}", flush=True)
            if response == "alert":
                # Named by the job, so that who is told finds its log.
                folder = self.checkpoints / self.job if self.checkpoints else self.output
                write_whole(folder / "alerts" / f"{len(fired)}-{symptom}.json", json.dumps(fired[-1], indent=1) + "\n")
            # After the alert: a process that ends in between alerts again, into the same file.
            self.history.write()
        if response == "stop":
            # Also when it had fired before: a job that is tried again from the same checkpoint has the same fault.
            self.report()
            raise StopTrainingError(f"{message}. {rules.NEXT[symptom]}")
