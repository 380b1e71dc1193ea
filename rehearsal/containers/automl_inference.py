"""Serves a model of the Autopilot stand-in: CSV rows without a header and without the target in, predictions out.

SAGEMAKER_INFERENCE_OUTPUT says what a prediction of classes tells: AWS, "Configure inference output in generated
containers". Lists stand in one CSV cell, written as JSON.
"""

# pyright: reportMissingImports=false
import csv
import io
import json
import os
from pathlib import Path

import joblib
import pandas as pd


def model_fn(folder):
    model = joblib.load(Path(folder) / "model.joblib")
    return model, json.loads((Path(folder) / "features.json").read_text())


def input_fn(body, content_type):
    if content_type != "text/csv":
        raise ValueError(f"{content_type} is not read, text/csv is")
    return pd.read_csv(io.StringIO(body), header=None, dtype=str, skip_blank_lines=False)


def predict_fn(rows, loaded):
    model, told = loaded
    if rows.shape[1] != len(told["columns"]):
        raise ValueError(f"a row has {rows.shape[1]} columns, {len(told['columns'])} are expected: {told['columns']}")
    rows.columns = told["columns"]
    numbers = told["numbers"]
    used = pd.DataFrame(
        {
            name: pd.to_numeric(rows[name], errors="coerce") if name in numbers else rows[name].astype(object)
            for name in told["features"]
        }
    )
    if told["problem"] == "Regression":
        return [[float(value)] for value in model.predict(used)]
    asked = [key.strip() for key in os.environ.get("SAGEMAKER_INFERENCE_OUTPUT", "predicted_label").split(",")]
    labels = [str(label) for label in model.classes_]
    return [[_told(key, row.tolist(), labels) for key in asked] for row in model.predict_proba(used)]


def _told(key, row, labels):
    best = max(range(len(row)), key=row.__getitem__)
    return {
        "predicted_label": labels[best],
        "probability": row[best],
        "probabilities": json.dumps(row),
        "labels": json.dumps(labels),
    }[key]


def output_fn(predictions, accept):
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerows(predictions)
    return made.getvalue(), "text/csv"
