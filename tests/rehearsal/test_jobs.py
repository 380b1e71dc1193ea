"""Training and processing jobs run as AWS documents: the contract, time limits, stops, logs and metrics."""

import io
import json
import threading
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rehearsal.embedded import EmbeddedCloud
from rehearsal.sagemaker import container
from rehearsal.sagemaker.store import AwsError
from tests.rehearsal.jobbing import ENDED, SKLEARN, Workshop, lines, packed, unpacked, until

pytestmark = pytest.mark.slow

SAVE = "import os; open(os.environ['SM_MODEL_DIR'] + '/weights', 'w').write('half')\n"
SLEEP = "import time; print('here', flush=True); time.sleep(300)\n"
ON_TERM = """
import os, signal, sys, time
def save(*_):
    open(os.environ['SM_MODEL_DIR'] + '/weights', 'w').write('saved on SIGTERM')
    sys.exit(0)
signal.signal(signal.SIGTERM, save)
print('here', flush=True)
time.sleep(300)
"""
LISTED = """
import os, pathlib
home = pathlib.Path(os.environ['HERE'])
folder = home / 'processing' / 'listed'
names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob('*') if path.is_file())
(home / 'output' / 'message').write_text(str(names))
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, lambda *_: print('no', flush=True))\n" + SAVE + SLEEP


def speaking(cloud: EmbeddedCloud, name: str, noun: str = "TrainingJob") -> Any:
    return lambda: "here" in lines(cloud, noun, name)


def test_a_completed_job_went_through_awss_states_and_left_its_model(cloud: EmbeddedCloud, workshop: Workshop) -> None:
    workshop.train("plain", SAVE)
    job = workshop.ended("plain")
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert workshop.phases("plain") == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    steps = job["SecondaryStatusTransitions"]
    assert all(step["StatusMessage"] and step["EndTime"] >= step["StartTime"] for step in steps)
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"]
    assert 1 <= job["BillableTimeInSeconds"] <= job["TrainingTimeInSeconds"]
    assert unpacked(cloud, "out/plain/output/model.tar.gz") == {"weights": "half"}
    told = [d["SecondaryStatus"] for kind, d in workshop.host.events if kind == "SageMaker Training Job State Change"]
    assert told == ["Starting", "Downloading", "Training", "Uploading", "Completed"]


def test_a_job_out_of_time_on_the_clouds_clock_is_stopped_and_keeps_its_artifacts(
    cloud: EmbeddedCloud, workshop: Workshop
) -> None:
    workshop.train("limited", ON_TERM, limit=600)
    until(speaking(cloud, "limited"))
    workshop.clock.advance(599 - 30)
    assert workshop.job("limited")["TrainingJobStatus"] == "InProgress"
    workshop.clock.advance(3600)
    job = workshop.ended("limited")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert workshop.phases("limited") == ["Starting", "Downloading", "Training", "Stopping", "MaxRuntimeExceeded"]
    assert abs(job["TrainingTimeInSeconds"] - 600) <= 1
    assert "FailureReason" not in job
    assert unpacked(cloud, "out/limited/output/model.tar.gz") == {"weights": "saved on SIGTERM"}


def test_a_job_that_overruns_goes_on_until_it_is_stopped(workshop: Workshop) -> None:
    workshop.service.faults.set(overrun=True)
    workshop.train("overruns", "import time; time.sleep(60)", limit=60)
    until(lambda: workshop.job("overruns")["SecondaryStatus"] == "Training")
    workshop.clock.advance(3600)
    assert workshop.job("overruns")["TrainingJobStatus"] == "InProgress"
    workshop.service.call("StopTrainingJob", {"TrainingJobName": "overruns"})
    assert workshop.ended("overruns")["SecondaryStatus"] == "Stopped"


def test_a_stopped_job_has_120_seconds_after_sigterm_and_no_more(cloud: EmbeddedCloud, workshop: Workshop) -> None:
    assert container.GRACE_SECONDS == 120
    workshop.train("deaf", DEAF)
    until(speaking(cloud, "deaf"))
    workshop.service.call("StopTrainingJob", {"TrainingJobName": "deaf"})
    assert workshop.job("deaf")["SecondaryStatus"] == "Stopping"
    until(lambda: "no" in lines(cloud, "TrainingJob", "deaf"))
    workshop.clock.advance(119 - 30)  # the test itself takes some of the time
    pause = threading.Event()
    pause.wait(0.3)
    assert workshop.job("deaf")["TrainingJobStatus"] == "Stopping"
    workshop.clock.advance(31)
    job = workshop.ended("deaf")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert unpacked(cloud, "out/deaf/output/model.tar.gz") == {"weights": "half"}


@pytest.mark.parametrize("noun", ["TrainingJob", "ProcessingJob"])
def test_a_job_that_has_ended_cannot_be_stopped(workshop: Workshop, noun: str) -> None:
    name = f"over-{noun.lower()}"
    workshop.train(name, "pass") if noun == "TrainingJob" else workshop.process(name, "pass")
    assert workshop.ended(name, noun)[f"{noun}Status"] == "Completed"
    words = f"The request was rejected because the {noun[:-3].lower()} job is in status Completed."
    with pytest.raises(AwsError, match=words) as refused:
        workshop.service.call(f"Stop{noun}", {f"{noun}Name": name})
    assert refused.value.code == "ValidationException"


def test_the_failure_file_is_the_reason(workshop: Workshop) -> None:
    script = "import os\nopen(os.environ['SM_OUTPUT_DIR'] + '/failure', 'w').write('no such column')\nexit(3)"
    workshop.train("failing", script)
    job = workshop.ended("failing")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    assert job["FailureReason"] == "AlgorithmError: no such column, exit code: 3"


def test_two_instances_know_each_other(cloud: EmbeddedCloud, workshop: Workshop) -> None:
    script = """
