"""The hooks of PyTorch and Keras on real trainings of networks."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.torch_environment import PYTHON, needs_torch

pytestmark = [needs_torch, pytest.mark.slow]
# What each training of networks.py must be found by; nothing at all in a healthy one.
EXPECTED = {
    "torch_deep_sigmoids_with_tiny_weights": "vanishing_gradients",
    "torch_steps_too_large": "exploding_gradients",
    "torch_strongly_negative_biases": "dead_units",
    "keras_few_rows_and_a_large_network": "overfitting",
    "keras_strongly_negative_biases": "dead_units",
}
HEALTHY = {"torch_healthy", "keras_healthy", "keras_weight_changes_healthy"}


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    script = Path(__file__).with_name("networks.py")
    done = subprocess.run([PYTHON, script], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_fault_in_a_network_is_found(said: dict[str, Any]) -> None:
    missed = [name for name, symptom in EXPECTED.items() if any(symptom not in seed for seed in said["fired"][name])]
    assert set(said["fired"]) == set(EXPECTED) | HEALTHY
    assert missed == []


def test_healthy_networks_raise_no_alarm(said: dict[str, Any]) -> None:
    assert {symptom for name in HEALTHY for seed in said["fired"][name] for symptom in seed} == set()


def test_the_recorded_gradients_are_those_of_the_framework(said: dict[str, Any]) -> None:
    assert said["hooks"]["difference"] < 1e-5
    assert len(said["hooks"]["keras_layers"]) == 6


def test_stop_ends_the_fit_of_keras(said: dict[str, Any]) -> None:
    assert said["hooks"]["stopped"].startswith("dead units at step 1: ")
