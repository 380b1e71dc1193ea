"""Nothing that was started outlives its parent, however the parent ends."""

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from rehearsal import guard, processes
from rehearsal.embedded import ROOT, EmbeddedCloud
from tests.rehearsal.conftest import TRUST
from tests.rehearsal.searching import PLANE, Searching


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def gone(pid: int, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_process_that_ignores_sigterm_is_killed_with_its_children(tmp_path: Path) -> None:
    script = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)"
    )
    log = tmp_path / "log"
    process = processes.start([sys.executable, "-c", script], env=processes.clean_environment(), cwd=tmp_path, log=log)
    while not log.read_text():
        time.sleep(0.02)
    child = int(log.read_text())
    assert processes.stop(process, grace_seconds=0.2) == -signal.SIGKILL
    assert gone(child)


def test_children_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; from rehearsal import processes; import sys, time\n"
        "child = processes.start([sys.executable, '-c', 'import time; time.sleep(60)'],"
        f" env=processes.clean_environment(), cwd=Path('.'), log=Path({str(tmp_path / 'log')!r}))\n"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert alive(child)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert gone(child)


def test_a_child_inherits_no_credentials(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    environment = processes.clean_environment(HOME="here")
    assert environment["HOME"] == "here"
    assert not {"AWS_SECRET_ACCESS_KEY", "PYTHONPATH"} & set(environment)


BACKGROUND = ["sh", "-c", "sleep {number} & setsid sleep {number}1 & wait"]
FUNCTION = "import time\ndef handler(event, context):\n    time.sleep({number})\n"


@pytest.mark.slow
def test_when_the_cloud_is_killed_nothing_that_came_of_it_is_left_and_the_next_one_starts(tmp_path: Path) -> None:
    """A job with processes in the background and in a session of their own, and a function that runs."""
    for number in (7351, 7352):
        with EmbeddedCloud("us-east-1", tmp_path / "same") as cloud:
            cloud.start()
            occupied(cloud, number, tmp_path)
            [killed] = guard.children(cloud.process.pid)
            os.kill(killed, signal.SIGKILL)
            deadline = time.monotonic() + 20
            while found := running(number, tmp_path):
                assert time.monotonic() < deadline, found
                time.sleep(0.05)


def test_the_end_of_the_block_ends_what_a_job_left_in_the_background(tmp_path: Path) -> None:
    with EmbeddedCloud("us-east-1", tmp_path / "7353") as cloud:
        cloud.start()
        occupied(cloud, 7353, tmp_path)
    assert running(7353, tmp_path) == []


@pytest.mark.slow
def test_when_the_cloud_is_killed_amid_a_tuning_job_none_of_its_jobs_is_left(tmp_path: Path) -> None:
    with EmbeddedCloud("us-east-1", tmp_path / "tuned") as cloud:
        cloud.start()
        iam, allowed = cloud.client("iam"), {"Effect": "Allow", "Action": "*", "Resource": "*"}
        role = iam.create_role(RoleName="tunes", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.put_role_policy(RoleName="tunes", PolicyName="own", PolicyDocument=policy)
        Searching(cloud, role).tune("long", "os.system('setsid sleep 7354 & sleep 7354')", PLANE, 4, 4)
        deadline = time.monotonic() + 20
        while sum("sleep 7354" in command for command in running(7354, tmp_path)) < 8:
            assert time.monotonic() < deadline, running(7354, tmp_path)
            time.sleep(0.05)
        [killed] = guard.children(cloud.process.pid)
        os.kill(killed, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while found := running(7354, tmp_path):
            assert time.monotonic() < deadline, found
            time.sleep(0.05)


def occupied(cloud: EmbeddedCloud, number: int, folder: Path) -> None:
    """Start a job and a function that last longer than any test."""
    iam, trust = cloud.client("iam"), ("sagemaker.amazonaws.com", "lambda.amazonaws.com")
    statements = [{"Effect": "Allow", "Principal": {"Service": s}, "Action": "sts:AssumeRole"} for s in trust]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    role = iam.create_role(RoleName="long", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    cloud.client("sagemaker").create_processing_job(
        ProcessingJobName="long",
        RoleArn=role,
        AppSpecification={
            "ImageUri": "1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1",
            "ContainerEntrypoint": [part.format(number=number) for part in BACKGROUND],
        },
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
    )
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", FUNCTION.format(number=number))
    functions = cloud.client("lambda")
    functions.create_function(
        FunctionName="long", Runtime="python3.13", Role=role, Handler="index.handler", Code={"ZipFile": code.getvalue()}
    )
    functions.invoke(FunctionName="long", InvocationType="Event", Payload=b"{}")
    deadline = time.monotonic() + 20
    while len(running(number, folder)) < 4:  # the cloud's own, the worker, and the two of the job at least
        assert time.monotonic() < deadline, running(number, folder)
        time.sleep(0.05)


def running(number: int, folder: Path) -> list[str]:
    """The command lines of processes that work in a folder or sleep so long."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = str((path / "cwd").readlink())
            home = f"SLUICE_WORK={folder}" in (path / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if f"sleep {number}" in command or place.startswith(str(folder)) or home:
            found.append(command)
    return found