import json, os
config = json.load(open(os.environ['SM_INPUT_CONFIG_DIR'] + '/resourceconfig.json'))
assert config['hosts'] == json.loads(os.environ['SM_HOSTS']) == ['algo-1', 'algo-2']
assert config['current_host'] == os.environ['SM_CURRENT_HOST']
assert config['current_instance_type'] == os.environ['SM_CURRENT_INSTANCE_TYPE'] == 'ml.m5.large'
open(os.environ['SM_MODEL_DIR'] + '/' + config['current_host'], 'w').write('was here')
"""
    workshop.train("pair", script, instances=2)
    job = workshop.ended("pair")
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    assert set(unpacked(cloud, "out/pair/output/model.tar.gz")) == {"algo-1", "algo-2"}


TOOLKIT = """
import argparse, json, os, helper
parser = argparse.ArgumentParser()
parser.add_argument('--learning-rate', type=float)
parser.add_argument('-k', type=int)
given = parser.parse_args()
rows = open(os.environ['SM_CHANNEL_TRAIN'] + '/rows.csv').read()
names = ('SM_HPS', 'SM_HP_K', 'SM_CHANNELS', 'SM_USER_ARGS', 'SM_MODULE_NAME')
told = {'rate': given.learning_rate, 'k': given.k, 'rows': rows, **{name: os.environ[name] for name in names}}
json.dump(told, open(os.environ['SM_MODEL_DIR'] + '/told.json', 'w'))
print(helper.WORD)
"""


def test_script_mode_runs_the_submitted_program_with_hyperparameters_as_arguments(
    cloud: EmbeddedCloud, workshop: Workshop
) -> None:
    s3 = cloud.client("s3")
    s3.put_object(Bucket="jobs", Key="code.tar.gz", Body=packed(train=TOOLKIT, helper="WORD = 'helped'"))
    s3.put_object(Bucket="jobs", Key="data/rows.csv", Body=b"1,2")
    parameters = {
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": '"s3://jobs/code.tar.gz"',
        "learning-rate": "0.5",
        "k": "3",
    }
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://jobs/data"}}
    channels = [{"ChannelName": "train", "DataSource": source}]
    workshop.train("scripted", HyperParameters=parameters, InputDataConfig=channels)
    job = workshop.ended("scripted")
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    told = json.loads(unpacked(cloud, "out/scripted/output/model.tar.gz")["told.json"])
    assert (told["rate"], told["k"], told["rows"]) == (0.5, 3, "1,2")
    assert json.loads(told["SM_HPS"]) == {"learning-rate": 0.5, "k": 3} and told["SM_HP_K"] == "3"
    assert json.loads(told["SM_CHANNELS"]) == ["train"] and told["SM_MODULE_NAME"] == "train"
    assert json.loads(told["SM_USER_ARGS"]) == ["-k", "3", "--learning-rate", "0.5"]
    assert "helped" in lines(cloud, "TrainingJob", "scripted")


def test_script_mode_runs_a_zip_that_came_by_a_channel_and_is_named_like_a_script(
    cloud: EmbeddedCloud, workshop: Workshop
) -> None:
    """As a tuning job's training jobs do, which have no ContainerEntrypoint and, isolated, no way to S3."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("__main__.py", "import os, sys; print('told', os.environ['COMMAND'], sys.argv[1:])")
    cloud.client("s3").put_object(Bucket="jobs", Key="zips/0a1b2c.py", Body=code.getvalue())
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://jobs/zips/0a1b2c.py"}}
    place = "/opt/ml/input/data/code"
    for name, program in (("zipped", "0a1b2c.py"), ("zipped-badly", "0a1b2c.zip")):
        parameters = {"sagemaker_program": program, "sagemaker_submit_directory": place, "column": "Price ($)"}
        channels = [{"ChannelName": "code", "DataSource": source}]
        workshop.train(name, HyperParameters=parameters, InputDataConfig=channels, Environment={"COMMAND": "train"})
    assert workshop.ended("zipped")["TrainingJobStatus"] == "Completed"
    assert "told train ['--column', 'Price ($)']" in lines(cloud, "TrainingJob", "zipped")
    assert "it must end in .py or .sh here" in workshop.ended("zipped-badly")["FailureReason"]


