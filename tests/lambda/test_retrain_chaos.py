"""Whatever is lost, doubled, late or killed: a drift that lasts is answered, and nothing is done that should not be.

300 schedules; 5,000 with `SLUICE_PROFILE=nightly`.
"""

from itertools import cycle, repeat
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from bench.drift_chaos import EXAMPLES, QUIET, breaks, endings, play, schedules

pytestmark = pytest.mark.slow  # hundreds of schedules

CHAOS = settings(suppress_health_check=list(HealthCheck), max_examples=EXAMPLES, deadline=None)


@CHAOS
@given(schedule=schedules, ends=endings, troubles=breaks)
def test_every_drift_that_lasts_is_answered_and_no_rule_is_broken(schedule: Any, ends: Any, troubles: Any) -> None:
    assert play(schedule, ends, troubles)[1] == []


def test_a_schedule_without_trouble_has_one_run_and_one_message_for_a_drift() -> None:
    quiet = QUIET | {"looks": 2}
    world, broken = play([quiet | {"drifts": True}, *repeat(quiet, 72)], cycle([(3, "won")]), [])
    assert (len(world.runs), len(world.mail), broken) == (1, 1, [])
