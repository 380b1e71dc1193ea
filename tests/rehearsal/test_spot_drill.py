"""Real training jobs that are killed without a warning go on from their checkpoints to the same end."""

import pytest

from bench import spot_jobs
from bench.spot_drill import JOBS
from rehearsal.embedded import EmbeddedCloud

pytestmark = pytest.mark.slow


def test_jobs_killed_up_to_three_times_lose_no_finished_epoch_and_end_alike(cloud: EmbeddedCloud) -> None:
    """6 jobs; 30 with `SLUICE_PROFILE=nightly`."""
    jobs = spot_jobs.drill(cloud, JOBS)
    assert all(job.kills <= 3 for job in jobs)
    assert sum(job.kills for job in jobs) > JOBS / 2
    assert [job.lost_epochs for job in jobs] == [0] * JOBS
    assert all(sorted(job.told) == list(range(1, 41)) for job in jobs)
    assert all(job.told == jobs[0].told and not job.differing for job in jobs)


def test_an_epoch_that_is_lost_is_counted() -> None:
    told = ["epoch 1 of 3: a=1", "epoch 2 of 3: a=2"]
    assert spot_jobs.judge([*told, "goes on after epoch 2: a=2", "epoch 3 of 3: a=3"], 1).lost_epochs == 0
    assert spot_jobs.judge([*told, "goes on after epoch 1: a=1", "epoch 2 of 3: a=2"], 1).lost_epochs == 1
    again = spot_jobs.judge([*told, "epoch 1 of 3: a=7"], 1)
    assert (again.lost_epochs, again.differing) == (2, 1)