def test_what_stands_in_for_the_image_is_told_in_the_answer_and_in_the_log(
    cloud: EmbeddedCloud, workshop: Workshop
) -> None:
    workshop.train("marked", "pass")
    messages = [step["StatusMessage"] for step in workshop.ended("marked")["SecondaryStatusTransitions"]]
    assert any("Stand-in: this machine's Python and scikit-learn" in message for message in messages)
    assert lines(cloud, "TrainingJob", "marked")[0].startswith("stand-in: this machine's Python and scikit-learn")


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("x/unknown:1", "no runner for image 'x/unknown:1'"),
        ("x/sagemaker-xgboost:1.7-1", "the package xgboost is not installed here"),
        (SKLEARN, "it needs the hyperparameters sagemaker_program and sagemaker_submit_directory"),
    ],
)
def test_an_image_that_cannot_train_here_fails_the_job_with_a_reason(
    workshop: Workshop, image: str, words: str
) -> None:
    workshop.train("unrunnable", specification={"TrainingImage": image})
    job = workshop.ended("unrunnable")
    assert job["TrainingJobStatus"] == "Failed" and words in job["FailureReason"]


def test_capacity_that_is_not_there_fails_a_job_on_demand(workshop: Workshop) -> None:
    workshop.service.faults.no_capacity = ("ml.m5.large",)
    workshop.train("crowded", "pass")
    workshop.process("crowded", "pass")
    reason = (
        "CapacityError: Unable to provision requested ML compute capacity. "
        "Please retry using a different ML instance type."
    )
    assert workshop.ended("crowded")["FailureReason"] == reason
    assert workshop.ended("crowded", "ProcessingJob")["FailureReason"] == reason


def test_lines_are_in_cloudwatch_while_the_job_runs(cloud: EmbeddedCloud, workshop: Workshop) -> None:
    workshop.clock.advance(86_400)
    workshop.train("talking", SLEEP)
    until(speaking(cloud, "talking"))
    assert workshop.job("talking")["TrainingJobStatus"] == "InProgress"
    [stream] = cloud.client("logs").describe_log_streams(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix="talking/"
    )["logStreams"]
    host, epoch = stream["logStreamName"].removeprefix("talking/").rsplit("-", 1)
    assert host == "algo-1" and abs(int(epoch) - workshop.clock.now()) < 60
    workshop.service.call("StopTrainingJob", {"TrainingJobName": "talking"})
    assert workshop.ended("talking")["TrainingJobStatus"] == "Stopped"


