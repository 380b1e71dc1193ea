"""Whatever is lost, doubled, late or killed: a drift that lasts is answered, and nothing is done that should not be.

300 schedules; 5,000 with `SLUICE_PROFILE=nightly`.
"""

from itertools import cycle, repeat

import pytest

from bench.drift_chaos import EXAMPLES, QUIET, Hour, drawn, play

pytestmark = pytest.mark.slow  # hundreds of schedules


def test_every_drift_that_lasts_is_answered_and_no_rule_is_broken() -> None:
    assert {seed: broken for seed in range(EXAMPLES) if (broken := play(*drawn(seed))[1])} == {}


def test_a_schedule_without_trouble_has_one_run_and_one_message_for_a_drift() -> None:
    quiet: Hour = {**QUIET, "looks": 2}
    world, broken = play([{**quiet, "drifts": True}, *repeat(quiet, 72)], cycle([(3, "won")]), [], 7)
    assert (len(world.runs), len(world.mail), broken) == (1, 1, [])
