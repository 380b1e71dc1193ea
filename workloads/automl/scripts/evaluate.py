"""Measures predictions of held-out rows, and compares them with those of the champion for the same rows."""

# pyright: reportMissingImports=false

import argparse
import ast
import csv
from pathlib import Path

import numpy as np
from sklearn import metrics
from toolkit.verdict import conclude, metric_of

OF_CLASSES, OF_NUMBERS = ("accuracy", "balanced_accuracy", "f1"), ("rmse", "mae", "r2")
METRICS = {"binary": (*OF_CLASSES, "auc"), "multiclass": OF_CLASSES, "regression": OF_NUMBERS}


def main(argv=None):
    """Reads what batch transform wrote, writes evaluation.json: metrics, champion, better, reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--predictions", type=Path, required=True, help="folder with the answers of the new model")
    parser.add_argument(
        "--champion", type=Path, required=True, help="folder with those of the champion, if there is one"
    )
    parser.add_argument("--champion-version", required=True, help="its version; 0: there is none")
    parser.add_argument("--labels", type=Path, required=True, help="folder with labels.csv, in the rows' order")
    parser.add_argument("--metric", required=True, help="what decides, such as auc or rmse")
    parser.add_argument("--direction", choices=["maximize", "minimize"], required=True)
    parser.add_argument("--worst", type=float, help="a model that is worse is not registered")
    parser.add_argument("--output", type=Path, required=True, help="folder for evaluation.json")
    options = parser.parse_args(argv)
    labels = [row[0] for row in csv.reader((options.labels / "labels.csv").open(encoding="utf-8"))]
    found = measured(answers(options.predictions), labels)
    metric = metric_of(options.metric, found, "regression" if "rmse" in found else "classification")
    conclude(options.output, metric, found, options, lambda: measured(answers(options.champion), labels))


def answers(folder):
    """The rows of all answers, in the order of the files' names."""
    files = sorted(path for path in folder.rglob("*.out") if path.is_file())
    if not files:
        raise ValueError(f"{folder} holds no .out file of a transform job")
    return [row for file in files for row in csv.reader(file.open(encoding="utf-8"))]


def measured(rows, labels):
    """Each metric's value. Rows are a number, or predicted label, probabilities and labels, the last two as lists."""
    if len(rows) != len(labels):
        raise ValueError(f"there are {len(rows)} predictions for {len(labels)} rows")
    if len(rows[0]) == 1:
        return _numbers(np.array(rows, dtype=float)[:, 0], np.array(labels, dtype=float))
    classes = _classes(rows[0])
    table = np.array([[ast.literal_eval(row[1])[_classes(row).index(name)] for name in classes] for row in rows])
    truth, guess = np.array([_name(label) for label in labels]), np.array([_name(row[0]) for row in rows])
    found = {
        "accuracy": metrics.accuracy_score(truth, guess),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, guess),
    }
    if len(classes) == 2:
        positive = sorted(classes)[-1]
        found["auc"] = metrics.roc_auc_score(truth == positive, table[:, classes.index(positive)])
        found["f1"] = metrics.f1_score(truth, guess, pos_label=positive, zero_division=0)
    else:
        found["f1"] = metrics.f1_score(truth, guess, average="macro", zero_division=0)
    return {name: float(value) for name, value in found.items()}


def _numbers(guess, truth):
    squared = float(metrics.mean_squared_error(truth, guess))
    absolute, r2 = metrics.mean_absolute_error(truth, guess), metrics.r2_score(truth, guess)
    return {"rmse": squared**0.5, "mae": float(absolute), "r2": float(r2)}


def _classes(row):
    """The labels of a row's probabilities, in their order."""
    return [_name(value) for value in ast.literal_eval(row[2])]


def _name(value):
    """A label as text; 1, 1.0 and "1" are the same."""
    try:
        number = float(value)
    except ValueError:
        return str(value)
    return str(int(number)) if number.is_integer() else str(number)


if __name__ == "__main__":
    main()
