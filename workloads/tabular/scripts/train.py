"""Trains gradient boosting on a table, epoch by epoch, each kept in a checkpoint.

A training that is ended at any moment and started again with the same arguments gives the same model. SIGTERM ends it
after the epoch that is being trained (SageMaker gives 120 s). Texts are categories; a column of texts that differ in
most rows, such as names, is left out. Each epoch prints train:log_loss, validation:log_loss, validation:auc and
validation:accuracy, or train:rmse, validation:rmse and validation:r2.
"""

# pyright: reportMissingImports=false

import hashlib
import json
import os
import pickle
import signal
import sys
from pathlib import Path

import inference
import numpy as np
from measures import LOSSES, measure
from model import describe, fresh, target_of, write_model
from toolkit.checkpointing import Checkpoints
from toolkit.inside import Inside
from toolkit.inside.estimators import loss_of, row_gradients
from toolkit.job import Arguments, positive, tell
from toolkit.table import TableError, problem_of, read_table

ENDED = 128 + signal.SIGTERM


def main(argv=None):
    """Writes model.joblib, model.json and code/inference.py to `--model`."""
    parser = Arguments(__doc__)
    for name in ("train", "validation"):
        parser.add_argument(f"--{name}", type=Path, required=True, metavar="PATH", help="a CSV, or a folder of them")
    parser.add_argument("--model", type=Path, required=True, metavar="DIR")
    parser.add_argument("--checkpoints", type=Path, metavar="DIR", help="of this training alone; none without")
    parser.add_argument("--target", required=True, help="the column that is to be predicted")
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--max-leaf-nodes", type=int, default=31)
    parser.add_argument("--min-samples-leaf", type=int, default=20)
    parser.add_argument("--max-features", type=float, default=1.0, help="share of the columns that each split sees")
    parser.add_argument("--l2-regularization", type=float, default=0.0)
    parser.add_argument("--iterations", type=positive, default=60, help="trees, or trees of each class")
    parser.add_argument("--epoch-iterations", type=positive, default=5, help="trees between two checkpoints")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, metavar="DIR", help="for the report of the look inside; none without")
    parser.add_argument("--metric-pattern", help="a regular expression that must find a number in what epochs print")
    parser.add_argument("--watch", type=json.loads, default={}, help="JSON: symptoms and responses, docs/inside.md")
    parser.run(train, argv)


def train(options):
    ending = []
    signal.signal(signal.SIGTERM, lambda *_: ending.append(True))
    try:
        frame = read_table(options.train, options.target)
        held_out = read_table(options.validation, options.target)
    except TableError as error:
        sys.exit(str(error))
    description = describe(frame, options.target, problem_beside(options.train) or problem_of(frame[options.target]))
    for column in description["columns"]:
        if column["kind"] == "dropped":
            print(f"the column {column['name']!r} is left out: {column['reason']}")
    rows, held_out = (matrix_of(part, description) for part in (frame, held_out))
    estimator = fit(options, description, rows, held_out, ending)
    write_model(options.model, estimator, description)
    print(f"trained {estimator.n_iter_} iterations on {len(frame)} rows")


def fit(options, description, rows, held_out, ending):
    """The estimator after all epochs, from the newest checkpoint on."""
    checkpoints = options.checkpoints and Checkpoints(options.checkpoints)
    identity = identity_of(options, rows)
    epochs = -(-options.iterations // options.epoch_iterations)
    inside = look_inside(options, description, rows)
    done, estimator = restore(checkpoints, identity, options) or (0, fresh(options, description))
    for epoch in range(done + 1, epochs + 1):
        iterations = min(epoch * options.epoch_iterations, options.iterations)
        estimator.set_params(max_iter=iterations).fit(*rows)
        metrics = told(description, estimator, rows, held_out)
        if inside:  # before the checkpoint: an epoch that is trained again is recorded again, and none is left out
            losses = {"train": loss_of(estimator, *rows), "validation": loss_of(estimator, *held_out)}
            inside.record(iterations, losses, gradients={"rows": row_gradients(estimator, *rows)})
        if checkpoints:
            checkpoints.save(epoch, pickle.dumps((identity, estimator, metrics)))
        # What is printed is finished: no interruption may take it back.
        tell(f"epoch {epoch} of {epochs}: {metrics}", options.metric_pattern)
        if ending and epoch < epochs:
            print(f"ended by SIGTERM after epoch {epoch}", flush=True)
            sys.exit(ENDED)
    if inside:
        inside.report()
    return estimator


def look_inside(options, description, rows):
    """The recorder of this training, or None where there is no place for its report."""
    if not options.output:
        return None
    inside = Inside(options.output, options.checkpoints, options.watch, job=os.environ.get("TRAINING_JOB_NAME"))
    inside.gradients_are("of the loss, by the prediction for each row")
    if description["problem"] != "regression":
        inside.labels(rows[1])
    return inside


def restore(checkpoints, identity, options):
    """(epoch, estimator) of the newest intact checkpoint, or None; exits where it is another training's."""
    found = checkpoints.restore() if checkpoints else None
    if found is None:
        return None
    known, estimator, metrics = pickle.loads(found[1])
    if known != identity or estimator.max_iter > options.iterations:
        sys.exit(f"{options.checkpoints} has checkpoints of other data or hyperparameters: name another folder")
    # Told again, since the last attempt may have ended between the checkpoint and the line in the log.
    tell(f"goes on after epoch {found[0]}: {metrics}", options.metric_pattern)
    return found[0], estimator


def identity_of(options, rows):
    """What a training must share with the one whose checkpoint it takes up."""
    names = ("learning_rate", "max_leaf_nodes", "min_samples_leaf", "max_features", "l2_regularization")
    names += ("epoch_iterations", "seed", "target")
    data = hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in rows)).hexdigest()
    return {"data": data, **{name: getattr(options, name) for name in names}}


def told(description, estimator, rows, held_out):
    """The metrics as the pattern of workload.yaml finds them, to the last digit."""
    loss = LOSSES[description["problem"]]
    values = {f"train:{loss}": measure(description, estimator, *rows)[loss]}
    values.update({f"validation:{name}": v for name, v in measure(description, estimator, *held_out).items()})
    return " ".join(f"{name}={value!r}" for name, value in values.items())


def matrix_of(frame, description):
    return inference.encode(frame, description["columns"]), target_of(frame[description["target"]], description)


def problem_beside(path):
    """What preprocess found in the whole table, of which a part may look otherwise; None where it did not run."""
    described = path / "data.json"
    return json.loads(described.read_text())["problem"] if described.exists() else None


if __name__ == "__main__":
    main()