def test_more_lines_than_one_call_takes_all_arrive(cloud: EmbeddedCloud, workshop: Workshop) -> None:
    workshop.train("chatty", "for i in range(12000): print('line', i)")
    assert workshop.ended("chatty")["TrainingJobStatus"] == "Completed"
    logs = cloud.client("logs")
    group = "/aws/sagemaker/TrainingJobs"
    stream = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="chatty/")["logStreams"][0]
    where = {"logGroupName": group, "logStreamName": stream["logStreamName"]}
    assert logs.get_log_events(**where, startFromHead=True, limit=10_000)["events"][1]["message"] == "line 0"
    assert logs.get_log_events(**where, startFromHead=False, limit=10)["events"][-1]["message"] == "line 11999"


def test_metrics_are_read_from_the_log(cloud: EmbeddedCloud, workshop: Workshop) -> None:
    definitions = [{"Name": "loss", "Regex": "loss=([0-9.]+)"}, {"Name": "never", "Regex": "f1=([0-9.]+)"}]
    script = "print('epoch 1 loss=0.75'); print('epoch 2 loss=0.25')"
    workshop.train("measured", script, specification={"MetricDefinitions": definitions})
    job = workshop.ended("measured")
    assert [(m["MetricName"], m["Value"]) for m in job["FinalMetricDataList"]] == [("loss", 0.25)]
    metric = {
        "Namespace": "/aws/sagemaker/TrainingJobs",
        "MetricName": "loss",
        "Dimensions": [{"Name": "TrainingJobName", "Value": "measured"}],
    }
    stat = {"Metric": metric, "Period": 3600, "Stat": "SampleCount"}
    now = workshop.clock.now()
    found = cloud.client("cloudwatch").get_metric_data(
        MetricDataQueries=[{"Id": "m", "MetricStat": stat}], StartTime=now - 7200, EndTime=now + 7200
    )
    assert sum(found["MetricDataResults"][0]["Values"]) == 2


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"specification": {"MetricDefinitions": [{"Name": "m", "Regex": "(["}]}}, "regex"),
        ({"specification": {"MetricDefinitions": [{"Name": "m", "Regex": "x"}]}}, "without a group"),
        ({"specification": {"TrainingInputMode": "Pipe"}}, "TrainingInputMode as asked for is not emulated"),
        ({"RetryStrategy": {"MaximumRetryAttempts": 1}}, "RetryStrategy as asked for is not emulated"),
        ({"CheckpointConfig": {"S3Uri": "s3://jobs/c", "LocalPath": "/tmp"}}, "outside /opt/ml"),
    ],
)
def test_a_training_job_that_cannot_be_emulated_is_refused(
    workshop: Workshop, more: dict[str, Any], words: str
) -> None:
    with pytest.raises(AwsError, match=words) as refused:
        workshop.train("refused", "pass", **more)
    assert refused.value.code == "ValidationException"


def test_an_object_whose_key_leads_out_of_the_jobs_folder_fails_the_job(
    cloud: EmbeddedCloud, workshop: Workshop
) -> None:
    cloud.client("s3").put_object(Bucket="jobs", Key="astray/../../../../escaped", Body=b"x")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://jobs/astray/"}}
    workshop.train("astray", InputDataConfig=[{"ChannelName": "train", "DataSource": source}])
    assert "would be written outside its folder" in workshop.ended("astray")["FailureReason"]


