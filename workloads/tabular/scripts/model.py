"""The model: which columns it looks at, what it is made of, and the folder that holds it."""

# pyright: reportMissingImports=false

import inspect
import json

import inference
import joblib
import numpy as np
import sklearn
from pandas.api.types import is_numeric_dtype
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

MOST_CATEGORIES = 255  # of HistGradientBoosting


def describe(frame, target, problem):
    """model.json: the columns in the table's order, the target, the problem and its classes."""
    classes = None if problem == "regression" else sorted(frame[target].unique().tolist())
    columns = [{"name": name, **_column(frame[name])} for name in frame.columns if name != target]
    described = {"columns": columns, "target": target, "problem": problem, "classes": classes}
    return {**described, "scikit_learn": sklearn.__version__}


def _column(values):
    if values.isna().all():
        return {"kind": "dropped", "reason": "it has no value in any training row"}
    if is_numeric_dtype(values):
        return {"kind": "number"}
    categories = sorted(values.dropna().unique().tolist())
    if len(categories) > min(MOST_CATEGORIES, len(values) / 2):
        return {"kind": "dropped", "reason": f"it has {len(categories)} different texts in {len(values)} rows"}
    return {"kind": "category", "categories": categories}


def target_of(values, description):
    """What the estimator learns: the place of each value among the classes, or the number itself.

    Raises ValueError for a class that was not there in training.
    """
    if description["problem"] == "regression":
        return values.to_numpy(dtype=float)
    codes = {name: code for code, name in enumerate(description["classes"])}
    unknown = set(values.unique().tolist()) - set(codes)
    if unknown:
        raise ValueError(f"the target has {sorted(map(str, unknown))}, but only {list(codes)} were trained")
    return np.array([codes[value] for value in values], dtype=np.int64)


def fresh(options, description):
    """An estimator that can be trained a few iterations at a time and ends as if it had been trained at once."""
    regression = description["problem"] == "regression"
    used = [column for column in description["columns"] if column["kind"] != "dropped"]
    return (HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier)(
        learning_rate=options.learning_rate,
        max_leaf_nodes=options.max_leaf_nodes,
        min_samples_leaf=options.min_samples_leaf,
        max_features=options.max_features,
        l2_regularization=options.l2_regularization,
        random_state=options.seed,
        categorical_features=[column["kind"] == "category" for column in used],
        early_stopping=False,
        warm_start=True,
    )


def write_model(folder, estimator, description):
    (folder / "code").mkdir(parents=True, exist_ok=True)
    joblib.dump(estimator, folder / inference.MODEL)
    (folder / inference.DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n")
    # The serving image runs it from here; the script itself may be running out of a zip.
    (folder / "code" / "inference.py").write_text(inspect.getsource(inference))
