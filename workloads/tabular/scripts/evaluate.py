"""Measures a model on rows that it was not trained with, and the champion on the same rows.

`--metric` may be the name that training prints, such as validation:log_loss: what stands before the colon is left off
and the rest is measured on the test rows. Classes have log_loss, auc and accuracy, numbers rmse and r2.
"""

# pyright: reportMissingImports=false

import argparse
import json
import pickle
import sys
import tarfile
import tempfile
from pathlib import Path

import inference
from fairness import bias, explanation
from measures import measure
from model import target_of
from toolkit.table import TableError, read_table

# What reading somebody's older model may end in: another layout, another scikit-learn, other columns or classes.
UNUSABLE = (OSError, tarfile.TarError, pickle.UnpicklingError, ValueError, KeyError, AttributeError, ImportError)


def main(argv=None):
    """Writes evaluation.json (metrics, the champion's, `better` and the reason), bias.json and explanation.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="model.tar.gz of the training job")
    parser.add_argument("--test", type=Path, required=True, metavar="DIR", help="the rows to measure with")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR")
    parser.add_argument("--metric", required=True, help="what models are compared by")
    parser.add_argument("--direction", choices=("maximize", "minimize"), required=True)
    parser.add_argument("--worst", type=float, help="a model that is worse is not better than anything")
    parser.add_argument("--champion", type=Path, help="model.tar.gz of the approved model")
    parser.add_argument("--champion-version", default="0", help="its version; 0 when there is no champion")
    parser.add_argument("--segment", help="a column: bias is measured between its values")
    parser.add_argument("--seed", type=int, default=0, help="of the permutations that explain the model")
    evaluate(parser.parse_args(argv))


def evaluate(options):
    estimator, description = load(options.model)
    try:
        frame = read_table(options.test, description["target"])
    except TableError as error:
        sys.exit(str(error))
    values = measured(estimator, description, frame)
    metric = options.metric.rpartition(":")[2]
    if metric not in values:
        sys.exit(f"there is no metric {options.metric!r}; a {description['problem']} model has {', '.join(values)}")
    champion, trouble = champion_of(options, frame, description)
    theirs = champion and champion["metrics"].get(metric, {}).get("value")
    better, reason = judge(metric, values[metric], theirs, trouble, options)
    report = {"metrics": named(values), "champion": champion, "better": better, "reason": reason}
    write(options.output / "evaluation.json", report)
    write(options.output / "explanation.json", explanation(estimator, description, frame, options.seed))
    if options.segment:
        write(options.output / "bias.json", bias(estimator, description, frame, options.segment))
    print(f"{'better' if better else 'not better'}: {reason}")


def load(path):
    """(estimator, description) of a model.tar.gz."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(path) as archive:
            for name in (inference.MODEL, inference.DESCRIPTION):
                members = [member for member in archive if Path(member.name) == Path(name) and member.isfile()]
                content = archive.extractfile(members[0]) if members else None
                if content is None:
                    raise KeyError(f"{path} holds no {name}")
                Path(folder, name).write_bytes(content.read())
        return inference.model_fn(folder)


def measured(estimator, description, frame):
    matrix = inference.encode(frame, description["columns"])
    return measure(description, estimator, matrix, target_of(frame[description["target"]], description))


def champion_of(options, frame, description):
    """(its version and metrics, or None; why it could not be measured, or None)."""
    version = options.champion_version
    if version == "0" or not options.champion:
        return None, None
    try:
        estimator, described = load(options.champion)
        if (described["target"], described["problem"]) != (description["target"], description["problem"]):
            raise ValueError(f"it predicts {described['target']!r} as {described['problem']}")
        return {"version": version, "metrics": named(measured(estimator, described, frame))}, None
    except UNUSABLE as error:
        return {"version": version, "metrics": {}}, f"{type(error).__name__}: {error}"


def judge(metric, value, theirs, trouble, options):
    """(better, why). A champion that cannot be measured on today's rows does not keep its place by that."""

    def beats(one, other):
        return one > other if options.direction == "maximize" else one < other

    if value != value:
        return False, f"{metric} is not a number"
    if options.worst is not None and beats(options.worst, value):
        return False, f"{metric} is {value:.6g}, worse than the {options.worst:g} that is asked for"
    champion = f"champion version {options.champion_version}"
    if trouble:
        return True, f"{metric} is {value:.6g}; {champion} could not be measured on the same rows ({trouble})"
    if theirs is None:
        return True, f"{metric} is {value:.6g}; there is no champion"
    words = "better" if beats(value, theirs) else "not better"
    return beats(value, theirs), f"{metric} is {value:.6g}, {words} than the {theirs:.6g} of {champion}"


def named(values):
    return {name: {"value": value} for name, value in values.items()}


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
