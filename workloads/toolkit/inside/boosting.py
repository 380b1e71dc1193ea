"""The hook for XGBoost.

    evals = [(dtrain, "train"), (dvalid, "validation")]
    xgboost.train(parameters, dtrain, rounds, evals, callbacks=[Watch(inside, rows=dtrain)])

A step is a boosting round. Boosted trees have no layers: recorded are, of the round's new trees, `leaves` (the values
of their leaves) and `gains` (of their splits) in place of weights, and with `rows=dtrain` in place of a layer's
gradients `rows`: the first derivative of the objective at each training row, which the next tree is fitted to.
"""

# pyright: reportMissingImports=false

import json

import numpy as np
import xgboost

OBJECTIVES = ("binary:logistic", "reg:squarederror", "multi:softprob", "multi:softmax")


class Watch(xgboost.callback.TrainingCallback):
    """`metric`: which of the evaluated metrics is the loss; the last one, as XGBoost's early stopping does, by default.

    Raises ValueError for `rows` with another objective than OBJECTIVES, whose derivative is not known here.
    """

    def __init__(self, inside, rows=None, metric=None):
        super().__init__()
        self.inside, self.rows, self.metric, self._objective = inside, rows, metric, None
        inside.gradients_are("exact, of the objective at each training row" if rows is not None else "not recorded")

    def after_iteration(self, model, epoch, evals_log):
        losses = {name: metrics[self.metric or list(metrics)[-1]][-1] for name, metrics in evals_log.items()}
        if not self.inside.due(epoch):
            self.inside.record(epoch, losses)
            return False
        # `epoch` counts on from a model that training was continued with, the trees of this model do so too.
        newest = model[model.num_boosted_rounds() - 1 :]
        nodes = [
            node for tree in newest.get_dump(with_stats=True, dump_format="json") for node in _nodes(json.loads(tree))
        ]
        weights = {"leaves": [node["leaf"] for node in nodes if "leaf" in node]}
        gains = [node["gain"] for node in nodes if "gain" in node]
        gradients = {"rows": self._gradients(model, self.rows)} if self.rows is not None else {}
        self.inside.record(epoch, losses, gradients, {**weights, "gains": gains} if gains else weights)
        return False

    def _gradients(self, model, rows):
        if self._objective is None:
            learner = json.loads(model.save_config())["learner"]
            self._objective = learner["objective"]["name"]
        if self._objective not in OBJECTIVES:
            raise ValueError(f"no derivative of {self._objective} is known here, only of {', '.join(OBJECTIVES)}")
        labels, weights = rows.get_label(), rows.get_weight()
        if self._objective.startswith("multi:"):
            # softmax predicts the class, so both are asked for the margins.
            margins = model.predict(rows, output_margin=True)
            powers = np.exp(margins - margins.max(axis=1, keepdims=True))
            gradients = powers / powers.sum(axis=1, keepdims=True)
            gradients[np.arange(len(labels)), labels.astype(int)] -= 1
            return gradients * weights[:, None] if weights.size else gradients
        gradients = model.predict(rows) - labels
        return gradients * weights if weights.size else gradients


def _nodes(node):
    yield node
    for child in node.get("children", ()):
        yield from _nodes(child)
