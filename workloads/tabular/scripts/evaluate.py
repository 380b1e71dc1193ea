"""Measures a model on rows that it was not trained with, and the champion on the same rows.

`--metric` may be the name that training prints, such as validation:log_loss: what stands before the colon is left off
and the rest is measured on the test rows. Classes have log_loss, auc and accuracy, numbers rmse and r2.

The model has to be better than the champion by more than `--margin` beyond chance, and on no value of `--segment` worse
by more than `--segment-limit`: on the rows of `--recent`, labelled and newer than the champion, where they are enough;
else on the test rows. Where these are too few as well, the champion stays.
"""

# pyright: reportMissingImports=false

import argparse
import json
import sys
import tarfile
import tempfile
from pathlib import Path

import inference
from contest import contests
from fairness import bias, explanation
from measures import measure
from model import target_of
from toolkit.resampled import deviations
from toolkit.table import TableError, read_table
from toolkit.verdict import NO_CHAMPION, conclude, metric_of


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
    parser.add_argument("--champion-version", default=NO_CHAMPION, help="its version; 0 when there is no champion")
    parser.add_argument("--segment", help="a column: bias is measured between its values")
    parser.add_argument("--seed", type=int, default=0, help="of permutations, samples and the bootstrap")
    parser.add_argument("--recent", type=Path, metavar="DIR", help="labelled.csv files, if any, in folders by time")
    parser.add_argument("--champion-test", type=Path, metavar="DIR", help="the rows that the champion was tested with")
    parser.add_argument(
        "--trained", type=Path, action="append", metavar="DIR", help="rows that the model has learned from"
    )
    parser.add_argument("--margin", type=float, default=0.0, help="what the model must be better by")
    parser.add_argument("--segment-limit", type=float, default=0.05, help="what it may be worse by on one segment")
    evaluate(parser.parse_args(argv))


def evaluate(options):
    model = estimator, description = load(options.model)
    try:
        frame = read_table(options.test, description["target"])
    except TableError as error:
        sys.exit(str(error))
    values = measured(estimator, description, frame)
    metric = metric_of(options.metric, values, description["problem"])
    conclude(
        options.output,
        metric,
        values,
        options,
        lambda: measured_champion(options.champion, frame, description),
        lambda: contests(options, metric, model, load(options.champion)),
        deviations(values, *answered(estimator, description, frame), seed=options.seed),
    )
    write(options.output / "explanation.json", explanation(estimator, description, frame, options.seed))
    if options.segment:
        write(options.output / "bias.json", bias(estimator, description, frame, options.segment))


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


def answered(estimator, description, frame):
    """The target's codes or values, and the answers: the probabilities of all classes, or values."""
    matrix = inference.encode(frame, description["columns"])
    ask = estimator.predict if description["problem"] == "regression" else estimator.predict_proba
    return target_of(frame[description["target"]], description), ask(matrix)


def measured_champion(path, frame, description):
    """The champion's metrics on the same rows. Raises ValueError where it predicts something else."""
    estimator, described = load(path)
    if (described["target"], described["problem"]) != (description["target"], description["problem"]):
        raise ValueError(f"it predicts {described['target']!r} as {described['problem']}")
    return measured(estimator, described, frame)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
