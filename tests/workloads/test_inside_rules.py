"""Each rule on histories made by hand and by chance, and on real trainings that have its fault or none."""

import json
import math
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from toolkit.inside import rules

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PYTHON = ROOT / ".venv-cloud" / "bin" / "python"
EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "50"))
# What each fault of faulty_trainings.py must at least be found by.
EXPECTED = {
    "deep_sigmoids_with_tiny_weights": "vanishing_gradients",
    "steps_too_large_for_a_linear_model": "exploding_gradients",
    "steps_too_small": "loss_not_decreasing",
    "steps_too_large": "loss_not_decreasing",
    "labels_of_other_rows": "overfitting",
    "few_rows_and_a_large_network": "overfitting",
    "few_rows_and_deep_trees": "overfitting",
    "too_many_trees": "overfitting",
    "few_rows_and_deep_trees_of_xgboost": "overfitting",
    "strongly_negative_biases": "dead_units",
    "one_class_in_thirty": "class_imbalance",
}
loss = some.floats(1e-6, 1e6) | some.sampled_from([math.nan, math.inf])


def gradients(mean_abs: float | None = 0.1, norm: float | None = 1.0, nonfinite: float = 0.0) -> dict[str, Any]:
    return {"layer": {"mean_abs": mean_abs, "norm": norm, "nonfinite": nonfinite}}


def record(step: int, **parts: Any) -> dict[str, Any]:
    return {"step": step, "losses": {}, "gradients": {}, "weights": {}, "dead": {}, **parts}


def history(train: list[float], validation: list[float] | None = None, **parts: Any) -> list[dict[str, Any]]:
    pairs = zip(train, validation or [1.0] * len(train), strict=True)
    losses = [{"train": one, "validation": other} for one, other in pairs]
    return [record(step, losses=one, **parts) for step, one in enumerate(losses)]


def fired(records: list[dict[str, Any]], about: dict[str, Any] | None = None) -> set[str]:
    return {symptom for symptom, rule in rules.RULES.items() if rule(about or {}, records)}


def run(script: str, *arguments: str) -> Any:
    command = [PYTHON, HERE / script, *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@settings(max_examples=EXAMPLES, deadline=None)
@given(some.lists(some.floats(0.5, 0.97), min_size=1, max_size=60), some.floats(1e-3, 1e3))
def test_losses_that_fall_together_are_healthy(factors: list[float], first: float) -> None:
    losses = [first]
    for factor in factors:
        losses.append(losses[-1] * factor)
    assert fired(history(losses, [one * 1.2 for one in losses], gradients=gradients())) == set()


@settings(max_examples=EXAMPLES, deadline=None)
@given(some.lists(some.tuples(loss, loss), min_size=1, max_size=60))
def test_any_losses_are_judged_and_what_is_said_is_json(losses: list[tuple[float, float]]) -> None:
    records = history([train for train, _ in losses], [validation for _, validation in losses])
    for rule in rules.RULES.values():
        found = rule({}, records)
        assert found is None or json.dumps(found[1], allow_nan=False)


@settings(max_examples=EXAMPLES, deadline=None)
@given(some.floats(1e-6, 1e6), some.integers(20, 60))
def test_a_loss_that_stays_where_it_began_is_not_decreasing(value: float, count: int) -> None:
    assert fired(history([value] * count)) == {"loss_not_decreasing"}


def test_a_loss_that_converged_or_still_falls_from_a_bad_start_is_decreasing() -> None:
    assert fired(history([2.0, 1.0, *[0.5] * 40])) == set()
    assert fired(history([1.0, *[9.0 * 0.95**step for step in range(30)]])) == set()


def test_gradients_vanish_at_the_threshold_three_times_unless_the_loss_was_learned() -> None:
    assert fired(history([1.0] * 3, gradients=gradients(0.99e-7))) == {"vanishing_gradients"}
    assert fired(history([1.0] * 3, gradients=gradients(1.01e-7))) == set()
    assert fired(history([1.0] * 2, gradients=gradients(0.99e-7))) == set()
    assert fired(history([1.0, 0.6, 0.4], gradients=gradients(0.99e-7))) == set()


def test_gradients_explode_by_growth_or_at_once_by_what_is_not_finite() -> None:
    calm = history([1.0] * 3, gradients=gradients(norm=2.0))
    assert fired(calm + [record(step, gradients=gradients(norm=201.0)) for step in (3, 4, 5)]) == {
        "exploding_gradients"
    }
    assert fired(calm + [record(step, gradients=gradients(norm=201.0)) for step in (3, 4)]) == set()
    assert fired([record(0, gradients=gradients(None, None, 0.1))]) == {"exploding_gradients"}
    assert fired([record(0, weights=gradients(None, None, 1.0))]) == {"exploding_gradients"}
    assert fired(history([math.nan])) == {"exploding_gradients"}


def test_overfitting_needs_a_rise_of_the_validation_loss_and_a_fall_of_the_training_loss() -> None:
    falling = [1 / (step + 1) for step in range(20)]
    assert fired(history(falling, [1.0] * 3 + [0.9] * 5 + [1.0] * 12)) == {"overfitting"}
    assert fired(history(falling, [1.0] * 3 + [0.9] * 5 + [0.98] * 12)) == set()
    assert fired(history(falling, [1.0] * 5 + [0.9] + [1.0] * 14)) == set()
    assert fired(history([1.0, 0.5, 0.5, *[0.46] * 17], [1.0] * 3 + [0.9] * 5 + [1.0] * 12)) == set()


def test_units_are_dead_when_most_of_a_layer_is_in_five_records() -> None:
    records = [record(step, dead={"layer": 0.51}) for step in range(5)]
    assert fired(records) == {"dead_units"}
    assert fired(records[1:]) == set()
    assert fired([*records[1:], record(9, dead={"layer": 0.5})]) == set()


def test_classes_are_imbalanced_above_ten_to_one() -> None:
    assert fired(history([1.0]), {"labels": {"a": 101, "b": 10}}) == {"class_imbalance"}
    assert fired(history([1.0]), {"labels": {"a": 100, "b": 10}}) == set()
    assert fired(history([1.0]), {"labels": {"a": 100}}) == set()


def test_thresholds_are_the_defaults_but_for_those_given() -> None:
    given_ones = rules.thresholds({"class_imbalance": {"times": 3}})
    assert given_ones["class_imbalance"] == {"times": 3}
    assert given_ones["overfitting"] == {"patience": 10, "rise": 0.1, "ratio": 0.1}
    assert set(given_ones) == set(rules.NEXT) == set(rules.RULES)


@pytest.mark.slow
def test_every_fault_in_a_real_training_is_found() -> None:
    found = run("faulty_trainings.py")
    missed = {fault: seeds for fault, seeds in found.items() if any(EXPECTED[fault] not in seed for seed in seeds)}
    assert set(found) == set(EXPECTED)
    assert missed == {}


@pytest.mark.slow
def test_healthy_trainings_on_real_tables_raise_no_alarm() -> None:
    said = run("healthy_trainings.py", "--seeds", "1")
    assert said == {"trainings": 26, "alarms": []}
