"""The figures of training: what an interruption costs."""

import tempfile
from pathlib import Path

from bench import spot_drill, spot_jobs
from bench.figure import BenchError, Figure
from rehearsal.embedded import EmbeddedCloud


def interruptions() -> list[Figure]:
    """Finished epochs that were lost and half-written checkpoints that were loaded, however often it was killed."""
    with tempfile.TemporaryDirectory() as folder:
        alone = spot_drill.drill(spot_drill.KILLS, Path(folder))
    with tempfile.TemporaryDirectory() as folder, EmbeddedCloud("us-east-1", Path(folder)) as cloud:
        cloud.start()
        jobs = spot_jobs.drill(cloud, spot_drill.JOBS)
    kills = sum(job.kills for job in jobs)
    if not kills:
        raise BenchError("no job was killed before it ended")
    against = (
        f"{alone.kills} kills of the module in-process, {kills} of {len(jobs)} real spot jobs on the embedded cloud"
    )
    told = {"limit": 0, "against": against, "samples": alone.kills + kills, "profile": spot_drill.PROFILE}
    lost = alone.lost_epochs + sum(job.lost_epochs for job in jobs)
    # A job that had gone on from half of a state would train its next epochs to other losses than the calm one.
    wrong = alone.half_written_loaded + sum(job.told != jobs[0].told or job.differing > 0 for job in jobs)
    return [
        Figure(name="spot_drill.lost_epochs", value=lost, unit="epochs", **told),
        Figure(name="spot_drill.half_written_loaded", value=wrong, unit="checkpoints", **told),
    ]