def test_a_processing_job_finds_its_own_description_and_leaves_a_message(workshop: Workshop) -> None:
    script = """
import json, os
folder = os.environ['HERE']
job = json.load(open(folder + '/config/processingjobconfig.json'))
hosts = json.load(open(folder + '/config/resourceconfig.json'))['hosts']
open(folder + '/output/message', 'w').write(job['ProcessingJobName'] + ' on ' + ','.join(hosts))
"""
    workshop.process("described", script, Environment={"HERE": "/opt/ml"})
    job = workshop.ended("described", "ProcessingJob")
    assert job["ProcessingJobStatus"] == "Completed", job["FailureReason"]
    assert job["ExitMessage"] == "described on algo-1"


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ('[{"prefix": "s3://jobs/listed/"}, "a.txt", "2026/b.txt"]', "['2026/b.txt', 'a.txt']"),
        ('[{"prefix": "s3://jobs/listed/"}]', "lists nothing"),
        ('{"a": 1}', "is no manifest"),
        ('[{"prefix": "s3://jobs/listed/"}, "../secret.txt"]', "outside its folder"),
    ],
)
def test_a_processing_job_gets_what_a_manifest_lists_and_nothing_else(
    cloud: EmbeddedCloud, workshop: Workshop, manifest: str, told: str
) -> None:
    s3, name = cloud.client("s3"), f"listed-{zlib.crc32(manifest.encode())}"
    for key in ("listed/a.txt", "listed/2026/b.txt", "listed/c.txt"):
        s3.put_object(Bucket="jobs", Key=key, Body=b"x")
    s3.put_object(Bucket="jobs", Key=f"{name}.json", Body=manifest.encode())
    place = "/opt/ml/processing/listed"
    source = {"S3Uri": f"s3://jobs/{name}.json", "LocalPath": place, "S3InputMode": "File"}
    listed = {"InputName": "listed", "S3Input": {**source, "S3DataType": "ManifestFile"}}
    workshop.process(name, LISTED, inputs=(listed,), Environment={"HERE": "/opt/ml"})
    ended = workshop.ended(name, "ProcessingJob")
    assert told in f"{ended.get('ExitMessage') or ended.get('FailureReason')}"


def test_why_a_processing_job_failed_is_in_its_message_alone(workshop: Workshop) -> None:
    script = """
import os, sys
open(os.environ['HERE'] + '/output/message', 'w').write('no such column ' + 1000 * 'ü')
open(os.environ['HERE'] + '/output/failure', 'w').write('not read')
sys.exit('not read either')
"""
    workshop.process("refusing", script, Environment={"HERE": "/opt/ml"})
    job = workshop.ended("refusing", "ProcessingJob")
    assert job["FailureReason"] == "AlgorithmError: See job logs for more information"
    assert job["ExitMessage"].startswith("no such column ü") and len(job["ExitMessage"].encode()) == 1023
    workshop.process("silent", "exit(2)")
    assert "ExitMessage" not in workshop.ended("silent", "ProcessingJob")


