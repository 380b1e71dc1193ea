"""What a table is like: a sample of its rows, and the layout of Model Monitor's statistics.json and constraints.json.

Source: AWS, "Schema for Statistics" and "Schema for Constraints". The KLL sketch, which monitoring does without where
it compares buckets, is left out: Model Monitor's own container may ask for it, which was not tried.
"""

# pyright: reportMissingImports=false

import json

import numpy as np
from pandas.api.types import is_numeric_dtype

BUCKETS = 10
MOST_VALUES = 20  # of a text that are listed
MOST_ROWS = 5_000  # that later rows are compared with


def write(frame, folder, tested=None):
    """statistics.json and constraints.json of the rows, and reference.csv: them, or a sample, always the same.

    Of the rows that models are tested with, if they are given, tested.csv alike.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("reference.csv", frame), ("tested.csv", tested)):
        if rows is not None:
            sample = rows if len(rows) <= MOST_ROWS else rows.sample(MOST_ROWS, random_state=0)
            sample.to_csv(folder / name, index=False)
    for name, content in (("statistics", statistics(frame)), ("constraints", constraints(frame))):
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")


def statistics(frame):
    features = [{"name": name, **_statistics(frame[name])} for name in frame.columns]
    return {"version": 0, "dataset": {"item_count": len(frame)}, "features": features}


def constraints(frame):
    features = [{"name": name, **_constraints(frame[name])} for name in frame.columns]
    return {"version": 0, "features": features}


def _statistics(column):
    common = {"num_present": int(column.notna().sum()), "num_missing": int(column.isna().sum())}
    kind, values = _kind(column), column.dropna()
    if kind == "Unknown":
        return {"inferred_type": kind}
    if kind == "String":
        counts = values.value_counts()
        buckets = [{"value": str(value), "count": int(count)} for value, count in counts.head(MOST_VALUES).items()]
        told = {"common": common, "distinct_count": len(counts), "distribution": {"categorical": {"buckets": buckets}}}
        return {"inferred_type": kind, "string_statistics": told}
    numbers = values.to_numpy(dtype=float)
    told = {"common": common, "mean": numbers.mean(), "sum": numbers.sum(), "std_dev": numbers.std()}
    told.update(min=numbers.min(), max=numbers.max())
    told = {name: part if name == "common" else float(part) for name, part in told.items()}
    return {"inferred_type": kind, "numerical_statistics": {**told, "distribution": _buckets(numbers)}}


def _buckets(numbers):
    counts, edges = np.histogram(numbers, BUCKETS)
    return {
        "kll": {
            "buckets": [
                {"lower_bound": float(edges[at]), "upper_bound": float(edges[at + 1]), "count": int(count)}
                for at, count in enumerate(counts)
            ]
        }
    }


def _constraints(column):
    kind, values = _kind(column), column.dropna()
    told = {"inferred_type": kind, "completeness": float(column.notna().mean())}
    if kind == "String" and values.nunique() <= MOST_VALUES:
        told["string_constraints"] = {"domains": sorted(map(str, values.unique()))}
    if kind in ("Integral", "Fractional"):
        told["num_constraints"] = {"is_non_negative": bool((values >= 0).all())}
    return told


def _kind(column):
    values = column.dropna()
    if values.empty:
        return "Unknown"
    if not is_numeric_dtype(column):
        return "String"
    return "Integral" if (values == values.round()).all() else "Fractional"
