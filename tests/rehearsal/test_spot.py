"""Managed spot training. Expectations: AWS, "Managed Spot Training Lifecycle", CheckpointConfig, StoppingCondition."""

from pathlib import Path
from typing import Any

import pytest

from rehearsal.embedded import EmbeddedCloud
from rehearsal.sagemaker.store import AwsError
from tests.rehearsal.jobbing import Workshop, lines, text, unpacked, until

pytestmark = pytest.mark.slow
COUNT = """
import json, os, pathlib, time
place = pathlib.Path(os.environ['CHECKPOINTS']) / 'state.json'
state = json.loads(place.read_text()) if place.exists() else {'step': 0, 'sum': 0}
first = state['step'] + 1
print('from', first - 1, flush=True)
while state['step'] < 30:
    state = {'step': state['step'] + 1, 'sum': state['sum'] + state['step'] + 1}
    place.with_suffix('.tmp').write_text(json.dumps(state))
    os.replace(place.with_suffix('.tmp'), place)
    if first == 1 and state['step'] == int(os.environ['PAUSE_AT']):
        time.sleep(300)
pathlib.Path(os.environ['SM_MODEL_DIR'], 'sum').write_text(str(state['sum']))
"""
FOREVER = "import time; print('here', flush=True); time.sleep(300)"
SMALL = ("ml.m5.large",)


def count(workshop: Workshop, name: str, pause_at: int) -> None:
    """Add up to 30 with a checkpoint a step; the first attempt waits, for ever, at a step of these if any."""
    config = {"S3Uri": f"s3://jobs/checkpoints/{name}"}
    own = {"CHECKPOINTS": "/opt/ml/checkpoints", "PAUSE_AT": str(pause_at)}
    workshop.train(name, COUNT, spot_wait=7200, CheckpointConfig=config, Environment=own)


def test_an_interrupted_job_goes_on_from_its_checkpoint_to_the_same_result(
    cloud: EmbeddedCloud, workshop: Workshop
) -> None:
    count(workshop, "calm", 0)
    assert workshop.ended("calm")["TrainingJobStatus"] == "Completed"
    workshop.service.faults.interrupt_spot_after_seconds = 100
    count(workshop, "rough", 12)
    until(lambda: '"step": 12' in checkpoint(cloud, "rough"))
    workshop.clock.advance(101)
    job = workshop.ended("rough")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    attempt = ["Starting", "Downloading", "Training"]
    assert workshop.phases("rough") == [*attempt, "Interrupted", *attempt, "Uploading", "Completed"]
    assert workshop.phases("calm") == [*attempt, "Uploading", "Completed"]
    results = [unpacked(cloud, f"out/{name}/output/model.tar.gz") for name in ("calm", "rough")]
    assert results == [{"sum": "465"}, {"sum": "465"}]
    began = [int(line.split()[1]) for line in lines(cloud, "TrainingJob", "rough") if line.startswith("from ")]
    assert began == [0, 12], "the second attempt took up the first one's checkpoint"
    assert '"step": 30' in checkpoint(cloud, "rough")


def checkpoint(cloud: EmbeddedCloud, name: str) -> str:
    """The checkpoint in S3; empty while there is none."""
    key = f"checkpoints/{name}/state.json"
    found = cloud.client("s3").list_objects_v2(Bucket="jobs", Prefix=key).get("Contents")
    return text(cloud, key) if found else ""


def test_time_is_counted_while_there_are_instances(cloud: EmbeddedCloud, workshop: Workshop, tmp_path: Path) -> None:
    workshop.service.faults.interrupt_spot_after_seconds = 100
    once = f"import os, time; first = not os.path.exists({str(tmp_path / 'seen')!r})\n"
    once += f"open({str(tmp_path / 'seen')!r}, 'w').close(); print('here', flush=True); time.sleep(300 * first)"
    workshop.train("gap", once, limit=600, spot_wait=7200)
    until(lambda: "here" in lines(cloud, "TrainingJob", "gap"))
    workshop.service.faults.no_spot_capacity = SMALL
    workshop.clock.advance(101)
    until(lambda: workshop.job("gap")["SecondaryStatus"] == "Starting")
    workshop.clock.advance(1000)  # beyond the limit of the runtime, which waiting is not
    workshop.service.faults.no_spot_capacity = ()
    job = workshop.ended("gap")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert 100 <= job["TrainingTimeInSeconds"] < 200 and job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"]
    assert job["TrainingEndTime"] - job["TrainingStartTime"] > 1100


