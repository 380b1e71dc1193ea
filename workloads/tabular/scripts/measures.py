"""How good predictions are."""

# pyright: reportMissingImports=false

import numpy as np
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score, roc_auc_score

OF_CLASSES = ("log_loss", "auc", "accuracy")
METRICS = {"binary": OF_CLASSES, "multiclass": OF_CLASSES, "regression": ("rmse", "r2")}
LOSSES = {"binary": "log_loss", "multiclass": "log_loss", "regression": "rmse"}


def measure(description, estimator, matrix, target):
    """{"log_loss", "auc", "accuracy"} of classes, {"rmse", "r2"} of numbers.

    With more than two classes auc is the mean of each class against each other one. It is left out where the rows
    lack a class.
    """
    if description["problem"] == "regression":
        predicted = estimator.predict(matrix)
        return {"rmse": float(mean_squared_error(target, predicted) ** 0.5), "r2": float(r2_score(target, predicted))}
    classes = np.arange(len(description["classes"]))
    found = estimator.predict_proba(matrix)
    values = {"log_loss": float(log_loss(target, found, labels=classes))}
    if len(np.unique(target)) == len(classes):
        score = found[:, 1] if len(classes) == 2 else found
        values["auc"] = float(roc_auc_score(target, score, multi_class="ovo", labels=classes))
    values["accuracy"] = float(accuracy_score(target, found.argmax(axis=1)))
    return values