def test_messages_of_all_containers_follow_each_other_and_are_utf_8(workshop: Workshop) -> None:
    script = "import os\nopen(os.environ['HERE'] + '/output/message', 'w').write(os.environ['SM_CURRENT_HOST'])"
    cluster = {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    more: dict[str, Any] = {"Environment": {"HERE": "/opt/ml"}, "ProcessingResources": {"ClusterConfig": cluster}}
    workshop.process("two", script, **more)
    assert workshop.ended("two", "ProcessingJob")["ExitMessage"] == "algo-1algo-2"
    workshop.process(
        "latin", script.replace("'w'", "'w', encoding='latin-1'").replace("os.environ['SM", "'ü' or ['SM"), **more
    )
    job = workshop.ended("latin", "ProcessingJob")
    assert job["ProcessingJobStatus"] == "Failed" and "output/message is not UTF-8" in job["FailureReason"]


def test_a_processing_job_out_of_time_is_stopped_without_outputs(cloud: EmbeddedCloud, workshop: Workshop) -> None:
    target = {"S3Uri": "s3://jobs/late", "LocalPath": "/opt/ml/processing/out", "S3UploadMode": "EndOfJob"}
    outputs = {"Outputs": [{"OutputName": "o", "S3Output": target}]}
    limit = {"MaxRuntimeInSeconds": 60}
    workshop.process("late", SLEEP, ProcessingOutputConfig=outputs, StoppingCondition=limit)
    until(speaking(cloud, "late", "ProcessingJob"))
    workshop.clock.advance(61)
    job = workshop.ended("late", "ProcessingJob")
    assert job["ProcessingJobStatus"] == "Stopped" and job["ProcessingEndTime"] >= job["ProcessingStartTime"] + 60
    assert "Contents" not in cloud.client("s3").list_objects_v2(Bucket="jobs", Prefix="late")


def test_paused_jobs_start_when_the_pause_is_over(workshop: Workshop) -> None:
    workshop.jobs.set_paused(True)
    before = threading.active_count()
    for name in ("first", "second", "third"):
        workshop.train(name, "pass")
    assert threading.active_count() == before
    assert workshop.job("first")["SecondaryStatus"] == "Starting"
    workshop.service.call("StopTrainingJob", {"TrainingJobName": "third"})
    assert workshop.ended("third")["TrainingJobStatus"] == "Stopped"
    assert workshop.job("first")["TrainingJobStatus"] == "InProgress"
    assert workshop.jobs.set_paused(False) == {"paused": False, "waiting": 0}
    assert [workshop.ended(name)["TrainingJobStatus"] for name in ("first", "second")] == ["Completed", "Completed"]


def test_the_control_api_pauses_jobs(cloud: EmbeddedCloud, role: str) -> None:
    sagemaker = cloud.client("sagemaker")
    assert cloud.control("jobs", paused=True) == {"paused": True, "waiting": 0}
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    sagemaker.create_processing_job(
        ProcessingJobName="held",
        RoleArn=role,
        AppSpecification={"ImageUri": SKLEARN, "ContainerEntrypoint": ["true"]},
        ProcessingResources={"ClusterConfig": cluster},
    )
    assert cloud.control("jobs", paused=True) == {"paused": True, "waiting": 1}
    assert cloud.control("jobs", paused=False) == {"paused": False, "waiting": 0}
    until(lambda: sagemaker.describe_processing_job(ProcessingJobName="held")["ProcessingJobStatus"] in ENDED)
    assert sagemaker.describe_processing_job(ProcessingJobName="held")["ProcessingJobStatus"] == "Completed"


DRIVER = """#!/bin/bash
set -e
python3 /opt/ml/input/data/sm_drivers/scripts/environment.py
cd /opt/ml/input/data/code
. /opt/ml/input/sm_training.env
python3 train.py
"""
DRIVER_ENVIRONMENT = "open('/opt/ml/input/sm_training.env', 'w').write('export SM_MODEL_DIR=/opt/ml/model\\n')"


def test_the_sdks_driver_channel_runs_with_the_entry_point_that_the_sdk_sends(
    cloud: EmbeddedCloud, workshop: Workshop
) -> None:
    s3 = cloud.client("s3")
    s3.put_object(Bucket="jobs", Key="sdk/sm_drivers/sm_train.sh", Body=DRIVER.encode())
    s3.put_object(Bucket="jobs", Key="sdk/sm_drivers/scripts/environment.py", Body=DRIVER_ENVIRONMENT.encode())
    s3.put_object(Bucket="jobs", Key="sdk/code/train.py", Body=SAVE.encode())
    place = "/opt/ml/input/data/sm_drivers/sm_train.sh"
    entry = {"ContainerEntrypoint": ["/bin/bash"], "ContainerArguments": ["-c", f"chmod +x {place} && {place}"]}
    channels = [
        {
            "ChannelName": name,
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://jobs/sdk/{name}/"}},
        }
        for name in ("code", "sm_drivers")
    ]
    workshop.train("sdk", specification=entry, InputDataConfig=channels)
    job = workshop.ended("sdk")
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    assert unpacked(cloud, "out/sdk/output/model.tar.gz") == {"weights": "half"}


def test_only_what_is_below_opt_ml_is_read_as_the_jobs_folder(tmp_path: Path) -> None:
    said = "/opt/ml/model:/opt/mlflow:/srv/opt/ml --at=/opt/ml"
    assert container.local(said, tmp_path) == f"{tmp_path}/model:/opt/mlflow:/srv/opt/ml --at={tmp_path}"


def test_a_role_that_may_not_publish_metrics_loses_them_and_no_more(
    workshop: Workshop, make_role: Callable[..., str]
) -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    silent = make_role("no-metrics", [everything, {**everything, "Effect": "Deny", "Action": "cloudwatch:*"}])
    definitions = [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]
    workshop.train("unheard", "print('loss=1')", specification={"MetricDefinitions": definitions}, RoleArn=silent)
    job = workshop.ended("unheard")
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    assert [metric["Value"] for metric in job["FinalMetricDataList"]] == [1]