def test_spot_capacity_that_never_comes_stops_the_job_after_the_wait(workshop: Workshop) -> None:
    workshop.service.faults.no_spot_capacity = SMALL
    workshop.train("waiting", "pass", spot_wait=7200)
    workshop.train("on-demand", "pass")
    assert workshop.ended("on-demand")["TrainingJobStatus"] == "Completed"
    until(lambda: "Insufficient capacity" in workshop.job("waiting")["SecondaryStatusTransitions"][-1]["StatusMessage"])
    workshop.clock.advance(7000)
    job = workshop.job("waiting")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("InProgress", "Starting")
    workshop.clock.advance(201)
    job = workshop.ended("waiting")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")
    assert set(workshop.phases("waiting")) == {"Starting", "Stopping", "MaxWaitTimeExceeded"}
    assert "TrainingStartTime" not in job and "BillableTimeInSeconds" not in job


def test_capacity_that_comes_back_lets_the_job_run(workshop: Workshop) -> None:
    workshop.service.faults.no_spot_capacity = SMALL
    workshop.train("patient", "pass", spot_wait=7200)
    until(lambda: "Insufficient capacity" in workshop.job("patient")["SecondaryStatusTransitions"][-1]["StatusMessage"])
    workshop.service.faults.no_spot_capacity = ()
    assert workshop.ended("patient")["TrainingJobStatus"] == "Completed"


def test_a_job_that_runs_when_the_wait_is_over_is_stopped_too(cloud: EmbeddedCloud, workshop: Workshop) -> None:
    workshop.train("slow", FOREVER, limit=600, spot_wait=600)
    until(lambda: "here" in lines(cloud, "TrainingJob", "slow"))
    workshop.clock.advance(3600)
    job = workshop.ended("slow")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")


def test_checkpoints_in_s3_are_there_before_the_script_starts(cloud: EmbeddedCloud, workshop: Workshop) -> None:
    cloud.client("s3").put_object(Bucket="jobs", Key="earlier/deep/state", Body=b"epoch 7")
    script = "import os; print(open(os.environ['AT'] + '/deep/state').read())"
    config = {"S3Uri": "s3://jobs/earlier", "LocalPath": "/opt/ml/checkpoints/mine"}
    workshop.train("resumed", script, CheckpointConfig=config, Environment={"AT": "/opt/ml/checkpoints/mine"})
    assert workshop.ended("resumed")["TrainingJobStatus"] == "Completed"
    assert "epoch 7" in lines(cloud, "TrainingJob", "resumed")


def test_checkpoints_reach_s3_while_the_job_runs(cloud: EmbeddedCloud, workshop: Workshop) -> None:
    script = "import os, time; open(os.environ['AT'] + '/one', 'w').write('1'); time.sleep(300)"
    config = {"S3Uri": "s3://jobs/during"}
    workshop.train("during", script, CheckpointConfig=config, Environment={"AT": "/opt/ml/checkpoints"})
    s3 = cloud.client("s3")
    until(lambda: s3.list_objects_v2(Bucket="jobs", Prefix="during/").get("Contents"))
    assert workshop.job("during")["SecondaryStatus"] == "Training"
    workshop.service.call("StopTrainingJob", {"TrainingJobName": "during"})
    assert workshop.ended("during")["TrainingJobStatus"] == "Stopped"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}},
            "It is only supported when EnableManagedSpotTraining is set to true",
        ),
        ({"EnableManagedSpotTraining": True}, "greater than or equal to MaxRuntimeInSeconds"),
        (
            {
                "EnableManagedSpotTraining": True,
                "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 59},
            },
            "greater than or equal to MaxRuntimeInSeconds",
        ),
    ],
)
def test_the_wait_goes_with_spot_and_covers_the_runtime(
    workshop: Workshop, members: dict[str, Any], words: str
) -> None:
    with pytest.raises(AwsError, match=words) as refused:
        workshop.train("refused", "pass", **members)
    assert refused.value.code == "ValidationException"
