"""Trains networks of PyTorch and Keras on the digits, sensibly and with one fault each, with a look inside.

Prints as JSON by training the rules that fired, by seed, and what the hooks recorded beside what the frameworks know.
"""

# pyright: reportMissingImports=false

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn.functional import cross_entropy

sys.path.insert(0, str(Path(__file__).parents[2] / "workloads"))
from toolkit.inside import Inside, StopTrainingError
from toolkit.inside.keras3 import Watch
from toolkit.inside.pytorch import watch_module


def split(seed):
    X, y = load_digits(return_X_y=True)  # noqa: N806
    return train_test_split((X / 16).astype("float32"), y, random_state=seed, stratify=y)


def train(inside, seed, model, rate=0.1, epochs=6):
    """One record every 7th batch; the validation loss once an epoch."""
    X, X_valid, y, y_valid = (torch.tensor(part) for part in split(seed))  # noqa: N806
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    watched, step = watch_module(inside, model), 0
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(64):
            optimizer.zero_grad()
            loss = cross_entropy(model(X[rows]), y[rows])
            loss.backward()
            if step % 7 == 0:
                with torch.no_grad():
                    validation = cross_entropy(model(X_valid), y_valid)
                watched.record(step, train=loss.item(), validation=validation.item())
            optimizer.step()
            step += 1


def network(hidden=nn.ReLU, depth=1):
    layers = [part for _ in range(depth) for part in (nn.Linear(64, 64), hidden())]
    return nn.Sequential(*layers, nn.Linear(64, 10))


def torch_healthy(inside, seed):
    train(inside, seed, network(depth=2), rate=0.03, epochs=12)


def torch_deep_sigmoids_with_tiny_weights(inside, seed):
    model = network(nn.Sigmoid, depth=8)
    for layer in model[::2]:
        nn.init.normal_(layer.weight, std=0.01)
    train(inside, seed, model)


def torch_steps_too_large(inside, seed):
    train(inside, seed, network(depth=3), rate=1e4, epochs=3)


def torch_strongly_negative_biases(inside, seed):
    model = network(depth=2)
    nn.init.constant_(model[2].bias, -100.0)
    train(inside, seed, model)


def keras_fit(inside, seed, layers, rate=1e-3, epochs=25, rows=None, **options):
    keras.utils.set_random_seed(seed)
    X, X_valid, y, y_valid = split(seed)  # noqa: N806
    model = keras.Sequential([keras.Input((64,)), *layers, keras.layers.Dense(10, name="answer")])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss)
    watch = Watch(inside, **options)
    model.fit(X[:rows], y[:rows], 64, epochs, verbose=0, validation_data=(X_valid, y_valid), callbacks=[watch])
    return model


def keras_healthy(inside, seed):
    keras_fit(inside, seed, [keras.layers.Dense(32, "relu")])


def keras_weight_changes_healthy(inside, seed):
    keras_fit(inside, seed, [keras.layers.Dense(32, "relu")], exact=False)


def keras_few_rows_and_a_large_network(inside, seed):
    layers = [keras.layers.Dense(256, "relu"), keras.layers.Dense(256, "relu")]
    keras_fit(inside, seed, layers, rate=0.01, epochs=60, rows=100)


def keras_strongly_negative_biases(inside, seed):
    shut = keras.layers.Dense(32, "relu", bias_initializer=keras.initializers.Constant(-100.0))
    keras_fit(inside, seed, [keras.layers.Dense(32, "relu"), shut], epochs=8)


TRAININGS = [
    training
    for name, training in list(globals().items())
    if name.startswith(("torch_", "keras_")) and name != "keras_fit"
]


def hooks_against_frameworks():
    """The largest difference of a recorded number from the framework's own, and what is left behind after a stop."""
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        model, inside = network(), Inside(folder, watch={})
        model(torch.ones(3, 64)).sum().backward()
        watch_module(inside, torch.nn.Sequential(model)).record(0, train=1.0)
        norm = inside.history.records[0]["gradients"]["0.0.weight"]["norm"]
        difference = abs(norm / model[0].weight.grad.norm().item() - 1)
        inside = Inside(folder + "/keras", watch={"dead_units": "stop"}, thresholds={"dead_units": {"patience": 2}})
        try:
            keras_strongly_negative_biases(inside, 0)
            stopped = ""
        except StopTrainingError as error:
            stopped = str(error)
    layers = sorted(inside.history.records[0]["gradients"])
    return {"difference": difference, "stopped": stopped, "keras_layers": layers}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = {training.__name__: [] for training in TRAININGS}
    for training in TRAININGS:
        for seed in range(options.first, options.first + options.seeds):
            torch.manual_seed(seed)
            with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
                inside = Inside(folder)
                training(inside, seed)
            found[training.__name__].append([one["symptom"] for one in inside.history.about["fired"]])
    sys.stdout.write(json.dumps({"fired": found, "hooks": hooks_against_frameworks()}, indent=1))


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()
